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
from rich.table import Table

from effective_embeddings.formats import plain_vector

__all__ = ["console", "details", "errors", "plain", "print_json", "table"]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def plain(value: Any) -> Any:
    """A form of a result that JSON can hold: vectors as lists, digests in hex, times in ISO."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {each.name: plain(getattr(value, each.name)) for each in fields}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
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


def details(title: str, facts: Mapping[str, Any]) -> None:
    """Prints one thing: its name, and its facts that say something, one a line."""
    console.print(f"[bold]{_plain(title)}[/bold]")
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        told = _told(value)
        if told:
            console.print(f"  [dim]{name:<{width}}[/dim]  {_plain(told)}")


def _told(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone().isoformat(sep=" ", timespec="seconds")
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    return "" if value is None else str(plain(value))


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
