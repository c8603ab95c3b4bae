"""`effemb suggest`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, writes
from effective_embeddings.cli.shared.options import NamespaceArgument, metadata_of
from effective_embeddings.cli.shared.output import counted, print_json, print_table, say, table
from effective_embeddings.client import (
    CategoryMatch,
    RankingMode,
    Suggestion,
    SuggestOrder,
    SuggestReply,
)

__all__ = ["suggest"]

_BAR = 16
_PAGE = 1000


@writes()
def suggest(
    run: Run,
    namespace: NamespaceArgument,
    *,
    order: Annotated[
        SuggestOrder,
        typer.Option(help="The surest or the most doubtful first, or by category."),
    ] = "surest",
    category: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Only suggestions of this; can be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most suggestions, or groups; 0: all.")] = 20,
    group_size: Annotated[
        int | None,
        typer.Option(min=0, max=1000, help="Most suggestions of a group; default 10."),
    ] = None,
    min_score: Annotated[float | None, typer.Option(help="Only this score or more.")] = None,
    max_score: Annotated[float | None, typer.Option(help="Only this score or less.")] = None,
    min_margin: Annotated[float | None, typer.Option(help="Only this margin or more.")] = None,
    max_margin: Annotated[float | None, typer.Option(help="Only this margin or less.")] = None,
    confidence: Annotated[
        bool,
        typer.Option("--confidence", help="How sure each is, by the category's own members."),
    ] = False,
    min_confidence: Annotated[
        float | None, typer.Option(metavar="LEVEL", help="Only as sure as this, 0 to 1.")
    ] = None,
    below_confidence: Annotated[
        float | None, typer.Option(metavar="LEVEL", help="Only less sure: items that fit nowhere.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Only items whose key begins with this.")] = "",
    meta: Annotated[
        list[str] | None,
        typer.Option("--meta", metavar="NAME=TEXT", help="Only items with this; can be repeated."),
    ] = None,
    ranking: Annotated[
        RankingMode | None, typer.Option(help="How to rank; default: as the namespace does.")
    ] = None,
    fairness: Annotated[
        float | None, typer.Option(min=0, max=1, help="Default: as in the namespace.")
    ] = None,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Assign each listed item to its category; see --dry-run."),
    ] = False,
) -> None:
    """Suggest a category for each item of the inbox: to confirm, or to decide.

    The margin is the lead of the category over the second best.

    Example:  effemb suggest notes --order most_doubtful --limit 5

    Example:  effemb suggest notes --category health --min-margin 0.1 --accept --dry-run

    Example:  effemb suggest notes --below-confidence 0.1
    """

    def page(size: int, token: str) -> SuggestReply:
        return run.client.suggest(
            namespace,
            order=order,
            page_size=size,
            page_token=token,
            group_size=group_size,
            categories=category or (),
            min_score=min_score,
            max_score=max_score,
            min_margin=min_margin,
            max_margin=max_margin,
            confidence=confidence,
            min_confidence=min_confidence,
            below_confidence=below_confidence,
            key_prefix=prefix,
            metadata=metadata_of(meta),
            ranking=ranking,
            fairness=fairness,
        )

    replies = list(_pages(page, limit))
    listed = list(_suggestions(replies))
    if run.as_json:
        for reply in replies:
            for each in reply.groups or reply.suggestions:
                print_json(each)
    else:
        sure = confidence or min_confidence is not None or below_confidence is not None
        _show(replies, listed, sure=sure)
    if accept and listed:
        _accept(run, namespace, listed)


def _pages(page: Callable[[int, str], SuggestReply], limit: int) -> Iterator[SuggestReply]:
    """Yield pages until `limit` suggestions, or groups, were listed; 0: all."""
    token, rest = "", limit
    while True:
        reply = page(min(rest, _PAGE) if limit else _PAGE, token)
        yield reply
        rest -= len(reply.groups or reply.suggestions)
        token = reply.next_page_token
        if not token or (limit and rest <= 0):
            return


def _suggestions(replies: Iterable[SuggestReply]) -> Iterator[Suggestion]:
    for reply in replies:
        groups = (group.suggestions for group in reply.groups)
        yield from itertools.chain(reply.suggestions, *groups)


def _accept(run: Run, namespace: str, listed: list[Suggestion]) -> None:
    # An item that somebody has assigned meanwhile is not moved: the whole write is refused.
    reply = run.client.assign(
        namespace,
        [each.item for each in listed],
        [each.best.category for each in listed],
        expected="",
        **run.change,
    )
    if run.as_json:
        print_json(reply)
        return
    changed = sum(result.changed for result in reply.results)
    done = f"assigned {counted(changed, 'item')} (revision {reply.revision})"
    say(done, dry_run=run.dry_run)


def _show(replies: list[SuggestReply], listed: list[Suggestion], *, sure: bool) -> None:
    largest = max((each.margin or 0.0 for each in listed), default=0.0)
    groups = [group for reply in replies for group in reply.groups]
    for group in groups:
        say(f"{group.category}: {counted(group.count, 'item')}")
        if group.suggestions:
            _print(group.suggestions, largest, grouped=True, sure=sure)
    first, last = replies[0], replies[-1]
    if not groups:
        _print(listed, largest, grouped=False, sure=sure)
    count = first.suggestion_count
    if listed and len(listed) < count:
        say(f"… and {count - len(listed):,} more")
    others = first.item_count - count
    seen = f"revision {first.revision}"
    if last.revision != first.revision:
        seen = f"revisions {first.revision} to {last.revision}"
    left = f"; {counted(others, 'other item')} of the inbox" if others else ""
    say(f"{counted(count, 'suggestion')}{left} ({seen})")


def _print(suggestions: Iterable[Suggestion], largest: float, *, grouped: bool, sure: bool) -> None:
    names = ("item",) if grouped else ("item", "category")
    numbers = ("score", "margin", "confidence") if sure else ("score", "margin")
    # The bar is the share of members that fit no better, or as long as the margin is large.
    shown = "fit no better" if sure else ""
    rows = table(*names, *numbers, shown, "second", numbers=numbers, whole=(*names, shown))
    for each in suggestions:
        own = (each.item,) if grouped else (each.item, each.best.category)
        margin = "" if each.margin is None else f"{each.margin:.4f}"
        second = "" if each.runner_up is None else each.runner_up.category
        last = _sure(each.best) if sure else (bar(each.margin or 0.0, largest, _BAR),)
        rows.add_row(*own, f"{each.best.score:.4f}", margin, *last, second)
    print_table(rows, empty="no suggestions")


def _sure(found: CategoryMatch) -> tuple[str, str]:
    if found.confidence is None:
        return "", "no member"
    return f"{found.confidence:.1%}", bar(found.confidence, 1, _BAR)
