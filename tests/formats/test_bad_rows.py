"""Bad rows: each is refused with its place, and the rows beside it are read."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from effective_embeddings.formats import FormatError, Kind, Row, RowError, open_reader
from effective_embeddings.formats import refuse_repeated as refusing


def _read(path: Path, kind: Kind = Kind.ITEMS) -> list[Row | RowError]:
    reader = open_reader(str(path), kind, dimension=2)
    try:
        return list(reader)
    finally:
        reader.close()


def _good(rows: list[Row | RowError]) -> list[Any]:
    return [row for row in rows if not isinstance(row, RowError)]


def _bad(rows: list[Row | RowError]) -> RowError:
    (found,) = [row for row in rows if isinstance(row, RowError)]
    return found


_JSON_FAULTS: dict[str, tuple[bytes, str]] = {
    "a lone surrogate in the key": (rb'{"key": "\ud800"}', "UTF-8"),
    "a lone surrogate in metadata": (rb'{"key": "b", "metadata": {"a": "\udfff"}}', "UTF-8"),
    "a lone surrogate in a name": (rb'{"key": "b", "metadata": {"\ud800": "a"}}', "UTF-8"),
    "bytes that are not UTF-8": (b'{"key": "\xff"}', "UTF-8"),
    "a number of 400 digits": (b'{"key": "b", "weight": 1' + b"0" * 400 + b"}", "too large"),
    "a number of 5000 digits": (b'{"key": "b", "weight": ' + b"9" * 5000 + b"}", "digits"),
    "a component of 400 digits": (b'{"key": "b", "embedding": [1' + b"0" * 400 + b", 1]}", "list"),
    "100000 brackets": (b'{"key": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
    "100000 objects": (b'{"key": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "nested"),
    "a field twice": (b'{"key": "a", "key": "b"}', "twice"),
    "a name twice in metadata": (b'{"key": "b", "metadata": {"x": "1", "x": "2"}}', "twice"),
    "true in a vector": (b'{"key": "b", "embedding": [1, true]}', "list of numbers"),
    "true as a weight": (b'{"key": "b", "weight": true}', "must be a number"),
    "a list as metadata": (b'{"key": "b", "metadata": ["en", "de"]}', "object of texts"),
    "pairs as metadata": (b'{"key": "b", "metadata": [["en", "de"]]}', "object of texts"),
    "a number as metadata": (b'{"key": "b", "metadata": 1}', "object of texts"),
    "a list as parts": (b'{"key": "b", "parts": ["a"]}', "object of weights"),
    "a text in parts": (b'{"key": "b", "parts": {"a": "one"}}', "must be a number"),
    "true in parts": (b'{"key": "b", "parts": {"a": true}}', "must be a number"),
    "a part twice": (b'{"key": "b", "parts": {"a": 1, "a": 2}}', "twice"),
    "a number in metadata": (b'{"key": "b", "metadata": {"a": 1}}', "must be text"),
    "a number as the key": (b'{"key": 1}', "must be text"),
    "a nested vector": (b'{"key": "b", "embedding": [[1, 2]]}', "list of numbers"),
    "NaN in a vector": (b'{"key": "b", "embedding": [1, NaN]}', "finite"),
    "a component beyond 32 bits": (b'{"key": "b", "embedding": [1, 1e300]}', "finite"),
    "an underscore in a number": (b'{"key": "b", "weight": "1_000"}', "must be a number"),
    "UTF-16": ('{"key": "b"}'.encode("utf-16-le"), "JSON"),
    "a line that is too long": (b'{"key": "' + b"x" * (5 << 20) + b'"}', "longer"),
}


@pytest.mark.parametrize("name", _JSON_FAULTS)
def test_a_bad_line_of_json_is_named_and_its_neighbours_are_read(tmp_path: Path, name: str) -> None:
    line, problem = _JSON_FAULTS[name]
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"key": "first"}\n' + line + b'\n{"key": "last"}\n')
    rows = _read(file)
    assert [row.key for row in _good(rows)] == ["first", "last"]
    bad = _bad(rows)
    assert bad.place == f"{file}, line 2"
    assert problem in bad.problem
    assert len(str(bad)) < 400


_CSV_FAULTS: dict[str, tuple[bytes, str]] = {
    "bytes that are not UTF-8": (b"\xff,,", "UTF-8"),
    "not UTF-8 in metadata": (b'b,,"{""a"": ""\xff""}"', "UTF-8"),
    "too many cells": (b"b,,,", "4 cells"),
    "a quote in the middle": (b'"b"x,,', "not CSV"),
    "a cell that is too long": (b"b,," + b"x" * (5 << 20), "not CSV"),
    "a list as metadata": (b'b,,"[""en""]"', "object of texts"),
    "a name twice": (b'b,,"{""a"": ""1"", ""a"": ""2""}"', "twice"),
    "true in a vector": (b'b,"[1, true]",', "list of numbers"),
    "100000 brackets": (b"b," + b"[" * 100_000 + b",", "nested"),
    "a number of 5000 digits": (b'b,"[' + b"9" * 5000 + b', 1]",', "digits"),
}


@pytest.mark.parametrize("name", _CSV_FAULTS)
def test_a_bad_line_of_csv_is_named_and_its_neighbours_are_read(tmp_path: Path, name: str) -> None:
    line, problem = _CSV_FAULTS[name]
    file = tmp_path / "rows.csv"
    file.write_bytes(b"key,embedding,metadata\nfirst,,\n" + line + b"\nlast,,\n")
    rows = _read(file)
    assert [row.key for row in _good(rows)] == ["first", "last"]
    bad = _bad(rows)
    assert bad.place == f"{file}, line 3"
    assert problem in bad.problem


def test_a_quote_that_is_not_closed_is_one_bad_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b'key\nfirst\n"open\nlast\n')
    rows = _read(file)
    assert [row.key for row in _good(rows)] == ["first"]
    assert _bad(rows).place == f"{file}, line 3"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("rows.csv", b"key,key\na,b\n", "twice"),
        ("rows.csv", b"key,metadata.a,metadata.a\na,b,c\n", "twice"),
        ("rows.csv", b"key,\xff\na,b\n", "unknown"),
        ("rows.csv", b'"key\n', "line 1"),
    ],
)
def test_a_bad_header_refuses_the_file(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=problem):
        _read(tmp_path / name)


def test_a_file_of_keys_that_is_not_utf_8_has_one_bad_row(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.ones((3, 2), dtype=np.float32))
    (tmp_path / "rows.keys.txt").write_bytes("a b\n\xff\nc\n".encode("latin-1"))
    rows = _read(tmp_path / "rows.npy")
    assert [row.key for row in _good(rows)] == ["a b", "c"]
    assert _bad(rows).place.endswith("row 1 (from 0)")


def test_only_a_line_feed_ends_a_key(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.ones((2, 2), dtype=np.float32))
    (tmp_path / "rows.keys.txt").write_bytes("a\u2028b\r\nc\x0bd".encode())
    assert [row.key for row in _good(_read(tmp_path / "rows.npy"))] == ["a\u2028b", "c\x0bd"]


def _parquet(file: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), file)
    return file


_KEYS = pa.array(["a", "b"])
_MAP = pa.map_(pa.string(), pa.string())


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (pa.array([{"x": "1"}, {"x": None}]), [{"x": "1"}, {}]),
        (pa.array([[("x", "1")], None], _MAP), [{"x": "1"}, None]),
        (pa.array(['{"x": "1"}', ""]), [{"x": "1"}, None]),
    ],
    ids=["struct", "map", "text"],
)
def test_metadata_of_parquet_is_a_struct_a_map_or_json(
    tmp_path: Path, metadata: pa.Array, expected: list[Any]
) -> None:
    rows = _good(_read(_parquet(tmp_path / "rows.parquet", key=_KEYS, metadata=metadata)))
    assert [row.metadata for row in rows] == expected


@pytest.mark.parametrize(
    ("name", "column", "bad"),
    [
        ("metadata", pa.array([["en", "de"], None]), 1),
        ("metadata", pa.array([[1], [2]]), 2),
        ("metadata", pa.array([{"x": 1}, {"x": 2}]), 2),
        ("metadata", pa.array([[("x", 1)], None], pa.map_(pa.string(), pa.int32())), 1),
        (
            "metadata",
            pa.array([[("x", "1"), ("x", "2")]] * 2, pa.map_(pa.string(), pa.string())),
            2,
        ),
        ("parts", pa.array([["en", "de"], None]), 1),
        ("parts", pa.array([[("x", 1.0), ("x", 2.0)]] * 2, pa.map_(pa.string(), pa.float32())), 2),
        ("parts", pa.array([{"x": "one"}, {"x": None}]), 1),
        ("embedding", pa.array([[True, False], None]), 1),
        ("embedding", pa.array([["a", "b"], None]), 1),
        ("embedding", pa.array([[1.0, None], None]), 1),
        ("embedding", pa.array([{"x": 1.0}, None]), 1),
        ("weight", pa.array([b"x", None]), 1),
        ("weight", pa.array([[1.0], None]), 1),
    ],
)
def test_a_bad_value_of_parquet_is_a_bad_row(
    tmp_path: Path, name: str, column: pa.Array, bad: int
) -> None:
    rows = _read(_parquet(tmp_path / "rows.parquet", key=_KEYS, **{name: column}))
    found = [row for row in rows if isinstance(row, RowError)]
    assert len(found) == bad
    assert all("row" in row.place and row.field.startswith(name) for row in found)


def test_text_of_parquet_that_is_not_utf_8_is_a_bad_row(tmp_path: Path) -> None:
    keys = pa.StringArray.from_buffers(
        2, pa.py_buffer(np.array([0, 1, 2], dtype=np.int32)), pa.py_buffer(b"a\xff")
    )
    rows = _read(_parquet(tmp_path / "rows.parquet", key=keys))
    assert [row.key for row in _good(rows)] == ["a"]
    assert _bad(rows).field == "key"


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([_KEYS, _KEYS], names=["key", "key"])
    pq.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(FormatError, match="twice"):
        _read(tmp_path / "rows.parquet")
    with zipfile.ZipFile(tmp_path / "rows.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            with archive.open("key.npy", "w") as member:
                np.lib.format.write_array(member, np.array(["a"]))
    with pytest.raises(FormatError, match="twice"):
        _read(tmp_path / "rows.npz")


@pytest.mark.parametrize(
    "arrays",
    [
        {"key": np.array([1, 2])},
        {"key": np.array([b"a", b"b"])},
        {"key": np.array(["a", "b"]), "metadata": np.array(["[1]", "{"])},
        {"key": np.array(["a", "b"]), "frozen": np.array([2, 3])},
        {"key": np.array(["a", "b"]), "window": np.array([-2, 0.5])},
    ],
)
def test_invalid_array_entries_are_bad_rows(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "rows.npz", **arrays)
    rows = _read(tmp_path / "rows.npz", Kind.CATEGORIES)
    assert [type(row) for row in rows] == [RowError, RowError]


@pytest.mark.parametrize(
    "arrays",
    [
        {"key": np.array(["a"]), "embedding": np.ones((1, 2)), "has_embedding": np.ones((1, 2))},
        {"key": np.array(["a"]), "embedding": np.ones((1, 2)), "has_embedding": np.array(["x"])},
        {"key": np.array(["a"]), "embedding": np.ones(2)},
        {"key": np.array([["a"]])},
        {"key": np.array(["a"]), "weight": np.array([1, 2])},
    ],
)
def test_arrays_of_another_shape_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "rows.npz", **arrays)
    with pytest.raises(FormatError):
        _read(tmp_path / "rows.npz")


def test_a_duplicate_key_is_refused_at_any_distance(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    keys = [*(f"k{number}" for number in range(20_001)), "k0"]
    file.write_text("".join(json.dumps({"key": key}) + "\n" for key in keys))
    rows = list(refusing(_read(file), single=True))
    bad = _bad(rows)
    assert (bad.place, bad.field) == (f"{file}, line 20002", "key")


@pytest.mark.parametrize(("single", "bad"), [(True, 2), (False, 1)])
def test_an_item_comes_once_in_a_file_or_once_per_category(
    tmp_path: Path, *, single: bool, bad: int
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("item,category\na,x\na,y\na,x\n")
    rows = list(refusing(_read(file, Kind.ASSIGNMENTS), single=single))
    assert sum(isinstance(row, RowError) for row in rows) == bad
