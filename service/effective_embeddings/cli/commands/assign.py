"""`effemb assign` and `effemb unassign`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.command import Run, writes
from effective_embeddings.cli.shared.options import (
    MetadataOption,
    ModelOption,
    NamespaceArgument,
    PartOption,
    WeightOption,
    metadata_of,
    parts_of,
)
from effective_embeddings.cli.shared.output import counted, print_json, say
from effective_embeddings.cli.shared.vectors import EmbeddingOption, one_vector

__all__ = ["assign", "unassign"]

ExpectedOption = Annotated[
    str | None,
    typer.Option("--expected", metavar="CATEGORY", help='Only if the item is there; "": in none.'),
]
RevisionOption = Annotated[
    int,
    typer.Option(
        "--if-revision", min=0, help="Only if the namespace is at this revision; 0: at any."
    ),
]
ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="The item's key.")]


@writes()
def assign(
    run: Run,
    namespace: NamespaceArgument,
    item: ItemArgument,
    category: Annotated[str, typer.Argument(metavar="CATEGORY", help="The category's key.")],
    *,
    embedding: EmbeddingOption = None,
    part: PartOption = None,
    weight: WeightOption = None,
    meta: MetadataOption = None,
    model: ModelOption = "",
    expected: ExpectedOption = None,
    if_revision: RevisionOption = 0,
) -> None:
    """Assign an item to a category; the category learns it at once.

    A new item needs its embedding, or its parts. In a namespace with single membership the item
    leaves its earlier category, which forgets it. For many at once see `effemb import assignments`.

    Example:  effemb assign notes gym health --embedding @gym.npy --actor ann
    """
    reply = run.client.assign(
        namespace,
        item,
        category,
        one_vector(embedding),
        weights=weight,
        metadata=metadata_of(meta),
        parts=parts_of(part),
        embedding_model=model,
        expected=expected,
        if_revision=if_revision,
        **run.change,
    )
    if run.as_json:
        print_json(reply)
        return
    result = reply.results[0]
    before = result.previous_category
    if not result.changed:
        outcome = f"unchanged: {item!r} is in {category!r} already"
    elif before == category:
        outcome = f"changed: {item!r} in {category!r}"
    elif before:
        outcome = f"moved: {item!r} from {before!r} to {category!r}"
    else:
        outcome = f"assigned: {item!r} to {category!r}"
    facts = [counted(result.category_member_count, "member")]
    if result.score_before is not None:
        facts.append(f"score before {result.score_before:.4f}")
    if result.category_drift is not None:
        facts.append(f"drift {result.category_drift:.4f}")
    say(f"{outcome} ({', '.join(facts)}; revision {reply.revision})", dry_run=run.dry_run)


@writes()
def unassign(
    run: Run,
    namespace: NamespaceArgument,
    item: ItemArgument,
    *,
    category: Annotated[
        str | None,
        typer.Argument(metavar="CATEGORY", help="Only from this category; default: from all."),
    ] = None,
    delete_item: Annotated[
        bool,
        typer.Option("--delete-item", help="Delete the item too; otherwise it goes to the inbox."),
    ] = False,
    expected: ExpectedOption = None,
    if_revision: RevisionOption = 0,
) -> None:
    """Take an item out of its categories; they forget it exactly.

    Example:  effemb unassign notes gym --reason "filed by mistake"
    """
    if category is not None and delete_item:
        msg = "CATEGORY and --delete-item exclude each other"
        raise typer.BadParameter(msg)
    reply = run.client.unassign(
        namespace,
        item,
        category,
        delete_items=delete_item,
        expected=expected,
        if_revision=if_revision,
        **run.change,
    )
    if run.as_json:
        print_json(reply)
        return
    result = reply.results[0]
    if result.previous_categories:
        outcome = f"unassigned: {item!r} from {', '.join(map(repr, result.previous_categories))}"
    elif category is None:
        outcome = f"unchanged: {item!r} is in no category"
    else:
        outcome = f"unchanged: {item!r} is not in {category!r}"
    outcome += "; deleted" if result.item_deleted else ""
    say(f"{outcome} (revision {reply.revision})", dry_run=run.dry_run)
