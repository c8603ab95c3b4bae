"""Shared by JSON Lines and CSV: a file, or standard input, read line by line."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["MAX_LINE_BYTES", "LineSource"]

#: Longest line that is read. A row of 16384 components and 16 KiB of metadata has about 400 kB.
MAX_LINE_BYTES = 4 << 20


class LineSource:
    """The lines of a UTF-8 file; the path ``-`` is standard input.

    Bytes that are not UTF-8 become lone surrogates, which the rows' own checks refuse.

    Attributes:
        name: What to call the file in messages.
        read: Number of bytes read so far.
        total: Number of bytes in all; None where it is unknown.
    """

    def __init__(self, path: str) -> None:
        """Open the file.

        Raises:
            OSError: The file cannot be opened.
        """
        self._piped = path == "-"
        self.name = "standard input" if self._piped else path
        self._file: BinaryIO = sys.stdin.buffer if self._piped else Path(path).open("rb")  # noqa: SIM115 - closed in close
        self.read = 0
        self.total: int | None = None
        if not self._piped:
            state = os.fstat(self._file.fileno())
            self.total = state.st_size if stat.S_ISREG(state.st_mode) else None

    def __iter__(self) -> Iterator[str | None]:
        """Yield the lines with their ends; None for a line that is longer than MAX_LINE_BYTES."""
        # Spreadsheet programs begin a UTF-8 file with a byte order mark.
        encoding = "utf-8-sig"
        while line := self._file.readline(MAX_LINE_BYTES):
            self.read += len(line)
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                self._skip_rest()
                yield None
            else:
                yield line.decode(encoding, "surrogateescape")
            encoding = "utf-8"

    def _skip_rest(self) -> None:
        while piece := self._file.readline(MAX_LINE_BYTES):
            self.read += len(piece)
            if piece.endswith(b"\n"):
                return

    def close(self) -> None:
        """Close the file, unless it is standard input."""
        if not self._piped:
            self._file.close()
