"""Assignments and corrections over time, and what became of them."""

from __future__ import annotations

from effective_embeddings.report.analysis.fates import FATES
from effective_embeddings.report.analysis.learning import Learning
from effective_embeddings.report.caps import MOST_CHANGES, MOST_CONFUSIONS
from effective_embeddings.report.charts.canvas import figure
from effective_embeddings.report.charts.columns import draw_columns
from effective_embeddings.report.markup import Child, Markup
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import (
    Column,
    bar,
    counted,
    key,
    legend,
    more,
    note,
    percent,
    section,
    subtitle,
    table,
)

__all__ = ["learning_section"]

_FATES = {
    "stayed": "still where they were put",
    "corrected": "moved to another category later",
    "withdrawn": "taken out of the category, and not put into another",
    "taken back": "taken back by an undo, as if never made",
    "deleted": "the item or the category was deleted",
}


def learning_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "How many assignments were made, and how many of them corrected an earlier one. An"
        " assignment counts as accepted if the item is still there, and as corrected if somebody"
        " moved it to another category later. What was taken back by an undo is left out of the"
        " charts."
    )
    to_do = (
        "corrections should become fewer as categories learn. Where they rise, look at who assigned"
        " at that time (below) and at the routes of the corrections: a route that many items take"
        " is a pair of categories that people or names confuse."
    )
    learning = figures.learning
    content: list[Child] = []
    if figures.changes.is_cut:
        content.append(note(f"Only the newest {MOST_CHANGES:,} changes of the history were read."))
    elif figures.changes.first_revision > 1:
        first = figures.changes.first_revision
        content.append(note(f"The history before revision {first:,} was trimmed."))
    if learning is None:
        content.append(note("The history has no assignments."))
    else:
        content += [*_over_time(learning), *_what_became(learning), *_routes(learning)]
    return section("learning", "Learning over time", shows, to_do, content)


def _over_time(learning: Learning) -> list[Child]:
    covered = learning.periods
    made = [
        first + again for first, again in zip(learning.firsts, learning.corrections, strict=True)
    ]
    chart = figure(
        "assignments",
        "Assignments and corrections over time",
        f"{counted(sum(made), 'assignment')} in {counted(covered.count, 'period')} of"
        f" {covered.length_text}, {sum(learning.corrections):,} of them corrections; the table"
        " below has the figures.",
        lambda canvas: draw_columns(
            covered,
            [("plain", learning.firsts), ("warn", learning.corrections)],
            canvas,
        ),
        legend(
            [
                ("plain", "assignments of items that were in no other category before"),
                ("warn", "corrections: the item was in another category before"),
            ]
        ),
    )
    columns = [
        Column("from (UTC)"),
        Column("assignments", is_number=True),
        Column("of these corrections", is_number=True),
        Column("later corrected"),
    ]
    rows = [
        (
            covered.label(place),
            f"{count:,}",
            f"{learning.corrections[place]:,}",
            bar(
                learning.corrected[place] / count,
                f"{percent(learning.corrected[place], count)} ({learning.corrected[place]:,})",
                "warn",
            ),
        )
        for place, count in enumerate(made)
        if count
    ]
    caption = f"Assignments by the time they were made, in periods of {covered.length_text}"
    return [
        chart,
        note(f"Periods of {covered.length_text} from {covered.day} on, UTC."),
        more("The figures, and how many were corrected later", table(caption, columns, rows)),
    ]


def _what_became(learning: Learning) -> list[Child]:
    rows = [
        (
            fate,
            bar(
                learning.fates[fate] / learning.total,
                f"{learning.fates[fate]:,} ({percent(learning.fates[fate], learning.total)})",
                "good" if fate == "stayed" else "warn" if fate == "corrected" else "plain",
            ),
            _FATES[fate],
        )
        for fate in FATES
        if learning.fates[fate]
    ]
    columns = [Column("outcome"), Column("assignments"), Column("meaning")]
    caption = f"What became of the {counted(learning.total, 'assignment')} in the history"
    return [subtitle("Accepted and corrected"), table(caption, columns, rows)]


def _routes(learning: Learning) -> list[Child]:
    if not learning.routes:
        return []
    most = learning.routes[0][2]
    shown = learning.routes[:MOST_CONFUSIONS]
    rows = [
        (key(old), key(new), bar(count / most, f"{count:,}", "warn")) for old, new, count in shown
    ]
    caption = "Where corrected items went"
    if len(shown) < len(learning.routes):
        caption += f": the {len(shown)} most frequent of {len(learning.routes):,} routes"
    columns = [Column("from"), Column("to"), Column("items")]
    return [subtitle("Routes of corrections"), table(caption, columns, rows)]
