"""Where a command finds its data, and how it reaches it: the options, and the client they make."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import typer

from effective_embeddings.cli.shared.paths import require_data_directory
from effective_embeddings.client import DEFAULT_TARGET, Client, Tls

__all__ = ["Where", "is_on_command_line"]


@dataclass(frozen=True, slots=True)
class Where:
    """The options that say where the data is; `effemb` takes them before and after the command.

    Attributes:
        server: Address of a server; None: the environment's, else the default.
        data: A data directory to open in this process; excludes ``server``.
        token_file: File that holds the token, ``-``: standard input; None: the environment's, if
            any.
        tls: True: calls are encrypted.
        tls_ca: Certificates to trust; implies ``tls``.
        client_cert: The client's certificate; needs ``client_key``; implies ``tls``.
        client_key: Its private key.
    """

    server: str | None = None
    data: str | None = None
    token_file: Path | None = None
    tls: bool = False
    tls_ca: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    @classmethod
    def after(cls, context: typer.Context, given: dict[str, Any]) -> Where:
        """Return the options of a command, on top of those given before it.

        Args:
            context: The command's; its ``obj`` is the Where given before the command.
            given: The command's parameters; these options are taken out.
        """
        before = context.find_object(cls) or cls()
        names = [field.name for field in fields(cls)]
        values = {name: given.pop(name) for name in names}
        # A variable of the environment is in both, and must not win over an option before.
        said = [name for name in names if is_on_command_line(context, name)]
        merged = {name: values[name] if name in said else getattr(before, name) for name in names}
        where = cls(**merged)
        if where.server is not None and where.data is not None:
            msg = (
                "--server and --data exclude each other: the data is either behind a server or in"
                " a directory that this process opens itself"
            )
            raise typer.BadParameter(msg)
        return where

    @property
    def target(self) -> str:
        """The address of the server to call."""
        # The environment's is a default: --data on the command line wins over it.
        return self.server or os.environ.get("EFFEMB_SERVER") or DEFAULT_TARGET

    @property
    def name(self) -> str:
        """The name of the place in messages."""
        return self.data or self.target

    def open(self, *, create: bool) -> Client:
        """Return a client of the server or the directory.

        Args:
            create: True: a missing directory is made. Otherwise a path without a data directory is
                refused: it is probably a misspelling, which an empty answer would hide.
        """
        if self.data is not None:
            if not create:
                require_data_directory(Path(self.data), "--data")
            return Client.embedded(self.data)
        # gRPC's own log lines would stand among the messages of the command.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        try:
            return Client(self.target, tls=self._tls(), token=self._token())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    def _token(self) -> str | None:
        if self.token_file is None:
            return os.environ.get("EFFEMB_TOKEN") or None
        if str(self.token_file) == "-":
            return sys.stdin.readline().strip()
        return self.token_file.read_text("utf-8").strip()

    def _tls(self) -> Tls | None:
        if not (self.tls or self.tls_ca or self.client_cert or self.client_key):
            return None
        try:
            return Tls(ca=self.tls_ca, cert=self.client_cert, key=self.client_key)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--client-cert") from None


def is_on_command_line(context: typer.Context, name: str) -> bool:
    """Say whether a parameter was given as an option, and not by default or environment."""
    source: Any = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
