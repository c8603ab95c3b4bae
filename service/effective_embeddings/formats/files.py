"""The format of a file, by its suffix, and the reader and writer of each format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from effective_embeddings.formats.csvfile import CsvReader, CsvWriter
from effective_embeddings.formats.jsonl import JsonlReader, JsonlWriter
from effective_embeddings.formats.numpyfile import NpyReader, NpzReader
from effective_embeddings.formats.numpywriter import NpyWriter, NpzWriter
from effective_embeddings.formats.parquetfile import ParquetReader, ParquetWriter
from effective_embeddings.formats.record import FormatError, Reader, Writer
from effective_embeddings.formats.rows import Kind

__all__ = ["FORMATS", "Format", "format_of", "open_reader", "open_writer"]


class Format(StrEnum):
    """A file format."""

    JSONL = "jsonl"
    CSV = "csv"
    NPY = "npy"
    NPZ = "npz"
    PARQUET = "parquet"


#: The format of each suffix.
FORMATS: dict[str, Format] = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".npy": Format.NPY,
    ".npz": Format.NPZ,
    ".parquet": Format.PARQUET,
}


def format_of(path: str) -> Format:
    """Return the format that a path's suffix names; ``-`` is JSON Lines."""
    if path == "-":
        return Format.JSONL
    found = FORMATS.get(Path(path).suffix.lower())
    if found is None:
        msg = (
            f"{path}: its suffix is not one of {', '.join(FORMATS)}; name its format with --format"
        )
        raise FormatError(msg)
    return found


def open_reader(
    path: str,
    kind: Kind,
    *,
    dimension: int | None = None,
    file_format: Format | None = None,
    keys: str | None = None,
) -> Reader:
    """Open a file of rows of one kind.

    Args:
        path: The file; ``-``: standard input, for JSON Lines and CSV.
        kind: What its rows are.
        dimension: Number of components that its vectors must have; None: any.
        file_format: Its format; None: as the suffix says.
        keys: The file of keys of a ``.npy`` file; None: ``NAME.keys.txt``.

    Raises:
        FormatError: It cannot be read.
    """
    chosen = _chosen(path, file_format)
    try:
        match chosen:
            case Format.JSONL:
                return JsonlReader(path, kind, dimension)
            case Format.CSV:
                return CsvReader(path, kind, dimension)
            case Format.NPY:
                return NpyReader(path, kind, dimension, keys)
            case Format.NPZ:
                return NpzReader(path, kind, dimension)
            case Format.PARQUET:
                return ParquetReader(path, kind, dimension)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise FormatError(msg) from error


def open_writer(
    path: str, kind: Kind, *, file_format: Format | None = None, keys: str | None = None
) -> Writer:
    """Open a file for rows of one kind; a regular file is replaced when it is complete.

    Args:
        path: The file; ``-``: standard output, for JSON Lines and CSV.
        kind: What its rows are.
        file_format: Its format; None: as the suffix says.
        keys: The file of keys of a ``.npy`` file; None: ``NAME.keys.txt``.

    Raises:
        FormatError: It cannot be written.
    """
    chosen = _chosen(path, file_format)
    try:
        match chosen:
            case Format.JSONL:
                return JsonlWriter(path, kind)
            case Format.CSV:
                return CsvWriter(path, kind)
            case Format.NPY:
                return NpyWriter(path, kind, keys)
            case Format.NPZ:
                return NpzWriter(path, kind)
            case Format.PARQUET:
                return ParquetWriter(path, kind)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise FormatError(msg) from error


def _chosen(path: str, file_format: Format | None) -> Format:
    chosen = file_format or format_of(path)
    if path == "-" and chosen not in (Format.JSONL, Format.CSV):
        msg = f"only jsonl and csv can be piped, not {chosen}"
        raise FormatError(msg)
    return chosen
