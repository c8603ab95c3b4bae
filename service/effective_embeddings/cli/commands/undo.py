"""`effemb undo`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from effective_embeddings.cli.shared.command import Run, writes
from effective_embeddings.cli.shared.options import TIME_FORMATS, NamespaceArgument
from effective_embeddings.cli.shared.output import counted, print_json, print_table, say, table
from effective_embeddings.client import UndoReply

__all__ = ["undo"]

Since = Annotated[
    datetime | None,
    typer.Option(
        formats=TIME_FORMATS, help="With --by: what was done from this time on; local time."
    ),
]


@writes()
def undo(
    run: Run,
    namespace: NamespaceArgument,
    *,
    revision: Annotated[
        int | None, typer.Option(min=2, help="Take back what this revision changed.")
    ] = None,
    first: Annotated[
        int | None, typer.Option("--from", min=2, help="Take back from this revision on …")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--to", min=2, help="… up to this one, itself included.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="ACTOR", help="Take back what this actor did …")
    ] = None,
    since: Since = None,
    skip_conflicts: Annotated[
        bool,
        typer.Option("--skip-conflicts", help="Leave changes that later ones depend on."),
    ] = False,
) -> None:
    """Take changes back, as if they had never been made; an undo can be undone too.

    Example:  effemb undo notes --by ann --since 2026-01-31 --dry-run

    Example:  effemb undo notes --revision 120
    """
    ways = (revision is not None, first is not None, by is not None)
    halves = (first is None) != (last is None) or (by is None) != (since is None)
    if halves or ways.count(True) != 1:
        msg = "give --revision, or --from and --to, or --by and --since"
        raise typer.BadParameter(msg)
    reply = run.client.undo(
        namespace,
        revision,
        revisions=None if first is None or last is None else (first, last),
        by=by,
        since=None if since is None else since.astimezone(),
        skip_conflicts=skip_conflicts,
        **run.change,
    )
    if run.as_json:
        print_json(reply)
        return
    _print(reply)
    done = "would take back" if run.dry_run else "took back"
    say(f"{done} {counted(reply.change_count, 'change')}, at revision {reply.revision}")


def _print(reply: UndoReply) -> None:
    if reply.changes:
        rows = table(
            *("undoes", "change", "item", "category"), numbers=("undoes",), whole=("change", "item")
        )
        for change in reply.changes:
            kind = change.kind.replace("_", " ")
            rows.add_row(f"{change.undoes_revision}", kind, change.item, change.category)
        print_table(rows, empty="")
        _say_rest(reply.change_count - len(reply.changes))
    if reply.conflicts:
        rows = table(
            *("revision", "stays", "item", "category", "needed by revision"),
            numbers=("revision", "needed by revision"),
            whole=("stays", "item"),
        )
        for each in reply.conflicts:
            kind = each.kind.replace("_", " ")
            by = f"{each.by_revision or ''}"
            rows.add_row(f"{each.revision}", kind, each.item, each.category, by)
        print_table(rows, empty="")
        _say_rest(reply.conflict_count - len(reply.conflicts))


def _say_rest(count: int) -> None:
    if count:
        say(f"… and {count} more")
