"""`effemb category …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks, writes
from effective_embeddings.cli.shared.options import (
    AllowMissingOption,
    AtRevisionOption,
    KeyArgument,
    KeysArgument,
    MetadataOption,
    ModelOption,
    NamespaceArgument,
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
    verdict,
)
from effective_embeddings.cli.shared.vectors import EMBEDDING_HELP, one_vector
from effective_embeddings.client import Category, CategoryUpdate

__all__ = ["app"]

_ACTORS = 20
_BAR = 12

app = typer.Typer(help="Categories, and what they have learned.", no_args_is_help=True)

VectorsOption = Annotated[
    bool, typer.Option("--embeddings", help="With base and effective embedding (in JSON).")
]


@app.command()
@writes()
def put(
    run: Run,
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    base: Annotated[
        str | None,
        typer.Option(metavar="VECTOR", help=f"Embedding of the name. {EMBEDDING_HELP}"),
    ] = None,
    clear_base: Annotated[bool, typer.Option("--clear-base", help="Remove the base.")] = False,
    base_weight: Annotated[
        float | None,
        typer.Option(help="Weight of the base; an item of weight 1 counts as much as 1."),
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="Only this many most recent members count; 0: all.")
    ] = None,
    min_base_share: Annotated[
        float | None, typer.Option(help="Least share of the base, 0 to below 1.")
    ] = None,
    frozen: Annotated[
        bool | None, typer.Option("--frozen/--learning", help="Whether members count.")
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(help="Least score of a match, -1 to 1; -1: any score.")
    ] = None,
    max_actor_share: Annotated[
        float | None,
        typer.Option(help="Largest share of one actor's members, 0.01 to 1; 1: any share."),
    ] = None,
    meta: MetadataOption = None,
    model: ModelOption = "",
) -> None:
    """Create a category, or change the settings given; others stay as they are.

    Example:  effemb category put notes health --base @health.npy --window 500

    Example:  effemb category put notes health --max-actor-share 0.3
    """
    update = CategoryUpdate(
        key,
        base=one_vector(base, "--base"),
        clear_base=clear_base,
        base_weight=base_weight,
        window=window,
        min_base_share=min_base_share,
        frozen=frozen,
        min_score=min_score,
        max_actor_share=max_actor_share,
        metadata=metadata_of(meta),
    )
    reply = run.client.put_categories(namespace, [update], embedding_model=model, **run.change)
    if run.as_json:
        print_json(reply)
        return
    outcome = verdict(reply.results[0])
    say(f"{outcome}: category {key!r}, at revision {reply.revision}", dry_run=run.dry_run)


@app.command()
@asks
def get(
    run: Run,
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    embeddings: VectorsOption = False,
    at_revision: AtRevisionOption = 0,
) -> None:
    """Show a category: settings, counting members, drift, spread; actors if it caps their share.

    Example:  effemb category get notes health --embeddings --json

    Example:  effemb category get notes health --at-revision 120
    """
    found = run.client.get_category(
        namespace, key, include_embeddings=embeddings, at_revision=at_revision
    )
    _show(found, as_json=run.as_json)


@app.command("list")
@asks
def list_(run: Run, namespace: NamespaceArgument, *, embeddings: VectorsOption = False) -> None:
    """List categories by key.

    Example:  effemb category list notes
    """
    numbers = ("members", "counting", "weight", "drift", "spread")
    rows = table("key", *numbers, "controls", numbers=numbers, whole=("key",))
    for each in run.client.list_categories(namespace, include_embeddings=embeddings):
        if run.as_json:
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
    if not run.as_json:
        print_table(rows, empty="no categories")


@app.command()
@writes()
def delete(
    run: Run,
    namespace: NamespaceArgument,
    keys: KeysArgument,
    *,
    allow_missing: AllowMissingOption = False,
) -> None:
    """Delete categories; members stay, in the inbox if no other category has them.

    Example:  effemb category delete notes health fitness
    """
    reply = run.client.delete_categories(namespace, keys, allow_missing=allow_missing, **run.change)
    if run.as_json:
        print_json(reply)
        return
    say(
        f"{'would delete' if run.dry_run else 'deleted'}"
        f" {counted(reply.deleted_count, 'category', 'categories')},"
        f" {counted(reply.unassigned_count, 'membership')} ended, at revision {reply.revision}"
    )


@app.command()
@writes()
def reanchor(
    run: Run,
    namespace: NamespaceArgument,
    key: KeyArgument,
    *,
    keep_last: Annotated[
        int, typer.Option(help="Number of most recent members that keep counting.")
    ] = 0,
) -> None:
    """Restart a category's average from its base; older members stay but no longer count.

    Example:  effemb category reanchor notes health --keep-last 20
    """
    after = run.client.reanchor(namespace, key, keep_last=keep_last, **run.change)
    _show(after, as_json=run.as_json)


@app.command()
@writes()
def rename(
    run: Run,
    namespace: NamespaceArgument,
    key: KeyArgument,
    new_key: Annotated[str, typer.Argument(help="The new key.")],
) -> None:
    """Give a category another key; members, their order, settings and history stay.

    Example:  effemb category rename notes health fitness
    """
    reply = run.client.rename_category(namespace, key, new_key, **run.change)
    if run.as_json:
        print_json(reply)
        return
    outcome = "renamed" if reply.changed else "unchanged"
    members = counted(reply.category.member_count, "member")
    say(
        f"{outcome}: category {key!r} is {reply.category.key!r}, with {members},"
        f" at revision {reply.revision}",
        dry_run=run.dry_run,
    )


@app.command()
@writes()
def merge(
    run: Run,
    namespace: NamespaceArgument,
    sources: Annotated[list[str], typer.Argument(help="Categories to merge; they are deleted.")],
    *,
    into: Annotated[str, typer.Option(metavar="KEY", help="The category that gets the members.")],
) -> None:
    """Merge categories into another one; members keep their order, time and actor.

    With --dry-run it shows what would happen: how alike they are, how many members move, and how
    far the category moves from its name.

    Example:  effemb category merge notes gym sports --into fitness --dry-run
    """
    reply = run.client.merge_categories(namespace, sources, into, **run.change)
    if run.as_json:
        print_json(reply)
        return
    rows = table("merged", "members", "moved", "cosine", numbers=("members", "moved", "cosine"))
    for each in reply.sources:
        cosine = "" if each.cosine is None else f"{each.cosine:.4f}"
        rows.add_row(each.category, f"{each.member_count:,}", f"{each.moved_count:,}", cosine)
    print_table(rows, empty="nothing")
    drifts = [
        "none" if drift is None else f"{drift:.4f}"
        for drift in (reply.drift_before, reply.category.drift)
    ]
    say(
        f"category {into!r}: {counted(reply.category.member_count, 'member')},"
        f" drift {drifts[0]} -> {drifts[1]}, at revision {reply.revision}",
        dry_run=run.dry_run,
    )


def _controls(category: Category) -> str:
    """Return the settings that are not at their defaults."""
    controls = [
        f"base weight {category.base_weight:g}" if category.base_weight != 1 else "",
        f"window {category.window}" if category.window else "",
        f"base share {category.min_base_share:g}" if category.min_base_share else "",
        "frozen" if category.frozen else "",
        f"min score {category.min_score:g}" if category.min_score is not None else "",
        f"actor share {category.max_actor_share:g}" if category.max_actor_share else "",
        "anchored" if category.anchor else "",
    ]
    return ", ".join(filter(None, controls))


def _show(category: Category, *, as_json: bool) -> None:
    if as_json:
        print_json(category)
        return
    facts: dict[str, Any] = plain(category)
    for name in ("base", "effective"):
        if facts[name] is not None:
            facts[name] = f"{len(facts[name])} components (see --json)"
    facts["create_time"] = category.create_time
    del facts["actor_shares"]
    details(facts.pop("key"), facts)
    if category.actor_shares:
        _show_actors(category)


def _show_actors(category: Category) -> None:
    """Show what the members of each actor weigh, those with the largest weight first."""
    rows = table(
        *("actor", "count", "weight", "share", "", "note"),
        numbers=("count", "weight", "share"),
        whole=("actor", ""),
    )
    largest = max(each.share for each in category.actor_shares)
    for each in category.actor_shares[:_ACTORS]:
        rows.add_row(
            each.actor or "(nobody)",
            f"{each.counting_count:,}",
            f"{each.weight:g}",
            f"{each.share:.1%}",
            bar(each.share, largest, _BAR),
            f"capped: weights times {each.scale:.3g}" if each.scale < 1 else "",
        )
    print_table(rows, empty="")
    others = len(category.actor_shares) - _ACTORS
    if others > 0:
        say(f"{counted(others, 'more actor')} (see --json)")
