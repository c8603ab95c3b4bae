"""The columns of a batch of items: keys, embeddings, weights, metadata, all of one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from effective_embeddings.client.convert.vectors import Rows

__all__ = [
    "Metadata",
    "Weights",
    "check_count",
    "key_column",
    "metadata_column",
    "row_column",
    "weight_column",
]

# One for all, or one for each; None leaves it as it is.
Weights: TypeAlias = ArrayLike | None
Metadata: TypeAlias = Mapping[str, str] | Sequence[Mapping[str, str] | None] | None


def key_column(keys: str | Sequence[str], count: int | None = None) -> Sequence[str]:
    """Return the keys; a single one is repeated ``count`` times (None: once).

    Raises:
        ValueError: There are not ``count`` of them.
    """
    if isinstance(keys, str):
        return (keys,) * (1 if count is None else count)
    if count is not None:
        check_count("keys", len(keys), count)
    return keys


def row_column(embeddings: ArrayLike | None, count: int, *, repeat: bool = False) -> Rows | None:
    """Return the rows of the embeddings, one for each key; None if there are none.

    Args:
        embeddings: (n, d) array-like, or (d,) for one key.
        count: Number of keys.
        repeat: One row stands for all.

    Raises:
        ValueError: Their number is not ``count``.
    """
    if embeddings is None:
        return None
    rows = Rows(embeddings)
    if not (repeat and rows.count == 1):
        check_count("embeddings", rows.count, count)
    return rows


def weight_column(weights: Weights, count: int) -> list[float] | None:
    """Return a weight for each key; a single one is repeated.

    Raises:
        ValueError: Their number is not ``count``.
    """
    if weights is None:
        return None
    array = np.asarray(weights, dtype=np.float64)
    if array.ndim == 0:
        return [float(array)] * count
    check_count("weights", len(array), count)
    values: list[float] = array.tolist()
    return values


def metadata_column(metadata: Metadata, count: int) -> Sequence[Mapping[str, str] | None] | None:
    """Return the metadata for each key; a single mapping is repeated.

    Raises:
        ValueError: Their number is not ``count``.
    """
    if metadata is None:
        return None
    if isinstance(metadata, Mapping):
        return (metadata,) * count
    check_count("metadata", len(metadata), count)
    return metadata


def check_count(name: str, actual: int, expected: int) -> None:
    """Raise ValueError unless a column has as many entries as there are keys."""
    if actual != expected:
        message = f"{name}: {actual} of them for {expected} keys"
        raise ValueError(message)
