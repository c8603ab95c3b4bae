"""The map of categories and items."""

from __future__ import annotations

from effective_embeddings.report.charts.canvas import figure
from effective_embeddings.report.charts.map import draw_map
from effective_embeddings.report.markup import Markup
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.parts import legend, note, section

__all__ = ["map_section"]


def map_section(figures: Figures) -> Markup:
    """Return the section."""
    shows = (
        "Categories and items in a plane. Each arrow leads from the embedding of a category's name"
        " (its base) to what the category has become by its members. The axes are the two"
        " directions in which the categories differ the most (PCA)."
    )
    to_do = (
        "look for long arrows, which are names that do not say what people put there, and for"
        " categories that lie on each other. A plane shows only a part of the distances: check a"
        " suspicion in the tables below, which compare in all dimensions."
    )
    mapped, state = figures.mapped, figures.state
    if mapped is None:
        return section("map", "Map", shows, to_do, note("There is nothing to draw yet."))
    keys = [each.key for each in state.categories]
    alternative = (
        f"{len(mapped.categories)} categories and {len(mapped.items)} items, by their first two"
        " principal components. The table of categories below has the distances from the names."
    )
    marks = [("disc", "a category, with an arrow from its name")]
    if any(not each.is_waiting for each in mapped.items):
        marks.append(("member", "a member"))
    if any(each.is_elsewhere for each in mapped.items):
        marks.append(("elsewhere", "a member that fits another category better"))
    if any(each.is_waiting for each in mapped.items):
        marks.append(("waiting", "an item in the inbox"))
    drawn = [f"The plane shows {100 * mapped.shown:.0f} % of the variance."]
    embedded = int(figures.learned.has_embedding.sum())
    if len(mapped.categories) < embedded:
        drawn.append(f"The {len(mapped.categories)} largest of {embedded:,} categories are drawn.")
    if len(mapped.items) < len(state.keys):
        drawn.append(
            f"{len(mapped.items):,} of {len(state.keys):,} items, drawn by a hash of their keys."
        )
    drawn.append("A category without a label has it as a tooltip.")
    return section(
        "map",
        "Map",
        shows,
        to_do,
        figure(
            "map",
            f"Map of {len(mapped.categories)} categories",
            alternative,
            lambda canvas: draw_map(mapped, keys, canvas),
            legend(marks),
        ),
        note(" ".join(drawn)),
    )
