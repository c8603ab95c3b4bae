"""`effemb match`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.options import AtRevisionOption, NamespaceArgument
from effective_embeddings.cli.shared.output import print_json, print_table, say, table
from effective_embeddings.cli.shared.vectors import EMBEDDING_HELP, read_vectors
from effective_embeddings.client import CategoryMatch, MatchResult, Query, QueryPart, RankingMode

__all__ = ["match"]

_BAR = 20


@asks
def match(
    run: Run,
    namespace: NamespaceArgument,
    *,
    embedding: Annotated[
        str | None,
        typer.Option(metavar="VECTOR", help=f"{EMBEDDING_HELP} A matrix is one query per row."),
    ] = None,
    item: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A stored item as a query; can be repeated."),
    ] = None,
    mean: Annotated[
        bool,
        typer.Option("--mean", help="One query: the mean of all items and vectors given."),
    ] = False,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="One query: the mean of what is given, less this item; can be repeated.",
        ),
    ] = None,
    unlike_weight: Annotated[
        float, typer.Option(min=0, help="How much each --unlike is subtracted.")
    ] = 1.0,
    limit: Annotated[int, typer.Option(min=0, help="Most categories per query; 0: all.")] = 10,
    min_score: Annotated[float | None, typer.Option(help="Leave out lower scores.")] = None,
    min_rank_score: Annotated[
        float | None, typer.Option(help="Leave out lower rank scores.")
    ] = None,
    confidence: Annotated[
        bool,
        typer.Option("--confidence", help="How sure each match is, by the category's own members."),
    ] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(metavar="LEVEL", help="Say if no match is as sure as this, 0 to 1."),
    ] = None,
    ranking: Annotated[
        RankingMode | None,
        typer.Option(help="How to order the categories; default: the namespace's."),
    ] = None,
    fairness: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fairness; default: the namespace's.")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="CATEGORY", help="Rank only this; can be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="CATEGORY", help="Leave this out; can be repeated.")
    ] = None,
    at_revision: AtRevisionOption = 0,
) -> None:
    """Rank all categories by what they have learned, for a vector or a stored item.

    Example:  effemb match notes --embedding @swim.npy --limit 3

    Example:  effemb match notes --item gym --item meals --mean

    Example:  effemb match notes --item gym --unlike meals --unlike-weight 0.5

    Example:  effemb match notes --embedding @swim.npy --min-confidence 0.1

    Example:  effemb match notes --item gym --at-revision 120
    """
    if embedding is None and not item:
        msg = "give --embedding, --item, or both"
        raise typer.BadParameter(msg)
    titles, queries = _queries(embedding, item or [])
    if mean or unlike:
        parts = [QueryPart(embedding=each.embedding, item=each.item) for each in queries]
        parts += [QueryPart(item=key, weight=-unlike_weight) for key in unlike or ()]
        titles, queries = ["mean"], [Query(parts=parts)]
    results = run.client.match(
        namespace,
        queries,
        limit=limit,
        min_score=min_score,
        min_rank_score=min_rank_score,
        confidence=confidence,
        min_confidence=min_confidence,
        ranking=ranking,
        fairness=fairness,
        include=include or (),
        exclude=exclude or (),
        at_revision=at_revision,
    )
    for title, result in zip(titles, results, strict=True):
        if run.as_json:
            print_json(result)
        else:
            asked = confidence or min_confidence is not None
            _show(title if len(results) > 1 else "", result, min_confidence, confidence=asked)


def _queries(embedding: str | None, items: list[str]) -> tuple[list[str], list[Query]]:
    """Return titles and queries: first the vectors, then the items."""
    vectors = [] if embedding is None else list(read_vectors(embedding))
    titles = [f"vector {row}" for row in range(len(vectors))] + [f"item {key}" for key in items]
    queries = [Query(embedding=vector) for vector in vectors] + [Query(item=key) for key in items]
    return titles, queries


def _show(title: str, result: MatchResult, level: float | None, *, confidence: bool) -> None:
    # The rank score is shown where the order is not that of the score.
    ranked = any(each.rank_score != each.score for each in result.matches)
    scores = ("rank score", "score") if ranked else ("score",)
    sure = ("confidence", "fit no better") if confidence else ()
    numbers = ("", *scores, "members", "confidence")
    rows = table("", "category", *scores, "members", *sure, numbers=numbers, whole=("category",))
    for place, each in enumerate(result.matches, start=1):
        values = [each.rank_score, each.score] if ranked else [each.score]
        cells = [f"{value:.6f}" for value in values]
        rows.add_row(f"{place}", each.category, *cells, f"{each.count:,}", *_sure(each, confidence))
    if title:
        say(title)
    print_table(rows, empty="no category competes")
    if result.none_of_these:
        say(f"none of these: no match has a confidence of {level:g} or more")
    if result.margin is not None:
        say(f"margin of the first over the second: {result.margin:.6f}\n")


def _sure(found: CategoryMatch, asked: bool) -> tuple[str, ...]:  # noqa: FBT001
    if not asked:
        return ()
    if found.confidence is None:
        return "", "no member to compare with"
    return f"{found.confidence:.1%}", bar(found.confidence, 1, _BAR)
