"""A client for one command: opened where the options say, with errors told in one place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from effective_embeddings.cli.failures import telling_failures
from effective_embeddings.client import Client

__all__ = ["DEFAULT_SERVER", "session"]

DEFAULT_SERVER = "127.0.0.1:50051"


@contextmanager
def session(
    server: str | None,
    data: str | None,
    *,
    as_json: bool,
    timeout: float | None = 30.0,
    create: bool = False,
) -> Iterator[Client]:
    """Gives a client of a server, or of a data directory opened in this process.

    A directory that is not there is made only where `create` says so: elsewhere it is a slip of
    the hand, and an empty answer from an empty directory would hide it.
    """
    if server is not None and data is not None:
        msg = (
            "--server and --data exclude each other: the data is either behind a server or in"
            " a directory that this process opens itself"
        )
        raise typer.BadParameter(msg)
    with telling_failures(as_json=as_json), _open(server, data, timeout, create=create) as client:
        yield client


def _open(server: str | None, data: str | None, timeout: float | None, *, create: bool) -> Client:
    if data is not None:
        if not create and not Path(data).is_dir():
            msg = f"{data} is no directory"
            raise typer.BadParameter(msg, param_hint="--data")
        return Client.embedded(data)
    # An environment variable is a default, not a wish: --data on the command line beats it.
    target = server or os.environ.get("EFFEMB_SERVER") or DEFAULT_SERVER
    return Client(target, timeout=timeout)
