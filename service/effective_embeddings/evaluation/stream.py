"""A stream: each item is matched, then assigned to its right category, as a person would.

A first match that is wrong costs a correction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.evaluation.labelled import Labelled, Part
from effective_embeddings.evaluation.ordering import shuffled
from effective_embeddings.evaluation.product import Dials, Product

__all__ = ["arriving_order", "cumulative_corrections", "run_stream", "stream_order"]


def stream_order(data: Labelled, seed: int, number: int) -> Part:
    """Return the items to assign in the order of a stream; it depends on both numbers."""
    return data.train.take(_order_of_rows(data, seed, number))


def _order_of_rows(data: Labelled, seed: int, number: int) -> list[int]:
    """Return the rows of the items to assign in the order of a stream."""
    return shuffled(range(len(data.train)), f"{seed} order {number}")


def arriving_order(data: Labelled, seed: int, number: int) -> Part:
    """Return a stream in which categories come into use one after another, evenly spaced.

    Before its first item a category is a name that is never right, so that fairness, which helps
    such names, costs corrections.
    """
    rows = _order_of_rows(data, seed, number)
    starts = {
        label: place / len(data.categories)
        for place, label in enumerate(
            shuffled(range(len(data.categories)), f"{seed} arrival {number}")
        )
    }
    # An item of a category that starts at s comes at a random time from s to 1.
    times = {}
    for place, row in enumerate(rows):
        start = starts[int(data.train.labels[row])]
        times[row] = start + (1 - start) * place / len(rows)
    return data.train.take(sorted(rows, key=times.__getitem__))


def run_stream(
    product: Product,
    items: Part,
    dials: Sequence[Dials],
    tick: Callable[[], None] = lambda: None,
) -> dict[Dials, NDArray[np.bool_]]:
    """Match each item by all dials, then assign it; return for each whether it was right.

    Dials change no state, so that one stream serves all of them.
    """
    right = {each: np.zeros(len(items), np.bool_) for each in dials}
    with product.state() as state:
        for row in range(len(items)):
            item = items.take([row])
            for each in dials:
                right[each][row] = state.right(item, each)[0]
            state.assign(item)
            tick()
    return right


def cumulative_corrections(right: NDArray[np.bool_], points: int = 100) -> list[tuple[int, int]]:
    """Return (items, corrections so far) at evenly spaced places, the end included."""
    wrong = np.cumsum(~right)
    places = np.unique(np.linspace(1, len(right), min(points, len(right)), dtype=int))
    return [(int(place), int(wrong[place - 1])) for place in places]
