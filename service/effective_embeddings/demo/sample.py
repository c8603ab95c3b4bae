"""The sample of real messages that comes with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["sample_path"]


def sample_path() -> Path:
    """Return the folder of the sample."""
    return Path(str(files("effective_embeddings.demo"))) / "data" / "banking77-sample"
