"""Vectors and states for tests: small, reproducible, and never close by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Vectors", "clusters", "present", "random_vectors"]

Vectors = NDArray[np.float32]


def present(vector: Vectors | None) -> Vectors:
    """Assert that a vector is present, and return it."""
    assert vector is not None
    return vector


def random_vectors(count: int, dimension: int, seed: int = 0) -> Vectors:
    """Vectors of random direction and of lengths around 1 (0.5 to 2)."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, dimension))
    lengths = rng.uniform(0.5, 2.0, (count, 1))
    scaled: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * lengths).astype(
        np.float32
    )
    return scaled


def clusters(
    count: int, per_cluster: int, dimension: int, seed: int = 0
) -> tuple[Vectors, Vectors]:
    """Centres (count, d), and members around each of them (count, per_cluster, d)."""
    rng = np.random.default_rng(seed)
    centres = random_vectors(count, dimension, seed)
    noise = rng.standard_normal((count, per_cluster, dimension)).astype(np.float32) * 0.3
    return centres, (centres[:, None, :] + noise).astype(np.float32)
