"""Load on a server from the native generator, ``bench/load``, and from clients in other languages.

A generator in Python takes more time for a call than the native listener, and would measure itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.harness.builds import load_generator
from bench.harness.load import METHOD

__all__ = ["CATEGORY", "NUMBER", "Measured", "background", "grpc", "postgres"]

#: The places of a request that have another number in each call.
NUMBER = "#" * 16
#: The places of a request that have one of 0000 to 0099 in turn.
CATEGORY = "%" * 4


@dataclass(frozen=True, slots=True)
class Measured:
    """What a closed loop measured.

    Attributes:
        calls: Answered calls.
        rate: Calls per second.
        p50_us: Median latency in microseconds.
        p99_us: 99th percentile of the same.
    """

    calls: int
    rate: float
    p50_us: float
    p99_us: float


def grpc(
    target: str,
    method: str,
    request: bytes,
    outstanding: int,
    seconds: float,
    *,
    program: Path | None = None,
    token: str | None = None,
) -> Measured:
    """Call a method over one connection; ``program``: a client in another language."""
    with _file(request) as file:
        command = _command(program, target, method, file, outstanding, seconds)
        return _measured(command, os.environ | ({"LOAD_TOKEN": token} if token else {}))


def postgres(
    target: str,
    database: str,
    sql: str,
    parameters: Sequence[bytes],
    outstanding: int,
    seconds: float,
) -> Measured:
    """Execute a prepared statement, over a connection for each outstanding call.

    Args:
        target: HOST:PORT.
        database: The database.
        sql: The statement.
        parameters: Its parameters in PostgreSQL's binary form.
        outstanding: Calls at the same time.
        seconds: The duration.
    """
    with tempfile.TemporaryDirectory(prefix="effemb-bench-") as folder:
        files = [Path(folder) / str(index) for index in range(len(parameters))]
        for file, parameter in zip(files, parameters, strict=True):
            file.write_bytes(parameter)
        command = [load_generator(), "postgres", target, database, sql, outstanding, seconds]
        return _measured([*map(str, command), *(f"@{file}" for file in files)])


@contextmanager
def background(target: str, method: str, request: bytes, outstanding: int) -> Iterator[None]:
    """Keep calls outstanding during the body."""
    with _file(request) as file:
        command = _command(None, target, method, file, outstanding, 3600)
        process = subprocess.Popen(command)  # noqa: S603 - our own command
        try:
            yield
            if process.poll() is not None:
                message = f"the load in the background ended with {process.returncode}"
                raise RuntimeError(message)
        finally:
            process.kill()
            process.wait()


def _command(
    program: Path | None, target: str, method: str, file: Path, outstanding: int, seconds: float
) -> list[str]:
    begin = [str(program)] if program else [str(load_generator()), "grpc"]
    return [*begin, target, METHOD + method, str(file), str(outstanding), str(seconds)]


def _measured(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    done = subprocess.run(  # noqa: S603 - our own command
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    told = json.loads(done.stdout)
    return Measured(told["calls"], told["rate"], told["p50_us"], told["p99_us"])


@contextmanager
def _file(request: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(prefix="effemb-bench-") as file:
        file.write(request)
        file.flush()
        yield Path(file.name)
