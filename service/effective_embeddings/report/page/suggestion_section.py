"""What waits in the inbox, with the category that the service offers."""

from __future__ import annotations

from collections.abc import Sequence

from effective_embeddings.client import ReviewRates, Suggestion
from effective_embeddings.report.markup import Child, Markup
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import (
    Column,
    bar,
    counted,
    key,
    note,
    percent,
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
        " namespace ranks. The margin is how far the first category is ahead of the second; the"
        " confidence is the share of the first category's members that fit it no better than the"
        " item does, so a small one says that it may belong to none of them."
    )
    namespace = figures.state.namespace.name
    to_do = (
        "confirm the sure ones, which costs a look each. Decide the doubtful ones yourself: each of"
        f" these answers teaches the most. `effemb assign {namespace} ITEM CATEGORY` does both, and"
        f" `effemb suggest {namespace}` has the whole list, and"
        f" `effemb suggest {namespace} --below-confidence 0.1` what fits no category."
    )
    return section("suggestions", "Next suggestions", shows, to_do, _content(figures))


def _content(figures: Figures) -> list[Child]:
    return [*_suggestions(figures), *_to_look_at(figures.reviews.rates)]


def _suggestions(figures: Figures) -> list[Child]:
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
    columns = [
        Column("item"),
        Column("first"),
        Column("second"),
        Column("margin"),
        Column("confidence"),
    ]
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
                _sure(each.best.confidence),
            ]
        )
    return table(caption, columns, rows)


def _sure(confidence: float | None) -> Child:
    return "no members" if confidence is None else bar(confidence, percent(confidence, 1))


def _to_look_at(rates: ReviewRates | None) -> list[Child]:
    """Return how many new items a person would look at, by the level that is asked for."""
    if rates is None or not rates.sample_count:
        return []
    columns = [
        Column("confidence of at least"),
        Column("to look at"),
        Column("wrong of the others"),
    ]
    rows = [
        (
            f"{each.level:g}",
            bar(each.review_share or 0.0, percent(each.review_share or 0.0, 1)),
            "–"
            if each.error_share is None
            else bar(each.error_share, percent(each.error_share, 1), "warn"),
        )
        for each in rates.rates
    ]
    return [
        subtitle("How many to look at"),
        table("What a level of confidence leaves to a person", columns, rows),
        note(
            f"Estimated from {counted(rates.sample_count, 'member')} of {rates.member_count:,},"
            " each matched as if it were new: the share whose first match does not reach the level,"
            " and the share of the others whose first match is wrong. Of all,"
            f" {percent(rates.error_share or 0.0, 1)} would be wrong."
        ),
    ]
