"""Any bytes: a reader yields rows and row errors with a place, or refuses the file."""

from __future__ import annotations

import functools
import io
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from effective_embeddings.formats import (
    FIELDS,
    Format,
    FormatError,
    Kind,
    RowError,
    open_reader,
    refuse_repeated,
)

_KINDS = st.sampled_from(list(Kind))
_EXAMPLES = 150


def _read(content: bytes, kind: Kind, file_format: Format, keys: bytes = b"") -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows")
        file.write_bytes(content)
        file.with_suffix(".keys.txt").write_bytes(keys)
        try:
            reader = open_reader(str(file), kind, dimension=2, file_format=file_format)
        except FormatError:
            return
        try:
            for row in refuse_repeated(reader, single=True):
                assert row.place.startswith(str(file))
                if not isinstance(row, RowError):
                    # What is yielded can go on the wire.
                    for name in FIELDS[kind]:
                        value = getattr(row, name)
                        if isinstance(value, str):
                            value.encode()
        except FormatError:
            pass
        finally:
            reader.close()


@functools.cache
def _valid(kind: Kind, file_format: Format) -> bytes:
    """A small file of the format, to be damaged."""
    keys = {name: np.array(["a", "b"]) for name in FIELDS[kind] if name in _KEYS}
    vector = "base" if kind is Kind.CATEGORIES else "embedding"
    output = io.BytesIO()
    match file_format:
        case Format.NPZ:
            with zipfile.ZipFile(output, "w") as archive:
                matrix = {vector: np.ones((2, 2), dtype="f4")} if vector in FIELDS[kind] else {}
                for name, array in (keys | matrix).items():
                    with archive.open(f"{name}.npy", "w") as member:
                        np.lib.format.write_array(member, array)
        case Format.NPY:
            np.save(output, np.ones((2, 2), dtype="f4"))
        case Format.PARQUET:
            columns = {name: pa.array(array.tolist()) for name, array in keys.items()}
            if vector in FIELDS[kind]:
                columns[vector] = pa.array([[1.0, 2.0], None])
                columns["metadata"] = pa.array([{"x": "y"}, None])
            pq.write_table(pa.table(columns), output)
        case Format.CSV:
            output.write(f"{','.join(FIELDS[kind])}\n".encode())
            output.write(("a," * (len(FIELDS[kind]) - 1) + '"{""x"": ""y""}"\n').encode())
        case Format.JSONL:
            output.write(b'{"key": "a", "item": "b", "category": "c", "metadata": {"x": "y"}}\n')
            output.write(b'{"key": "a", "embedding": [1, 2.5e0], "weight": 2, "frozen": true}\n')
    return output.getvalue()


_KEYS = ("key", "item", "category")


@given(content=st.binary(max_size=2000), kind=_KINDS, file_format=st.sampled_from(list(Format)))
@settings(max_examples=_EXAMPLES)
def test_any_bytes(content: bytes, kind: Kind, file_format: Format) -> None:
    _read(content, kind, file_format)


@given(data=st.data(), kind=_KINDS, file_format=st.sampled_from(list(Format)))
@settings(max_examples=_EXAMPLES)
def test_damaged_files(data: st.DataObject, kind: Kind, file_format: Format) -> None:
    content = bytearray(_valid(kind, file_format))
    places = st.integers(0, len(content) - 1)
    for _ in range(data.draw(st.integers(1, 6))):
        place, action = data.draw(places) % len(content), data.draw(st.integers(0, 2))
        if action == 0:
            content[place] = data.draw(st.integers(0, 255))
        elif action == 1:
            del content[place : place + data.draw(st.integers(1, 30))]
            content = content or bytearray(b" ")
        else:
            content[place:place] = data.draw(st.binary(max_size=30))
    _read(bytes(content[: data.draw(st.integers(1, 4 * len(content)))]), kind, file_format, b"a\nb")


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(sorted({*FIELDS[Kind.CATEGORIES], "item", "x"})), _JSON),
        max_size=4,
    ),
    kind=_KINDS,
)
@settings(max_examples=_EXAMPLES)
def test_any_json(rows: list[dict[str, object]], kind: Kind) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    _read(lines.encode(), kind, Format.JSONL)
