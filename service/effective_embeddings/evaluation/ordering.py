"""Pseudo-random orders that are the same on every machine and with every library version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["draw", "shuffled"]


def shuffled(rows: Iterable[int], seed: str) -> list[int]:
    """Return the rows ordered by a hash of the seed and each row."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{seed}:{row}".encode()).digest())


def draw(row: int, choices: int, seed: str) -> int:
    """Return a number from 0 to `choices` - 1, by a hash of the seed and the row."""
    digest = hashlib.sha256(f"{seed}:{row}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % choices
