"""The `effemb` command."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

import typer

from effective_embeddings import _core
from effective_embeddings.cli.catalog import COMMANDS, RICH_MARKUP_MODE
from effective_embeddings.cli.shared.group import Group
from effective_embeddings.cli.shared.options import (
    ClientCertOption,
    ClientKeyOption,
    DataOption,
    ServerOption,
    TlsCaOption,
    TlsOption,
    TokenFileOption,
)
from effective_embeddings.cli.shared.output import say
from effective_embeddings.cli.shared.where import Where, is_on_command_line

__all__ = ["app", "main"]

_HELP = """Categories that learn by absorbing what people put into them.

Start a server, or work on a data directory without one:

    effemb serve
    effemb namespace create notes --dimension 384
    effemb category put notes health --base @health.npy
    effemb assign notes gym health --embedding @gym.npy
    effemb match notes --embedding @swim.npy

A command that works on data takes --server HOST:PORT or --data DIR, before or after its name,
and --json.
"""

# Commands that call no service; `serve`, `backup` and `demo` have a --data of their own.
_LOCAL = ("serve", "demo", "evaluate", "token", "config", "limits", "repair", "backup")


class _Root(Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None if there is none of this name."""
        # For a name that is not one, similar ones are looked for among those that are loaded.
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = COMMANDS[name].load(name)
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="effemb",
    cls=_Root,
    rich_markup_mode=RICH_MARKUP_MODE,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(help=_HELP, invoke_without_command=True)
def _options(
    context: typer.Context,
    *,
    server: ServerOption = None,
    data: DataOption = None,
    token_file: TokenFileOption = None,
    tls: TlsOption = False,
    tls_ca: TlsCaOption = None,
    client_cert: ClientCertOption = None,
    client_key: ClientKeyOption = None,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    if version:
        say(_core.VERSION)
        raise typer.Exit
    context.obj = Where(server, data, token_file, tls, tls_ca, client_cert, client_key)
    if context.invoked_subcommand in _LOCAL:
        for name in (field.name for field in fields(Where)):
            if is_on_command_line(context, name):
                option = f"--{name.replace('_', '-')}"
                msg = f"is not for {context.invoked_subcommand}, which calls no service"
                raise typer.BadParameter(msg, param_hint=option)
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Run the command."""
    app()
