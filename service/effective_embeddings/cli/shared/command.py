"""Common to the commands that call a service: options, client, failures."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec

import typer

from effective_embeddings.cli.shared.failures import telling_failures
from effective_embeddings.cli.shared.options import (
    ActorOption,
    ClientCertOption,
    ClientKeyOption,
    DataOption,
    DryRunOption,
    JsonOption,
    ReasonOption,
    ServerOption,
    TlsCaOption,
    TlsOption,
    TokenFileOption,
)
from effective_embeddings.cli.shared.where import Where
from effective_embeddings.client import ChangeOptions, Client

__all__ = ["Run", "asks", "writes"]

_P = ParamSpec("_P")
_Command = Callable[Concatenate["Run", _P], None]

_WHERE: dict[str, tuple[Any, Any]] = {
    "server": (ServerOption, None),
    "data": (DataOption, None),
    "token_file": (TokenFileOption, None),
    "tls": (TlsOption, False),
    "tls_ca": (TlsCaOption, None),
    "client_cert": (ClientCertOption, None),
    "client_key": (ClientKeyOption, None),
}
_JSON: dict[str, tuple[Any, Any]] = {"as_json": (JsonOption, False)}
_AUTHOR: dict[str, tuple[Any, Any]] = {"actor": (ActorOption, ""), "reason": (ReasonOption, "")}
_DRY_RUN: dict[str, tuple[Any, Any]] = {"dry_run": (DryRunOption, False)}


_NEXT_STEPS = {
    "DIRECTORY_IN_USE": (
        "If a server has it open, leave out --data and call the server by --server HOST:PORT."
    )
}


@dataclass(slots=True)
class Run:
    """One run of a command.

    Attributes:
        where: Where the data is.
        as_json: True: results and errors are JSON.
        create: True: a missing data directory is made.
        actor: Author of a change; empty: the caller's identity.
        reason: Reason for a change.
        dry_run: True: nothing is written.
    """

    where: Where
    as_json: bool
    create: bool
    actor: str = ""
    reason: str = ""
    dry_run: bool = False
    _client: Client | None = field(default=None, init=False)

    @property
    def client(self) -> Client:
        """The client, opened by its first use, so that wrong arguments are refused before."""
        if self._client is None:
            self._client = self.where.open(create=self.create)
        return self._client

    @property
    def change(self) -> ChangeOptions:
        """The keyword arguments of a write."""
        return {"actor": self.actor, "reason": self.reason, "validate_only": self.dry_run}

    def close(self) -> None:
        """Close the client, if it was opened."""
        if self._client is not None:
            self._client.close()


def asks(function: _Command[_P]) -> Callable[..., None]:
    """Make a command of a function that reads: it is given a Run, the command its options."""
    return _command(function, _WHERE | _JSON, create=False)


def writes(
    *, create: bool = False, dry_run: bool = True
) -> Callable[[_Command[_P]], Callable[..., None]]:
    """Make a command of a function that writes: also with --actor, --reason and --dry-run.

    Args:
        create: True: a missing data directory is made.
        dry_run: False: the command has no --dry-run.
    """
    options = _AUTHOR | (_DRY_RUN if dry_run else {}) | _WHERE | _JSON
    return lambda function: _command(function, options, create=create)


def _command(
    function: _Command[_P], options: dict[str, tuple[Any, Any]], *, create: bool
) -> Callable[..., None]:
    parameters = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    only = inspect.Parameter.KEYWORD_ONLY
    parameters.append(inspect.Parameter("context", only, annotation=typer.Context))
    parameters += [
        inspect.Parameter(name, only, annotation=annotation, default=default)
        for name, (annotation, default) in options.items()
    ]

    @functools.wraps(function)
    def command(*args: Any, **given: Any) -> None:
        where = Where.after(given.pop("context"), given)
        common = {name: given.pop(name) for name in options if name in given}
        run = Run(where, create=create, **common)
        with telling_failures(as_json=run.as_json, next_steps=_NEXT_STEPS):
            try:
                function(run, *args, **given)
            finally:
                run.close()

    # Typer reads the options from the signature.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command
