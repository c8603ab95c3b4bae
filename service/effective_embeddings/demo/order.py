"""Orders that look random and are the same on every machine and with every library version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["draw", "shuffled"]


def shuffled(rows: Iterable[int], seed: str) -> list[int]:
    """The rows in an order that the seed decides, by the hash of each."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{seed}:{row}".encode()).digest())


def draw(row: int, choices: int, seed: str) -> int:
    """A number from 0 to `choices` - 1 that the seed and the row decide."""
    digest = hashlib.sha256(f"{seed}:{row}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % choices
