"""The review queue: members that fit another category better than their own."""

from __future__ import annotations

import numpy as np

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
    to_do = (
        "read them from the top. Many are right where they are, since people know more than the"
        f" text says; leave those. Move the others (`effemb assign {namespace} ITEM CATEGORY`), and"
        f" ask why with `effemb explain {namespace} --item ITEM`."
    )
    return section("review", "Review queue", shows, to_do, _content(figures))


def _content(figures: Figures) -> list[Child]:
    fit, state = figures.fit, figures.state
    content: list[Child] = []
    if len(fit.membership) < fit.total:
        content.append(
            note(
                f"{len(fit.membership):,} of {counted(fit.total, 'membership')} were compared,"
                " drawn by a hash of the items' keys."
            )
        )
    places = np.flatnonzero(fit.is_elsewhere)
    if not len(places):
        text = "Every member fits its own category best." if fit.total else "There are no members."
        return [*content, note(text)]
    order = np.lexsort((fit.membership[places], -fit.lead[places].round(9)))
    shown = places[order][:MOST_REVIEWED]
    most = float(fit.lead[shown[0]])
    of = state.memberships
    rows = []
    for place in shown:
        membership = int(fit.membership[place])
        item = int(of.item[membership])
        rows.append(
            (
                with_text(state.keys[item], state.texts[item]),
                scored(figures.category(int(of.category[membership])), float(fit.own[place])),
                scored(figures.category(int(fit.other[place])), float(fit.score[place])),
                bar(float(fit.lead[place]) / most, f"+{score(float(fit.lead[place]))}", "warn"),
                key(of.actor[membership]) if of.actor[membership] else "–",
            )
        )
    columns = [
        Column("item"),
        Column("is in"),
        Column("fits better in"),
        Column("by"),
        Column("assigned by"),
    ]
    caption = f"The {counted(len(rows), 'member')} to look at first, of {len(places):,}"
    return [*content, table(caption, columns, rows, first=20)]
