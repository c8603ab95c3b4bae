"""The learning curve: how often the first match is right with so many items in each category."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from effective_embeddings.evaluation.baselines import (
    LOGISTIC_REGRESSION,
    NEIGHBOURS,
    nearest,
    neighbours_label,
    regression,
)
from effective_embeddings.evaluation.labelled import Labelled, Labels
from effective_embeddings.evaluation.ordering import shuffled
from effective_embeddings.evaluation.product import Dials, Product

__all__ = ["draw_order", "percent", "run_draw", "sizes"]

_SIZES = (1, 2, 5, 20)


def sizes(data: Labelled, wanted: Sequence[int] = _SIZES) -> list[int]:
    """Return the numbers of items a category to measure at; the last takes all."""
    largest = int(np.bincount(data.train.labels).max())
    return [size for size in wanted if size < largest] + [largest]


def draw_order(data: Labelled, seed: int, number: int) -> list[list[int]]:
    """Return the rows of each category in a drawn order; the first k of each are a draw of k."""
    order: list[list[int]] = [[] for _ in data.categories]
    for row in shuffled(range(len(data.train)), f"{seed} draw {number}"):
        order[data.train.labels[row]].append(row)
    return order


def percent(found: Labels, right: Labels) -> float:
    """Return the share of right labels in percent."""
    return 100 * float((found == right).mean())


def run_draw(
    product: Product,
    data: Labelled,
    order: list[list[int]],
    at: Sequence[int],
    dials: Sequence[Dials],
    *,
    with_regression: bool,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Assign more and more of a draw; return the accuracy in percent at each size, by method."""
    labels = [each.label for each in dials] + [neighbours_label(count) for count in NEIGHBOURS]
    if with_regression:
        labels.append(LOGISTIC_REGRESSION)
    results: dict[str, list[float]] = {label: [] for label in labels}
    vectors, right = data.test.vectors, data.test.labels
    before = 0
    with product.state() as state:
        for size in at:
            state.assign(data.train.take([row for rows in order for row in rows[before:size]]))
            before = size
            known = data.train.take([row for rows in order for row in rows[:size]])
            for each in dials:
                results[each.label].append(percent(state.predict(vectors, each).labels, right))
            for count in NEIGHBOURS:
                found = nearest(known, vectors, count).labels
                results[neighbours_label(count)].append(percent(found, right))
            if with_regression:
                found = regression(data, known, vectors).labels
                results[LOGISTIC_REGRESSION].append(percent(found, right))
            tick()
    return results
