"""Printing: JSON for programs, tables for people; progress and errors on standard error."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO, TypeVar

import numpy as np
from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from effective_embeddings.client import PutResult
from effective_embeddings.formats import plain_vector

__all__ = [
    "console",
    "counted",
    "details",
    "errors",
    "limited",
    "moment",
    "plain",
    "print_json",
    "print_table",
    "say",
    "size",
    "table",
    "verdict",
]


_Row = TypeVar("_Row")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to Group, which ends the command quietly."""
        self.quiet = True
        raise BrokenPipeError


# Columns of a line that nothing breaks: more than keys, metadata and reasons can fill.
_UNBROKEN = 1_000_000
_READABLE = 8

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


def table(*columns: str, numbers: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """Return an empty table.

    Args:
        columns: The headings.
        numbers: Columns aligned right.
        whole: Columns whose cells are not broken into lines while others can be: keys.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    right, unbroken = set(numbers), {*numbers, *whole}
    for name in columns:
        justify: JustifyMethod = "right" if name in right else "left"
        made.add_column(name, justify=justify, overflow="fold", no_wrap=name in unbroken)
    return made


def verdict(result: PutResult) -> str:
    """Return the result for a category or an item, in a word."""
    if result.created:
        return "created"
    return "changed" if result.changed else "unchanged"


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: "1 item", "2 items"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def print_table(made: Table, *, empty: str, terminal: Console | None = None) -> None:
    """Print a table, or the text `empty` if it has no rows.

    Each row is on a line of its own, however wide, in a file or a pipe, and where the keys alone
    are too wide for the terminal. Otherwise cells with free text are broken to fit.
    """
    terminal = terminal or _tables
    if not made.row_count:
        say(empty)
    elif terminal.is_terminal and _least_width(made) <= terminal.width:
        terminal.print(made)
    else:
        _Console(highlight=False, markup=False, width=_UNBROKEN).print(made)


def _least_width(made: Table) -> int:
    """Return the width of a table whose columns of free text are as narrow as can be read."""
    gap = 3
    widths = (
        max(cell_len(str(cell)) for cell in (column.header, *column.cells))
        if column.no_wrap
        else _READABLE
        for column in made.columns
    )
    return sum(width + gap for width in widths)


def limited(rows: Iterable[_Row], limit: int, option: str = "--limit") -> Iterator[_Row]:
    """Yield at most `limit` rows (0: all); says on standard error if there are more."""
    for number, row in enumerate(rows):
        if number == limit > 0:
            errors.print(f"[dim]there are more: {option} {limit} ends the list; 0 lists all[/dim]")
            return
        yield row


def size(count: float) -> str:
    """Return a number of bytes in a unit that shows it."""
    for unit, unit_bytes in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= unit_bytes:
            return f"{count / unit_bytes:,.1f} {unit}"
    return counted(int(count), "byte")


def moment(time: dt.datetime) -> str:
    """Return a time as people see it everywhere: RFC 3339, UTC, to the second."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
        return moment(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    return "" if value is None else str(plain(value))
