"""The `effemb` command: its groups and single commands, in the order of the help."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

import typer

from effective_embeddings import _core
from effective_embeddings.cli.commands import (
    actors,
    assign,
    backup,
    category,
    config,
    demo,
    dismiss,
    evaluate,
    explain,
    exporting,
    health,
    history,
    impact,
    importing,
    info,
    item,
    match,
    namespace,
    repair,
    report,
    review,
    review_rate,
    serve,
    snapshot,
    suggest,
    token,
    undo,
)
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

app = typer.Typer(
    name="effemb",
    cls=Group,
    rich_markup_mode="markdown",
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


_RUN, _KEEP, _ASK, _MOVE = "Run", "Manage", "Assign and match", "Move data"

app.command("serve", rich_help_panel=_RUN)(serve.serve)
app.command("demo", rich_help_panel=_RUN)(demo.demo)
app.command("evaluate", help=evaluate.HELP, rich_help_panel=_RUN)(evaluate.evaluate)
app.add_typer(token.app, name="token", rich_help_panel=_RUN)
app.add_typer(config.app, name="config", rich_help_panel=_RUN)
app.command("limits", rich_help_panel=_RUN)(config.limits)
app.command("info", rich_help_panel=_RUN)(info.info)
app.command("verify", rich_help_panel=_RUN)(info.verify)
app.command("repair", rich_help_panel=_RUN)(repair.repair)
app.add_typer(namespace.app, name="namespace", rich_help_panel=_KEEP)
app.add_typer(category.app, name="category", rich_help_panel=_KEEP)
app.add_typer(item.app, name="item", rich_help_panel=_KEEP)
app.command("assign", rich_help_panel=_ASK)(assign.assign)
app.command("unassign", rich_help_panel=_ASK)(assign.unassign)
app.command("dismiss", rich_help_panel=_ASK)(dismiss.dismiss)
app.command("match", rich_help_panel=_ASK)(match.match)
app.command("explain", rich_help_panel=_ASK)(explain.explain)
app.command("review", rich_help_panel=_ASK)(review.review)
app.command("review-rate", rich_help_panel=_ASK)(review_rate.review_rate)
app.command("suggest", rich_help_panel=_ASK)(suggest.suggest)
app.command("actors", rich_help_panel=_ASK)(actors.actors)
app.command("impact", rich_help_panel=_ASK)(impact.impact)
app.command("health", rich_help_panel=_ASK)(health.health)
app.command("history", rich_help_panel=_ASK)(history.history)
app.command("report", rich_help_panel=_ASK)(report.report)
app.command("trim", rich_help_panel=_ASK)(history.trim)
app.command("undo", rich_help_panel=_ASK)(undo.undo)
app.command("import", help=importing.HELP, rich_help_panel=_MOVE)(importing.import_)
app.command("export", rich_help_panel=_MOVE)(exporting.export)
app.command("snapshot", rich_help_panel=_MOVE)(snapshot.snapshot)
app.command("restore", rich_help_panel=_MOVE)(snapshot.restore)
app.command("backup", rich_help_panel=_MOVE)(backup.backup)


def main() -> None:
    """Run the command."""
    app()
