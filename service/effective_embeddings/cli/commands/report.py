"""`effemb report`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import counted, print_json, say, size
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.formats.sink import OutputSink
from effective_embeddings.report import Report, make_report

__all__ = ["report"]


@asks
def report(
    run: Run,
    namespace: NamespaceArgument,
    *,
    html: Annotated[
        str, typer.Option(metavar="FILE", help="The page to write; -: standard output.")
    ],
) -> None:
    """Write a page about a namespace: what it has learned, and what to look at next.

    One HTML file without scripts that loads nothing: a map, learning and drift over time, confused
    categories, members to review, authors, and what to assign next. The same revision gives the
    same page. It holds keys and texts of items, so keep it where they may be read.

    Example:  effemb report notes --html notes.html
    """
    with bar() as progress:
        task = progress.add_task(f"report {namespace}", total=None)
        made = make_report(
            run.client,
            namespace,
            lambda stage, done, total: progress.update(
                task, description=stage, completed=done, total=total
            ),
        )
    written = made.html.encode()
    sink = OutputSink(html)
    try:
        sink.file.write(written)
        sink.commit()
    except BaseException:
        sink.discard()
        raise
    if html == "-":
        return
    if run.as_json:
        print_json(_summary(made, html, len(written)))
        return
    say(
        f"wrote {html}: {namespace} at revision {made.namespace.revision},"
        f" {counted(made.misfits, 'member')} to review,"
        f" {counted(made.confused_pairs, 'confused pair')},"
        f" {counted(made.waiting, 'item')} in the inbox; {size(len(written))}"
    )


def _summary(made: Report, file: str, size_bytes: int) -> dict[str, object]:
    return {
        "file": file,
        "bytes": size_bytes,
        "namespace": made.namespace,
        "misfits": made.misfits,
        "confused_pairs": made.confused_pairs,
        "assignments": made.assignments,
        "corrected": made.corrected,
        "waiting": made.waiting,
    }
