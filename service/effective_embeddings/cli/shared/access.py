"""How commands reach a server that wants to know who calls: a token, and certificates.

Options of `effemb` itself, before the command, and variables of the environment. A token is never
an argument: everybody on the machine could read it in the list of processes.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings.client import Tls

__all__ = [
    "Access",
    "ClientCertOption",
    "ClientKeyOption",
    "TlsCaOption",
    "TlsOption",
    "TokenFileOption",
    "current_access",
    "set_access",
]

_PANEL = "How to reach a server"

TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        envvar="EFFEMB_TOKEN_FILE",
        help="A file with nothing but the token; or the token itself in $EFFEMB_TOKEN.",
        rich_help_panel=_PANEL,
    ),
]
TlsOption = Annotated[
    bool,
    typer.Option("--tls", envvar="EFFEMB_TLS", help="Encrypt the calls.", rich_help_panel=_PANEL),
]
TlsCaOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-ca",
        metavar="FILE",
        envvar="EFFEMB_TLS_CA",
        help="Encrypt the calls, and trust these certificates, PEM.",
        rich_help_panel=_PANEL,
    ),
]
ClientCertOption = Annotated[
    Path | None,
    typer.Option(
        "--client-cert",
        metavar="FILE",
        envvar="EFFEMB_CLIENT_CERT",
        help="A certificate of one's own, for a server that wants one (mTLS).",
        rich_help_panel=_PANEL,
    ),
]
ClientKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--client-key",
        metavar="FILE",
        envvar="EFFEMB_CLIENT_KEY",
        help="Its private key.",
        rich_help_panel=_PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class Access:
    """What goes with every call.

    Attributes:
        token_file: File of the token; None: the environment's, if there is one.
        tls: Whether calls are encrypted.
        ca: Whom to trust.
        cert: The client's certificate.
        key: Its key.
    """

    token_file: Path | None = None
    tls: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def token(self) -> str | None:
        """Return the token, if there is one."""
        if self.token_file is None:
            return os.environ.get("EFFEMB_TOKEN") or None
        return self.token_file.read_text("utf-8").strip()

    def security(self) -> Tls | None:
        """Return how calls are encrypted; None: they are not."""
        if not (self.tls or self.ca or self.cert or self.key):
            return None
        try:
            return Tls(ca=self.ca, cert=self.cert, key=self.key)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--client-cert") from None


_current: ContextVar[Access | None] = ContextVar("access", default=None)


def set_access(access: Access) -> None:
    """Keep what the command line says, for the command that follows."""
    _current.set(access)


def current_access() -> Access:
    """Return what the command line says."""
    return _current.get() or Access()
