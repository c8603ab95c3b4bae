"""Reading NumPy files: a ``.npy`` matrix beside a file of keys, or a ``.npz`` of named arrays.

The arrays of a ``.npz`` have the names of the fields and one entry per row: keys as texts,
vectors as a float32 matrix, metadata as JSON texts. "Not said" is NaN in numbers, -1 in whole
numbers, an empty text in metadata; for vectors, ``has_embedding`` (or ``has_base``) is false.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.formats.parse import check_columns, parse_row
from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.rows import COLUMNS, REQUIRED, VECTORS, Kind, Row

__all__ = ["MAX_BYTES", "NpyReader", "NpzReader", "keys_path"]

#: Most bytes that the arrays of a ``.npz`` may have: they are read and written as a whole.
MAX_BYTES = 2 << 30

_MATRIX = 2  # axes


def keys_path(path: str) -> Path:
    """Return where the keys of a ``.npy`` matrix are by default: ``NAME.keys.txt``."""
    return Path(path).with_suffix(".keys.txt")


class _ColumnReader:
    """Rows from columns of equal length."""

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
            all_lengths = ", ".join(f"{name} {length}" for name, length in lengths.items())
            msg = f"{path}: its columns have different lengths: {all_lengths}"
            raise FormatError(msg)
        self.total: int | None = next(iter(lengths.values()), 0)

    def position(self) -> int:
        """Return the number of rows read so far."""
        return self._read

    def __iter__(self) -> Iterator[Row | RowError]:
        """Yield the rows; see ``Reader``."""
        for number in range(self.total or 0):
            self._read = number + 1
            place = f"{self._name}, row {number} (from 0)"
            try:
                yield parse_row(self._kind, place, self._fields(number), self._dimension)
            except RowError as error:
                yield error

    def _fields(self, number: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value_type in COLUMNS[self._kind].items():
            if name not in self._columns:
                continue
            has = self._columns.get(f"has_{name}")
            if has is not None and not has[number]:
                continue
            value = self._columns[name][number]
            fields[name] = value_type.entry(
                value.item() if isinstance(value, np.generic) else value
            )
        return fields

    def close(self) -> None:
        """Release the arrays."""
        self._columns = {}
        self.total = 0


class NpyReader(_ColumnReader):
    """A matrix of vectors, mapped into memory and read row by row, and its keys."""

    def __init__(self, path: str, kind: Kind, dimension: int | None, keys: str | None) -> None:
        if len(REQUIRED[kind]) > 1:
            arrays = [*REQUIRED[kind], *VECTORS.get(kind, "").split()]
            msg = (
                f"{path}: {kind} have two keys and fit no .npy file;"
                f" a .npz with the arrays {', '.join(arrays[:-1])} and {arrays[-1]} holds them"
            )
            raise FormatError(msg)
        beside = Path(keys) if keys else keys_path(path)
        if not beside.exists():
            msg = f"{path} needs a file of keys, one per line: {beside} does not exist (see --keys)"
            raise FormatError(msg)
        try:
            matrix = np.lib.format.open_memmap(path, mode="r")
        except OSError:
            raise
        except Exception as error:
            raise _unreadable(path, error) from error
        if matrix.ndim != _MATRIX:
            msg = f"{path} must hold a matrix with one vector per row"
            raise FormatError(msg)
        columns = {"key": _read_keys(beside), VECTORS[kind]: matrix}
        super().__init__(path, kind, dimension, columns)


class NpzReader(_ColumnReader):
    """Named arrays, MAX_BYTES in all; read as a whole."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        vector = VECTORS.get(kind)
        flag = f"has_{vector}"
        with Path(path).open("rb") as file:
            try:
                # Pickles can run code: never from a file that someone else made.
                loaded = np.load(file, allow_pickle=False)
            except Exception as error:
                raise _unreadable(path, error) from error
            if isinstance(loaded, np.ndarray):
                msg = f"{path} holds one array; it should be named .npy"
                raise FormatError(msg)
            check_columns(path, kind, [name for name in loaded.files if name != flag])
            archive: zipfile.ZipFile = loaded.zip
            size = sum(member.file_size for member in archive.infolist())
            if size > MAX_BYTES:
                msg = (
                    f"{path}: its arrays have {size:,} bytes; at most {MAX_BYTES:,} are read from a"
                    " .npz file. Parquet and JSON Lines have no such limit"
                )
                raise FormatError(msg)
            columns = {name: _array(path, loaded, name) for name in loaded.files}
        for name, column in columns.items():
            if column.ndim != (_MATRIX if name == vector else 1):
                msg = f"{path}: {name} has shape {column.shape}, not one entry per row"
                raise FormatError(msg)
        if flag in columns and columns[flag].dtype != np.bool_:
            msg = f"{path}: {flag} has type {columns[flag].dtype}, not bool"
            raise FormatError(msg)
        super().__init__(path, kind, dimension, columns)


def _read_keys(path: Path) -> Sequence[str]:
    # A key may hold characters that end a line elsewhere, such as U+2028; here only \n does.
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def _unreadable(path: str, error: Exception) -> FormatError:
    return FormatError(f"{path} is not a NumPy file that can be read: {error}")


def _array(path: str, loaded: Any, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = loaded[name]
    except Exception as error:
        msg = f"{path}: {name} cannot be read: {error}"
        raise FormatError(msg) from error
    return array
