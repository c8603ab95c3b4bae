"""What waits in the inbox, with the category that the service offers."""

from __future__ import annotations

from collections.abc import Sequence

from effective_embeddings.client import Suggestion
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

__all__ = ["suggestion_section"]


def suggestion_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "Items without a category, with the category that a Match lists first for them, as the"
        " namespace ranks. The margin is how far the first category is ahead of the second."
    )
    namespace = figures.state.namespace.name
    to_do = (
        "confirm the sure ones, which costs a look each. Decide the doubtful ones yourself: each of"
        f" these answers teaches the most. `effemb assign {namespace} ITEM CATEGORY` does both, and"
        f" `effemb suggest {namespace}` has the whole list."
    )
    return section("suggestions", "Next suggestions", shows, to_do, _content(figures))


def _content(figures: Figures) -> list[Child]:
    suggestions = figures.suggestions
    if suggestions.refusal:
        return [note(f"The service suggests nothing here: {suggestions.refusal}")]
    if not suggestions.surest:
        if not figures.state.inbox:
            return [note("The inbox is empty.")]
        return [note("No category can be offered: none has an embedding.")]
    most = max((each.margin or 0.0 for each in suggestions.surest), default=0.0)
    content: list[Child] = [
        subtitle("Surest first: to confirm"),
        _table(figures, "Items whose first category is furthest ahead", suggestions.surest, most),
    ]
    if suggestions.doubtful:
        content += [
            subtitle("Most doubtful first: to decide"),
            _table(
                figures, "Items whose first two categories are closest", suggestions.doubtful, most
            ),
        ]
    largest = suggestions.groups[0].count
    rows = [
        (key(each.category), bar(each.count / largest, counted(each.count, "item")))
        for each in suggestions.groups
    ]
    caption = "Categories that are suggested for the most items"
    columns = [Column("category"), Column("suggested for")]
    return [*content, subtitle("By category"), table(caption, columns, rows)]


def _table(
    figures: Figures, caption: str, shown: Sequence[Suggestion], most: float
) -> list[Markup]:
    columns = [Column("item"), Column("first"), Column("second"), Column("margin")]
    texts = dict(zip(figures.state.keys, figures.state.texts, strict=True))
    rows: list[list[Child]] = []
    for each in shown:
        second, margin = each.runner_up, each.margin
        rows.append(
            [
                with_text(each.item, texts.get(each.item, "")),
                scored(each.best.category, each.best.score),
                "–" if second is None else scored(second.category, second.score),
                "–" if margin is None else bar(margin / most if most else 0.0, score(margin)),
            ]
        )
    return table(caption, columns, rows)
