"""Files that an operator may replace while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["FileWatch", "signature"]

Signature = tuple[tuple[int, int, int] | None, ...]


def signature(paths: Sequence[Path]) -> Signature:
    """Return a value that changes when one of the files is written or replaced."""
    return tuple(map(_one, paths))


def _one(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class FileWatch:
    """Calls back when files have changed; a thread checks them once a second.

    It polls because inotify misses mounted secrets, whose symlinks are switched, and network disks.
    """

    def __init__(
        self, paths: Sequence[Path], changed: Callable[[], None], seconds: float = 1.0
    ) -> None:
        self._paths = tuple(paths)
        self._changed = changed
        self._seconds = seconds
        self._last = signature(self._paths)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="effemb-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; idempotent."""
        self._stop.set()

    def _look(self) -> None:
        while not self._stop.wait(self._seconds):
            now = signature(self._paths)
            if now != self._last:
                self._last = now
                self._changed()
