"""The options that choose members, common to the commands that review them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated

import typer

from effective_embeddings.cli.shared.options import TIME_FORMATS
from effective_embeddings.cli.shared.output import moment

__all__ = [
    "AssignedByOption",
    "CategoryOption",
    "PrefixOption",
    "SinceOption",
    "UntilOption",
    "assigned",
    "degrees",
    "local",
]

CategoryOption = Annotated[
    str | None, typer.Option(metavar="KEY", help="Only members of this category.")
]
AssignedByOption = Annotated[
    str | None, typer.Option(metavar="ACTOR", help="Only members that this actor assigned.")
]
SinceOption = Annotated[
    datetime | None,
    typer.Option(formats=TIME_FORMATS, help="Only members assigned from this time on; local time."),
]
UntilOption = Annotated[
    datetime | None, typer.Option(formats=TIME_FORMATS, help="Only members assigned before this.")
]
PrefixOption = Annotated[str, typer.Option(help="Only items whose key begins with this.")]


def local(time: datetime | None) -> datetime | None:
    """Return a time of an option with its zone."""
    return None if time is None else time.astimezone()


def assigned(time: datetime, actor: str) -> str:
    """Return when and by whom a member was assigned."""
    return f"{moment(time)[:10]} {actor}"


def degrees(movement: float) -> float:
    """Return the angle whose cosine is 1 − movement; exact for small ones."""
    return math.degrees(2 * math.asin(min(math.sqrt(movement / 2), 1.0)))
