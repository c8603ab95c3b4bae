"""Vectors for benches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Matrix", "unit_vectors"]

Matrix = NDArray[np.float32]


def unit_vectors(count: int, dimension: int, seed: int) -> Matrix:
    """Independent random directions: the hardest case to rank, since all scores are near 0."""
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((count, dimension), dtype=np.float32)
    for start in range(0, count, 65_536):
        part = vectors[start : start + 65_536]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors
