"""The server of the demo: `effemb serve` in a process of its own, as in earnest."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HostedServer", "HostingError", "hosting"]

_SECONDS_TO_STOP = 20


class HostingError(Exception):
    """The server did not start; the text holds what it said."""


@dataclass(frozen=True, slots=True)
class HostedServer:
    """A running server."""

    target: str
    data: Path
    process: subprocess.Popen[str]

    def wait(self) -> None:
        """Waits until the server ends or Ctrl-C is pressed."""
        try:
            self.process.wait()
        except KeyboardInterrupt:
            return


@contextmanager
def hosting(listen: str, data: Path | None) -> Iterator[HostedServer]:
    """Starts a server, and stops it in good order at the end.

    Without a directory the data is temporary and goes with the server.
    """
    with ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="effemb-demo-")))
        log = stack.enter_context(tempfile.TemporaryFile(mode="w+", encoding="utf-8"))
        command = [sys.executable, "-m", "effective_embeddings.cli", "serve", "--json"]
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [*command, "--listen", listen, "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C is for the demo, which then stops the server when it is done with it.
            start_new_session=True,
        )
        stack.callback(_stop, process)
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            process.wait()
            log.seek(0)
            raise HostingError(_reason(log.read()))
        yield HostedServer(json.loads(line)["listening"], data, process)


def _reason(log: str) -> str:
    lines = log.strip().splitlines() or ["it said nothing"]
    try:
        told = json.loads(lines[-1])["error"]["message"]
    except (ValueError, KeyError, TypeError):
        told = log.strip()
    return f"the server did not start: {told}"


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
