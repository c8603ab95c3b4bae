"""Paths that a command cannot use are refused by name, and nothing is created."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from effective_embeddings import Client
from tests.support.cli import run

_COMMANDS = [
    ["info"],
    ["verify"],
    ["namespace", "list"],
    ["category", "list", "ns"],
    ["item", "list", "ns"],
    ["match", "ns", "--embedding", "[1]"],
    ["explain", "ns", "--embedding", "[1]"],
    ["history", "ns"],
    ["export", "items", "ns", "-"],
    ["snapshot", "ns", "file"],
    ["assign", "ns", "item", "category"],
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    with Client.embedded(folder) as client:
        client.create_namespace("ns", 2)
        client.put_items("ns", "item", [1, 2])
    return folder


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.parametrize(
    ("place", "problem"),
    [("nowhere", "does not exist"), ("file", "is not a directory"), ("empty", "has no effemb.db")],
)
def test_a_path_without_a_data_directory_is_refused_and_left_as_it_is(
    tmp_path: Path, command: list[str], place: str, problem: str
) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    path = tmp_path / place
    done = run(*command, "--data", str(path), "--json")
    assert done.exit_code == 2
    message = json.loads(done.stderr)["error"]["message"]
    assert f"no data directory at {path}: it {problem}" in message
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["empty", "file"]


def test_backup_and_repair_need_a_data_directory(tmp_path: Path) -> None:
    empty, new = tmp_path / "empty", tmp_path / "new"
    empty.mkdir()
    for command in (["backup", "--data", str(empty), str(new)], ["repair", str(empty), str(new)]):
        done = run(*command, "--json")
        assert done.exit_code == 2
        assert f"no data directory at {empty}" in json.loads(done.stderr)["error"]["message"]
    assert list(tmp_path.rglob("*")) == [empty]


def test_a_backup_into_a_missing_folder_names_it(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "no" / "copy"
    done = run("backup", "--data", str(data), str(target), "--json")
    assert done.exit_code == 2
    message = json.loads(done.stderr)["error"]["message"]
    assert f"cannot create {target}: the folder {target.parent} does not exist" in message
    assert not target.parent.exists()


@pytest.mark.parametrize("command", [["snapshot", "ns"], ["export", "items", "ns"]])
def test_a_file_in_a_missing_folder_is_named_and_not_its_partial(
    data: Path, tmp_path: Path, command: list[str]
) -> None:
    target = tmp_path / "no" / "out.jsonl"
    done = run(*command, str(target), "--data", str(data), "--json")
    assert done.exit_code == 1
    message = json.loads(done.stderr)["error"]["message"]
    assert message == f"{target}: the folder {target.parent} does not exist"
    assert not target.parent.exists()


def test_a_directory_in_use_leads_to_the_server(data: Path) -> None:
    with Client.embedded(data):
        done = run("info", "--data", str(data))
    assert done.exit_code == 1
    assert "DIRECTORY_IN_USE" in done.stderr
    assert "leave out --data and call the server by --server HOST:PORT" in done.stderr


def test_a_namespace_that_is_not_empty_leads_to_force(data: Path) -> None:
    command = ("namespace", "delete", "ns", "--data", str(data))
    assert "--force deletes it" in run(*command).stderr
    refused = json.loads(run(*command, "--json").stderr)["error"]
    assert "--force" in refused["next_step"]
