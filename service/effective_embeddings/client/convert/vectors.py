"""Arrays to the contract's bytes and back; no work per component in Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from effective_embeddings.client.models.resources import Vector
from effective_embeddings.v1 import resources_pb2

__all__ = ["Rows", "vector_bytes", "vector_from_message"]


class Rows:
    """The rows of an (n, d) array as little-endian f32 bytes, taken one at a time."""

    __slots__ = ("_bytes", "_row_bytes", "count")

    def __init__(self, embeddings: ArrayLike) -> None:
        """Take a (d,) or (n, d) array-like; copied only if it is not f32 and contiguous.

        Raises:
            ValueError: It has another shape, or its rows differ in length.
        """
        array = np.ascontiguousarray(embeddings, dtype="<f4")
        if array.ndim == 1:
            # An empty list is no rows, not a row of nothing.
            array = array.reshape(1 if array.size else 0, -1 if array.size else 0)
        if array.ndim != 2:  # noqa: PLR2004
            message = f"embeddings must be of shape (d,) or (n, d), not {array.shape}"
            raise ValueError(message)
        self.count: int = array.shape[0]
        self._row_bytes: int = array.shape[1] * array.itemsize
        # An array without bytes cannot be cast to them.
        self._bytes = array.data.cast("B") if array.size else memoryview(b"")

    def __getitem__(self, row: int) -> bytes:
        start = row * self._row_bytes
        return bytes(self._bytes[start : start + self._row_bytes])


def vector_bytes(vector: ArrayLike) -> bytes:
    """Return a (d,) array-like as little-endian f32 bytes.

    Raises:
        ValueError: It has another shape.
    """
    array = np.ascontiguousarray(vector, dtype="<f4")
    if array.ndim != 1:
        message = f"an embedding must be of shape (d,), not {array.shape}"
        raise ValueError(message)
    return array.tobytes()


def vector_from_message(embedding: resources_pb2.Embedding) -> Vector | None:
    """Return a message's vector as a (d,) float32 array, read-only; None if it is empty."""
    if embedding.data:
        return np.frombuffer(embedding.data, dtype="<f4")
    if embedding.values:
        return np.array(embedding.values, dtype=np.float32)
    return None
