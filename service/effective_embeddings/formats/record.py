"""The interface of a format: a reader of rows and a writer of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from effective_embeddings.formats.rows import Row

__all__ = ["FormatError", "Reader", "RowError", "Writer"]


class FormatError(Exception):
    """A file that cannot be read or written as a whole; the text says why and what to do."""


class RowError(Exception):
    """A row that cannot be used.

    Attributes:
        place: Where the row is.
        field: The field at fault; empty: the row as a whole.
        problem: What is wrong with it.
    """

    def __init__(self, place: str, field: str, problem: str) -> None:
        super().__init__(f"{place}, {field}: {problem}" if field else f"{place}: {problem}")
        self.place = place
        self.field = field
        self.problem = problem


class Reader(Protocol):
    """An open file of rows.

    Attributes:
        total: The size of the file, in the unit of ``position``: bytes or rows, as the format
            counts. None where it is unknown, as for a pipe.
    """

    total: int | None

    def position(self) -> int:
        """Return how far reading is, in the unit of ``total``."""
        ...

    def __iter__(self) -> Iterator[Row | RowError]:
        """Yield the rows in the order of the file; a bad row as the error that describes it.

        Raises:
            FormatError: The rest of the file cannot be read.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Writer(Protocol):
    """A file that takes rows and appears under its name on ``close``."""

    def write(self, row: Row) -> None:
        """Add a row."""
        ...

    def close(self) -> None:
        """Complete the file and give it its name."""
        ...

    def abort(self) -> None:
        """Leave nothing behind."""
        ...
