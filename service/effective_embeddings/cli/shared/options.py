"""Options that many commands have, each written once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = [
    "ActorOption",
    "DataOption",
    "DryRunOption",
    "JsonOption",
    "KeyArgument",
    "MetadataOption",
    "ModelOption",
    "NamespaceArgument",
    "ReasonOption",
    "ServerOption",
    "metadata_of",
]

_WHERE = "Where the data is"
_WRITE = "What is kept with the change"

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="HOST:PORT",
        help="A server to ask. Default: $EFFEMB_SERVER, else 127.0.0.1:50051.",
        rich_help_panel=_WHERE,
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="A data directory to open in this process, without a server.",
        rich_help_panel=_WHERE,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print JSON (one object a line for lists), for programs."),
]
ActorOption = Annotated[
    str,
    typer.Option("--actor", help="Who makes the change.", rich_help_panel=_WRITE),
]
ReasonOption = Annotated[
    str,
    typer.Option("--reason", help="Why it is made.", rich_help_panel=_WRITE),
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Say what would happen, and change nothing."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="The model that the vectors come from; refused if it is not the namespace's.",
    ),
]
MetadataOption = Annotated[
    list[str] | None,
    typer.Option("--meta", metavar="NAME=TEXT", help="Data of your own; can be repeated."),
]
NamespaceArgument = Annotated[str, typer.Argument(metavar="NAMESPACE", help="The namespace.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key.")]


def metadata_of(pairs: list[str] | None, option: str = "--meta") -> dict[str, str] | None:
    """Makes a mapping of NAME=TEXT pairs; None if there are none."""
    if not pairs:
        return None
    taken: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            msg = f"must be NAME=TEXT, not {pair!r}"
            raise typer.BadParameter(msg, param_hint=option)
        taken[name] = text
    return taken
