"""What the handlers of calls need of the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from effective_embeddings._core import Engine

__all__ = ["GetEngine"]

# Returns the engine; raises the refusal STARTING while the data is being opened.
GetEngine: TypeAlias = Callable[[], Engine]
