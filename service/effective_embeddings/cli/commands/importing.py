"""`effemb import`."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Annotated

import typer

from effective_embeddings.cli.shared.batching import Batch, batches, request_id
from effective_embeddings.cli.shared.command import Run, writes
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import ModelOption, NamespaceArgument
from effective_embeddings.cli.shared.output import counted, errors, print_json, say
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.cli.shared.writing import Counts, refused_rows, write_batch
from effective_embeddings.client import EffectiveEmbeddingsError, Namespace, WriteOptions
from effective_embeddings.formats import (
    FIELDS,
    Format,
    Kind,
    Reader,
    Row,
    RowError,
    open_reader,
    refuse_repeated,
)

__all__ = ["HELP", "import_"]

_MOST_REPORTED = 20

_FIELDS = "; ".join(f"{kind} have {', '.join(FIELDS[kind])}" for kind in Kind).capitalize()

HELP = f"""Read categories, items, assignments or dismissals from files.

{_FIELDS}. Only keys are required; a missing value
leaves the stored one unchanged. A key may occur only once in a file.

To resume an interrupted import, run it again: rows that are stored already change nothing. A
bad row ends the run before its batch is written, unless --skip-bad is given.

Example:  effemb import categories notes categories.jsonl

Example:  effemb import assignments notes day1.csv day2.csv

Dismissals come last: an item that is a member of the category is a bad row.
"""


@writes()
def import_(
    run: Run,
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="What their rows are.")],
    namespace: NamespaceArgument,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help=".jsonl, .csv, .npy, .npz or .parquet; -: standard input, JSON Lines or CSV.",
        ),
    ],
    *,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="The format; default: as the suffix says.")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="For .npy: the keys, one per line [NAME.keys.txt]."),
    ] = None,
    batch: Annotated[
        int,
        typer.Option(min=1, max=10_000, help="Rows per request; each request is all or nothing."),
    ] = 1000,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Report bad rows, skip them and continue.")
    ] = False,
    model: ModelOption = "",
) -> None:
    """Import files, as HELP describes."""
    started = time.monotonic()
    info = run.client.get_namespace(namespace)
    job = _Job(run, info, kind, skip_bad=skip_bad, model=model)
    totals = Counts()
    try:
        for path in files:
            reader = open_reader(
                path, kind, dimension=info.dimension, file_format=file_format, keys=keys
            )
            try:
                _read(job, reader, f"import {path}", batch, totals)
            finally:
                reader.close()
    except _StoppedError as error:
        msg = f"{error}. {_so_far(totals)}"
        raise fail(msg, as_json=run.as_json) from None
    except KeyboardInterrupt:
        msg = f"interrupted. {_so_far(totals)}"
        raise fail(msg, as_json=run.as_json) from None
    seconds = time.monotonic() - started
    if run.as_json:
        report = {"kind": kind.value, "namespace": namespace, "files": files, **asdict(totals)}
        print_json({**report, "dry_run": run.dry_run, "seconds": round(seconds, 3)})
        return
    say(_summary(kind, totals, seconds), dry_run=run.dry_run)


class _StoppedError(Exception):
    """The run ends because of bad rows."""


@dataclass(frozen=True, slots=True)
class _Job:
    command: Run
    namespace: Namespace
    kind: Kind
    skip_bad: bool = field(kw_only=True)
    model: str = field(kw_only=True)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def write(self, batch: Batch) -> Counts:
        """Write a batch, without its bad rows if those are to be skipped."""
        rows, bad = list(batch.rows), list(batch.bad)
        counts = Counts()
        while True:
            if bad and not self.skip_bad:
                self._report(bad)
                msg = f"{counted(len(bad), 'bad row')}; nothing of the batch was written"
                raise _StoppedError(msg)
            if not rows:
                break
            try:
                counts = write_batch(
                    self.command.client, self.namespace.name, rows, self._options(rows)
                )
                break
            except EffectiveEmbeddingsError as error:
                refused = refused_rows(error, rows)
                if not refused:
                    raise
                bad += refused
                places = {row.place for row in refused}
                rows = [row for row in rows if row.place not in places]
        self._report(bad)
        counts.bad = len(bad)
        return counts

    def _options(self, rows: list[Row]) -> WriteOptions:
        options: WriteOptions = {
            **self.command.change,
            "embedding_model": self.model,
            "if_revision": 0,
        }
        if not self.command.dry_run:  # which has nothing to repeat
            options["request_id"] = request_id(self.id, self.namespace.name, self.kind, rows)
        return options

    def _report(self, bad: list[RowError]) -> None:
        for each in bad[:_MOST_REPORTED]:
            if self.command.as_json:
                row = {"place": each.place, "field": each.field, "problem": each.problem}
                sys.stderr.write(json.dumps({"bad_row": row}) + "\n")
            else:
                errors.print(f"bad row: {each}", markup=False, soft_wrap=True)
        more = len(bad) - _MOST_REPORTED
        if more > 0 and self.command.as_json:
            sys.stderr.write(json.dumps({"more_bad_rows": more}) + "\n")
        elif more > 0:
            errors.print(f"… and {more:,} more bad rows in this batch", markup=False)


def _read(job: _Job, reader: Reader, title: str, size: int, totals: Counts) -> None:
    started = time.monotonic()
    done = 0
    rows = refuse_repeated(reader, single=job.namespace.membership == "single")
    with bar("rows", "rate") as progress:
        task = progress.add_task(title, total=reader.total, rows="", rate="")
        for batch in batches(rows, size):
            counts = job.write(batch)
            totals.add(counts)
            done += counts.rows
            rate = done / max(time.monotonic() - started, 1e-9)
            progress.update(
                task,
                completed=reader.position(),
                rows=f"{done:,} rows",
                rate=f"{rate:,.0f} rows/s",
            )


def _summary(kind: Kind, totals: Counts, seconds: float) -> str:
    return (
        f"{counted(totals.rows, kind.singular, kind)} in {seconds:.1f} s: {totals.new:,} new,"
        f" {totals.changed:,} changed, {totals.unchanged:,} unchanged"
        f"{f', {totals.bad:,} bad and skipped' if totals.bad else ''}"
    )


def _so_far(totals: Counts) -> str:
    return (
        f"Before that {totals.new:,} new, {totals.changed:,} changed, {totals.unchanged:,}"
        " unchanged; run it again to resume, rows that are stored already change nothing"
    )
