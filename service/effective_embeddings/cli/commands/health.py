"""`effemb health`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.members import degrees
from effective_embeddings.cli.shared.options import TIME_FORMATS, NamespaceArgument
from effective_embeddings.cli.shared.output import counted, print_json, print_table, say, table
from effective_embeddings.client import CategoryReview

__all__ = ["health"]

_BAR = 12
_PAIRS = 10
_SPLITS = 3


@asks
def health(
    run: Run,
    namespace: NamespaceArgument,
    *,
    category: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only this category, with its two halves.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=TIME_FORMATS, help="Show movement since this time; local time."),
    ] = None,
    since_revision: Annotated[
        int | None, typer.Option(min=1, help="Show movement since this revision.")
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(min=1, max=2000, help="Newest members reviewed of each. Default: 1000."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most categories shown; 0: all.")] = 20,
) -> None:
    """Show the health of categories, those with the largest share of misfits first.

    Then the pairs that are confused most, and the categories that look most like two.

    Example:  effemb health notes

    Example:  effemb health notes --category health --since 2026-01-31
    """
    if since is not None and since_revision is not None:
        msg = "--since and --since-revision exclude each other"
        raise typer.BadParameter(msg)
    moment = since_revision if since is None else since.astimezone()
    found = list(run.client.review_categories(namespace, category, since=moment, members=members))
    if run.as_json:
        for each in found:
            print_json(each)
        return
    found.sort(key=lambda each: (-_misfit_share(each), each.category))
    _show_categories(found[: limit or None])
    left = len(found) - limit if limit else 0
    if left > 0:
        say(f"… and {counted(left, 'more category', 'more categories')}; --limit 0 lists all")
    _show_pairs(found)
    _show_splits(found)


def _misfit_share(review: CategoryReview) -> float:
    return review.misfit_count / review.reviewed_count if review.reviewed_count else 0.0


def _show_categories(found: Sequence[CategoryReview]) -> None:
    rows = table(
        *("category", "count", "drift", "moved", "cohesion", "nearest", "cosine", "misfits", ""),
        numbers=("count", "drift", "moved", "cohesion", "cosine", "misfits"),
        whole=("category",),
    )
    for each in found:
        share = _misfit_share(each)
        rows.add_row(
            each.category,
            f"{each.counting_count:,}",
            _figure(each.drift),
            "" if each.movement is None else f"{degrees(each.movement):.2f}°",
            _figure(each.cohesion),
            each.nearest_category or "",
            _figure(each.nearest_similarity),
            f"{share:.0%}" if each.reviewed_count else "",
            bar(share, 1.0, _BAR),
        )
    print_table(rows, empty="no categories")


def _show_pairs(found: Sequence[CategoryReview]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for each in found:
        for other in each.confused:
            first, second = sorted((each.category, other.category))
            counts[first, second] += other.count
    if not counts:
        return
    reviewed = {each.category: each.reviewed_count for each in found}
    say("Confused most: members of one that fit the other better, of all that were reviewed")
    rows = table(*("pair", "", "members", "of", ""), numbers=("members", "of"), whole=("pair", ""))
    for (first, second), count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[
        :_PAIRS
    ]:
        of = reviewed.get(first, 0) + reviewed.get(second, 0)
        rows.add_row(first, second, f"{count:,}", f"{of:,}", bar(count, of, _BAR))
    print_table(rows, empty="")


def _show_splits(found: Sequence[CategoryReview]) -> None:
    splits = [(each.category, each.split) for each in found if each.split is not None]
    splits = [(key, split) for key, split in splits if split.gain > 0]
    splits.sort(key=lambda pair: -pair[1].gain)
    if splits:
        say("Most like two: how much nearer members are to the mean of their half than to all")
    for category, split in splits[:_SPLITS]:
        say(f"{category}: {split.gain:.3f}")
        for half in split.halves:
            say(f"  {counted(half.member_count, 'member')}, such as {', '.join(half.items)}")


def _figure(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.3f}"
