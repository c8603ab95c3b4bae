"""Servers in processes of their own: the service and the echo servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.harness.builds import load_generator

__all__ = ["Hosted", "echo", "native_echo", "rss_bytes", "service"]

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Hosted:
    """A server that answers at ``target``."""

    target: str
    process: subprocess.Popen[str]

    def cpu_seconds(self) -> float:
        """CPU seconds of all its threads so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text("ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def rss(self) -> int:
        """Its memory in bytes, now."""
        return rss_bytes(self.process.pid)

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.process.kill()
        self.process.wait()


def rss_bytes(pid: int) -> int:
    """Anonymous memory of a process in bytes, without mapped files."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


@contextmanager
def service(data: Path, *options: str, package: Path | None = None) -> Iterator[Hosted]:
    """Run ``effemb serve`` on a directory.

    Args:
        data: The data directory.
        *options: Further options of the command.
        package: The folder of another build of the package; None: the installed one.
    """
    command = ["-m", "effective_embeddings.cli", "serve", "--json", "--log-level", "warning"]
    command += ["--listen", "127.0.0.1:0", "--data", str(data), *options]
    environment = dict(os.environ) if package is None else os.environ | {"PYTHONPATH": str(package)}
    with _hosted([sys.executable, *command], "listening", environment) as hosted:
        yield hosted


@contextmanager
def echo(reply_bytes: int) -> Iterator[Hosted]:
    """Run the echo server, which answers every call with ``reply_bytes`` bytes."""
    command = ["-m", "bench.harness.echo_server", "--reply-bytes", str(reply_bytes)]
    with _hosted([sys.executable, *command], "target") as hosted:
        yield hosted


@contextmanager
def native_echo(reply_bytes: int) -> Iterator[Hosted]:
    """Run the echo on the HTTP/2 library of the native listener, with as many threads."""
    command = [str(load_generator()), "echo", str(reply_bytes), str(os.cpu_count() or 1)]
    with _hosted(command, "target") as hosted:
        yield hosted


@contextmanager
def _hosted(
    command: list[str], key: str, environment: dict[str, str] | None = None
) -> Iterator[Hosted]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield Hosted(json.loads(line)[key], process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()
        if process.stdout:
            process.stdout.close()
