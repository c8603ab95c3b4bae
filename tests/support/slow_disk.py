"""A disk that answers no sync for a while, as a server sees it."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["SlowDisk"]


class SlowDisk:
    """A library for a server, whose syncs wait while a file exists."""

    _SOURCE = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int fdatasync(int file) {
            const char *hold = getenv("HOLD"), *held = getenv("HELD");
            char name[16] = "";
            if (access(hold, F_OK) == 0 && prctl(PR_GET_NAME, name) == 0) {
                FILE *out = fopen(held, "wx");
                if (out) fputs(name, out), fclose(out);
            }
            while (access(hold, F_OK) == 0) usleep(1000);
            return syscall(SYS_fdatasync, file);
        }
    """

    def __init__(self, folder: Path) -> None:
        """Compile the library into a folder."""
        self._hold, self._held = folder / "hold", folder / "held"
        source, library = folder / "slow_disk.c", folder / "slow_disk.so"
        source.write_text(self._SOURCE)
        # Rust needs a C compiler too.
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)  # noqa: S603, S607
        settings = {"LD_PRELOAD": library, "HOLD": self._hold, "HELD": self._held}
        #: The prefix of the server's command.
        self.before = ["env", *(f"{name}={value}" for name, value in settings.items())]

    @contextmanager
    def holding(self, write: Callable[[], object]) -> Iterator[str]:
        """Keep a write waiting during the body; yield the name of the thread that waits."""
        self._held.unlink(missing_ok=True)
        self._hold.touch()
        thread = threading.Thread(target=write)
        thread.start()
        try:
            end = time.monotonic() + 10
            name = ""
            while not name:
                assert time.monotonic() < end, "no write waits"
                time.sleep(0.01)
                with suppress(FileNotFoundError):
                    name = self._held.read_text()
            yield name
        finally:
            self._hold.unlink()
            thread.join()
