"""Reading NumPy files: a `.npy` matrix beside a file of keys, or a `.npz` of named arrays.

The arrays of a `.npz` have the names of the fields and one entry a row: `key` and so on as
texts, vectors as a float32 matrix, metadata as JSON texts. Where a number may be "not said" it is
NaN, or -1 in whole numbers; where a vector may be, `has_embedding` (or `has_base`) is false.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.formats.parse import check_columns, parse_row
from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.rows import Kind, Row

__all__ = ["NpyReader", "NpzReader", "keys_path"]

_VECTORS = ("embedding", "base")
_MATRIX = 2  # axes


def keys_path(path: str) -> Path:
    """Where the keys of a `.npy` matrix are by default: `notes.npy` has `notes.keys.txt`."""
    return Path(path).with_suffix(".keys.txt")


class _ColumnReader:
    """Rows out of columns of equal length."""

    def __init__(
        self, path: str, kind: Kind, dimension: int | None, columns: dict[str, Any]
    ) -> None:
        self._name = path
        self._kind = kind
        self._dimension = dimension
        self._columns = columns
        self._read = 0
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            msg = f"{path}: its columns have different lengths: {told}"
            raise FormatError(msg)
        self.total: int | None = next(iter(lengths.values()), 0)

    def position(self) -> int:
        """Rows read so far."""
        return self._read

    def __iter__(self) -> Iterator[Row | RowError]:
        """The rows; see `Reader`."""
        for number in range(self.total or 0):
            self._read = number + 1
            place = f"{self._name}, row {number} (from 0)"
            try:
                yield parse_row(self._kind, place, self._fields(number), self._dimension)
            except RowError as error:
                yield error

    def _fields(self, number: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, column in self._columns.items():
            if name.startswith("has_"):
                continue
            value = column[number]
            if name in _VECTORS:
                said = self._columns.get(f"has_{name}")
                if said is not None and not said[number]:
                    continue
            elif isinstance(value, np.generic):
                value = value.item()
                if _unsaid(name, value):
                    continue
                if name == "frozen":
                    value = bool(value)
            fields[name] = value
        return fields

    def close(self) -> None:
        """Lets the arrays go."""
        self._columns = {}


class NpyReader(_ColumnReader):
    """A matrix of vectors, mapped into memory and read row by row, and its keys."""

    def __init__(self, path: str, kind: Kind, dimension: int | None, keys: str | None) -> None:
        if kind is Kind.ASSIGNMENTS:
            msg = (
                f"{path}: assignments have two keys and fit no .npy file;"
                " a .npz with the arrays item, category and embedding holds them"
            )
            raise FormatError(msg)
        beside = Path(keys) if keys else keys_path(path)
        if not beside.exists():
            msg = f"{path} needs a file of keys, one a line: {beside} is not there (see --keys)"
            raise FormatError(msg)
        matrix = _load(path, mmap=True)
        if not isinstance(matrix, np.ndarray) or matrix.ndim != _MATRIX:
            msg = f"{path} must hold a matrix with one row a vector"
            raise FormatError(msg)
        names = beside.read_text(encoding="utf-8").splitlines()
        column = "base" if kind is Kind.CATEGORIES else "embedding"
        super().__init__(path, kind, dimension, {"key": names, column: matrix})


class NpzReader(_ColumnReader):
    """Named arrays; each is read as a whole."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        loaded = _load(path, mmap=False)
        if isinstance(loaded, np.ndarray):
            msg = f"{path} holds one array; it should be named .npy"
            raise FormatError(msg)
        flags = {f"has_{name}" for name in _VECTORS}
        check_columns(path, kind, [name for name in loaded.files if name not in flags])
        try:
            columns = {name: loaded[name] for name in loaded.files}
        except (ValueError, zipfile.BadZipFile) as error:
            msg = f"{path}: {error}"
            raise FormatError(msg) from error
        finally:
            loaded.close()
        for name, column in columns.items():
            if column.ndim != (_MATRIX if name in _VECTORS else 1):
                msg = f"{path}: {name} has shape {column.shape}, not one entry a row"
                raise FormatError(msg)
        super().__init__(path, kind, dimension, columns)


def _unsaid(name: str, value: object) -> bool:
    if name in ("window", "frozen"):
        return value == -1
    return isinstance(value, float) and math.isnan(value)


def _load(path: str, *, mmap: bool) -> NDArray[Any] | Any:
    try:
        # Pickles can run code: never from a file that someone else made.
        return np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        msg = f"{path} is no NumPy file that can be read: {error}"
        raise FormatError(msg) from error
