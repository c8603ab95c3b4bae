"""The head of the page: which namespace, which revision, and what stands out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from effective_embeddings.client import HistoryKeep
from effective_embeddings.report.markup import Child, Markup, element
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import counted, key, moment, note, percent

__all__ = ["glance", "header"]

# The level of confidence whose share is shown first.
_LEVEL = 0.1


def header(figures: Figures) -> Markup:
    """Return the title and the facts."""
    namespace = figures.state.namespace
    return element(
        "header",
        element("h1", element("bdi", namespace.name)),
        element("p", element("bdi", namespace.description), class_="description")
        if namespace.description
        else None,
        element(
            "p",
            f"State at revision {namespace.revision:,}, written {moment(_last_time(figures))}.",
            class_="when",
        ),
        _meanwhile(figures),
        element(
            "dl",
            (
                element("div", element("dt", name), element("dd", value))
                for name, value in _facts(figures)
            ),
        ),
    )


def _meanwhile(figures: Figures) -> Markup | None:
    if figures.last_revision == figures.state.namespace.revision:
        return None
    return note(
        f"The namespace was written to while it was read, up to revision {figures.last_revision:,}:"
        " the review queue, the confused and the nearest categories, the authors and the next"
        " suggestions may be of a later revision than the rest."
    )


def _last_time(figures: Figures) -> datetime:
    changes = figures.changes.changes
    return changes[-1].time if changes else figures.state.namespace.create_time.astimezone(UTC)


def _facts(figures: Figures) -> Iterator[tuple[str, Child]]:
    namespace = figures.state.namespace
    yield "Categories", f"{namespace.category_count:,}"
    yield "Items", f"{namespace.item_count:,}"
    yield "Memberships", f"{namespace.membership_count:,}"
    yield "In the inbox", f"{len(figures.state.inbox):,}"
    fairness = namespace.fairness
    if fairness is None:
        fairness = 0.5 if namespace.ranking == "local" else 0.0
    yield "Ranking", f"{namespace.ranking.upper()}, fairness {fairness:g}"
    yield "An item is in", "one category" if namespace.membership == "single" else "any number"
    vectors = f"{namespace.dimension:,} components, {namespace.normalization.upper()}"
    yield "Vectors", vectors
    if namespace.embedding_model:
        yield "Model", element("bdi", namespace.embedding_model)
    yield "History kept", _history(figures, namespace.history_keep)
    yield "State digest", element("span", namespace.digest.hex()[:16], class_="digest")


def _history(figures: Figures, keep: HistoryKeep | None) -> str:
    first = figures.changes.first_revision
    kept = "all of it" if first <= 1 else f"from revision {first:,} on"
    if keep is None:
        return kept
    bounds = []
    if keep.revisions:
        bounds.append(counted(keep.revisions, "revision"))
    if keep.age_seconds:
        bounds.append(_age(keep.age_seconds))
    return f"{kept}; at most {' and '.join(bounds)}" if bounds else kept


def _age(seconds: int) -> str:
    for length, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % length == 0:
            return counted(seconds // length, noun)
    return counted(seconds, "second")


def glance(figures: Figures) -> Markup:
    """Return what stands out, each with the section that has the rest."""
    found = list(_findings(figures))
    if not found:
        found = [("categories", "Nothing has been assigned yet.")]
    return element(
        "section",
        element("h2", "At a glance", id="glance-title"),
        element(
            "ul",
            (
                element("li", text, " ", element("a", "Details", href=f"#{name}"))
                for name, text in found
            ),
            class_="glance",
        ),
        id="glance",
        aria_labelledby="glance-title",
    )


def _findings(figures: Figures) -> Iterator[tuple[str, Child]]:
    elsewhere, members = len(figures.misfits.found), figures.state.namespace.membership_count
    if members and not figures.misfits.refusal:
        share = percent(elsewhere, members)
        verb = "fits" if elsewhere == 1 else "fit"
        least = "At least " if figures.misfits.is_cut else ""
        what = least + counted(elsewhere, "member")
        yield (
            "review",
            (
                f"{what} of {members:,} ({share}) {verb} another category better than"
                " their own without themselves."
            ),
        )
    if figures.confusions:
        worst = figures.confusions[0]
        yield (
            "confusion",
            (
                "The categories that are confused the most are ",
                key(figures.category(worst.first)),
                " and ",
                key(figures.category(worst.second)),
                f": {counted(worst.count, 'member')}.",
            ),
        )
    if len(figures.teachers) > 1 and figures.teachers[0].elsewhere:
        first = figures.teachers[0]
        yield (
            "teachers",
            (
                "Of the members that ",
                key(first.actor),
                (
                    f" has assigned, {percent(first.elsewhere, first.members)} fit another category"
                    f" better; of all authors' {percent(elsewhere, members)}."
                ),
            ),
        )
    learning = figures.learning
    if learning is not None:
        made = learning.total - learning.fates["taken back"]
        corrected = learning.fates["corrected"]
        yield (
            "learning",
            (
                f"{counted(corrected, 'assignment')} of {made:,} ({percent(corrected, made)}) in"
                " the history were corrected later."
            ),
        )
    waiting = len(figures.state.inbox)
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        yield "suggestions", f"{counted(waiting, 'item')} {verb} in the inbox for a category."
    rates = figures.reviews.rates
    rate = next((each for each in rates.rates if each.level == _LEVEL), None) if rates else None
    if rate is not None and rate.review_share is not None:
        wrong = percent(rate.error_share or 0.0, 1)
        yield (
            "suggestions",
            (
                f"Below a confidence of {_LEVEL:g} are the matches of about"
                f" {percent(rate.review_share, 1)} of new items; of the others, about {wrong} would"
                " be wrong."
            ),
        )
