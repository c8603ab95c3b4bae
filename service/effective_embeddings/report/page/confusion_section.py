"""Pairs of categories that are taken for each other."""

from __future__ import annotations

from effective_embeddings.report.caps import MOST_CONFUSIONS
from effective_embeddings.report.markup import Child, Markup
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import (
    Column,
    bar,
    key,
    note,
    score,
    section,
    table,
)

__all__ = ["confusion_section"]


def confusion_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "Each member is taken out of its category and compared with all categories by cosine. A"
        " pair is listed if members of one fit the other best."
    )
    merge = f"effemb category merge {figures.state.namespace.name} ONE --into OTHER --dry-run"
    to_do = (
        "read some members of a pair that has many. Either they are in the wrong place (the review"
        " queue below names them), or the two categories mean nearly the same: merge them (preview"
        f" it with `{merge}`), or give them names that tell them apart."
    )
    pairs = figures.confusions
    if not pairs:
        text = (
            "No member fits another category better than its own."
            if figures.state.namespace.membership_count
            else "There are no members to compare."
        )
        return section("confusion", "Confused categories", shows, to_do, note(text))
    columns = [
        Column("members of"),
        Column("fit better in"),
        Column("how many"),
        Column("and back"),
        Column("cosine", is_number=True),
    ]
    rows: list[tuple[Child, ...]] = [
        (
            key(figures.category(each.first)),
            key(figures.category(each.second)),
            bar(each.moved / each.of_first, f"{each.moved:,} of {each.of_first:,}", "warn"),
            bar(
                each.back / each.of_second if each.of_second else 0.0,
                f"{each.back:,} of {each.of_second:,}",
                "warn",
            ),
            score(each.similarity),
        )
        for each in pairs[:MOST_CONFUSIONS]
    ]
    caption = "Confused pairs of categories, those with the most members first"
    if len(rows) < len(pairs):
        caption += f": {len(rows)} of {len(pairs):,} pairs"
    return section("confusion", "Confused categories", shows, to_do, table(caption, columns, rows))
