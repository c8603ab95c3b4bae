"""JSON Lines: one object a line. Streams both ways, also from standard input and to output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from effective_embeddings.formats.parse import parse_row
from effective_embeddings.formats.record import RowError
from effective_embeddings.formats.render import plain_fields
from effective_embeddings.formats.rows import Kind, Row
from effective_embeddings.formats.target import Target

__all__ = ["JsonlReader", "JsonlWriter"]


class JsonlReader:
    """Reads rows line by line; empty lines are passed over. The path `-` is standard input."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        self._name = "standard input" if path == "-" else path
        self._kind = kind
        self._dimension = dimension
        self._file: BinaryIO = (
            sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115 - closed in close
        )
        self._read = 0
        self.total = None if path == "-" else Path(path).stat().st_size

    def position(self) -> int:
        """Bytes read so far."""
        return self._read

    def __iter__(self) -> Iterator[Row | RowError]:
        """The rows; see `Reader`."""
        for number, line in enumerate(self._file, start=1):
            self._read += len(line)
            if line.strip():
                yield self._row(f"{self._name}, line {number}", line)

    def _row(self, place: str, line: bytes) -> Row | RowError:
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            return RowError(place, "", f"is no JSON: {error.msg} at column {error.colno}")
        except UnicodeDecodeError:
            return RowError(place, "", "is no UTF-8 text")
        if not isinstance(fields, dict):
            return RowError(place, "", "must be a JSON object")
        try:
            return parse_row(self._kind, place, fields, self._dimension)
        except RowError as error:
            return error

    def close(self) -> None:
        """Closes the file."""
        if self._file is not sys.stdin.buffer:
            self._file.close()


class JsonlWriter:
    """Writes one object a line, leaving out what is not said. The path `-` is standard output."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._kind = kind
        self._target = Target(path)

    def write(self, row: Row) -> None:
        """Adds a row."""
        text = json.dumps(plain_fields(self._kind, row), ensure_ascii=False)
        self._target.file.write(text.encode() + b"\n")

    def close(self) -> None:
        """Completes the file."""
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        self._target.discard()
