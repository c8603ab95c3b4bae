"""Figures of several runs, and what is computed from predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spread", "auroc", "harmonic_mean"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs: its mean, its extremes, and the runs in order."""

    mean: float
    least: float
    most: float
    runs: tuple[float, ...]

    @classmethod
    def of(cls, runs: Sequence[float]) -> Spread:
        """Return the spread of one or more runs."""
        values = tuple(float(each) for each in runs)
        return cls(float(np.mean(values)), min(values), max(values), values)


def harmonic_mean(first: float, second: float) -> float:
    """Return the harmonic mean of two figures that are not negative; 0 if one is."""
    return 2 * first * second / (first + second) if first and second else 0.0


def auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    """Area under the ROC curve: how often an item inside has more confidence than one outside.

    Ties count half. 0.5: confidence says nothing; 1: a threshold separates the two.
    """
    order = np.sort(outside)
    below = np.searchsorted(order, inside, side="left")
    up_to = np.searchsorted(order, inside, side="right")
    return float(((below + up_to) / 2).sum() / (len(inside) * len(outside)))
