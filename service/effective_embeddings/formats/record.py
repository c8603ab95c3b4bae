"""What a format must offer: a reader of rows and a writer of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from effective_embeddings.formats.rows import Row

__all__ = ["FormatError", "Reader", "RowError", "Writer"]


class FormatError(Exception):
    """A file that cannot be read or written as a whole; the text says why and what to do."""


class RowError(Exception):
    """One row that cannot be taken: where it stands, which field, and what is wrong with it."""

    def __init__(self, place: str, field: str, problem: str) -> None:
        super().__init__(f"{place}, {field}: {problem}" if field else f"{place}: {problem}")
        self.place = place
        self.field = field
        self.problem = problem


class Reader(Protocol):
    """An open file that gives rows, and says how far it is.

    `total` and `position` are in the same unit (bytes or rows, as the format counts); `total` is
    None where it cannot be known, as for standard input.
    """

    total: int | None

    def position(self) -> int:
        """How far reading is, in the unit of `total`."""
        ...

    def __iter__(self) -> Iterator[Row | RowError]:
        """The rows in the order of the file; a bad one as the error that describes it."""
        ...

    def close(self) -> None:
        """Closes the file."""
        ...


class Writer(Protocol):
    """A file that takes rows and appears under its name on `close`."""

    def write(self, row: Row) -> None:
        """Adds a row."""
        ...

    def close(self) -> None:
        """Completes the file and gives it its name."""
        ...

    def abort(self) -> None:
        """Leaves nothing behind."""
        ...
