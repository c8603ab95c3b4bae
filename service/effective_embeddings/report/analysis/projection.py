"""Categories and items in a plane: the two directions in which categories differ the most (PCA)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from effective_embeddings.report.analysis.centroids import Centroids, unit
from effective_embeddings.report.caps import MOST_MAP_CATEGORIES, MOST_MAP_ITEMS
from effective_embeddings.report.sources.drawing import drawn
from effective_embeddings.report.sources.misfits import Misfit
from effective_embeddings.report.sources.state import State, Vectors

__all__ = ["Mapped", "MappedCategory", "MappedItem", "project"]

_AXES = 2
# Below this a direction is rounding.
_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class MappedCategory:
    """A category of the map: its row, and where its base and its effective embedding are."""

    row: int
    effective: tuple[float, float]
    base: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class MappedItem:
    """An item of the map: its row, where it is, and whether it fits another category better."""

    row: int
    place: tuple[float, float]
    is_waiting: bool
    is_elsewhere: bool


@dataclass(frozen=True, slots=True)
class Mapped:
    """A map.

    Attributes:
        categories: Those with the most members, the most first.
        items: Drawn by their keys.
        shown: Share of the variance of what was projected that the plane shows, 0 to 1.
    """

    categories: list[MappedCategory]
    items: list[MappedItem]
    shown: float


def project(state: State, learned: Centroids, misfits: Iterable[Misfit]) -> Mapped | None:
    """Return the map; None: there is nothing to show."""
    rows = np.flatnonzero(learned.has_embedding)
    order = np.lexsort((rows, -learned.member_counts[rows]))
    rows = rows[order][:MOST_MAP_CATEGORIES]
    chosen = drawn(range(len(state.keys)), state.keys, MOST_MAP_ITEMS)
    effective = unit(learned.numerators[rows])
    items = unit(state.vectors[chosen])
    if len(rows) + len(chosen) == 0:
        return None
    # Fewer than three categories do not span a plane.
    spanning = effective if len(rows) > _AXES else np.vstack((effective, items))
    centre = spanning.mean(axis=0)
    axes, shown = _axes(spanning - centre)
    waiting = set(state.inbox)
    elsewhere = {each.item for each in misfits}
    bases = (unit(state.bases[rows]) - centre) @ axes
    places = (effective - centre) @ axes
    return Mapped(
        [
            MappedCategory(
                int(row),
                _point(places[at]),
                _point(bases[at]) if state.has_base[row] else None,
            )
            for at, row in enumerate(rows)
        ],
        [
            MappedItem(row, _point(place), row in waiting, state.keys[row] in elsewhere)
            for row, place in zip(chosen, (items - centre) @ axes, strict=True)
        ],
        shown,
    )


def _axes(centred: Vectors) -> tuple[Vectors, float]:
    """Return two orthogonal directions, (d, 2), and the share of the variance that they have."""
    axes = np.zeros((centred.shape[1], _AXES))
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    count = min(_AXES, int((values > _FLAT).sum()))
    for axis in range(count):
        direction = directions[axis]
        # The sign of a direction is anybody's choice; here its largest component is positive.
        largest = direction[np.abs(direction).argmax()]
        axes[:, axis] = direction * np.sign(largest)
    total = float((values**2).sum())
    return axes, float((values[:count] ** 2).sum()) / total if total else 1.0


def _point(place: Vectors) -> tuple[float, float]:
    return float(place[0]), float(place[1])
