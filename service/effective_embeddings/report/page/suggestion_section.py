"""What waits in the inbox, with the category that the service offers."""

from __future__ import annotations

import math

from effective_embeddings.report.caps import MOST_SUGGESTIONS
from effective_embeddings.report.markup import Child, Markup
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import (
    Column,
    bar,
    counted,
    key,
    note,
    score,
    scored,
    section,
    subtitle,
    table,
    with_text,
)
from effective_embeddings.report.sources.suggestions import Suggestion

__all__ = ["suggestion_section"]


def suggestion_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "Items without a category, with the best category by a Match as the namespace ranks. The"
        " margin is how far the first category is ahead of the second."
    )
    namespace = figures.state.namespace.name
    to_do = (
        "confirm the sure ones, which costs a look each. Decide the doubtful ones yourself: each of"
        f" these answers teaches the most. `effemb assign {namespace} ITEM CATEGORY` does both."
    )
    return section("suggestions", "Next suggestions", shows, to_do, _content(figures))


def _content(figures: Figures) -> list[Child]:
    suggestions = figures.suggestions
    content: list[Child] = []
    if not suggestions.waiting:
        return [note("The inbox is empty.")]
    if not suggestions.found:
        return [note("No category can be offered: none has an embedding.")]
    if suggestions.asked < suggestions.waiting:
        content.append(
            note(
                f"{suggestions.asked:,} of {counted(suggestions.waiting, 'item')} were matched,"
                " drawn by a hash of their keys."
            )
        )
    sure = sorted(suggestions.found, key=lambda each: (-_margin(each), each.item))
    half = (len(sure) + 1) // 2
    first = sure[: min(MOST_SUGGESTIONS, half)]
    last = sure[::-1][: min(MOST_SUGGESTIONS, len(sure) - half)]
    most = max((_margin(each) for each in sure if _margin(each) < math.inf), default=0.0)
    content += [
        subtitle("Surest first: to confirm"),
        _table(figures, "Items whose first category is furthest ahead", first, most),
    ]
    if last:
        content += [
            subtitle("Most doubtful first: to decide"),
            _table(figures, "Items whose first two categories are closest", last, most),
        ]
    return content


def _margin(suggestion: Suggestion) -> float:
    # A category without a rival is beyond doubt.
    return math.inf if suggestion.margin is None else round(suggestion.margin, 9)


def _table(figures: Figures, caption: str, shown: list[Suggestion], most: float) -> list[Markup]:
    columns = [
        Column("item"),
        Column("first"),
        Column("second"),
        Column("margin"),
    ]
    state = figures.state
    return table(
        caption,
        columns,
        [
            (
                with_text(state.keys[each.item], state.texts[each.item]),
                scored(each.category, each.score),
                "–" if each.second is None else key(each.second),
                "–"
                if each.margin is None
                else bar(each.margin / most if most else 0, score(each.margin)),
            )
            for each in shown
        ],
    )
