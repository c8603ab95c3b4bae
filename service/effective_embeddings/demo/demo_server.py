"""The server of the demo: `effemb serve` in a process of its own, as in production."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

__all__ = ["DemoServer", "DemoServerError", "demo_server"]

_SECONDS_TO_STOP = 20


class DemoServerError(Exception):
    """The server did not start; the text holds its own message."""


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A running server."""

    target: str
    data: Path
    process: subprocess.Popen[str]

    def wait(self) -> None:
        """Wait until the server ends or Ctrl-C is pressed."""
        try:
            self.process.wait()
        except KeyboardInterrupt:
            return


@contextmanager
def demo_server(listen: str, data: Path | None) -> Iterator[DemoServer]:
    """Start a server, and stop it gracefully at the end, also at that of SIGTERM or SIGHUP.

    Args:
        listen: Address to listen on.
        data: The data directory; None: a temporary one, removed at the end.

    Raises:
        DemoServerError: The server did not start.
    """
    with ExitStack() as stack:
        stack.enter_context(_signals_exit())
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="effemb-demo-")))
        log = stack.enter_context(tempfile.TemporaryFile(mode="w+", encoding="utf-8"))
        command = [sys.executable, "-m", "effective_embeddings.cli", "serve", "--json"]
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [*command, "--listen", listen, "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C goes to the demo alone, which then stops the server.
            start_new_session=True,
        )
        stack.callback(_stop, process)
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            process.wait()
            log.seek(0)
            raise DemoServerError(_reason(log.read()))
        yield DemoServer(json.loads(line)["listening"], data, process)


@contextmanager
def _signals_exit() -> Iterator[None]:
    """Make an exit of SIGTERM and SIGHUP: by default they end a process without its clean-up.

    The server is in a session of its own and would stay.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread has handlers
        return
    numbers = (signal.SIGTERM, signal.SIGHUP)

    def leave(number: int, _frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)  # a second signal does not interrupt the clean-up
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reason(log: str) -> str:
    lines = log.strip().splitlines() or ["it printed nothing"]
    try:
        message = json.loads(lines[-1])["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = log.strip()
    return f"the server did not start: {message}"


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
