"""Printing: JSON for programs, tables for people; progress and errors on standard error."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from effective_embeddings.client import PutResult
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
    "verdict",
]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to Group, which ends the command quietly."""
        self.quiet = True
        raise BrokenPipeError


console = _Console(highlight=False)
errors = _Console(stderr=True, highlight=False)
# Keys and metadata can contain square brackets, which are not markup.
_tables = _Console(highlight=False, markup=False)


def plain(value: Any) -> Any:
    """Return a result as JSON values: vectors as lists, digests in hex, times in ISO 8601."""
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


def print_json(value: Any, *, stream: TextIO | None = None) -> None:
    """Print one result as one line of JSON, to standard output unless a stream is given."""
    output = sys.stdout if stream is None else stream
    unicode = (output.encoding or "").lower().replace("-", "").startswith("utf")
    output.write(json.dumps(plain(value), ensure_ascii=not unicode) + "\n")


def table(*columns: str, numbers: Iterable[str] = ()) -> Table:
    """Return an empty table; the columns in `numbers` are aligned right."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    right = set(numbers)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def verdict(result: PutResult) -> str:
    """Return the result for a category or an item, in a word."""
    if result.created:
        return "created"
    return "changed" if result.changed else "unchanged"


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: "1 item", "2 items"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def print_table(made: Table, *, empty: str) -> None:
    """Print a table, or the text `empty` if it has no rows."""
    _tables.print(made if made.row_count else empty)


def say(text: str, *, dry_run: bool = False) -> None:
    """Print a line as it is: no markup, and no line breaks added."""
    line = f"dry run, nothing is changed: {text}" if dry_run else text
    console.print(line, markup=False, soft_wrap=True)


def details(title: str, facts: Mapping[str, Any], *, indent: int = 0) -> None:
    """Print a title and below it the facts that have a value, one per line."""
    space = " " * indent
    console.print(f"{space}[bold]{escape(title)}[/bold]", soft_wrap=True)
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        text = _text(value)
        if text:
            console.print(f"{space}  [dim]{name:<{width}}[/dim]  {escape(text)}", soft_wrap=True)


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone().isoformat(sep=" ", timespec="seconds")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    return "" if value is None else str(plain(value))
