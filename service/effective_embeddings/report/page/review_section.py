"""The review queue: members that fit another category better than their own."""

from __future__ import annotations

from effective_embeddings.report.caps import MOST_REVIEWED
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
    table,
    with_text,
)

__all__ = ["review_section"]


def review_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "Members that would be filed elsewhere if they came again today: without themselves, their"
        " own category scores lower than another one. The most suspicious come first. Scores are"
        " cosines, whatever the ranking."
    )
    namespace = figures.state.namespace.name
    move, why = (
        f"effemb assign {namespace} ITEM CATEGORY",
        f"effemb explain {namespace} --item ITEM",
    )
    to_do = (
        f"read them from the top; `effemb review {namespace}` lists all. Many are right where they"
        " are, since people know more than the text says; leave those. Move the others"
        f" (`{move}`), and ask why with `{why}`."
    )
    return section("review", "Review queue", shows, to_do, _content(figures))


def _content(figures: Figures) -> list[Child]:
    misfits, state = figures.misfits, figures.state
    if misfits.refusal:
        return [note(f"The service does not review this namespace: {misfits.refusal}")]
    found = misfits.found
    if not found:
        is_empty = not state.namespace.membership_count
        return [note("There are no members." if is_empty else "Every member fits its own best.")]
    texts = dict(zip(state.keys, state.texts, strict=True))
    rows = [
        (
            with_text(each.item, texts.get(each.item, "")),
            scored(each.own, each.own_score),
            scored(each.other, each.other_score),
            bar(each.lead / found[0].lead, f"+{score(each.lead)}", "warn"),
            key(each.actor) if each.actor else "–",
        )
        for each in found[:MOST_REVIEWED]
    ]
    columns = [
        Column("item"),
        Column("is in"),
        Column("fits better in"),
        Column("by"),
        Column("assigned by"),
    ]
    more = " or more" if misfits.is_cut else ""
    caption = f"The {counted(len(rows), 'member')} to look at first, of {len(found):,}{more}"
    return [table(caption, columns, rows, first=20)]
