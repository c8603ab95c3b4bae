"""Every example runs and prints the expected result."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from effective_embeddings.server import ServerHandle, Settings

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def run(command: list[str], folder: Path, *, tools: Path | None = None) -> str:
    path = os.environ["PATH"] if tools is None else f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - an example of our own
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ten_lines_have_ten_lines_and_can_be_run_again(tmp_path: Path) -> None:
    example = EXAMPLES / "ten_lines.py"
    assert len(example.read_text("utf-8").splitlines()) == 10
    assert run([sys.executable, str(example)], tmp_path).split() == ["work", "health"]
    assert run([sys.executable, str(example)], tmp_path).split() == ["health", "health"]


@pytest.mark.slow
def test_routing_learns_from_corrections(tmp_path: Path) -> None:
    output = run([sys.executable, str(EXAMPLES / "route_messages.py")], tmp_path)
    shares = [float(share) for share in re.findall(r": ([0-9.]+)%", output)]
    assert shares[0] == 63.9
    assert shares[-1] == 84.2
    assert shares == sorted(shares)


def test_a_wrong_teacher_moves_messages_of_another(tmp_path: Path) -> None:
    run([sys.executable, str(EXAMPLES / "wrong_teacher.py"), "day"], tmp_path)
    files = {
        path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in (tmp_path / "day").iterdir()
    }
    counts = {"categories": 77, "items": 1694, "ann": 616, "carl": 33, "ben": 616}
    assert {name: len(rows) for name, rows in files.items()} == {
        f"{name}.jsonl": count for name, count in counts.items()
    }
    anns = {row["item"]: row["category"] for row in files["ann.jsonl"]}
    assert all(anns[row["item"]] != row["category"] for row in files["carl.jsonl"])


@pytest.mark.slow
def test_grpcurl_teaches_a_category(tmp_path: Path, grpcurl: Path) -> None:
    with ServerHandle(Settings(listen="127.0.0.1:0", data=tmp_path / "data")) as server:
        command = ["bash", str(EXAMPLES / "grpcurl.sh"), server.target]
        output = run(command, tmp_path, tools=grpcurl.parent)
    matched = re.findall(r'"matches": \[\s*\{\s*"category": "(\w+)"', output)
    assert matched == ["network", "billing"]


def test_every_example_is_listed_and_tested() -> None:
    table = (EXAMPLES / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\| \[([\w.]+)\]", table, re.MULTILINE))
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert files == listed | {"README.md"}
    source = Path(__file__).read_text("utf-8")
    assert all(f'"{name}"' in source for name in listed)
