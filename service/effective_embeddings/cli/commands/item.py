"""`effemb item …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.options import (
    ActorOption,
    DataOption,
    DryRunOption,
    JsonOption,
    KeyArgument,
    MetadataOption,
    ModelOption,
    NamespaceArgument,
    ReasonOption,
    ServerOption,
    metadata_of,
)
from effective_embeddings.cli.shared.output import (
    counted,
    details,
    plain,
    print_json,
    print_table,
    say,
    table,
)
from effective_embeddings.cli.shared.session import session
from effective_embeddings.cli.shared.vectors import EmbeddingOption, one_vector

__all__ = ["app"]

app = typer.Typer(help="Items: the inbox, and members of categories.", no_args_is_help=True)


@app.command()
def put(
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    embedding: EmbeddingOption = None,
    weight: Annotated[float | None, typer.Option(help="How much it teaches; default 1.")] = None,
    meta: MetadataOption = None,
    model: ModelOption = "",
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store an item in the inbox, or change what is said of it; its categories follow.

    Example:  effemb item put notes gym --embedding @gym.npy --meta text="Renew membership"
    """
    vector = one_vector(embedding)
    metadata = metadata_of(meta)
    with session(server, data, as_json=as_json) as client:
        reply = client.put_items(
            namespace,
            [key],
            None if vector is None else vector[None],
            weights=None if weight is None else [weight],
            metadata=None if metadata is None else [metadata],
            actor=actor,
            reason=reason,
            validate_only=dry_run,
            embedding_model=model,
        )
        if as_json:
            print_json(reply)
            return
        result = reply.results[0]
        told = "created" if result.created else "changed" if result.changed else "unchanged"
        say(f"{told}: item {key!r}, at revision {reply.revision}", dry_run=dry_run)


@app.command()
def get(
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    embedding: Annotated[
        bool, typer.Option("--embeddings", help="With its embedding (in JSON).")
    ] = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an item, and which categories it is in since when, by whom and why.

    Example:  effemb item get notes gym
    """
    with session(server, data, as_json=as_json) as client:
        item = client.get_item(namespace, key, include_embedding=embedding)
        if as_json:
            print_json(item)
            return
        facts: dict[str, Any] = plain(item)
        facts["create_time"] = item.create_time
        if facts["embedding"] is not None:
            facts["embedding"] = f"{len(facts['embedding'])} components (see --json)"
        memberships = facts.pop("memberships")
        if not memberships:
            facts["category"] = "none: it is in the inbox"
        details(facts.pop("key"), facts)
        for each in memberships:
            details(f"in {each.pop('category')}", each, indent=2)


@app.command("list")
def list_(
    namespace: NamespaceArgument,
    *,
    category: Annotated[
        str | None, typer.Option(help="Only members of this one, the latest first.")
    ] = None,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Only the inbox: items in no category.")
    ] = False,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="With embeddings (in JSON).")
    ] = False,
    limit: Annotated[int, typer.Option(help="At most so many; 0: all.")] = 0,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List items: all by key, those of a category, or the inbox.

    Example:  effemb item list notes --category health --limit 20
    """
    if category is not None and unassigned:
        msg = "--category and --unassigned exclude each other"
        raise typer.BadParameter(msg)
    with session(server, data, as_json=as_json) as client:
        items = client.list_items(
            namespace, category=category, unassigned=unassigned, include_embeddings=embeddings
        )
        rows = table("key", "categories", "weight", "metadata", numbers=("weight",))
        for number, each in enumerate(items, start=1):
            if as_json:
                print_json(each)
            else:
                rows.add_row(
                    each.key,
                    ", ".join(place.category for place in each.memberships),
                    f"{each.weight:g}",
                    ", ".join(f"{name}={text}" for name, text in each.metadata.items()),
                )
            if number == limit:
                break
        if not as_json:
            print_table(rows, empty="no items")


@app.command()
def delete(
    namespace: NamespaceArgument,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys.")],
    *,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Pass over keys that are not there.")
    ] = False,
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete items; their categories forget them exactly.

    Example:  effemb item delete notes gym meals
    """
    with session(server, data, as_json=as_json) as client:
        reply = client.delete_items(
            namespace,
            keys,
            allow_missing=allow_missing,
            actor=actor,
            reason=reason,
            validate_only=dry_run,
        )
        if as_json:
            print_json(reply)
            return
        told = "would delete" if dry_run else "deleted"
        say(f"{told} {counted(reply.deleted_count, 'item')}, at revision {reply.revision}")
