"""`effemb history`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from effective_embeddings.cli.shared.command import Run, asks, writes
from effective_embeddings.cli.shared.options import TIME_FORMATS, NamespaceArgument
from effective_embeddings.cli.shared.output import (
    counted,
    limited,
    moment,
    print_json,
    print_table,
    say,
    table,
)
from effective_embeddings.client import HistoryChange

__all__ = ["history", "trim"]

_LIMIT = 50

Since = Annotated[
    datetime | None,
    typer.Option(formats=TIME_FORMATS, help="Only changes from this time on; local time."),
]
Until = Annotated[
    datetime | None, typer.Option(formats=TIME_FORMATS, help="Only changes before this time.")
]


@asks
def history(
    run: Run,
    namespace: NamespaceArgument,
    *,
    item: Annotated[str | None, typer.Option(metavar="KEY", help="Only of this item.")] = None,
    category: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only of this category and its members.")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="ACTOR", help="Only by this actor.")] = None,
    since: Since = None,
    until: Until = None,
    first_revision: Annotated[int, typer.Option(min=0, help="From this revision on.")] = 0,
    last_revision: Annotated[
        int, typer.Option(min=0, help="Up to this revision; 0: the current one.")
    ] = 0,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="The oldest change first.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=0, help=f"Most changes listed; 0: all. Default: {_LIMIT}.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", help="Print the changes from --first-revision on, then new ones as made."
        ),
    ] = False,
) -> None:
    """List changes: what changed, when, by whom and why; the latest first.

    Example:  effemb history notes --item gym

    Example:  effemb history notes --by ann --since 2026-01-31 --limit 0

    Example:  effemb history notes --follow --first-revision 120
    """
    if follow:
        _refuse_beside_follow(
            since=since,
            until=until,
            last_revision=last_revision or None,
            oldest_first=oldest_first or None,
            limit=limit,
        )
        after = max(first_revision - 1, 0)
        for batch in run.client.watch_history(
            namespace, after, item=item, category=category, actor=by
        ):
            for each in batch.changes:
                if run.as_json:
                    print_json(each)
                else:
                    say(_line(each))
        return
    changes = run.client.history(
        namespace,
        item=item,
        category=category,
        actor=by,
        since=None if since is None else since.astimezone(),
        until=None if until is None else until.astimezone(),
        first_revision=first_revision,
        last_revision=last_revision,
        newest_first=not oldest_first,
    )
    rows = table(
        *("revision", "time", "actor", "change", "from", "to", "reason"),
        numbers=("revision",),
        whole=("time", "change", "from", "to"),
    )
    for each in limited(changes, _LIMIT if limit is None else limit):
        if run.as_json:
            print_json(each)
        else:
            rows.add_row(
                f"{each.revision}",
                moment(each.time),
                each.actor,
                _what(each),
                each.from_category or "",
                each.to_category or "",
                each.reason,
            )
    if not run.as_json:
        print_table(rows, empty="no changes")


@writes()
def trim(
    run: Run,
    namespace: NamespaceArgument,
    *,
    keep: Annotated[
        int | None, typer.Option(min=1, help="How many of the newest revisions to keep.")
    ] = None,
    before_revision: Annotated[
        int | None, typer.Option(min=1, help="The first revision to keep.")
    ] = None,
    before: Annotated[
        datetime | None,
        typer.Option(formats=TIME_FORMATS, help="Keep the changes from this time on; local time."),
    ] = None,
) -> None:
    """Delete the oldest part of a namespace's history; items and categories stay.

    Example:  effemb trim notes --keep 10000 --dry-run
    """
    if sum(bound is not None for bound in (keep, before_revision, before)) != 1:
        msg = "exactly one of --keep, --before-revision and --before is needed"
        raise typer.BadParameter(msg)
    report = run.client.trim_history(
        namespace,
        keep_revisions=keep,
        before_revision=before_revision,
        before_time=None if before is None else before.astimezone(),
        **run.change,
    )
    if run.as_json:
        print_json(report)
        return
    say(
        f"{'would delete' if run.dry_run else 'deleted'}"
        f" {counted(report.revision_count, 'revision')}, {report.byte_count:,} bytes;"
        f" the first kept revision is {report.first_revision:,}"
    )


def _what(change: HistoryChange) -> str:
    """Return the change in words; the categories of an item have columns of their own."""
    kind = change.kind.replace("_", " ")
    if change.undoes_revision:
        kind = f"undo of {change.undoes_revision}: {kind}"
    if change.kind in {"assigned", "unassigned"}:
        return f"{kind} {change.item}"
    if change.kind == "category_renamed":
        return kind
    if change.kind in {"dismissed", "dismissal_ended"}:
        return f"{kind} {change.item} from {change.category}"
    if change.part is not None:
        preposition = "to" if change.kind == "part_added" else "from"
        return f"{kind} {change.part.item} {preposition} {change.item}"
    return f"{kind} {change.item or change.category}".rstrip()


def _refuse_beside_follow(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            msg = f"{option} and --follow exclude each other"
            raise typer.BadParameter(msg)


def _line(change: HistoryChange) -> str:
    path = f"{change.from_category or '(none)'} -> {change.to_category or '(none)'}"
    moved = f": {path}" if change.from_category or change.to_category else ""
    reason = f" ({change.reason})" if change.reason else ""
    return f"{change.revision} {moment(change.time)} {change.actor}: {_what(change)}{moved}{reason}"
