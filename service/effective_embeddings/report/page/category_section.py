"""Categories: how far each has moved from its name, and which other one is near."""

from __future__ import annotations

import numpy as np

from effective_embeddings.client import CategoryReview
from effective_embeddings.report.analysis.drift import DriftLines
from effective_embeddings.report.caps import MOST_CATEGORIES_LISTED, MOST_DRIFT_MEMBERS
from effective_embeddings.report.charts.canvas import figure
from effective_embeddings.report.charts.lines import Line, draw_lines
from effective_embeddings.report.markup import Child, Markup
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import (
    Column,
    bar,
    counted,
    key,
    note,
    score,
    section,
    subtitle,
    table,
)

__all__ = ["category_section"]


def category_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "How far each category has drifted from its name: 1 less the cosine of its base and its"
        " effective embedding, 0 if it has not moved. And the other category that it is most like,"
        " by the cosine of what both have become."
    )
    to_do = (
        "a large drift is often right: people know better than the name. Where it is not, rename"
        " the category, or bound the drift by a least share of the base. Two categories that are"
        " nearly equal may be one, or lack a rule that tells them apart."
    )
    content: list[Child] = []
    if figures.drift is not None:
        content += _over_time(figures, figures.drift)
    if figures.state.categories:
        content += _all(figures)
    else:
        content.append(note("There are no categories."))
    return section("categories", "Categories and drift", shows, to_do, content)


def _over_time(figures: Figures, drift: DriftLines) -> list[Child]:
    lines = [Line(figures.category(row), values) for row, values in drift.drifts]
    names = ", ".join(f"{line.name} {line.values[-1]:.3f}" for line in lines)
    covered = drift.periods
    return [
        subtitle("Drift over time"),
        figure(
            "drift",
            "Drift of the categories that have moved the most",
            f"At the end of the last of {counted(covered.count, 'period')}: {names}.",
            lambda canvas: draw_lines(covered, lines, canvas),
        ),
        note(
            f"The {counted(len(lines), 'category', 'categories')} with the largest drift, at the"
            f" end of periods of {covered.length_text} from {covered.day} on, UTC, by the members"
            f" that they have now. Categories of more than {MOST_DRIFT_MEMBERS:,} members are left"
            " out."
        ),
    ]


def _all(figures: Figures) -> list[Child]:
    learned, reviewed = figures.learned, figures.reviews.categories
    known = np.nan_to_num(learned.drifts, nan=-1.0).round(9)
    order = np.lexsort((np.arange(len(known)), -learned.member_counts, -known))
    shown = order[:MOST_CATEGORIES_LISTED]
    most = max(float(known.max()), 1e-9)
    columns = [
        Column("category"),
        Column("members", is_number=True),
        Column("drift from its name"),
        Column("nearest other"),
        Column("cosine", is_number=True),
    ]
    rows = [
        (
            key(figures.category(row)),
            f"{learned.member_counts[row]:,}",
            "no name or no members"
            if np.isnan(learned.drifts[row])
            else bar(learned.drifts[row] / most, score(float(learned.drifts[row]))),
            *_nearest(reviewed.get(figures.category(row))),
        )
        for row in (int(each) for each in shown)
    ]
    caption = "Categories by drift"
    if len(shown) < len(order):
        caption += f": the first {len(shown):,} of {len(order):,}"
    return [subtitle("All categories"), table(caption, columns, rows)]


def _nearest(review: CategoryReview | None) -> tuple[Child, Child]:
    """Return the other category that is most like one, and the cosine of the two."""
    if review is None or review.nearest_category is None or review.nearest_similarity is None:
        return "–", "–"
    return key(review.nearest_category), score(review.nearest_similarity)
