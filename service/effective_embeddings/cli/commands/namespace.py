"""`effemb namespace …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.options import (
    ActorOption,
    DataOption,
    DryRunOption,
    JsonOption,
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
from effective_embeddings.client import MembershipMode, Namespace, Normalization

__all__ = ["app"]

app = typer.Typer(help="Independent sets of categories and items.", no_args_is_help=True)


LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=TEXT", help="A label of your own; can be repeated."),
]


@app.command()
def create(
    name: NamespaceArgument,
    dimension: Annotated[int, typer.Option(help="Components of each vector, 1 to 16384.")],
    *,
    model: Annotated[
        str, typer.Option("--model", help="The model that the vectors come from: a free tag.")
    ] = "",
    normalization: Annotated[
        Normalization,
        typer.Option(help="raw: vectors as they are given; unit: scaled to length 1."),
    ] = "raw",
    membership: Annotated[
        MembershipMode,
        typer.Option(help="single: an item is in one category; multiple: in any number (tags)."),
    ] = "single",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    label: LabelOption = None,
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a namespace. Dimension, model, normalization and membership are fixed for good.

    Example:  effemb namespace create notes --dimension 384 --model all-MiniLM-L6-v2
    """
    labels = metadata_of(label, "--label")
    with session(server, data, as_json=as_json, create=True) as client:
        created = client.create_namespace(
            name,
            dimension,
            embedding_model=model,
            normalization=normalization,
            membership=membership,
            description=description,
            labels=labels,
            actor=actor,
            reason=reason,
            validate_only=dry_run,
        )
        _show(created, as_json=as_json)


@app.command()
def get(
    name: NamespaceArgument,
    *,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a namespace: its settings, counts, revision and state digest.

    Example:  effemb namespace get notes
    """
    with session(server, data, as_json=as_json) as client:
        _show(client.get_namespace(name), as_json=as_json)


@app.command("list")
def list_(
    *,
    prefix: Annotated[str, typer.Option(help="Only names that begin so.")] = "",
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List namespaces by name.

    Example:  effemb namespace list --prefix team-
    """
    numbers = ("dimension", "categories", "items", "assigned", "revision")
    with session(server, data, as_json=as_json) as client:
        rows = table("name", *numbers, "model", numbers=numbers)
        for each in client.list_namespaces(prefix):
            if as_json:
                print_json(each)
                continue
            rows.add_row(
                each.name,
                f"{each.dimension}",
                f"{each.category_count:,}",
                f"{each.item_count:,}",
                f"{each.membership_count:,}",
                f"{each.revision:,}",
                each.embedding_model,
            )
        if not as_json:
            print_table(rows, empty="no namespaces")


@app.command()
def update(
    name: NamespaceArgument,
    *,
    description: Annotated[str | None, typer.Option(help="The new description.")] = None,
    label: LabelOption = None,
    clear_labels: Annotated[bool, typer.Option("--clear-labels", help="Take all away.")] = False,
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a namespace's description, or put new labels in place of the old ones.

    Example:  effemb namespace update notes --description "My notes" --label owner=ann
    """
    labels = {} if clear_labels else metadata_of(label, "--label")
    with session(server, data, as_json=as_json) as client:
        updated = client.update_namespace(
            name,
            description=description,
            labels=labels,
            actor=actor,
            reason=reason,
            validate_only=dry_run,
        )
        _show(updated, as_json=as_json)


@app.command()
def delete(
    name: NamespaceArgument,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Even if it holds categories or items.")
    ] = False,
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a namespace and all that it holds. There is no way back but a snapshot.

    Example:  effemb namespace delete notes --force
    """
    with session(server, data, as_json=as_json) as client:
        gone = client.delete_namespace(
            name, force=force, actor=actor, reason=reason, validate_only=dry_run
        )
        if as_json:
            print_json(gone)
            return
        told = "would delete" if dry_run else "deleted"
        say(
            f"{told} {gone.name}: {counted(gone.category_count, 'category', 'categories')},"
            f" {counted(gone.item_count, 'item')}"
        )


def _show(namespace: Namespace, *, as_json: bool) -> None:
    if as_json:
        print_json(namespace)
        return
    facts: dict[str, Any] = plain(namespace)
    facts["create_time"] = namespace.create_time
    details(facts.pop("name"), facts)
