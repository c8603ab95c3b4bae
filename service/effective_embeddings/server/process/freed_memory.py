"""Memory that the process has freed, and that the C library keeps."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from pathlib import Path

__all__ = ["FreedMemory", "anonymous_bytes"]

_STATM = Path("/proc/self/statm")

# A trim visits every free block, and the next allocations fault their pages in again.
_WORTH = 8 * 1024 * 1024
# CPU seconds per second below which the process is idle. It must be for two looks, since the writer
# frees its pages a second after its last write.
_IDLE = 0.1
_IDLE_LOOKS = 2


def anonymous_bytes() -> int:
    """Return the bytes of this process's memory without mapped files."""
    fields = _STATM.read_text("ascii").split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


class FreedMemory:
    """Returns freed memory to the system after a load; a thread looks once a second.

    glibc returns the end of a heap only, so one block in use keeps all free memory before it: after
    a bulk load, a sixth of the process. The thread calls ``malloc_trim`` once the process has grown
    by 8 MiB and has then been idle for two looks. Without glibc or ``/proc`` it does not start.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="effemb-memory", daemon=True)

    def start(self) -> None:
        """Start the thread, where the C library can trim."""
        if self._trim is not None and _STATM.exists():
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread; idempotent."""
        self._stop.set()

    def _look(self) -> None:
        least = anonymous_bytes()
        idle = 0
        before = time.process_time()
        while not self._stop.wait(self._seconds):
            used = time.process_time()
            idle = idle + 1 if used - before < _IDLE * self._seconds else 0
            before = used
            now = anonymous_bytes()
            least = min(least, now)
            if now - least >= _WORTH and idle >= _IDLE_LOOKS and self._trim is not None:
                self._trim(ctypes.c_size_t(0))
                least = anonymous_bytes()
