"""Bars in tables."""

from __future__ import annotations

__all__ = ["bar"]


def bar(part: float, largest: float, width: int) -> str:
    """Return a bar as long as a part is large, of the largest; a negative one is light."""
    length = round(abs(part) / largest * width) if largest else 0
    return ("█" if part > 0 else "░") * length
