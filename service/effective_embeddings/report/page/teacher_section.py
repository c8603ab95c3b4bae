"""Who taught what, and how well it fits."""

from __future__ import annotations

from effective_embeddings.report.caps import MOST_ACTORS, MOST_INFLUENCES
from effective_embeddings.report.markup import Child, Markup
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import (
    Column,
    bar,
    key,
    note,
    percent,
    score,
    scored,
    section,
    table,
)

__all__ = ["teacher_section"]


def teacher_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "The authors of the present memberships, the category that each has moved the most (1 less"
        " the cosine of what it is and what it would be without the author's members), and how many"
        " members fit another category better than the one that they were put into. Those who stand"
        " out from the average come first."
    )
    namespace = figures.state.namespace.name
    to_do = (
        "if one author stands out, look at what this author did"
        f" (`effemb history {namespace} --by ACTOR`) and at what it changes in the answers"
        f" (`effemb impact {namespace} --by ACTOR`). If it was a mistake, all of it can be taken"
        " back as if it had never happened; preview it with"
        f" `effemb undo {namespace} --by ACTOR --since TIME --dry-run`."
    )
    found = figures.teachers
    if figures.reviews.refusal:
        why = f"The service does not review this namespace: {figures.reviews.refusal}"
        return section("teachers", "Who taught it", shows, to_do, note(why))
    if not found:
        return section("teachers", "Who taught it", shows, to_do, note("There are no members yet."))
    by_history = figures.learning.actors if figures.learning is not None else {}
    columns = [
        Column("author"),
        Column("members", is_number=True),
        Column("in categories", is_number=True),
        Column("moved the most"),
        Column("fit elsewhere better"),
        Column("by, on average", is_number=True),
        Column("corrected so far"),
    ]
    rows: list[tuple[Child, ...]] = []
    for each in found[:MOST_ACTORS]:
        made, corrected = by_history.get(each.actor, (0, 0))
        rows.append(
            (
                key(each.actor) if each.actor else "no author",
                f"{each.members:,}",
                f"{each.categories:,}",
                scored(each.moved, each.movement) if each.movement else "–",
                bar(
                    each.share,
                    f"{percent(each.elsewhere, each.members)} ({each.elsewhere:,})",
                    "warn",
                ),
                score(each.lead) if each.elsewhere else "–",
                bar(corrected / made, f"{percent(corrected, made)} of {made:,}", "warn")
                if made
                else "–",
            )
        )
    caption = "Authors of the present memberships"
    if len(rows) < len(found):
        caption += f": {len(rows)} of {len(found):,}"
    if figures.reviews.is_cut:
        caption += f"; by their {MOST_INFLUENCES:,} largest influences on a category"
    return section("teachers", "Who taught it", shows, to_do, table(caption, columns, rows))
