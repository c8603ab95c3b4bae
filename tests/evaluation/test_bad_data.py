"""Data that cannot be evaluated is refused with the reason, before any work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from effective_embeddings.demo import sample_path
from tests.evaluation.data import SAMPLE, write_assignments, write_categories, write_lines
from tests.support.cli import run


def _refused(*arguments: str) -> str:
    done = run("evaluate", *arguments, "--json")
    assert done.exit_code == 1, (done.stdout, done.stderr)
    assert done.stdout == ""
    message: str = json.loads(done.stderr.splitlines()[-1])["error"]["message"]
    return message


def _rows(*labels: str, dimension: int = 3) -> list[dict[str, Any]]:
    return [
        {"item": f"i{row}", "category": label, "embedding": [1.0 + row] * dimension}
        for row, label in enumerate(labels)
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ["holds no rows"]),
        (_rows("a", "a", "a"), ["one category", "'a'"]),
        (_rows("a", "b"), ["no category has two items"]),
        ([{"item": "i"}], ["line 1", "category", "is missing"]),
        ([{"item": "i", "category": "a"}], ["item 'i' has no embedding", "--items"]),
        (
            [*_rows("a", "b"), {"item": "j", "category": "a", "embedding": [1.0, 2.0]}],
            ["line 3", "2 components", "line 1", "3"],
        ),
        ([*_rows("a", "b"), *_rows("b")], ["line 3", "'i0'", "earlier row"]),
        ([{"item": "i", "category": "a", "embedding": [1, "x"]}], ["line 1", "embedding"]),
    ],
)
def test_bad_rows(tmp_path: Path, rows: list[dict[str, Any]], words: list[str]) -> None:
    message = _refused(str(write_lines(tmp_path / "a.jsonl", rows)))
    for word in words:
        assert word in message


def test_a_vector_without_direction_is_refused_by_the_service(tmp_path: Path) -> None:
    rows = _rows("a", "a", "b", "b", "a", "b")
    rows[0]["embedding"] = [0.0, 0.0, 0.0]
    message = _refused(str(write_lines(tmp_path / "a.jsonl", rows)))
    assert "norm" in message


def test_items_of_a_category_that_the_categories_lack(tmp_path: Path) -> None:
    items = write_assignments(tmp_path / "a.jsonl", [0, 1, 2])
    categories = write_categories(tmp_path / "c.jsonl", [0, 1])
    message = _refused(str(items), "--categories", str(categories))
    assert SAMPLE.categories[2] in message
    assert "--categories" in message


def test_a_category_with_neither_items_nor_a_name(tmp_path: Path) -> None:
    items = write_assignments(tmp_path / "a.jsonl", [0, 1])
    categories = write_categories(tmp_path / "c.jsonl", [0, 1])
    with categories.open("a", encoding="utf-8") as file:
        file.write('{"key": "unknown"}\n')
    message = _refused(str(items), "--categories", str(categories))
    assert "category 'unknown' with neither items to assign nor the embedding of a name" in message


def test_bases_of_another_dimension(tmp_path: Path) -> None:
    items = write_lines(tmp_path / "a.jsonl", _rows("a", "b", "a", "b"))
    categories = write_lines(
        tmp_path / "c.jsonl", [{"key": key, "base": [1.0, 2.0]} for key in "ab"]
    )
    message = _refused(str(items), "--categories", str(categories))
    assert "a.jsonl, line 1" in message
    assert "3 components" in message


def test_test_items_of_an_unknown_category(tmp_path: Path) -> None:
    items = write_assignments(tmp_path / "a.jsonl", [0, 1])
    test = write_lines(
        tmp_path / "t.jsonl", [{"item": "x", "category": "new", "embedding": [1.0] * 384}]
    )
    assert "'new'" in _refused(str(items), "--test", str(test))


def test_items_that_are_assigned_and_tested_on(tmp_path: Path) -> None:
    items = write_assignments(tmp_path / "a.jsonl", [0, 1])
    first = items.read_text("utf-8").splitlines(keepends=True)[0]
    (tmp_path / "t.jsonl").write_text(first, "utf-8")
    message = _refused(str(items), "--test", str(tmp_path / "t.jsonl"))
    assert "1 of the items of --test" in message
    assert json.loads(first)["item"] in message


def test_an_item_in_two_files(tmp_path: Path) -> None:
    items = write_assignments(tmp_path / "a.jsonl", [0, 1])
    (tmp_path / "b.jsonl").write_bytes(items.read_bytes())
    message = _refused(str(items), str(tmp_path / "b.jsonl"))
    assert "b.jsonl, line 1" in message
    assert "earlier file" in message


def test_out_of_scope_that_is_neither_a_file_nor_a_category(tmp_path: Path) -> None:
    items = write_assignments(tmp_path / "a.jsonl", [0, 1])
    message = _refused(str(items), "--out-of-scope", "nothing")
    assert "--out-of-scope nothing" in message


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert "missing.jsonl" in _refused(str(tmp_path / "missing.jsonl"))
    assert "labels.json" in _refused(str(tmp_path))
    assert "one folder" in _refused(str(sample_path()), str(tmp_path))
    assert "--test" in _refused(str(sample_path()), "--test", "t.jsonl")
    (tmp_path / "labels.json").write_text("[]", "utf-8")
    assert "SOURCE.json" in _refused(str(tmp_path))


def test_two_files_of_one_name(tmp_path: Path) -> None:
    write_assignments(tmp_path / "assignments.jsonl", [0, 1])
    (tmp_path / "assignments.csv").write_text("item,category\n", "utf-8")
    assert "keep one" in _refused(str(tmp_path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--picture", "out.gif"),
        ("--normalization", "none"),
        ("--orders", "0"),
        ("--max-items", "1"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(arguments: tuple[str, str]) -> None:
    done = run("evaluate", "missing.jsonl", *arguments)
    assert done.exit_code == 2
    assert arguments[0] in done.stderr
