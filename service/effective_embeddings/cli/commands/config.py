"""`effemb config` and `effemb limits`: what a server would be told, before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings import server as room
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import errors, print_json, print_table, say, table

__all__ = ["app", "limits"]

app = typer.Typer(help="The settings of a server.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; EFFEMB_* go before it."),
]


def _resolve(config: Path | None, *, as_json: bool) -> room.Resolved:
    try:
        return room.resolve({}, config)
    except room.SettingsError as error:
        raise fail(str(error), as_json=as_json) from error


@app.command("check")
def check(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say whether a server could use these settings, its tokens and its certificate included.

    Example:  effemb config check --config /etc/effemb/config.toml
    """
    resolved = _resolve(config, as_json=as_json)
    try:
        tokens = room.check_files(resolved.settings)
    except room.SettingsError as error:
        raise fail(str(error), as_json=as_json) from error
    for name in resolved.unknown:
        errors.print(f"{name}: there is no such setting", markup=False)
    if as_json:
        print_json({"ok": not resolved.unknown, "unknown": resolved.unknown, "tokens": tokens})
    elif not resolved.unknown:
        say(f"these settings can be used; tokens: {tokens}")
    if resolved.unknown:
        raise typer.Exit(1)


@app.command("show")
def show(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every setting, its value and where that comes from; secrets are not shown.

    Example:  effemb config show --config /etc/effemb/config.toml
    """
    resolved = _resolve(config, as_json=as_json)
    shown = resolved.shown()
    if as_json:
        print_json(shown)
        return
    made = table("setting", "value", "from")
    for name, value in shown.items():
        made.add_row(name, "" if value is None else str(value), resolved.sources[name])
    print_table(made, empty="")


def limits(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List every limit of a server, and what happens to who goes beyond it.

    Those of a request (batches, keys, dimensions) are listed too; their error is
    INVALID_ARGUMENT, with the field and both numbers.

    Example:  effemb limits
    """
    resolved = _resolve(config, as_json=as_json)
    found = room.all_limits(resolved.settings)
    if as_json:
        print_json(found)
        return
    made = table("limit", "value", "unit", "beyond it", numbers=["value"])
    for each in found:
        value = f"{each.value:,.12g}" if each.value else "none"
        made.add_row(each.name, value, each.unit, each.beyond)
    print_table(made, empty="")
