"""Writing NumPy files, the vectors of which go to the disk as they come."""

from __future__ import annotations

import json
import math
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from effective_embeddings.formats.numpyfile import keys_path
from effective_embeddings.formats.record import FormatError
from effective_embeddings.formats.rows import FIELDS, Kind, Row, Vector, key_of
from effective_embeddings.formats.target import Target

__all__ = ["NpyWriter", "NpzWriter"]


class _GrowingMatrix:
    """An `.npy` matrix in an open file, one row after the other.

    NumPy leaves room in the header for the number of rows to grow, so the header is written first
    with none, and again over itself at the end.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()
        self._rows = 0
        self._dimension: int | None = None

    def append(self, vector: Vector) -> None:
        if self._dimension is None:
            self._dimension = len(vector)
            self._header()
        self._file.write(np.ascontiguousarray(vector, dtype="<f4").tobytes())
        self._rows += 1

    def append_nothing(self) -> None:
        # Rows before the first vector have no dimension yet and are counted up when it comes.
        if self._dimension is None:
            msg = "the first row has no vector, so a matrix has no width"
            raise FormatError(msg)
        self.append(np.zeros(self._dimension, dtype=np.float32))

    def finish(self) -> None:
        if self._dimension is None:
            self._dimension = 0
        end = max(self._file.tell(), self._start)
        self._file.seek(self._start)
        self._header()
        self._file.seek(max(end, self._file.tell()))

    def _header(self) -> None:
        np.lib.format.write_array_header_1_0(
            self._file,
            {"descr": "<f4", "fortran_order": False, "shape": (self._rows, self._dimension)},
        )


class NpyWriter:
    """A matrix and, beside it, its keys; refuses rows that say more than that."""

    def __init__(self, path: str, kind: Kind, keys: str | None) -> None:
        if kind is Kind.ASSIGNMENTS:
            msg = f"{path}: assignments fit no .npy file; use .npz"
            raise FormatError(msg)
        self._path = path
        self._kind = kind
        self._keys = Target(keys or str(keys_path(path)))
        self._matrix_file = Target(path)
        self._matrix = _GrowingMatrix(self._matrix_file.file)

    def write(self, row: Row) -> None:
        """Adds a row."""
        for name in FIELDS[self._kind][2:]:
            if getattr(row, name) not in (None, {}, 0, 1 if "weight" in name else 0):
                msg = (
                    f"{self._path}: the {name} of {key_of(row)!r} would be lost in a .npy file;"
                    " .npz, .parquet, .jsonl and .csv have room for it"
                )
                raise FormatError(msg)
        vector = _vector(self._kind, row)
        if vector is None:
            msg = f"{self._path}: {key_of(row)!r} has no vector; .npz allows that"
            raise FormatError(msg)
        self._matrix.append(vector)
        self._keys.file.write(f"{key_of(row)}\n".encode())

    def close(self) -> None:
        """Completes both files."""
        self._matrix.finish()
        self._keys.commit()
        self._matrix_file.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        self._keys.discard()
        self._matrix_file.discard()


class NpzWriter:
    """Named arrays in one file; the vectors wait in a temporary one."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._kind = kind
        self._target = Target(path)
        self._spool = tempfile.TemporaryFile(dir=Path(path).absolute().parent)  # noqa: SIM115 - closed in close
        self._matrix = _GrowingMatrix(self._spool)
        self._has: list[bool] = []
        self._lists: dict[str, list[Any]] = {name: [] for name in _scalars(kind)}

    def write(self, row: Row) -> None:
        """Adds a row."""
        vector = _vector(self._kind, row)
        if vector is not None:
            if True not in self._has:
                for _ in self._has:
                    self._matrix.append(np.zeros_like(vector))
            self._matrix.append(vector)
        elif True in self._has:
            self._matrix.append_nothing()
        self._has.append(vector is not None)
        for name, values in self._lists.items():
            values.append(_entry(name, getattr(row, name)))

    def close(self) -> None:
        """Completes the file."""
        self._matrix.finish()
        column = _vector_name(self._kind)
        with zipfile.ZipFile(self._target.file, "w", zipfile.ZIP_STORED) as archive:
            if True in self._has:
                self._add_spool(archive, column)
                if False in self._has:
                    self._add(archive, f"has_{column}", np.array(self._has))
            for name, values in self._lists.items():
                self._add(archive, name, np.array(values, dtype=None if values else "U1"))
        self._spool.close()
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        self._spool.close()
        self._target.discard()

    @staticmethod
    def _add(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
        # A fixed date, so that the same rows give the same bytes.
        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)

    def _add_spool(self, archive: zipfile.ZipFile, name: str) -> None:
        self._spool.seek(0)
        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
            while piece := self._spool.read(1 << 20):
                member.write(piece)


def _vector_name(kind: Kind) -> str:
    return "base" if kind is Kind.CATEGORIES else "embedding"


def _vector(kind: Kind, row: Row) -> Vector | None:
    vector: Vector | None = getattr(row, _vector_name(kind))
    return vector


def _scalars(kind: Kind) -> list[str]:
    return [name for name in FIELDS[kind] if name != _vector_name(kind)]


def _entry(name: str, value: Any) -> Any:
    if name == "metadata":
        return json.dumps(dict(value), ensure_ascii=False) if value else ""
    if value is None:
        return -1 if name in ("window", "frozen") else math.nan
    return int(value) if name == "frozen" else value
