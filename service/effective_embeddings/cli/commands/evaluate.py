"""`effemb evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings.cli.shared.failures import fail, telling_failures
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import console, errors, print_json, print_table, say
from effective_embeddings.cli.shared.output import table as empty_table
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.client import Normalization
from effective_embeddings.evaluation.evaluate import Evaluation
from effective_embeddings.evaluation.evaluate import evaluate as run_evaluation
from effective_embeddings.evaluation.labelled import DataError, Labelled
from effective_embeddings.evaluation.loading import Request, load
from effective_embeddings.evaluation.picture import save_picture
from effective_embeddings.evaluation.tables import tables

__all__ = ["HELP", "evaluate"]

HELP = """Measure on labelled data of your own whether learning helps, and with which ranking.

SOURCE is a file of assignments that `import` reads (item, category, embedding), several of them,
or a folder with the files assignments, categories, items, test and out_of_scope of any of these
formats, as `export` writes them. Categories bring the embeddings of their names; without them a
category is unknown before its first item. Without a test file, a quarter of each category's items
is held out.

Items are matched and assigned one after the other in several orders, by an embedded service of
its own in a temporary directory, beside the names alone, nearest neighbours, and logistic
regression that is trained again and again (scikit-learn: pip install
'effective-embeddings[evaluate]'). Reported are:

**corrections**: first matches over the stream that a person would have to correct, also where
categories come into use one after another;

**learning curve**: first matches right on items that are never assigned, by items a category;

**half-taught**: the same while half of the categories are names only, which is what users meet
first; fairness is for this state;

**out of scope**: whether confidence tells items of no category from the others (--out-of-scope);

**recommended settings**: ranking and fairness for `namespace create` or `update`, with the reason.

Large data is sampled so that it takes about a minute; the same seed gives the same figures.

Example:  effemb evaluate assignments.jsonl --categories categories.jsonl --picture out.png

Example:  effemb evaluate ./exported --out-of-scope none-of-these --json
"""


class _Progress:
    """Bars on standard error: one a file, one a stage."""

    def __init__(self) -> None:
        self._bar = bar()
        self._task = self._bar.add_task("", total=None)
        self._bar.start()

    def read(self, path: str, position: int, total: int | None) -> None:
        self._bar.update(self._task, description=f"read {path}", completed=position, total=total)

    def stage(self, title: str, steps: int) -> None:
        self._bar.reset(self._task, description=title, total=steps)

    def tick(self) -> None:
        self._bar.advance(self._task)

    def stop(self) -> None:
        self._bar.stop()


def evaluate(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Assignments: .jsonl, .csv, .npz or .parquet files, or one folder.",
        ),
    ],
    *,
    categories: Annotated[
        str | None, typer.Option(metavar="FILE", help="Categories with the bases of their names.")
    ] = None,
    items: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Embeddings of items whose assignments have none."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Assignments to test on; default: a quarter held out."),
    ] = None,
    out_of_scope: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|CATEGORY",
            help="Items of no category: a file of items, or a category that is taken out.",
        ),
    ] = None,
    normalization: Annotated[
        str, typer.Option(metavar="raw|unit", help="As in `namespace create`.")
    ] = "raw",
    max_items: Annotated[
        int | None,
        typer.Option(min=10, help="Most items to assign [2000, fewer for large data]."),
    ] = None,
    orders: Annotated[int, typer.Option(min=1, max=20, help="Orders of the stream.")] = 3,
    draws: Annotated[
        int, typer.Option(min=1, max=20, help="Draws of the learning curve and of the halves.")
    ] = 5,
    seed: Annotated[int, typer.Option(help="Seed of every order and draw.")] = 1,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the figures: .png, .svg or .pdf (matplotlib)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate; HELP says what."""
    request = Request(
        sources,
        categories=categories,
        items=items,
        test=test,
        out_of_scope=out_of_scope,
        normalization=_normalization(normalization),
        most_items=max_items,
        seed=seed,
    )
    if picture is not None:
        _check_picture(picture, as_json=as_json)
    with telling_failures(as_json=as_json):
        try:
            progress = _Progress()
            try:
                data: Labelled = load(request, progress.read)
                result = run_evaluation(
                    data, seed=seed, orders=orders, draws=draws, observer=progress
                )
            finally:
                progress.stop()
        except DataError as error:
            raise fail(str(error), as_json=as_json) from error
    if picture is not None:
        save_picture(result, picture)
    if as_json:
        print_json(result.to_json())
    else:
        _show(result, picture)


def _normalization(text: str) -> Normalization:
    if text == "raw":
        return "raw"
    if text == "unit":
        return "unit"
    msg = f"must be raw or unit, not {text!r}"
    raise typer.BadParameter(msg, param_hint="--normalization")


def _check_picture(path: Path, *, as_json: bool) -> None:
    """Refuse before the work what cannot be drawn after it."""
    if path.suffix not in (".png", ".svg", ".pdf"):
        msg = f"must end in .png, .svg or .pdf, not {path.suffix!r}"
        raise typer.BadParameter(msg, param_hint="--picture")
    try:
        import matplotlib  # noqa: F401, ICN001, PLC0415 - optional, and slow to load
    except ImportError:
        msg = "--picture needs matplotlib: pip install 'effective-embeddings[evaluate]'"
        raise fail(msg, as_json=as_json) from None


def _show(result: Evaluation, picture: Path | None) -> None:
    facts = result.facts
    outside = f", {facts['out_of_scope']:,} out of scope" if facts["out_of_scope"] else ""
    console.print(f"[bold]{result.name}[/bold]", highlight=False)
    say(
        f"{facts['categories']:,} categories, {facts['train']:,} items to assign,"
        f" {facts['test']:,} to test on{outside}; {facts['dimension']:,} components;"
        f" seed {result.seed}"
    )
    for note in result.notes:
        say(f"note: {note}")
    for each in tables(result):
        say(f"\n{each.title}")
        shown = empty_table(*each.columns, numbers=each.columns[1:])
        for row in each.rows:
            shown.add_row(*row)
        print_table(shown, empty="")
    say("±: half the distance between the least and the most of the orders or draws")
    if result.advice is not None:
        advice = result.advice
        console.print(
            f"\n[bold]Recommended: --ranking {advice.ranking} --fairness {advice.fairness:g}[/bold]"
        )
        for reason in advice.reasons:
            say(f"  {reason}")
    drawn = "" if picture is None else f"; picture: {picture}"
    errors.print(f"{result.seconds:.0f} s{drawn}", highlight=False, soft_wrap=True)
