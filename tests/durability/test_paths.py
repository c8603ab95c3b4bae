"""Paths of data directories that a database library may take for something else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from effective_embeddings import Client
from effective_embeddings.client.errors import EffectiveEmbeddingsError


def test_a_relative_path_that_looks_like_a_uri_is_a_path(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "effective_embeddings.cli", "namespace"]
    for arguments in (["create", "n", "--dimension", "3"], ["get", "n"]):
        done = subprocess.run(  # noqa: S603
            [*command, *arguments, "--data", "file:x?mode=memory"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "file:x?mode=memory" / "effemb.db").stat().st_size > 0


def test_a_path_that_is_not_utf_8_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    for _ in range(2):
        with Client.embedded(folder) as client:
            client.create_namespace("n", dimension=3, exist_ok=True)
            assert client.verify("n").ok
    assert (folder / "effemb.db").exists()


def test_a_path_that_is_too_long_is_refused_with_both_lengths(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 250) / ("y" * 250)
    with pytest.raises(EffectiveEmbeddingsError) as refused:
        Client.embedded(folder)
    length = len(os.fsencode(folder))
    assert f"has {length} bytes, at most 490" in str(refused.value)
    assert not folder.parent.exists()
