"""Printing: JSON for programs, tidy tables for people; progress and errors on standard error."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from effective_embeddings.formats import plain_vector

__all__ = [
    "console",
    "counted",
    "details",
    "errors",
    "plain",
    "print_json",
    "print_table",
    "say",
    "table",
]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
# Keys and texts of the user's own can hold square brackets: in a table they are no markup.
_tables = Console(highlight=False, markup=False)


def plain(value: Any) -> Any:
    """A form of a result that JSON can hold: vectors as lists, digests in hex, times in ISO."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {each.name: plain(getattr(value, each.name)) for each in fields}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in sorted(value.items())}
    if isinstance(value, np.ndarray):
        return plain_vector(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case dt.datetime():
            return value.isoformat()
        case Path():
            return str(value)
    return value


def print_json(value: Any) -> None:
    """Prints one result as one line of JSON."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")


def table(*columns: str, numbers: Iterable[str] = ()) -> Table:
    """A table to add rows to; the columns in `numbers` are set flush right."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    right = set(numbers)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun: "1 item", "2 items"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def print_table(made: Table, *, empty: str) -> None:
    """Prints a table, or what to say instead if it has no rows."""
    _tables.print(made if made.row_count else empty)


def say(text: str, *, dry_run: bool = False) -> None:
    """Prints a line as it is: no markup, and broken by the terminal alone."""
    told = f"dry run, nothing is changed: {text}" if dry_run else text
    console.print(told, markup=False, soft_wrap=True)


def details(title: str, facts: Mapping[str, Any], *, indent: int = 0) -> None:
    """Prints one thing: its name, and its facts that say something, one a line."""
    space = " " * indent
    console.print(f"{space}[bold]{escape(title)}[/bold]", soft_wrap=True)
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        told = _told(value)
        if told:
            console.print(f"{space}  [dim]{name:<{width}}[/dim]  {escape(told)}", soft_wrap=True)


def _told(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone().isoformat(sep=" ", timespec="seconds")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    return "" if value is None else str(plain(value))
