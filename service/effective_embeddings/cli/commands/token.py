"""`effemb token`: make, list, check and revoke the tokens of a server."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings import server
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import (
    counted,
    errors,
    print_json,
    print_table,
    say,
    table,
)

__all__ = ["app"]

app = typer.Typer(
    help="The tokens of a server: their principals and permissions.", no_args_is_help=True
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A file for --tokens.")]


@app.command("new")
def new(
    principal: Annotated[str, typer.Argument(help="The token's principal, named in logs.")],
    *,
    allow: Annotated[
        list[str],
        typer.Option(
            "--allow",
            metavar="SCOPE:NAMESPACE",
            help="A permission: read, write or admin, on a namespace, a prefix* or *. Can be"
            " repeated.",
        ),
    ],
    rate: Annotated[
        float | None,
        typer.Option(help="Calls per second, instead of the server's calls_per_second."),
    ] = None,
    append: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Add the entry to this file; a server reloads it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token and print it once: the server's file holds only its hash.

    Example:  effemb token new alice --allow write:alice --allow 'read:shared-*'
    """
    token = server.new_token()
    try:
        rules = allow if rate is None else [*allow, f"rate={rate:g}"]
        line = server.token_line(principal, token, rules)
        if append is not None:
            server.add_token(append, line, dt.datetime.now(dt.UTC).date().isoformat())
    except (server.SettingsError, OSError) as error:
        raise fail(str(error), as_json=as_json) from error
    if as_json:
        print_json({"token": token, "line": line})
        return
    say(token)
    if append is None:
        errors.print("[dim]the entry for the server's --tokens file:[/dim]")
        errors.print(line, markup=False, soft_wrap=True)


@app.command("list")
def list_(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """List the tokens of a file: their ids, principals, permissions and dates.

    Example:  effemb token list /etc/effemb/tokens
    """
    try:
        entries = server.list_tokens(file)
    except server.SettingsError as error:
        raise fail(str(error), as_json=as_json) from error
    if as_json:
        for each in entries:
            print_json(each)
        return
    rows = table("id", "principal", "created", "permissions", whole=("id", "principal"))
    for each in entries:
        rows.add_row(each.id, each.principal, each.created, " ".join(each.rules))
    print_table(rows, empty="no tokens")


@app.command("revoke")
def revoke(
    file: FileArgument,
    token: Annotated[str, typer.Argument(metavar="ID", help="The token's id, or its beginning.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Remove a token from a file; a server that uses the file refuses the token from then on.

    Example:  effemb token revoke /etc/effemb/tokens 5e884898da28
    """
    try:
        entry = server.revoke_token(file, token)
    except (server.SettingsError, OSError) as error:
        raise fail(str(error), as_json=as_json) from error
    if as_json:
        print_json({"revoked": entry.id, "principal": entry.principal})
        return
    say(f"revoked {entry.id} of {entry.principal}")


@app.command("check")
def check(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """Check that a token file can be used, and name its principals.

    Example:  effemb token check /etc/effemb/tokens
    """
    try:
        found = server.read_tokens(file)
    except server.SettingsError as error:
        raise fail(str(error), as_json=as_json) from error
    if as_json:
        print_json({"tokens": len(found), "principals": found.principals})
        return
    say(f"{counted(len(found), 'token')} of {', '.join(found.principals) or 'nobody'}")
