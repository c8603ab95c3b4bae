"""A client for one command: opened where the options say, with errors told in one place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from effective_embeddings.cli.shared.access import current_access
from effective_embeddings.cli.shared.failures import telling_failures
from effective_embeddings.client import DEFAULT_TARGET, Client

__all__ = ["server_of", "session"]


@contextmanager
def session(
    server: str | None,
    data: str | None,
    *,
    as_json: bool,
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
    with telling_failures(as_json=as_json), _open(server, data, create=create) as client:
        yield client


def _open(server: str | None, data: str | None, *, create: bool) -> Client:
    if data is not None:
        if not create and not Path(data).is_dir():
            msg = f"{data} is no directory"
            raise typer.BadParameter(msg, param_hint="--data")
        return Client.embedded(data)
    access = current_access()
    try:
        return Client(server_of(server), tls=access.security(), token=access.token())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def server_of(server: str | None) -> str:
    """The server to ask, given what the command line says."""
    # An environment variable is a default, not a wish: --data on the command line beats it.
    return server or os.environ.get("EFFEMB_SERVER") or DEFAULT_TARGET
