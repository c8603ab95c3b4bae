"""A file that appears under its name when it is complete, and not before."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

__all__ = ["Target"]


class Target:
    """Writes beside the final place and renames at the end; `-` is standard output, as it comes."""

    def __init__(self, path: str) -> None:
        self._final = None if path == "-" else Path(path)
        self._partial: Path | None = None
        self.file: BinaryIO = sys.stdout.buffer
        if self._final is not None:
            self._partial = self._final.with_name(f".{self._final.name}.{os.getpid()}.part")
            self.file = self._partial.open("wb")

    def commit(self) -> None:
        """Puts the complete file under its name, safe on the disk before it replaces another."""
        self.file.flush()
        if self._partial is not None and self._final is not None:
            os.fsync(self.file.fileno())
            self.file.close()
            self._partial.replace(self._final)

    def discard(self) -> None:
        """Leaves nothing behind."""
        if self._partial is not None:
            self.file.close()
            self._partial.unlink(missing_ok=True)
