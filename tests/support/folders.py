"""Folders for data that no test pulls the plug on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["quick_folder"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A temporary folder, in memory where the machine has such a place.

    What is shown there does not hang on the disk, and thousands of commits need not wait for it.
    """
    where = _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="effemb-test-", dir=where) as folder:
        yield Path(folder)
