"""`effemb match`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.options import (
    DataOption,
    JsonOption,
    NamespaceArgument,
    ServerOption,
)
from effective_embeddings.cli.shared.output import print_json, print_table, say, table
from effective_embeddings.cli.shared.session import session
from effective_embeddings.cli.shared.vectors import EMBEDDING_HELP, read_vectors
from effective_embeddings.client import Client, MatchResult, Query, QueryPart

__all__ = ["match"]


def match(
    namespace: NamespaceArgument,
    *,
    embedding: Annotated[
        str | None,
        typer.Option(metavar="VECTOR", help=f"{EMBEDDING_HELP} A matrix is a query a row."),
    ] = None,
    item: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A stored item; can be repeated, a query each."),
    ] = None,
    mean: Annotated[
        bool,
        typer.Option("--mean", help="One query: the mean of all items and vectors given."),
    ] = False,
    limit: Annotated[int, typer.Option(help="At most so many categories; 0: all.")] = 10,
    min_score: Annotated[float | None, typer.Option(help="Only from this score on.")] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="CATEGORY", help="Only these compete.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="CATEGORY", help="These do not compete.")
    ] = None,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank all categories by what they have learned, for a vector or a stored item.

    Example:  effemb match notes --embedding @swim.npy --limit 3

    Example:  effemb match notes --item gym --item meals --mean
    """
    if embedding is None and not item:
        msg = "give --embedding, --item, or both"
        raise typer.BadParameter(msg)
    with session(server, data, as_json=as_json) as client:
        names, results = _ask(
            client,
            namespace,
            embedding,
            item or [],
            mean=mean,
            limit=limit,
            min_score=min_score,
            include=include or [],
            exclude=exclude or [],
        )
        for name, result in zip(names, results, strict=True):
            if as_json:
                print_json(result)
            else:
                _show(name, result, title=len(results) > 1)


def _show(name: str, result: MatchResult, *, title: bool) -> None:
    rows = table("", "category", "score", "members", numbers=("", "score", "members"))
    for place, each in enumerate(result.matches, start=1):
        rows.add_row(f"{place}", each.category, f"{each.score:.6f}", f"{each.count:,}")
    if title:
        say(name)
    print_table(rows, empty="no category competes")
    if result.margin is not None:
        say(f"margin of the first over the second: {result.margin:.6f}\n")


def _ask(
    client: Client,
    namespace: str,
    embedding: str | None,
    items: list[str],
    *,
    mean: bool,
    limit: int,
    min_score: float | None,
    include: list[str],
    exclude: list[str],
) -> tuple[list[str], list[MatchResult]]:
    vectors = [] if embedding is None else list(read_vectors(embedding))
    names = [f"vector {row}" for row in range(len(vectors))] + [f"item {key}" for key in items]
    queries = [Query(embedding=vector) for vector in vectors] + [Query(item=key) for key in items]
    if mean:
        parts = [QueryPart(embedding=each.embedding, item=each.item) for each in queries]
        names, queries = ["mean"], [Query(parts=parts)]
    results = client.match(
        namespace,
        queries,
        limit=limit,
        min_score=min_score,
        include=include,
        exclude=exclude,
    )
    return names, results
