"""`effemb token`: make tokens, and look at a file of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings import server as room
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import console, errors, print_json, say

__all__ = ["app"]

app = typer.Typer(help="Tokens: who may call a server, and do what.", no_args_is_help=True)


@app.command("new")
def new(
    principal: Annotated[str, typer.Argument(help="Whose token it is, as logs will say.")],
    *,
    allow: Annotated[
        list[str],
        typer.Option(
            "--allow",
            metavar="SCOPE:NAMESPACE",
            help="What it may do: read, write or admin, on a namespace, a prefix* or *. Can be"
            " repeated.",
        ),
    ],
    rate: Annotated[
        float | None,
        typer.Option(help="Calls a second, instead of what the server's settings say."),
    ] = None,
    append: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Add the line to this file; a server takes it up."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token: it is printed once, and kept nowhere. The server gets the line with its hash.

    Example:  effemb token new alice --allow write:alice --allow 'read:shared-*'
    """
    token = room.new_token()
    try:
        rules = allow if rate is None else [*allow, f"rate={rate:g}"]
        line = room.token_line(principal, token, rules)
        if append is not None:
            _append(append, line)
    except (room.SettingsError, OSError) as error:
        raise fail(str(error), as_json=as_json) from error
    if as_json:
        print_json({"token": token, "line": line})
        return
    say(token)
    if append is None:
        errors.print("[dim]the line for the server's --tokens file:[/dim]")
        errors.print(line, markup=False, soft_wrap=True)


def _append(path: Path, line: str) -> None:
    """Add a line, if the file is one of tokens and stays one, and its owner's."""
    # A link, such as that of a mounted secret, stays one.
    path = path.resolve()
    before = path.read_text("utf-8") if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    room.parse_tokens(before + line, f"{path}: ")
    path.touch(mode=0o600)
    # Written beside and moved, so that a server never reads half of it.
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    beside.write_text(before + line + "\n", "utf-8")
    found = path.stat()
    beside.chmod(found.st_mode & 0o777)
    # Root adds tokens for a server that runs as somebody else.
    if (found.st_uid, found.st_gid) != (beside.stat().st_uid, beside.stat().st_gid):
        os.chown(beside, found.st_uid, found.st_gid)
    beside.replace(path)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A file for --tokens.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say whether a file of tokens can be used, and whose they are.

    Example:  effemb token check /etc/effemb/tokens
    """
    try:
        found = room.read_tokens(file)
    except room.SettingsError as error:
        raise fail(str(error), as_json=as_json) from error
    if as_json:
        print_json({"tokens": len(found), "principals": found.principals})
        return
    console.print(f"{len(found)} tokens of {', '.join(found.principals) or 'nobody'}", markup=False)
