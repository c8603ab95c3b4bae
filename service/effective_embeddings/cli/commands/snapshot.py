"""`effemb snapshot` and `effemb restore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from effective_embeddings.cli.shared.command import Run, asks, writes
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import counted, errors, print_json, say, size
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.client import SnapshotProgress, SnapshotView

__all__ = ["restore", "snapshot"]


@asks
def snapshot(
    run: Run,
    namespace: NamespaceArgument,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The file to write; -: standard output.")
    ],
    *,
    view: Annotated[
        SnapshotView,
        typer.Option(help="full: all that restore needs; effective: only what was learned."),
    ] = "full",
) -> None:
    """Write everything in a namespace, at one revision, to a file.

    A regular file is replaced once the snapshot is complete, and keeps its mode. A device or a
    pipe is written into.

    Example:  effemb snapshot notes notes.snapshot
    """
    target: Path | BinaryIO = Path(file)
    if file == "-":
        if sys.stdout.isatty():
            msg = "a snapshot is binary and not for a terminal; redirect standard output"
            raise typer.BadParameter(msg, param_hint="FILE")
        target = sys.stdout.buffer
    info = run.client.get_namespace(namespace)
    total = info.category_count + (info.item_count if view == "full" else 0)
    with bar("rows") as progress:
        task = progress.add_task(f"snapshot {namespace}", total=total, rows="")
        summary = run.client.snapshot(
            namespace,
            target,
            view=view,
            progress=lambda done: progress.update(
                task, completed=_rows(done), rows=f"{_rows(done):,} rows"
            ),
        )
    report = (
        f"wrote {namespace} to {file}"
        f" ({counted(summary.category_count, 'category', 'categories')},"
        f" {counted(summary.item_count, 'item')}, {size(summary.size)};"
        f" revision {summary.namespace.revision}, digest {summary.digest.hex()[:16]})"
    )
    if run.as_json:
        print_json(summary, stream=sys.stderr if file == "-" else sys.stdout)
    elif file == "-":
        errors.print(report, markup=False, soft_wrap=True)
    else:
        say(report)


@writes(create=True, dry_run=False)
def restore(
    run: Run,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A full snapshot; -: standard input.")
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Name of the new namespace; default: its own."),
    ] = None,
) -> None:
    """Restore a snapshot into a new namespace: all of it, to the same digest, or nothing.

    Example:  effemb restore notes.snapshot --as notes-copy
    """
    source: Path | BinaryIO = sys.stdin.buffer if file == "-" else Path(file)
    is_file = isinstance(source, Path) and source.is_file()
    total = source.stat().st_size if isinstance(source, Path) and is_file else None
    with bar("bytes") as progress:
        task = progress.add_task(f"restore {file}", total=total, bytes="")
        restored = run.client.restore(
            source,
            name,
            progress=lambda done: progress.update(
                task, completed=done.bytes, bytes=size(done.bytes)
            ),
            actor=run.actor,
            reason=run.reason,
        )
    if run.as_json:
        print_json(restored)
        return
    say(
        f"restored {restored.name}"
        f" ({counted(restored.category_count, 'category', 'categories')},"
        f" {counted(restored.item_count, 'item')}; digest {restored.digest.hex()[:16]})"
    )


def _rows(done: SnapshotProgress) -> int:
    return done.categories + done.items
