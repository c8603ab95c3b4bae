"""`effemb snapshot` and `effemb restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings.cli.shared.options import (
    ActorOption,
    DataOption,
    JsonOption,
    NamespaceArgument,
    ReasonOption,
    ServerOption,
)
from effective_embeddings.cli.shared.output import counted, print_json, say
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.cli.shared.session import session
from effective_embeddings.client import SnapshotProgress, SnapshotView

__all__ = ["restore", "snapshot"]


def snapshot(
    namespace: NamespaceArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    *,
    view: Annotated[
        SnapshotView,
        typer.Option(help="full: all that restore needs; effective: only what has been learned."),
    ] = "full",
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything in a namespace, at one revision, to a file.

    Example:  effemb snapshot notes notes.snapshot
    """
    with session(server, data, as_json=as_json) as client:
        info = client.get_namespace(namespace)
        total = info.category_count + (info.item_count if view == "full" else 0)
        with bar("rows") as progress:
            task = progress.add_task(f"snapshot {namespace}", total=total, rows="")
            summary = client.snapshot(
                namespace,
                file,
                view=view,
                progress=lambda done: progress.update(
                    task, completed=_rows(done), rows=f"{_rows(done):,} rows"
                ),
            )
        if as_json:
            print_json(summary)
            return
        say(
            f"wrote {namespace} to {file}"
            f" ({counted(summary.category_count, 'category', 'categories')},"
            f" {counted(summary.item_count, 'item')}, {summary.size / 1e6:,.1f} MB;"
            f" revision {summary.namespace.revision},"
            f" digest {summary.digest.hex()[:16]})"
        )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A full snapshot.")],
    *,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Into this name, instead of its own."),
    ] = None,
    actor: ActorOption = "",
    reason: ReasonOption = "",
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a snapshot back into a new namespace: all of it, to the same digest, or nothing.

    Example:  effemb restore notes.snapshot --as notes-copy
    """
    with session(server, data, as_json=as_json, create=True) as client:
        with bar("bytes") as progress:
            task = progress.add_task(f"restore {file}", total=file.stat().st_size, bytes="")
            restored = client.restore(
                file,
                name,
                progress=lambda done: progress.update(
                    task, completed=done.bytes, bytes=f"{done.bytes / 1e6:,.1f} MB"
                ),
                actor=actor,
                reason=reason,
            )
        if as_json:
            print_json(restored)
            return
        say(
            f"restored {restored.name}"
            f" ({counted(restored.category_count, 'category', 'categories')},"
            f" {counted(restored.item_count, 'item')}; digest {restored.digest.hex()[:16]})"
        )


def _rows(done: SnapshotProgress) -> int:
    return done.categories + done.items
