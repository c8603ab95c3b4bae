"""A file of lines that is appended to, and may be moved away meanwhile."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["AuditFile"]


class AuditFile:
    """Appends whole lines; its owner lets one thread in at a time.

    A line that fits only partly, on a full disk, is taken back: no line is torn.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; a missing one is created, for its owner alone.

        Raises:
            OSError: The file cannot be opened for writing.
        """
        self._path = path
        self._descriptor = self._open()

    def append(self, line: str) -> None:
        """Write a line.

        Raises:
            OSError: The line is not in the file.
        """
        self._reopen_if_moved()
        content = memoryview(f"{line}\n".encode())
        written = 0
        try:
            while written < len(content):
                written += os.write(self._descriptor, content[written:])
        except OSError:
            if written and self._is_regular:
                end = os.fstat(self._descriptor).st_size
                os.ftruncate(self._descriptor, end - written)
            raise

    def close(self) -> None:
        """Close the file; idempotent."""
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        found = os.fstat(descriptor)
        self._is_regular = stat.S_ISREG(found.st_mode)
        self._identity = (found.st_dev, found.st_ino)
        return descriptor

    def _reopen_if_moved(self) -> None:
        try:
            found = self._path.stat()
            moved = (found.st_dev, found.st_ino) != self._identity
        except FileNotFoundError:
            moved = True
        if moved:
            before, self._descriptor = self._descriptor, self._open()
            os.close(before)
