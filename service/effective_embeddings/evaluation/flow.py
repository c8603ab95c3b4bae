"""The flow of suggestions: one list sorted by confidence, worked from the top.

A person takes the first row, confirms or corrects it, and the list is ranked anew. The list
half-way is what the person looks at while half of the categories are still unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.evaluation.labelled import Labelled, Part
from effective_embeddings.evaluation.ordering import shuffled
from effective_embeddings.evaluation.product import Dials, Predictions, Product

__all__ = ["Flow", "ListView", "draw_projects", "project_items", "run_flow"]

_TASKS = 5


@dataclass(frozen=True, slots=True)
class ListView:
    """The list at one moment.

    Attributes:
        rows: (n,) int64, the items still to sort, the surest first.
        labels: (n,) int64, the suggested category of each; -1 for none.
        confidence: (n,) float64, what the list is sorted by.
        right: (n,) bool, whether the suggestion is right.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]

    @property
    def percent(self) -> float:
        """Share of right rows, in percent; 0 if the list is empty."""
        return 100 * float(self.right.mean()) if len(self.right) else 0.0


@dataclass(frozen=True, slots=True)
class Flow:
    """The list from the first row to the last.

    Attributes:
        corrections: Number of rows that were wrong when the person came to them.
        half_way: The list with half of its rows (rounded up) left.
        last: The list with its last rows left.
    """

    corrections: int
    half_way: ListView
    last: ListView


def draw_projects(data: Labelled, seed: int, number: int, tasks: int = _TASKS) -> list[list[int]]:
    """Draw projects of so many items to assign, all of one category; return the rows of each.

    The items of a category that are left over are a project if they are more than half of one.
    """
    order = shuffled(range(len(data.train)), f"{seed} projects {number}")
    projects = []
    for label in range(len(data.categories)):
        rows = [row for row in order if data.train.labels[row] == label]
        parts = (rows[start : start + tasks] for start in range(0, len(rows), tasks))
        projects += [some for some in parts if 2 * len(some) > tasks]
    return projects


def project_items(data: Labelled, projects: Sequence[Sequence[int]]) -> Part:
    """Return each project as an item: the mean of its items' vectors."""
    rows = [list(some) for some in projects]
    means = [data.train.vectors[some].mean(axis=0, dtype=np.float64) for some in rows]
    return Part(
        np.array(means, np.float32), np.array([data.train.labels[some[0]] for some in rows])
    )


def run_flow(
    product: Product,
    items: Part,
    dials: Dials,
    *,
    learns: bool = True,
    last: int = 10,
    tick: Callable[[], None] = lambda: None,
) -> Flow:
    """Work through the list of all items.

    Args:
        product: The product.
        items: What is to be sorted.
        dials: The ranking of the list.
        learns: False: nothing is assigned, so that names alone decide.
        last: Number of rows of the last view.
        tick: Called after each row.
    """
    left = np.arange(len(items))
    views: dict[int, ListView] = {}
    corrections = 0
    with product.state() as state:
        found = state.predict(items.vectors, dials)
        while len(left):
            view = _view(items, left, found)
            views[len(left)] = view
            corrections += not view.right[0]
            first = int(view.rows[0])
            keep = left != first
            left = left[keep]
            if learns:
                state.assign(items.take([first]))
                found = state.predict(items.vectors[left], dials)
            else:
                found = Predictions(found.labels[keep], found.confidence[keep])
            tick()
    half = len(items) - len(items) // 2
    return Flow(corrections, views[half], views[min(last, len(items))])


def _view(items: Part, left: NDArray[np.int64], found: Predictions) -> ListView:
    order = np.argsort(-found.confidence, kind="stable")
    rows, labels = left[order], found.labels[order]
    return ListView(rows, labels, found.confidence[order], labels == items.labels[rows])
