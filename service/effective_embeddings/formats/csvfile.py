"""CSV with a header line: vectors as JSON lists in a cell, metadata as `metadata.NAME` columns.

Metadata can also come as one JSON object in a column named `metadata`, which is how it is
written, since a stream does not know all names when its header is written.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from effective_embeddings.formats.parse import check_columns, parse_row
from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.render import plain_fields
from effective_embeddings.formats.rows import FIELDS, Kind, Row
from effective_embeddings.formats.target import Target

__all__ = ["CsvReader", "CsvWriter"]

# A vector of 16384 components is a cell of about 200 kB; the module's own limit is 128 KiB.
_LARGEST_CELL = 4 << 20

# What a column of the user's own data begins with.
_OWN = "metadata."


class CsvReader:
    """Reads rows one by one; an empty cell is "not said"."""

    def __init__(self, path: str, kind: Kind, dimension: int | None) -> None:
        self._name = path
        self._kind = kind
        self._dimension = dimension
        self._file: BinaryIO = Path(path).open("rb")  # noqa: SIM115 - closed in close
        self._read = 0
        self.total: int | None = Path(path).stat().st_size
        csv.field_size_limit(_LARGEST_CELL)

    def position(self) -> int:
        """Bytes read so far."""
        return self._read

    def __iter__(self) -> Iterator[Row | RowError]:
        """The rows; see `Reader`."""
        reader = csv.reader(self._lines(), strict=True)
        try:
            header = next(reader, None)
            if header is None:
                msg = f"{self._name} is empty: a CSV file begins with a line of names"
                raise FormatError(msg)
            own = [name for name in header if not name.startswith(_OWN)]
            check_columns(self._name, self._kind, own)
            start = reader.line_num + 1
            for cells in reader:
                # A quoted cell can span lines: the row stands where it begins.
                place, start = f"{self._name}, line {start}", reader.line_num + 1
                if cells:
                    yield self._row(place, header, cells)
        except csv.Error as error:
            msg = f"{self._name}, line {reader.line_num}: {error}"
            raise FormatError(msg) from error
        except UnicodeDecodeError as error:
            msg = f"{self._name} is no UTF-8 text: {error.reason}"
            raise FormatError(msg) from error

    def _lines(self) -> Iterable[str]:
        for number, line in enumerate(self._file):
            self._read += len(line)
            # Spreadsheet programs begin a UTF-8 file with a byte order mark.
            yield line.decode("utf-8-sig" if number == 0 else "utf-8")

    def _row(self, place: str, header: list[str], cells: list[str]) -> Row | RowError:
        if len(cells) != len(header):
            return RowError(place, "", f"has {len(cells)} cells; the header names {len(header)}")
        fields: dict[str, Any] = {}
        metadata: dict[str, str] = {}
        for name, cell in zip(header, cells, strict=True):
            if name.startswith(_OWN):
                if cell:
                    metadata[name.removeprefix(_OWN)] = cell
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
        """Closes the file."""
        self._file.close()


class CsvWriter:
    """Writes all columns of the kind."""

    def __init__(self, path: str, kind: Kind) -> None:
        self._kind = kind
        self._target = Target(path)
        self._text = io.TextIOWrapper(
            self._target.file, encoding="utf-8", newline="", write_through=True
        )
        self._csv = csv.DictWriter(self._text, FIELDS[kind], lineterminator="\n")
        self._csv.writeheader()

    def write(self, row: Row) -> None:
        """Adds a row."""
        fields = plain_fields(self._kind, row)
        for name, value in fields.items():
            if isinstance(value, list | dict):
                fields[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            elif isinstance(value, bool):
                fields[name] = "true" if value else "false"
        self._csv.writerow(fields)

    def close(self) -> None:
        """Completes the file."""
        self._text.flush()
        self._text.detach()
        self._target.commit()

    def abort(self) -> None:
        """Leaves nothing behind."""
        self._text.detach()
        self._target.discard()
