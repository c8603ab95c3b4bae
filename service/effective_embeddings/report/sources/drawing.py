"""Draws that the same keys always give."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence

__all__ = ["drawn"]


def drawn(rows: Iterable[int], keys: Sequence[str], most: int) -> list[int]:
    """Return at most ``most`` of the rows, those with the smallest hashes of their keys, in order.

    Args:
        rows: Indices into ``keys``.
        keys: Keys of items.
        most: How many to keep.
    """
    rows = list(rows)
    if len(rows) <= most:
        return rows
    return sorted(heapq.nsmallest(most, rows, key=lambda row: (_hash(keys[row]), row)))


def _hash(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=8).digest()
