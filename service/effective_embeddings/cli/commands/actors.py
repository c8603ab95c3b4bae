"""`effemb actors`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.members import (
    AssignedByOption,
    CategoryOption,
    PrefixOption,
    SinceOption,
    UntilOption,
    degrees,
    local,
)
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import limited, moment, print_json, print_table, table

__all__ = ["actors"]

_BAR = 12


@asks
def actors(
    run: Run,
    namespace: NamespaceArgument,
    *,
    category: CategoryOption = None,
    assigned_by: AssignedByOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    prefix: PrefixOption = "",
    limit: Annotated[int, typer.Option(min=0, help="Most rows listed; 0: all.")] = 20,
) -> None:
    """List who has taught what: how far a category would move without an actor's members.

    Example:  effemb actors notes

    Example:  effemb actors notes --category health --since 2026-01-31
    """
    found = run.client.review_actors(
        namespace,
        category=category,
        actor=assigned_by,
        since=local(since),
        until=local(until),
        key_prefix=prefix,
    )
    influences = limited(found, limit)
    if run.as_json:
        for each in influences:
            print_json(each)
        return
    rows = table(
        *("actor", "in", "members", "count", "weight", "moves it by", "", "first", "last"),
        numbers=("members", "count", "weight", "moves it by"),
        whole=("actor", "first", "last"),
    )
    listed = list(influences)
    largest = max((degrees(each.movement) for each in listed), default=0.0)
    for each in listed:
        angle = degrees(each.movement)
        rows.add_row(
            each.actor or "(nobody)",
            each.category,
            f"{each.member_count:,}",
            f"{each.counting_count:,}",
            f"{each.weight_share:.0%}" + (" (cap)" if each.scale < 1 else ""),
            f"{angle:.2f}°",
            bar(angle, largest, _BAR),
            moment(each.first_assign_time)[:10],
            moment(each.last_assign_time)[:10],
        )
    print_table(rows, empty="no members")
