"""From a row to the plain values that text formats write, exact to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from effective_embeddings.formats.rows import FIELDS, Kind, Row, Vector

__all__ = ["plain_fields", "plain_vector"]


def plain_fields(kind: Kind, row: Row) -> dict[str, Any]:
    """The fields of a row that say something, in their order; vectors as lists of numbers."""
    fields: dict[str, Any] = {}
    for name in FIELDS[kind]:
        value = getattr(row, name)
        if value is None or (name == "metadata" and not value):
            continue
        if isinstance(value, np.ndarray):
            value = plain_vector(value)
        elif name in ("weight", "base_weight"):
            value = _short(value)
        elif name == "metadata":
            value = dict(value)
        fields[name] = value
    return fields


def plain_vector(vector: Vector) -> list[float]:
    """A vector as a list of numbers that JSON writes short and exactly."""
    return [_short(value) for value in vector.tolist()]


def _short(value: float) -> float:
    # Nine significant digits name every f32: they are within 5e-9 of it (relative), and half the
    # distance to its neighbour is at least 2.9e-8, so reading them, even by way of an f64, gives
    # the same f32 back. Seventeen would be exact as well, at twice the size.
    return float(f"{value:.9g}")
