"""`effemb impact`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.members import (
    CategoryOption,
    PrefixOption,
    SinceOption,
    UntilOption,
    degrees,
    local,
)
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import counted, print_json, print_table, say, table
from effective_embeddings.client import ImpactReview

__all__ = ["impact"]

_BAR = 12


@asks
def impact(
    run: Run,
    namespace: NamespaceArgument,
    *,
    by: Annotated[str, typer.Option(metavar="ACTOR", help="The actor.")],
    category: CategoryOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    prefix: PrefixOption = "",
    items: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="Items compared, about. Default: 10000."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="Most changed answers listed.")] = 20,
) -> None:
    """Measure what an actor's assignments change in the answers for other items.

    Items are ranked with and without the members that the actor has assigned.

    Example:  effemb impact notes --by eve --since 2026-01-31
    """
    review = run.client.review_impact(
        namespace,
        by,
        category=category,
        since=local(since),
        until=local(until),
        key_prefix=prefix,
        items=items,
        changes=limit,
    )
    if run.as_json:
        print_json(review)
        return
    share = review.changed_count / review.item_count if review.item_count else 0.0
    say(
        f"{counted(review.member_count, 'member')} by {by}; of"
        f" {counted(review.item_count, 'other item')}, {review.changed_count:,} ({share:.1%}) have"
        " another first category because of them"
    )
    _show_categories(review)
    _show_flows(review)
    _show_changes(review)


def _show_categories(review: ImpactReview) -> None:
    rows = table("category", "moved by", "", numbers=("moved by",), whole=("category", ""))
    largest = max((degrees(each.movement) for each in review.categories), default=0.0)
    for each in review.categories[:_BAR]:
        angle = degrees(each.movement)
        rows.add_row(each.category, f"{angle:.2f}°", bar(angle, largest, _BAR))
    print_table(rows, empty="no category was moved")


def _show_flows(review: ImpactReview) -> None:
    if not review.flows:
        return
    rows = table("without them", "with them", "items", "", numbers=("items",), whole=("",))
    largest = review.flows[0].count
    for each in review.flows[:_BAR]:
        rows.add_row(
            each.category_without or "(none)",
            each.category or "(none)",
            f"{each.count:,}",
            bar(each.count, largest, _BAR),
        )
    print_table(rows, empty="")


def _show_changes(review: ImpactReview) -> None:
    if not review.changes:
        return
    rows = table(
        *("item", "without them", "score", "with them", "score"),
        numbers=("score",),
        whole=("item",),
    )
    for each in review.changes:
        rows.add_row(
            each.item,
            each.category_without or "(none)",
            "" if each.score_without is None else f"{each.score_without:.3f}",
            each.category or "(none)",
            "" if each.score is None else f"{each.score:.3f}",
        )
    print_table(rows, empty="")
    left = review.changed_count - len(review.changes)
    if left > 0:
        say(f"… and {left:,} more")
