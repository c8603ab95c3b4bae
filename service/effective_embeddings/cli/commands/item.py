"""`effemb item …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks, writes
from effective_embeddings.cli.shared.options import (
    AllowMissingOption,
    KeyArgument,
    KeysArgument,
    MetadataOption,
    ModelOption,
    NamespaceArgument,
    PartOption,
    WeightOption,
    metadata_of,
    parts_of,
)
from effective_embeddings.cli.shared.output import (
    counted,
    details,
    limited,
    plain,
    print_json,
    print_table,
    say,
    table,
    verdict,
)
from effective_embeddings.cli.shared.vectors import EmbeddingOption, one_vector
from effective_embeddings.client import Item

__all__ = ["app"]

_BAR = 30  # characters of the longest bar

app = typer.Typer(help="Items: the inbox, and members of categories.", no_args_is_help=True)


@app.command()
@writes()
def put(
    run: Run,
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    embedding: EmbeddingOption = None,
    part: PartOption = None,
    weight: WeightOption = None,
    meta: MetadataOption = None,
    model: ModelOption = "",
) -> None:
    """Store an item in the inbox, or change the values given; its categories follow.

    With --part it is the weighted mean of other items, and follows them.

    Example:  effemb item put notes gym --embedding @gym.npy --meta text="Renew membership"

    Example:  effemb item put notes health-plan --part gym=2 --part meals
    """
    reply = run.client.put_items(
        namespace,
        key,
        one_vector(embedding),
        weights=weight,
        metadata=metadata_of(meta),
        parts=parts_of(part),
        embedding_model=model,
        **run.change,
    )
    if run.as_json:
        print_json(reply)
        return
    outcome = verdict(reply.results[0])
    say(f"{outcome}: item {key!r}, at revision {reply.revision}", dry_run=run.dry_run)


@app.command()
@asks
def get(
    run: Run,
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    embedding: Annotated[
        bool, typer.Option("--embeddings", help="With its embedding (in JSON).")
    ] = False,
) -> None:
    """Show an item and its categories: since when, by whom and why.

    Example:  effemb item get notes gym
    """
    item = run.client.get_item(namespace, key, include_embedding=embedding)
    if run.as_json:
        print_json(item)
        return
    facts: dict[str, Any] = plain(item)
    facts["create_time"] = item.create_time
    if facts["embedding"] is not None:
        facts["embedding"] = f"{len(facts['embedding'])} components (see --json)"
    memberships, dismissals = facts.pop("memberships"), facts.pop("dismissals")
    parts = facts.pop("parts")
    if not memberships:
        facts["category"] = "in no category: the inbox"
    details(facts.pop("key"), facts)
    if parts:
        _show_parts(item)
    for shown, each in zip(memberships, item.memberships, strict=True):
        shown["assign_time"] = each.assign_time
        details(f"in {shown.pop('category')}", shown, indent=2)
    for shown, own in zip(dismissals, item.dismissals, strict=True):
        shown["dismiss_time"] = own.dismiss_time
        details(f"dismissed from {shown.pop('category')}", shown, indent=2)


def _show_parts(item: Item) -> None:
    rows = table("part", "weight", "share", "", numbers=("weight", "share"), whole=("part",))
    whole = sum(part.weight for part in item.parts)
    for part in item.parts:
        share = part.weight / whole
        rows.add_row(part.item, f"{part.weight:g}", f"{share:.1%}", bar(share, 1, _BAR))
    print_table(rows, empty="")


@app.command("list")
@asks
def list_(
    run: Run,
    namespace: NamespaceArgument,
    *,
    category: Annotated[
        str | None, typer.Option(help="Only members of this category, the most recent first.")
    ] = None,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Only the inbox: items in no category.")
    ] = False,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="With embeddings (in JSON).")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="Most items listed; 0: all.")] = 0,
) -> None:
    """List items: all by key, those of a category, or the inbox.

    Example:  effemb item list notes --category health --limit 20
    """
    if category is not None and unassigned:
        msg = "--category and --unassigned exclude each other"
        raise typer.BadParameter(msg)
    items = run.client.list_items(
        namespace, category=category, unassigned=unassigned, include_embeddings=embeddings
    )
    rows = table(
        "key", "categories", "weight", "metadata", numbers=("weight",), whole=("key", "categories")
    )
    for each in limited(items, limit):
        if run.as_json:
            print_json(each)
        else:
            rows.add_row(
                each.key,
                ", ".join(membership.category for membership in each.memberships),
                f"{each.weight:g}",
                ", ".join(f"{name}={text}" for name, text in each.metadata.items()),
            )
    if not run.as_json:
        print_table(rows, empty="no items")


@app.command()
@writes()
def delete(
    run: Run,
    namespace: NamespaceArgument,
    keys: KeysArgument,
    *,
    allow_missing: AllowMissingOption = False,
) -> None:
    """Delete items; their categories forget them exactly.

    Example:  effemb item delete notes gym meals
    """
    reply = run.client.delete_items(namespace, keys, allow_missing=allow_missing, **run.change)
    if run.as_json:
        print_json(reply)
        return
    say(
        f"{'would delete' if run.dry_run else 'deleted'} {counted(reply.deleted_count, 'item')},"
        f" at revision {reply.revision}"
    )
