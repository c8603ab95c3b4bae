"""`effemb verify` names a damaged page; `effemb repair` recovers the rest and lists the losses."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from effective_embeddings import CategoryUpdate, Client
from tests.support.process import ServerProcess
from tests.support.vectors import random_vectors

_PAGE = 4096
_VECTORS = random_vectors(400, 64, seed=12)
_KEYS = [f"item {number}" for number in range(400)]


def _effemb(*arguments: str | Path) -> tuple[int, str, list[Any]]:
    """Exit code, standard error, and the printed JSON values."""
    command = [sys.executable, "-m", "effective_embeddings.cli", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode, done.stderr, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    with Client.embedded(folder) as client:
        client.create_namespace("ns", 64)
        client.put_categories("ns", [CategoryUpdate(f"c{n}", base=_VECTORS[n]) for n in range(5)])
        client.assign("ns", _KEYS, [f"c{n % 5}" for n in range(400)], _VECTORS)
    return folder


def _flip(folder: Path, page: int) -> None:
    database = folder / "effemb.db"
    content = bytearray(database.read_bytes())
    content[(page - 1) * _PAGE + 3000] ^= 4
    database.write_bytes(content)


def _page_of(folder: Path, text: bytes) -> int:
    """The number of the page with an item's row, found by its text."""
    return (folder / "effemb.db").read_bytes().index(text) // _PAGE + 1


def test_a_database_that_another_sqlite_has_read_after_a_crash_is_repaired_whole(
    tmp_path: Path,
) -> None:
    crashed, repaired = tmp_path / "crashed", tmp_path / "repaired"
    with ServerProcess(crashed) as server, Client(server.target) as client:
        client.create_namespace("ns", 64)
        client.put_categories("ns", [CategoryUpdate(f"c{n}", base=_VECTORS[n]) for n in range(5)])
        client.assign("ns", _KEYS, [f"c{n % 5}" for n in range(400)], _VECTORS)
        digest = client.get_namespace("ns").digest
        server.kill()
    with closing(sqlite3.connect(crashed / "effemb.db")) as other:
        assert other.execute("SELECT count(*) FROM items").fetchone() == (400,)
    code, error, _ = _effemb("info", "--data", crashed)
    assert code == 1
    assert "another SQLite program may have opened it" in error
    assert "`effemb repair DAMAGED NEW`" in error
    code, error, _ = _effemb("repair", crashed, repaired)
    assert code == 0, error
    with Client.embedded(repaired) as client:
        assert client.verify("ns").ok
        assert client.get_namespace("ns").digest == digest


def test_verify_without_a_name_checks_the_storage_and_all_namespaces(data: Path) -> None:
    code, _, told = _effemb("verify", "--data", data)
    storage, namespace = told
    assert code == 0
    assert storage["storage"]["page_count"] == (data / "effemb.db").stat().st_size // _PAGE
    assert (storage["storage"]["findings"], namespace["findings"]) == ([], [])


def test_verify_names_a_damaged_page_and_repair_lists_what_was_on_it(
    data: Path, tmp_path: Path
) -> None:
    page = _page_of(data, _VECTORS[200].tobytes())
    _flip(data, page)
    before = {file.name: file.read_bytes() for file in data.iterdir()}
    code, _, told = _effemb("verify", "--data", data)
    assert code == 1
    assert any(f"page {page} " in finding for finding in told[0]["storage"]["findings"])

    before |= {file.name: file.read_bytes() for file in data.iterdir()}
    new = tmp_path / "new"
    code, _, told = _effemb("repair", data, new)
    assert code == 1
    assert {file.name: file.read_bytes() for file in data.iterdir()} == before
    (report,) = told
    (namespace,) = report["namespaces"]
    lost = namespace["lost"]
    assert len(lost["items"]) == 1, "the row with the flipped bit, not its neighbours on the page"
    assert (lost["unnamed_items"], lost["categories"], lost["memberships"]) == (0, [], [])
    with Client.embedded(new) as client:
        kept = {item.key: item for item in client.list_items("ns", include_embeddings=True)}
        assert sorted(kept) == sorted(set(_KEYS) - set(lost["items"]))
        for key, item in kept.items():
            number = _KEYS.index(key)
            assert [each.category for each in item.memberships] == [f"c{number % 5}"]
            assert item.embedding is not None
            assert item.embedding.tobytes() == _VECTORS[number].tobytes()
        assert client.verify("ns").ok


def test_repair_of_an_undamaged_directory_loses_nothing(data: Path, tmp_path: Path) -> None:
    with Client.embedded(data) as client:
        digest = client.get_namespace("ns").digest
    code, _, _ = _effemb("repair", data, tmp_path / "new")
    assert code == 0
    with Client.embedded(tmp_path / "new") as client:
        assert client.get_namespace("ns").digest == digest
    code, errors, _ = _effemb("repair", data, tmp_path / "new")
    assert code == 1
    assert "not empty" in errors


def test_repair_refuses_a_directory_in_use(data: Path, tmp_path: Path) -> None:
    with Client.embedded(data):
        code, errors, _ = _effemb("repair", data, tmp_path / "new")
    assert code == 1
    assert "in use" in errors
    assert not (tmp_path / "new").exists()
