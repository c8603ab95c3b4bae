"""`effemb config` and `effemb limits`: the settings and limits of a server before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings import server
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import errors, print_json, print_table, say, table

__all__ = ["app", "limits"]

app = typer.Typer(help="The settings of a server.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings in TOML. EFFEMB_* variables override it."
    ),
]


def _resolve(config: Path | None, *, as_json: bool) -> server.Resolved:
    try:
        return server.resolve({}, config)
    except server.SettingsError as error:
        raise fail(str(error), as_json=as_json) from error


@app.command("check")
def check(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check that a server could use these settings, including its tokens and its certificate.

    Example:  effemb config check --config /etc/effemb/config.toml
    """
    resolved = _resolve(config, as_json=as_json)
    try:
        tokens = server.check_files(resolved.settings)
    except server.SettingsError as error:
        raise fail(str(error), as_json=as_json) from error
    for hint in resolved.hints():
        errors.print(hint, markup=False)
    if as_json:
        print_json({"ok": not resolved.unknown, "unknown": resolved.unknown, "tokens": tokens})
    elif not resolved.unknown:
        say(f"the settings can be used; tokens: {tokens}")
    if resolved.unknown:
        raise typer.Exit(1)


@app.command("show")
def show(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every setting, its value and the value's source; secrets are not shown.

    Example:  effemb config show --config /etc/effemb/config.toml
    """
    resolved = _resolve(config, as_json=as_json)
    shown = resolved.shown()
    if as_json:
        print_json(shown)
        return
    rows = table("setting", "value", "from", whole=("setting",))
    for name, value in shown.items():
        rows.add_row(name, "" if value is None else str(value), resolved.sources[name])
    print_table(rows, empty="")


def limits(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List every limit of a server and of a request, and what happens beyond it.

    Example:  effemb limits
    """
    resolved = _resolve(config, as_json=as_json)
    found = server.all_limits(resolved.settings)
    if as_json:
        print_json(found)
        return
    rows = table("limit", "value", "beyond it", numbers=["value"], whole=["limit"])
    for each in found:
        value = f"{each.value:,.12g} {each.unit}".rstrip() if each.value else "none"
        rows.add_row(each.name, value, each.beyond)
    print_table(rows, empty="")
