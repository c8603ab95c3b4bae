"""`effemb review`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.options import TIME_FORMATS, NamespaceArgument
from effective_embeddings.cli.shared.output import (
    limited,
    moment,
    print_json,
    print_table,
    table,
)
from effective_embeddings.client import MemberReview, ReviewOrder

__all__ = ["review"]

_LIMIT = 20
_BAR = 12

Since = Annotated[
    datetime | None,
    typer.Option(formats=TIME_FORMATS, help="Only members assigned from this time on; local time."),
]
Until = Annotated[
    datetime | None, typer.Option(formats=TIME_FORMATS, help="Only members assigned before this.")
]


@asks
def review(
    run: Run,
    namespace: NamespaceArgument,
    *,
    by: Annotated[
        ReviewOrder,
        typer.Option(
            help="misfit: fits another category better; influence: moves its category most."
        ),
    ] = "misfit",
    category: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only members of this category.")
    ] = None,
    assigned_by: Annotated[
        str | None, typer.Option(metavar="ACTOR", help="Only members that this actor assigned.")
    ] = None,
    since: Since = None,
    until: Until = None,
    prefix: Annotated[str, typer.Option(help="Only items whose key begins with this.")] = "",
    min_difference: Annotated[
        float | None,
        typer.Option(min=-2, max=2, help="Misfits: the least difference. Default: above 0."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="Most members listed; 0: all.", show_default=True)
    ] = _LIMIT,
) -> None:
    """List members that look mis-filed, the most suspicious first.

    Each is scored in its own category without itself, beside the other category that fits it best.

    Example:  effemb review notes

    Example:  effemb review notes --by influence --category health

    Example:  effemb review notes --assigned-by ann --since 2026-01-31 --limit 0
    """
    found = run.client.review_members(
        namespace,
        by,
        category=category,
        actor=assigned_by,
        since=None if since is None else since.astimezone(),
        until=None if until is None else until.astimezone(),
        key_prefix=prefix,
        min_difference=min_difference,
        # One more tells whether there are more.
        page_size=min(limit + 1, 1000) if limit else 0,
    )
    members = limited(found, limit)
    if run.as_json:
        for each in members:
            print_json(each)
    elif by == "misfit":
        _misfits(members)
    else:
        _influences(members)


def _misfits(members: Iterable[MemberReview]) -> None:
    found = list(members)
    rows = table(
        *("item", "filed in", "score", "fits better", "score", "by", "", "assigned"),
        numbers=("score", "by"),
        whole=("item",),
    )
    largest = max((each.difference or 0.0 for each in found), default=0.0)
    for each in found:
        difference = each.difference or 0.0
        rows.add_row(
            each.item,
            each.category,
            _score(each.score),
            each.other_category or "",
            _score(each.other_score),
            f"{difference:+.3f}",
            bar(difference, largest, _BAR),
            _assigned(each),
        )
    print_table(rows, empty="no member fits another category better than its own")


def _influences(members: Iterable[MemberReview]) -> None:
    found = list(members)
    rows = table(
        *("item", "in", "weight", "moves it by", "", "score", "assigned"),
        numbers=("weight", "moves it by", "score"),
        whole=("item",),
    )
    largest = max((_degrees(each.movement) for each in found), default=0.0)
    for each in found:
        degrees = _degrees(each.movement)
        rows.add_row(
            each.item,
            each.category,
            f"{each.weight:g}",
            f"{degrees:.3f}°",
            bar(degrees, largest, _BAR),
            _score(each.score),
            _assigned(each),
        )
    print_table(rows, empty="no member counts")


def _degrees(movement: float) -> float:
    """Return the angle whose cosine is 1 − movement; exact for small ones."""
    return math.degrees(2 * math.asin(min(math.sqrt(movement / 2), 1.0)))


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def _assigned(member: MemberReview) -> str:
    return f"{moment(member.assign_time)[:10]} {member.actor}"
