"""A server in a process of its own, which can be stopped or killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["ServerProcess", "environment", "inherited"]

_SECONDS_TO_START = 20.0
_SECONDS_TO_STOP = 20.0


inherited: dict[str, str] = {}
"""Variables of every server."""


def environment(**more: str) -> dict[str, str]:
    """Our environment for a command, without variables that change its behaviour."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EFFEMB_")}
    return kept | inherited | {"PYTHONWARNINGS": "ignore", "COLUMNS": "200", "NO_COLOR": "1"} | more


class ServerProcess:
    """`effemb serve` on a free port; a context manager. It signals only its own process."""

    def __init__(
        self,
        data: Path,
        *options: str,
        log: Path | None = None,
        wait: bool = True,
        before: Sequence[str] = (),
    ) -> None:
        """Start the server.

        Args:
            data: The data directory.
            *options: Options of `effemb serve`.
            log: The file for its standard error; None: beside the directory.
            wait: Whether to wait until it serves.
            before: A command prefix, such as nsenter.
        """
        self.data = data
        self._log = log or data.with_name(f"{data.name}.log")
        with self._log.open("ab") as log_file:
            self.process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [
                    *before,
                    *(sys.executable, "-m", "effective_embeddings.cli", "serve", "--json"),
                    *("--listen", "127.0.0.1:0", "--data", str(data), *options),
                ],
                stdout=subprocess.PIPE,
                stderr=log_file,
                # Servers of concurrent tests must not share a port.
                env=environment(EFFEMB_METRICS_LISTEN="off"),
            )
        #: The line that it printed when it began to serve.
        self.told: dict[str, str] = {}
        if wait:
            try:
                self.wait_until_it_serves()
            except BaseException:
                self.kill()
                raise

    def wait_until_it_serves(self) -> None:
        """Wait until it has printed its address."""
        self.told = json.loads(self._first_line())

    def _first_line(self) -> bytes:
        out = self.process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], _SECONDS_TO_START)
        line: bytes = out.readline() if ready else b""
        assert line, f"the server did not start: {self.log()}"
        return line

    def has_open(self, name: str) -> bool:
        """Whether it has opened a file of its directory."""
        try:
            links = [link.readlink() for link in Path(f"/proc/{self.process.pid}/fd").iterdir()]
        except OSError:
            return False
        return self.data.resolve() / name in links

    def kill_and_see_whether_it_served(self) -> bool:
        """Kill it; return whether it had begun to serve."""
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        served = self.told != {} or self.process.stdout.readline() != b""
        self._close()
        return served

    @property
    def target(self) -> str:
        """The address for clients."""
        return self.told["listening"]

    def log(self) -> str:
        """Its log so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def terminate(self) -> int:
        """Send SIGTERM, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = _SECONDS_TO_STOP) -> int:
        """Wait until it has ended, and return its exit status."""
        status = self.process.wait(seconds)
        self._close()
        return status

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()
        self.wait()

    def wait_for_log(self, text: str, seconds: float = 10.0) -> None:
        """Wait until it has logged a text."""
        end = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < end, f"{text!r} was not logged: {self.log()}"
            time.sleep(0.01)

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()
