"""`effemb import`."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from effective_embeddings.cli.shared.batching import Batch, batches, request_id
from effective_embeddings.cli.shared.command import Run, writes
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import ModelOption, NamespaceArgument
from effective_embeddings.cli.shared.output import counted, errors, print_json, say
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.cli.shared.writing import Counts, refused_row, write_batch
from effective_embeddings.client import Client, EffectiveEmbeddingsError
from effective_embeddings.formats import Format, Kind, Reader, RowError, open_reader

__all__ = ["import_"]

_MOST_TOLD = 20


@writes()
def import_(
    run: Run,
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="categories, items or assignments")],
    namespace: NamespaceArgument,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help=".jsonl, .csv, .npy, .npz or .parquet; - reads JSON Lines."
        ),
    ],
    *,
    file_format: Annotated[
        Format | None, typer.Option("--format", help="Instead of what the name's end says.")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="For .npy: the keys, one a line [NAME.keys.txt]."),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, max=10_000, help="Rows a request; each is all or nothing.")
    ] = 1000,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Report bad rows, leave them out, and go on.")
    ] = False,
    model: ModelOption = "",
) -> None:
    """Read categories, items or assignments from files.

    Fields: categories have key, base, base_weight, window, min_base_share, frozen, metadata;
    items have key, embedding, weight, metadata; assignments have item, category, embedding,
    weight, metadata. Only keys are needed; what a row does not say stays as it is.

    An interrupted run can just be run again: rows that are there already change nothing. A bad
    row ends the run before anything of its batch is written, unless --skip-bad is given.

    Example:  effemb import categories notes categories.jsonl

    Example:  effemb import assignments notes day1.csv day2.csv
    """
    started = time.monotonic()
    client = run.client
    job = _Job(
        client=client,
        namespace=namespace,
        skip_bad=skip_bad,
        actor=run.actor,
        reason=run.reason,
        dry_run=run.dry_run,
        model=model,
        run=uuid.uuid4().hex,
    )
    dimension = client.get_namespace(namespace).dimension
    totals = Counts()
    try:
        for path in files:
            reader = open_reader(
                path, kind, dimension=dimension, file_format=file_format, keys=keys
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
        told = {"kind": kind.value, "namespace": namespace, "files": files, **asdict(totals)}
        print_json({**told, "dry_run": run.dry_run, "seconds": round(seconds, 3)})
        return
    say(_summary(kind, totals, seconds), dry_run=run.dry_run)


class _StoppedError(Exception):
    """The run ends because of bad rows."""


@dataclass(frozen=True, slots=True)
class _Job:
    client: Client
    namespace: str
    skip_bad: bool
    actor: str
    reason: str
    dry_run: bool
    model: str
    run: str

    def write(self, batch: Batch) -> Counts:
        """Writes a batch, without its bad rows if those are to be skipped."""
        rows, bad = list(batch.rows), list(batch.bad)
        counts = Counts()
        while True:
            if bad and not self.skip_bad:
                _tell(bad)
                msg = f"{counted(len(bad), 'bad row')}; nothing of the batch was written"
                raise _StoppedError(msg)
            if not rows:
                break
            try:
                counts = write_batch(
                    self.client,
                    self.namespace,
                    rows,
                    request_id=request_id(self.run, self.namespace, rows),
                    actor=self.actor,
                    reason=self.reason,
                    dry_run=self.dry_run,
                    model=self.model,
                )
                break
            except EffectiveEmbeddingsError as error:
                refused = refused_row(error, rows)
                if refused is None:
                    raise
                bad.append(refused)
                rows = [row for row in rows if row.place != refused.place]
        _tell(bad)
        counts.bad = len(bad)
        return counts


def _read(job: _Job, reader: Reader, title: str, size: int, totals: Counts) -> None:
    started = time.monotonic()
    done = 0
    with bar("rows", "rate") as progress:
        task = progress.add_task(title, total=reader.total, rows="", rate="")
        for batch in batches(reader, size):
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


def _tell(bad: list[RowError]) -> None:
    for each in bad[:_MOST_TOLD]:
        errors.print(f"bad row: {each}", markup=False, soft_wrap=True)
    if len(bad) > _MOST_TOLD:
        errors.print(f"… and {len(bad) - _MOST_TOLD:,} more bad rows in this batch", markup=False)


def _summary(kind: Kind, totals: Counts, seconds: float) -> str:
    told = (
        f"{totals.rows:,} {kind} in {seconds:.1f} s: {totals.new:,} new, {totals.changed:,}"
        f" changed, {totals.unchanged:,} unchanged"
    )
    return told + (f", {totals.bad:,} bad and left out" if totals.bad else "")


def _so_far(totals: Counts) -> str:
    return (
        f"Before that {totals.new:,} new, {totals.changed:,} changed, {totals.unchanged:,}"
        " unchanged; run it again to go on, what is there already changes nothing"
    )
