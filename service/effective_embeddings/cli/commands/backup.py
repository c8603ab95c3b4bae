"""`effemb backup`: a copy of a data directory, also while a server is using it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings import _core
from effective_embeddings.cli.shared.failures import telling_failures
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import counted, errors, print_json, say
from effective_embeddings.cli.shared.paths import require_data_directory, require_folder_of
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

    Everything in the copy is verified before the copy gets its name. A damaged namespace is copied
    as it is and named, the others are complete, and the exit status is 1. A damaged page ends the
    command without a copy: `effemb repair` then saves what can be read. The copy is a data
    directory: to go back to it, stop the server, replace the old directory, and start. The user
    must be able to read and write the server's files.

    Example:  effemb backup --data ./effemb-data ./effemb-backup
    """
    require_data_directory(data, "--data")
    if target.exists():
        msg = f"{target} exists already"
        raise typer.BadParameter(msg, param_hint="TARGET")
    require_folder_of(target, "TARGET")
    with telling_failures(as_json=as_json):
        try:
            copied = _core.backup(data, target)
        except _core.StatusError as error:
            raise error_from_status(error.code, error.message, error.details) from error
    damaged = [findings for *_, findings in copied if findings]
    for name, revision, digest, findings in copied:
        told = digest.hex() if digest else None
        if as_json:
            print_json(
                {"namespace": name, "revision": revision, "digest": told, "findings": findings}
            )
            continue
        if told:
            say(f"{name}: revision {revision}, digest {told[:16]}")
        for finding in findings:
            errors.print(f"{name}: damaged: {finding}", markup=False, soft_wrap=True)
    if not as_json:
        verified = counted(len(copied) - len(damaged), "namespace")
        say(f"{target}: {verified}, verified" + (f"; {len(damaged)} damaged" if damaged else ""))
    if damaged:
        raise typer.Exit(1)
