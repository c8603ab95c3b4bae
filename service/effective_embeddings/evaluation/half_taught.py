"""The half-taught test: half of the categories have members, the others are names only.

Users meet this state first. Categories with members must not swallow those without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.evaluation.curve import draw_order
from effective_embeddings.evaluation.labelled import Labelled, Labels, Part
from effective_embeddings.evaluation.measures import harmonic_mean
from effective_embeddings.evaluation.ordering import shuffled
from effective_embeddings.evaluation.product import Dials, Product

__all__ = ["MEMBERS", "HalfTaught", "Halves", "draw_halves", "halves_of", "run_halves"]

#: Members of each category that has any; fewer where the data has fewer.
MEMBERS = 20


@dataclass(frozen=True, slots=True)
class Halves:
    """Accuracy in percent on test items of the untaught and of the taught categories."""

    untaught: float
    taught: float

    @property
    def mean(self) -> float:
        """Their harmonic mean, which is high only if both are."""
        return harmonic_mean(self.untaught, self.taught)


@dataclass(frozen=True, slots=True)
class HalfTaught:
    """One draw: the items to assign, and which categories have members."""

    items: Part
    taught: NDArray[np.bool_]


def draw_halves(data: Labelled, seed: int, number: int, members: int = MEMBERS) -> HalfTaught:
    """Draw half of the categories, rounded down, and members for them."""
    count = len(data.categories)
    taught = np.zeros(count, np.bool_)
    taught[shuffled(range(count), f"{seed} taught {number}")[: count // 2]] = True
    order = draw_order(data, seed, number)
    rows = [row for label in np.flatnonzero(taught).tolist() for row in order[label][:members]]
    return HalfTaught(data.train.take(rows), taught)


def halves_of(found: Labels, right: Labels, taught: NDArray[np.bool_]) -> Halves:
    """Return the accuracy on items of each half."""
    hits = found == right
    of_taught = taught[right]
    return Halves(100 * float(hits[~of_taught].mean()), 100 * float(hits[of_taught].mean()))


def run_halves(
    product: Product, data: Labelled, draw: HalfTaught, dials: Sequence[Dials]
) -> dict[str, Halves]:
    """Return the accuracy on both halves, by dials."""
    with product.state() as state:
        state.assign(draw.items)
        return {
            each.label: halves_of(
                state.predict(data.test.vectors, each).labels, data.test.labels, draw.taught
            )
            for each in dials
        }
