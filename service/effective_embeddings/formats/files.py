"""Which format a file has, by the end of its name, and the reader and writer of each."""

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


#: Ends of names, by format.
FORMATS: dict[str, Format] = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".npy": Format.NPY,
    ".npz": Format.NPZ,
    ".parquet": Format.PARQUET,
}


def format_of(path: str) -> Format:
    """The format that a path's end names; `-` is JSON Lines."""
    if path == "-":
        return Format.JSONL
    found = FORMATS.get(Path(path).suffix.lower())
    if found is None:
        msg = (
            f"{path}: the end of its name is none of {', '.join(FORMATS)}; say which with --format"
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
    """Opens a file of rows of one kind; `dimension` is what its vectors must have."""
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
    """Opens a file for rows of one kind; a file that is there already is replaced at the end."""
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
    if path == "-" and chosen is not Format.JSONL:
        msg = f"only jsonl can be piped, not {chosen}"
        raise FormatError(msg)
    return chosen
