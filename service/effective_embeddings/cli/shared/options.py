"""Options and arguments that several commands take, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "TIME_FORMATS",
    "ActorOption",
    "AllowMissingOption",
    "AtRevisionOption",
    "ClientCertOption",
    "ClientKeyOption",
    "DataOption",
    "DryRunOption",
    "JsonOption",
    "KeyArgument",
    "KeysArgument",
    "MetadataOption",
    "ModelOption",
    "NamespaceArgument",
    "PartOption",
    "ReasonOption",
    "ServerOption",
    "TlsCaOption",
    "TlsOption",
    "TokenFileOption",
    "WeightOption",
    "metadata_of",
    "parts_of",
]

#: What an option takes for a time; without a zone it is local time.
TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]

_WHERE = "Where the data is"
_ACCESS = "How to reach a server"
_WRITE = "Stored with the change"

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="HOST:PORT",
        help="The server to call. Default: $EFFEMB_SERVER, else 127.0.0.1:50051.",
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
# A token is never an argument: every user of the machine can read the list of processes.
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        envvar="EFFEMB_TOKEN_FILE",
        help="A file that holds the token alone; -: standard input. Default: $EFFEMB_TOKEN.",
        rich_help_panel=_ACCESS,
    ),
]
TlsOption = Annotated[
    bool,
    typer.Option("--tls", envvar="EFFEMB_TLS", help="Encrypt the calls.", rich_help_panel=_ACCESS),
]
TlsCaOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-ca",
        metavar="FILE",
        envvar="EFFEMB_TLS_CA",
        help="Encrypt the calls, and trust these certificates, PEM.",
        rich_help_panel=_ACCESS,
    ),
]
ClientCertOption = Annotated[
    Path | None,
    typer.Option(
        "--client-cert",
        metavar="FILE",
        envvar="EFFEMB_CLIENT_CERT",
        help="The client's certificate, for a server that requires one (mTLS), PEM.",
        rich_help_panel=_ACCESS,
    ),
]
ClientKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--client-key",
        metavar="FILE",
        envvar="EFFEMB_CLIENT_KEY",
        help="The private key of --client-cert, PEM.",
        rich_help_panel=_ACCESS,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print JSON for programs, one object per line for lists; errors too, to stderr.",
    ),
]
AtRevisionOption = Annotated[
    int,
    typer.Option(
        "--at-revision",
        min=0,
        metavar="REVISION",
        help="As it was at this revision, if its history is kept; 0: the newest.",
    ),
]
ActorOption = Annotated[
    str,
    typer.Option("--actor", help="The author of the change.", rich_help_panel=_WRITE),
]
ReasonOption = Annotated[
    str,
    typer.Option("--reason", help="The reason for the change.", rich_help_panel=_WRITE),
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Report what would happen, and change nothing."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="The model of the vectors; refused if the namespace has another.",
    ),
]
MetadataOption = Annotated[
    list[str] | None,
    typer.Option("--meta", metavar="NAME=TEXT", help="Metadata; can be repeated."),
]
WeightOption = Annotated[
    float | None, typer.Option("--weight", help="How much the item teaches; default 1.")
]
PartOption = Annotated[
    list[str] | None,
    typer.Option(
        "--part",
        metavar="KEY[=WEIGHT]",
        help="Make it of this item instead of an embedding; can be repeated.",
    ),
]
AllowMissingOption = Annotated[
    bool, typer.Option("--allow-missing", help="Skip keys that do not exist.")
]
NamespaceArgument = Annotated[str, typer.Argument(metavar="NAMESPACE", help="The namespace.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key.")]
KeysArgument = Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys.")]


def parts_of(parts: list[str] | None) -> dict[str, float] | None:
    """Return the weights of parts that are written as KEY or KEY=WEIGHT; None: none are given."""
    if not parts:
        return None
    found: dict[str, float] = {}
    for part in parts:
        key, equals, weight = part.rpartition("=")
        try:
            number = float(weight) if equals else 1.0
        except ValueError:
            msg = f"the weight of part {key!r} must be a number, not {weight!r}"
            raise typer.BadParameter(msg, param_hint="--part") from None
        name = key if equals else part
        if name in found:
            msg = f"part {name!r} comes twice"
            raise typer.BadParameter(msg, param_hint="--part")
        found[name] = number
    return found


def metadata_of(pairs: list[str] | None, option: str = "--meta") -> dict[str, str] | None:
    """Return a mapping of NAME=TEXT pairs; None if none is given."""
    if not pairs:
        return None
    metadata: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            msg = f"must be NAME=TEXT, not {pair!r}"
            raise typer.BadParameter(msg, param_hint=option)
        if name in metadata:
            msg = f"{name!r} is given twice"
            raise typer.BadParameter(msg, param_hint=option)
        metadata[name] = text
    return metadata
