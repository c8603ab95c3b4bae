"""`effemb item …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.command import Run, asks, writes
from effective_embeddings.cli.shared.options import (
    AllowMissingOption,
    KeyArgument,
    KeysArgument,
    MetadataOption,
    ModelOption,
    NamespaceArgument,
    WeightOption,
    metadata_of,
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

__all__ = ["app"]

app = typer.Typer(help="Items: the inbox, and members of categories.", no_args_is_help=True)


@app.command()
@writes()
def put(
    run: Run,
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    embedding: EmbeddingOption = None,
    weight: WeightOption = None,
    meta: MetadataOption = None,
    model: ModelOption = "",
) -> None:
    """Store an item in the inbox, or change the values given; its categories follow.

    Example:  effemb item put notes gym --embedding @gym.npy --meta text="Renew membership"
    """
    reply = run.client.put_items(
        namespace,
        key,
        one_vector(embedding),
        weights=weight,
        metadata=metadata_of(meta),
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
    if not memberships:
        facts["category"] = "in no category: the inbox"
    details(facts.pop("key"), facts)
    for shown, each in zip(memberships, item.memberships, strict=True):
        shown["assign_time"] = each.assign_time
        details(f"in {shown.pop('category')}", shown, indent=2)
    for shown, own in zip(dismissals, item.dismissals, strict=True):
        shown["dismiss_time"] = own.dismiss_time
        details(f"dismissed from {shown.pop('category')}", shown, indent=2)


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
