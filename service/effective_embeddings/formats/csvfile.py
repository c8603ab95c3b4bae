"""CSV with a header line: vectors as JSON lists in a cell, metadata as ``metadata.NAME`` columns.

Metadata can also be one JSON object in a column named ``metadata``; it is written in this form,
since a stream does not know all names when its header is written.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from effective_embeddings.formats.parse import check_columns, parse_row
from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.render import plain_fields
from effective_embeddings.formats.rows import FIELDS, Kind, Row
from effective_embeddings.formats.sink import OutputSink
from effective_embeddings.formats.text import MAX_LINE_BYTES, LineSource

__all__ = ["CsvReader", "CsvWriter"]

# The prefix of a column of metadata.
_METADATA = "metadata."


class CsvReader:
    """Reads rows one by one; an empty cell is "not said". The path ``-`` is standard input."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        self._lines = LineSource(path)
        self._kind = kind
        self._dimension = dimension
        self.total = self._lines.total
        # The module's own limit is 128 KiB, less than the cell of a vector can have.
        csv.field_size_limit(MAX_LINE_BYTES)

    def position(self) -> int:
        """Return the number of bytes read so far."""
        return self._lines.read

    def __iter__(self) -> Iterator[Row | RowError]:
        """Yield the rows; see ``Reader``."""
        # A line that is too long is one cell that is too long, which the module refuses.
        too_long = "x" * (MAX_LINE_BYTES + 1)
        lines = (too_long if line is None else line for line in self._lines)
        reader = csv.reader(lines, strict=True)
        name = self._lines.name
        try:
            header = next(reader, None)
        except csv.Error as error:
            msg = f"{name}, line 1: {error}"
            raise FormatError(msg) from error
        if header is None:
            msg = f"{name} is empty: a CSV file begins with a line of names"
            raise FormatError(msg)
        own = [column for column in header if column.startswith(_METADATA)]
        check_columns(name, self._kind, [column for column in header if column not in own])
        if len(set(own)) != len(own):
            msg = f"{name}: a column of metadata comes twice"
            raise FormatError(msg)
        while True:
            # A quoted cell can span lines: the row stands where it begins.
            place = f"{name}, line {reader.line_num + 1}"
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield RowError(place, "", f"is not CSV: {error}")
                continue
            if cells is None:
                return
            if cells:
                yield self._row(place, header, cells)

    def _row(self, place: str, header: list[str], cells: list[str]) -> Row | RowError:
        if len(cells) != len(header):
            return RowError(place, "", f"has {len(cells)} cells; the header names {len(header)}")
        fields: dict[str, Any] = {}
        metadata: dict[str, str] = {}
        for name, cell in zip(header, cells, strict=True):
            if name.startswith(_METADATA):
                if cell:
                    metadata[name.removeprefix(_METADATA)] = cell
            else:
                fields[name] = cell
        if metadata:
            if fields.get("metadata"):
                return RowError(place, "metadata", "comes twice, in its own column and in others")
            fields["metadata"] = metadata
        try:
            return parse_row(self._kind, place, fields, self._dimension)
        except RowError as error:
            return error

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


class CsvWriter:
    """Writes all columns of the kind. The path ``-`` is standard output."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._kind = kind
        self._target = OutputSink(path)
        self._text = io.TextIOWrapper(
            self._target.file, encoding="utf-8", newline="", write_through=True
        )
        self._csv = csv.DictWriter(self._text, FIELDS[kind], lineterminator="\n")
        self._csv.writeheader()

    def write(self, row: Row) -> None:
        """Add a row."""
        fields = plain_fields(self._kind, row)
        for name, value in fields.items():
            if isinstance(value, list | dict):
                fields[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            elif isinstance(value, bool):
                fields[name] = "true" if value else "false"
        self._csv.writerow(fields)

    def close(self) -> None:
        """Complete the file."""
        self._text.flush()
        self._text.detach()
        self._target.commit()

    def abort(self) -> None:
        """Leave nothing behind."""
        with suppress(ValueError):  # detached already
            self._text.detach()
        self._target.discard()
