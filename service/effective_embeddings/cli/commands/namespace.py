"""`effemb namespace …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.command import Run, asks, writes
from effective_embeddings.cli.shared.options import NamespaceArgument, metadata_of
from effective_embeddings.cli.shared.output import (
    counted,
    details,
    errors,
    plain,
    print_json,
    print_table,
    say,
    table,
)
from effective_embeddings.client import (
    DamagedNamespace,
    HistoryKeep,
    MembershipMode,
    Namespace,
    Normalization,
    RankingMode,
)

__all__ = ["app"]

app = typer.Typer(help="Independent sets of categories and items.", no_args_is_help=True)


_DEFAULT_FAIRNESS: dict[RankingMode, float] = {"cosine": 0, "local": 0.5}

RankingOption = Annotated[
    RankingMode | None,
    typer.Option(
        help="cosine: by score; local: the best of these by their members nearest to the query."
    ),
]
FairnessOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="The share of the expected score that categories with members lose against those"
        " without, 0 to 1. Default: 0 with cosine, 0.5 with local.",
    ),
]
HistoryKeepOption = Annotated[
    str | None,
    typer.Option(
        metavar="BOUNDS",
        help="How much history to keep: 5000 (revisions), 90d, 12h (age), 5000,90d, or all.",
    ),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=TEXT", help="A label; can be repeated."),
]


@app.command()
@writes(create=True)
def create(
    run: Run,
    name: NamespaceArgument,
    dimension: Annotated[int, typer.Option(help="Components of each vector, 1 to 16384.")],
    *,
    model: Annotated[
        str, typer.Option("--model", help="The model of the vectors: a free tag.")
    ] = "",
    normalization: Annotated[
        Normalization,
        typer.Option(help="raw: vectors are used as given; unit: scaled to length 1."),
    ] = "raw",
    membership: Annotated[
        MembershipMode,
        typer.Option(help="single: an item is in one category; multiple: in any number (tags)."),
    ] = "single",
    description: Annotated[str, typer.Option(help="What the namespace is for.")] = "",
    label: LabelOption = None,
    ranking: RankingOption = None,
    fairness: FairnessOption = None,
    history_keep: HistoryKeepOption = None,
    exist_ok: Annotated[
        bool,
        typer.Option("--exist-ok", help="Accept a namespace that exists with the same settings."),
    ] = False,
) -> None:
    """Create a namespace. Dimension, model, normalization and membership cannot change later.

    Example:  effemb namespace create notes --dimension 384 --model all-MiniLM-L6-v2
    """
    labels = metadata_of(label, "--label")
    created = run.client.create_namespace(
        name,
        dimension,
        embedding_model=model,
        normalization=normalization,
        membership=membership,
        description=description,
        labels=labels,
        ranking=ranking or "cosine",
        fairness=fairness,
        history_keep=_keep(history_keep),
        exist_ok=exist_ok,
        **run.change,
    )
    _show(created, as_json=run.as_json)


@app.command()
@asks
def get(run: Run, name: NamespaceArgument) -> None:
    """Show a namespace: its settings, counts, revision and state digest.

    Example:  effemb namespace get notes
    """
    _show(run.client.get_namespace(name), as_json=run.as_json)
    if not run.as_json:
        details("history", plain(run.client.history_size(name)))


@app.command("list")
@asks
def list_(
    run: Run, *, prefix: Annotated[str, typer.Option(help="Only names with this prefix.")] = ""
) -> None:
    """List namespaces by name.

    Example:  effemb namespace list --prefix team-
    """
    numbers = ("dimension", "categories", "items", "assigned", "revision")
    rows = table("name", *numbers, "model", numbers=numbers, whole=("name",))
    damaged: list[DamagedNamespace] = []
    for each in run.client.list_namespaces(prefix, damaged=damaged):
        if run.as_json:
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
    if not run.as_json:
        print_table(rows, empty="no namespaces")
    for bad in damaged:
        errors.print(f"{bad.name}: {bad.reason}: {bad.message}", markup=False, soft_wrap=True)
    if damaged:
        raise typer.Exit(1)


@app.command()
@writes()
def update(
    run: Run,
    name: NamespaceArgument,
    *,
    description: Annotated[str | None, typer.Option(help="The new description.")] = None,
    label: LabelOption = None,
    clear_labels: Annotated[
        bool, typer.Option("--clear-labels", help="Remove all labels.")
    ] = False,
    ranking: RankingOption = None,
    fairness: FairnessOption = None,
    history_keep: HistoryKeepOption = None,
) -> None:
    """Change a namespace's description, ranking or retention, or replace its labels.

    Example:  effemb namespace update notes --description "My notes" --label owner=ann
    """
    if clear_labels and label:
        msg = "--label and --clear-labels exclude each other"
        raise typer.BadParameter(msg)
    labels = {} if clear_labels else metadata_of(label, "--label")
    updated = run.client.update_namespace(
        name,
        description=description,
        labels=labels,
        ranking=ranking,
        fairness=fairness,
        history_keep=_keep(history_keep),
        **run.change,
    )
    _show(updated, as_json=run.as_json)


@app.command()
@writes()
def delete(
    run: Run,
    name: NamespaceArgument,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Delete it even if it holds categories or items.")
    ] = False,
) -> None:
    """Delete a namespace with everything in it. Only a snapshot can bring it back.

    Example:  effemb namespace delete notes --force
    """
    gone = run.client.delete_namespace(name, force=force, **run.change)
    if run.as_json:
        print_json(gone)
        return
    say(
        f"{'would delete' if run.dry_run else 'deleted'} {gone.name}:"
        f" {counted(gone.category_count, 'category', 'categories')},"
        f" {counted(gone.item_count, 'item')}"
    )


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _keep(bounds: str | None) -> HistoryKeep | None:
    if bounds is None:
        return None
    keep = {"revisions": 0, "age_seconds": 0}
    for bound in () if bounds == "all" else bounds.split(","):
        unit = _SECONDS.get(bound[-1:])
        number = bound if unit is None else bound[:-1]
        field = "revisions" if unit is None else "age_seconds"
        if not number.isascii() or not number.isdigit() or int(number) == 0 or keep[field]:
            msg = f"--history-keep: {bounds!r} is not a count, an age such as 90d, both, or all"
            raise typer.BadParameter(msg)
        keep[field] = int(number) * (unit or 1)
    return HistoryKeep(**keep)


def _show(namespace: Namespace, *, as_json: bool) -> None:
    if as_json:
        print_json(namespace)
        return
    facts: dict[str, Any] = plain(namespace)
    facts["create_time"] = namespace.create_time
    if namespace.fairness is None:
        in_force = _DEFAULT_FAIRNESS[namespace.ranking]
        facts["fairness"] = f"{in_force:g} (the default with {namespace.ranking})"
    details(facts.pop("name"), facts)
