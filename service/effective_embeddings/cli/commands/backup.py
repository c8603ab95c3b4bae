"""`effemb backup`: a copy of a data directory, also while a server is using it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings import _core
from effective_embeddings.cli.shared.failures import telling_failures
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import counted, print_json, say
from effective_embeddings.client.errors import error_from_status

__all__ = ["backup"]


def backup(
    target: Annotated[
        Path,
        typer.Argument(metavar="TARGET", help="The copy: a directory that does not exist yet."),
    ],
    *,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="The data directory; a server may be using it."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Copy a data directory, as of one moment, also while a server is writing to it.

    Everything in the copy is verified before the copy gets its name. The copy is a data directory:
    to go back to it, stop the server, replace the old directory, and start. The user must be able
    to read and write the server's files.

    Example:  effemb backup --data ./effemb-data ./effemb-backup
    """
    if not data.is_dir():
        msg = f"{data} is not a directory"
        raise typer.BadParameter(msg, param_hint="--data")
    if target.exists():
        msg = f"{target} exists already"
        raise typer.BadParameter(msg, param_hint="TARGET")
    with telling_failures(as_json=as_json):
        try:
            copied = _core.backup(data, target)
        except _core.StatusError as error:
            raise error_from_status(error.code, error.message, error.details) from error
    for name, revision, digest in copied:
        if as_json:
            print_json({"namespace": name, "revision": revision, "digest": digest.hex()})
        else:
            say(f"{name}: revision {revision}, digest {digest.hex()[:16]}")
    if not as_json:
        say(f"{target}: {counted(len(copied), 'namespace')}, verified")
