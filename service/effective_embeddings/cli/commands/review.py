"""`effemb review`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Literal, TypedDict, TypeVar

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.members import (
    AssignedByOption,
    CategoryOption,
    PrefixOption,
    SinceOption,
    UntilOption,
    assigned,
    degrees,
    local,
)
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import (
    counted,
    limited,
    print_json,
    print_table,
    say,
    table,
)
from effective_embeddings.client import Duplicate, DuplicateScope, MemberReview

__all__ = ["review"]

_LIMIT = 20
_BAR = 12

By = Literal["misfit", "influence", "duplicates"]

_Row = TypeVar("_Row")


class _Filter(TypedDict):
    category: str | None
    actor: str | None
    since: datetime | None
    until: datetime | None
    key_prefix: str


@asks
def review(
    run: Run,
    namespace: NamespaceArgument,
    *,
    by: Annotated[
        By,
        typer.Option(
            help="misfit: fits another category better; influence: moves its category most; "
            "duplicates: nearly the same as an earlier member."
        ),
    ] = "misfit",
    category: CategoryOption = None,
    assigned_by: AssignedByOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    prefix: PrefixOption = "",
    min_difference: Annotated[
        float | None,
        typer.Option(min=-2, max=2, help="Misfits: the least difference. Default: above 0."),
    ] = None,
    scope: Annotated[
        DuplicateScope | None,
        typer.Option(help="Duplicates: where the earlier member is. Default: same category."),
    ] = None,
    min_similarity: Annotated[
        float | None,
        typer.Option(min=0.5, max=1, help="Duplicates: the least cosine. Default: 0.98."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="Most members listed; 0: all.", show_default=True)
    ] = _LIMIT,
) -> None:
    """List members that look mis-filed, the most suspicious first.

    Each is scored in its own category without itself, beside the other category that fits it best.

    Example:  effemb review notes

    Example:  effemb review notes --by influence --category health

    Example:  effemb review notes --by duplicates --scope other

    Example:  effemb review notes --assigned-by ann --since 2026-01-31 --limit 0
    """
    for option, given, only in (
        ("--min-difference", min_difference, "misfit"),
        ("--scope", scope, "duplicates"),
        ("--min-similarity", min_similarity, "duplicates"),
    ):
        if given is not None and by != only:
            msg = f"is for --by {only}"
            raise typer.BadParameter(msg, param_hint=option)
    chosen: _Filter = {
        "category": category,
        "actor": assigned_by,
        "since": local(since),
        "until": local(until),
        "key_prefix": prefix,
    }
    if by == "duplicates":
        found = run.client.review_duplicates(
            namespace, scope or "same", min_similarity=min_similarity, **chosen
        )
        _print(run, limited(found, limit), _duplicates)
        return
    members = run.client.review_members(
        namespace,
        by,
        min_difference=min_difference,
        # One more tells whether there are more.
        page_size=min(limit + 1, 1000) if limit else 0,
        **chosen,
    )
    _print(run, limited(members, limit), _misfits if by == "misfit" else _influences)
    of = members.reviewed
    if of is not None and not run.as_json:
        listed = f"{of.listed_count:,} of {counted(of.member_count, 'member')}"
        say(f"{listed} (revision {of.revision})")


def _print(run: Run, found: Iterable[_Row], show: Callable[[list[_Row]], None]) -> None:
    if not run.as_json:
        show(list(found))
        return
    for each in found:
        print_json(each)


def _duplicates(found: list[Duplicate]) -> None:
    rows = table(
        *("item", "filed in", "like", "filed in", "cosine", "more", "assigned"),
        numbers=("cosine", "more"),
        whole=("item", "like"),
    )
    for each in found:
        more = each.duplicate_count - 1
        rows.add_row(
            each.item,
            each.category,
            each.original,
            each.original_category,
            f"{each.similarity:.4f}",
            f"{more:+,}" if more else "",
            assigned(each.assign_time, each.actor),
        )
    print_table(rows, empty="no member is nearly the same as an earlier one")


def _misfits(found: list[MemberReview]) -> None:
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
            assigned(each.assign_time, each.actor),
        )
    print_table(rows, empty="no member fits another category better than its own")


def _influences(found: list[MemberReview]) -> None:
    rows = table(
        *("item", "in", "weight", "moves it by", "", "score", "assigned"),
        numbers=("weight", "moves it by", "score"),
        whole=("item",),
    )
    largest = max((degrees(each.movement) for each in found), default=0.0)
    for each in found:
        angle = degrees(each.movement)
        rows.add_row(
            each.item,
            each.category,
            f"{each.weight:g}",
            f"{angle:.3f}°",
            bar(angle, largest, _BAR),
            _score(each.score),
            assigned(each.assign_time, each.actor),
        )
    print_table(rows, empty="no member counts")


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"
