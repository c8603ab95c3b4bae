"""`effemb assign` and `effemb unassign`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.options import (
    ActorOption,
    DataOption,
    DryRunOption,
    JsonOption,
    MetadataOption,
    ModelOption,
    NamespaceArgument,
    ReasonOption,
    ServerOption,
    metadata_of,
)
from effective_embeddings.cli.shared.output import counted, print_json, say
from effective_embeddings.cli.shared.session import session
from effective_embeddings.cli.shared.vectors import EmbeddingOption, one_vector

__all__ = ["assign", "unassign"]

ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="The item's key.")]


def assign(
    namespace: NamespaceArgument,
    item: ItemArgument,
    category: Annotated[str, typer.Argument(metavar="CATEGORY", help="The category's key.")],
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
    """Put an item into a category, which learns it at once.

    An unknown item needs its embedding. Where items are in one category only, it leaves its
    earlier one, which forgets it. For many at once see `effemb import assignments`.

    Example:  effemb assign notes gym health --embedding @gym.npy --actor ann
    """
    vector = one_vector(embedding)
    metadata = metadata_of(meta)
    with session(server, data, as_json=as_json) as client:
        reply = client.assign(
            namespace,
            [item],
            [category],
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
        before = result.previous_category
        if not result.changed:
            told = f"unchanged: {item!r} is in {category!r} already"
        elif before == category:
            told = f"changed: {item!r} in {category!r}"
        elif before:
            told = f"moved: {item!r} from {before!r} to {category!r}"
        else:
            told = f"assigned: {item!r} to {category!r}"
        facts = [counted(result.category_count, "member")]
        if result.score_before is not None:
            facts.append(f"score before {result.score_before:.4f}")
        if result.category_drift is not None:
            facts.append(f"drift {result.category_drift:.4f}")
        say(f"{told} ({', '.join(facts)}; revision {reply.revision})", dry_run=dry_run)


def unassign(
    namespace: NamespaceArgument,
    item: ItemArgument,
    *,
    category: Annotated[
        str | None,
        typer.Argument(metavar="CATEGORY", help="Only out of this one; default: out of all."),
    ] = None,
    delete_item: Annotated[
        bool, typer.Option("--delete-item", help="Delete the item too; else it stays, unsorted.")
    ] = False,
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an item out of its categories, which forget it exactly.

    Example:  effemb unassign notes gym --reason "filed by mistake"
    """
    if category is not None and delete_item:
        msg = "CATEGORY and --delete-item exclude each other"
        raise typer.BadParameter(msg)
    with session(server, data, as_json=as_json) as client:
        reply = client.unassign(
            namespace,
            [item],
            None if category is None else [category],
            delete_items=delete_item,
            actor=actor,
            reason=reason,
            validate_only=dry_run,
        )
        if as_json:
            print_json(reply)
            return
        result = reply.results[0]
        if result.previous_categories:
            told = f"unassigned: {item!r} from {', '.join(map(repr, result.previous_categories))}"
        else:
            told = f"{item!r} was in no such category"
        told += "; deleted" if result.item_deleted else ""
        say(f"{told} (revision {reply.revision})", dry_run=dry_run)
