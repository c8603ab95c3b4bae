"""Writing NumPy files. Arrays are made in memory, and refused where another format fits better."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.formats.numpyfile import MAX_BYTES, keys_path
from effective_embeddings.formats.record import FormatError
from effective_embeddings.formats.rows import (
    COLUMNS,
    REQUIRED,
    VECTORS,
    Kind,
    Row,
    key_of,
    vector_of,
)
from effective_embeddings.formats.sink import OutputSink
from effective_embeddings.formats.values import ScalarType

__all__ = ["MAX_PADDING_BYTES", "NpyWriter", "NpzWriter"]

#: Most bytes that the texts of a column may be padded by: NumPy gives every text the room of the
#: longest, four bytes for each character.
MAX_PADDING_BYTES = 16 << 20

_CHARACTER = 4  # bytes, in NumPy


class _Rows:
    """The rows to write, in memory; their number is limited by their size."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._path = path
        self._kind = kind
        self.rows: list[Row] = []
        self._bytes = 0

    def add(self, row: Row) -> None:
        vector = vector_of(row)
        self._bytes += 0 if vector is None else vector.nbytes
        if self._bytes > MAX_BYTES:
            msg = (
                f"{self._path}: a NumPy file of more than {MAX_BYTES:,} bytes of vectors is not"
                " written; Parquet and JSON Lines have no such limit"
            )
            raise FormatError(msg)
        self.rows.append(row)

    def vectors(self) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the matrix of all rows, with zeros where one has no vector, and which have one."""
        given = [vector_of(row) for row in self.rows]
        width = next((len(vector) for vector in given if vector is not None), 0)
        matrix = np.zeros((len(given), width), dtype="<f4")
        for index, vector in enumerate(given):
            if vector is not None:
                matrix[index] = vector
        return matrix, np.array([vector is not None for vector in given], dtype=np.bool_)


class NpyWriter:
    """A matrix and, beside it, its keys; refuses rows that say more than that."""

    def __init__(self, path: str, kind: Kind, keys: str | None) -> None:
        if len(REQUIRED[kind]) > 1:
            msg = f"{path}: {kind} fit no .npy file; use .npz"
            raise FormatError(msg)
        self._path = path
        self._kind = kind
        self._rows = _Rows(path, kind)
        self._keys = OutputSink(keys or str(keys_path(path)))
        try:
            self._matrix = OutputSink(path)
        except BaseException:
            self._keys.discard()
            raise

    def write(self, row: Row) -> None:
        """Add a row."""
        for name in COLUMNS[self._kind]:
            default = 1 if "weight" in name else 0
            if name not in ("key", VECTORS[self._kind]) and getattr(row, name) not in (
                *(None, {}, default),
            ):
                msg = (
                    f"{self._path}: the {name} of {key_of(row)!r} would be lost in a .npy file;"
                    " .npz, .parquet, .jsonl and .csv have room for it"
                )
                raise FormatError(msg)
        if vector_of(row) is None:
            msg = f"{self._path}: {key_of(row)!r} has no vector; .npz allows that"
            raise FormatError(msg)
        self._rows.add(row)

    def close(self) -> None:
        """Complete both files."""
        np.lib.format.write_array(self._matrix.file, self._rows.vectors()[0], allow_pickle=False)
        for row in self._rows.rows:
            self._keys.file.write(f"{key_of(row)}\n".encode())
        self._keys.commit()
        self._matrix.commit()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._keys.discard()
        self._matrix.discard()


class NpzWriter:
    """Named arrays in one file."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._path = path
        self._kind = kind
        self._rows = _Rows(path, kind)
        self._target = OutputSink(path)

    def write(self, row: Row) -> None:
        """Add a row."""
        self._rows.add(row)

    def close(self) -> None:
        """Complete the file."""
        rows = self._rows.rows
        with zipfile.ZipFile(self._target.file, "w", zipfile.ZIP_STORED) as archive:
            for name, value_type in COLUMNS[self._kind].items():
                if not isinstance(value_type, ScalarType):
                    matrix, has = self._rows.vectors()
                    if has.any():
                        self._add(archive, name, matrix)
                        if not has.all():
                            self._add(archive, f"has_{name}", has)
                    continue
                values = [getattr(row, name) for row in rows]
                self._refuse_padding(name, values)
                self._add(archive, name, value_type.array(values))
        self._target.commit()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._target.discard()

    def _refuse_padding(self, name: str, values: Sequence[Any]) -> None:
        sizes = [_length(value) for value in values]
        padded = _CHARACTER * max(sizes, default=0) * len(sizes)
        if padded - _CHARACTER * sum(sizes) > MAX_PADDING_BYTES:
            msg = (
                f"{self._path}: {name} would take {padded:,} bytes, since NumPy gives every text"
                " the room of the longest; .parquet, .jsonl and .csv do not"
            )
            raise FormatError(msg)

    @staticmethod
    def _add(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
        # A fixed date, so that the same rows give the same bytes.
        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)


def _length(value: Any) -> int:
    """Return about how many characters a value takes as text; 0 for a number."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(name) + len(str(own)) + 8 for name, own in value.items())
    return 0
