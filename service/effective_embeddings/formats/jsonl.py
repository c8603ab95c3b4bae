"""JSON Lines: one object per line. Streams both ways, also through standard input and output."""

from __future__ import annotations

import json
from collections.abc import Iterator

from effective_embeddings.formats.parse import parse_row
from effective_embeddings.formats.record import RowError
from effective_embeddings.formats.render import plain_fields
from effective_embeddings.formats.rows import Kind, Row
from effective_embeddings.formats.sink import OutputSink
from effective_embeddings.formats.text import MAX_LINE_BYTES, LineSource
from effective_embeddings.formats.values import FieldError, load_json

__all__ = ["JsonlReader", "JsonlWriter"]


class JsonlReader:
    """Reads rows line by line; empty lines are skipped. The path ``-`` is standard input."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        self._lines = LineSource(path)
        self._kind = kind
        self._dimension = dimension
        self.total = self._lines.total

    def position(self) -> int:
        """Return the number of bytes read so far."""
        return self._lines.read

    def __iter__(self) -> Iterator[Row | RowError]:
        """Yield the rows; see ``Reader``."""
        for number, line in enumerate(self._lines, start=1):
            if line is None or line.strip():
                yield self._row(f"{self._lines.name}, line {number}", line)

    def _row(self, place: str, line: str | None) -> Row | RowError:
        if line is None:
            return RowError(place, "", f"is longer than {MAX_LINE_BYTES} bytes")
        try:
            fields = load_json(line)
        except FieldError as error:
            return RowError(place, "", str(error))
        if not isinstance(fields, dict):
            return RowError(place, "", "must be a JSON object")
        try:
            return parse_row(self._kind, place, fields, self._dimension)
        except RowError as error:
            return error

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


class JsonlWriter:
    """Writes one object per line, without missing values. The path ``-`` is standard output."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._kind = kind
        self._target = OutputSink(path)

    def write(self, row: Row) -> None:
        """Add a row."""
        text = json.dumps(plain_fields(self._kind, row), ensure_ascii=False)
        self._target.file.write(text.encode() + b"\n")

    def close(self) -> None:
        """Complete the file."""
        self._target.commit()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._target.discard()
