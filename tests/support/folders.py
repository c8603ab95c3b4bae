"""Folders for data of tests without crashes."""

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

    Such tests do not depend on the disk, and thousands of commits need not wait for it.
    """
    where = _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="effemb-test-", dir=where) as folder:
        yield Path(folder)
