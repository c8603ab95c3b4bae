"""`effemb export`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import counted, print_json, say
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.client import Client, Item, Namespace
from effective_embeddings.formats import (
    FIELDS,
    AssignmentRow,
    CategoryRow,
    DismissalRow,
    Format,
    ItemRow,
    Kind,
    Row,
    Writer,
    open_writer,
)

__all__ = ["export"]

#: What the rows of other kinds have instead of the option --embeddings.
_CONTENT = {
    Kind.CATEGORIES: "categories have their bases always",
    Kind.ITEMS: "items have their embeddings or parts always",
    Kind.DISMISSALS: "dismissals name items of the namespace",
}


@asks
def export(
    run: Run,
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="What its rows are.")],
    namespace: NamespaceArgument,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help=".jsonl, .csv, .npy, .npz or .parquet; -: standard output, JSON Lines or CSV.",
        ),
    ],
    *,
    embeddings: Annotated[
        bool,
        typer.Option(
            "--embeddings",
            help="Assignments: with the items' embeddings or parts, weights and metadata.",
        ),
    ] = False,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="The format; default: as the suffix says.")
    ] = None,
    keys: Annotated[
        str | None, typer.Option(metavar="FILE", help="For .npy: the file of keys [NAME.keys.txt].")
    ] = None,
) -> None:
    """Write the categories, items, assignments or dismissals of a namespace to a file.

    `effemb import` reads it back, equal to the last bit. A regular file is replaced once the export
    is complete, and keeps its mode; a device or a pipe is written to directly. Assignments are in
    the order in which they were made; they and dismissals come without actor, time and reason, so
    a category with max_actor_share takes all imported members for those of one actor.
    `effemb snapshot` keeps these too and is of one revision, whereas an export may contain or miss
    concurrent writes.

    Example:  effemb export items notes items.parquet
    """
    if embeddings and kind is not Kind.ASSIGNMENTS:
        msg = f"--embeddings is for assignments; {_CONTENT[kind]}"
        raise typer.BadParameter(msg)
    client = run.client
    info = client.get_namespace(namespace)
    writer = open_writer(file, kind, file_format=file_format, keys=keys)
    try:
        written = _write(writer, _rows(client, info, kind, embeddings=embeddings), info, kind)
        writer.close()
    except BaseException:
        writer.abort()
        raise
    if file == "-":
        return
    if run.as_json:
        print_json({"kind": kind.value, "namespace": namespace, "file": file, "rows": written})
    else:
        say(f"wrote {counted(written, kind.singular, kind)} of {namespace} to {file}")


def _write(writer: Writer, rows: Iterable[Row], info: Namespace, kind: Kind) -> int:
    total = {
        Kind.CATEGORIES: info.category_count,
        Kind.ITEMS: info.item_count,
        Kind.ASSIGNMENTS: info.membership_count,
    }.get(kind)
    written = 0
    with bar("rows") as progress:
        task = progress.add_task(f"export {kind}", total=total, rows="")
        for row in rows:
            writer.write(row)
            written += 1
            if written % 100 == 0:
                progress.update(task, completed=written, rows=f"{written:,} rows")
    return written


def _rows(client: Client, info: Namespace, kind: Kind, *, embeddings: bool) -> Iterator[Row]:
    if kind is Kind.CATEGORIES:
        for category in client.list_categories(info.name, include_embeddings=True):
            values = {name: getattr(category, name) for name in FIELDS[kind]}
            yield CategoryRow(**values | {"metadata": _sorted(category.metadata)})
    elif kind is Kind.ITEMS:
        yield from _items(client, info.name)
    elif kind is Kind.DISMISSALS:
        for item in client.list_items(info.name):
            for dismissal in item.dismissals:
                yield DismissalRow(item.key, dismissal.category)
    else:
        yield from _assignments(client, info.name, embeddings=embeddings)


def _items(client: Client, namespace: str) -> Iterator[Row]:
    # The parts of a composite item must be there before it is.
    composite: list[Row] = []
    for item in client.list_items(namespace, include_embeddings=True):
        row = ItemRow(item.key, *_content(item))
        if item.parts:
            composite.append(row)
        else:
            yield row
    yield from composite


def _content(item: Item) -> tuple[Any, ...]:
    """Return the embedding, weight, metadata and parts of an item, as rows have them."""
    metadata = _sorted(item.metadata)
    if not item.parts:
        return item.embedding, item.weight, metadata
    return None, item.weight, metadata, {part.item: part.weight for part in item.parts}


def _sorted(metadata: Mapping[str, str]) -> dict[str, str]:
    # Maps come off the wire in any order; the same state should give the same file.
    return dict(sorted(metadata.items()))


def _assignments(client: Client, namespace: str, *, embeddings: bool) -> Iterator[Row]:
    # Windows and anchors depend on the order of assignment: imported in the order of the file,
    # the windows have the same members again.
    order: list[tuple[int, str, str]] = [
        (membership.sequence, item.key, membership.category)
        for item in client.list_items(namespace)
        for membership in item.memberships
    ]
    order.sort()
    for _, key, category in order:
        if not embeddings:
            yield AssignmentRow(key, category)
            continue
        item = client.get_item(namespace, key)
        yield AssignmentRow(key, category, *_content(item))
