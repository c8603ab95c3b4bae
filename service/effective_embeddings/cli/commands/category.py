"""`effemb category …`."""

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
from effective_embeddings.cli.shared.vectors import EMBEDDING_HELP, one_vector
from effective_embeddings.client import Category, CategoryUpdate

__all__ = ["app"]

app = typer.Typer(help="Categories, and what they have learned.", no_args_is_help=True)

VectorsOption = Annotated[
    bool, typer.Option("--embeddings", help="With base and effective embedding (in JSON).")
]


@app.command()
def put(
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    base: Annotated[
        str | None,
        typer.Option(metavar="VECTOR", help=f"Embedding of its name. {EMBEDDING_HELP}"),
    ] = None,
    clear_base: Annotated[bool, typer.Option("--clear-base", help="Take the base away.")] = False,
    base_weight: Annotated[
        float | None, typer.Option(help="What the base counts for; an item counts 1.")
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="Only this many latest members count; 0: all.")
    ] = None,
    min_base_share: Annotated[
        float | None, typer.Option(help="The least share of the base, 0 to below 1.")
    ] = None,
    frozen: Annotated[
        bool | None, typer.Option("--frozen/--learning", help="Whether members count.")
    ] = None,
    meta: MetadataOption = None,
    model: ModelOption = "",
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a category, or change what is said of it; all else stays.

    Example:  effemb category put notes health --base @health.npy --window 500
    """
    update = CategoryUpdate(
        key,
        base=one_vector(base, "--base"),
        clear_base=clear_base,
        base_weight=base_weight,
        window=window,
        min_base_share=min_base_share,
        frozen=frozen,
        metadata=metadata_of(meta),
    )
    with session(server, data, as_json=as_json) as client:
        reply = client.put_categories(
            namespace,
            [update],
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
        say(f"{told}: category {key!r}, at revision {reply.revision}", dry_run=dry_run)


@app.command()
def get(
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    embeddings: VectorsOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a category: settings, members that count, drift from its name, spread.

    Example:  effemb category get notes health --embeddings --json
    """
    with session(server, data, as_json=as_json) as client:
        _show(client.get_category(namespace, key, include_embeddings=embeddings), as_json=as_json)


@app.command("list")
def list_(
    namespace: NamespaceArgument,
    *,
    embeddings: VectorsOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List categories by key.

    Example:  effemb category list notes
    """
    numbers = ("members", "counting", "weight", "drift", "spread")
    with session(server, data, as_json=as_json) as client:
        rows = table("key", *numbers, "controls", numbers=numbers)
        for each in client.list_categories(namespace, include_embeddings=embeddings):
            if as_json:
                print_json(each)
                continue
            rows.add_row(
                each.key,
                f"{each.member_count:,}",
                f"{each.counting_count:,}",
                f"{each.counting_weight:g}",
                "" if each.drift is None else f"{each.drift:.4f}",
                "" if each.spread is None else f"{each.spread:.4f}",
                _controls(each),
            )
        if not as_json:
            print_table(rows, empty="no categories")


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
    """Delete categories; their members stay, in the inbox if they are in no other.

    Example:  effemb category delete notes health fitness
    """
    with session(server, data, as_json=as_json) as client:
        reply = client.delete_categories(
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
        say(
            f"{told} {counted(reply.deleted_count, 'category', 'categories')},"
            f" {counted(reply.unassigned_count, 'membership')}"
            f" ended, at revision {reply.revision}"
        )


@app.command()
def reanchor(
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    keep_last: Annotated[
        int, typer.Option(help="So many of its latest members go on counting.")
    ] = 0,
    actor: ActorOption = "",
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a category's average again from its base; older members stay and stop counting.

    Example:  effemb category reanchor notes health --keep-last 20
    """
    with session(server, data, as_json=as_json) as client:
        after = client.reanchor(
            namespace,
            key,
            keep_last=keep_last,
            actor=actor,
            reason=reason,
            validate_only=dry_run,
        )
        _show(after, as_json=as_json)


def _controls(category: Category) -> str:
    said = [
        f"base weight {category.base_weight:g}" if category.base_weight != 1 else "",
        f"window {category.window}" if category.window else "",
        f"base share {category.min_base_share:g}" if category.min_base_share else "",
        "frozen" if category.frozen else "",
        "anchored" if category.anchor else "",
    ]
    return ", ".join(filter(None, said))


def _show(category: Category, *, as_json: bool) -> None:
    if as_json:
        print_json(category)
        return
    facts: dict[str, Any] = plain(category)
    for name in ("base", "effective"):
        if facts[name] is not None:
            facts[name] = f"{len(facts[name])} components (see --json)"
    facts["create_time"] = category.create_time
    details(facts.pop("key"), facts)
