"""How a report tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["OnProgress"]

# A stage, the steps done, and all of its steps; None: nobody knows how many.
OnProgress: TypeAlias = Callable[[str, int, int | None], None]
