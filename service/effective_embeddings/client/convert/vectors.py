"""Arrays to the contract's bytes and back; no work per component in Python."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from effective_embeddings.client.models.resources import Vector
from effective_embeddings.v1 import resources_pb2

__all__ = ["Rows", "vector_bytes", "vector_from_message"]

_MATRIX = 2  # axes


class Rows:
    """The rows of embeddings as little-endian f32 bytes, taken one at a time."""

    __slots__ = ("_bytes", "_row_bytes", "_rows", "count")

    def __init__(self, name: str, embeddings: Any) -> None:
        """Take a (d,) or (n, d) array-like, or a sequence of (d,) vectors and None.

        An array is copied only if it is not f32 and contiguous.

        Args:
            name: The argument, for messages.
            embeddings: The array, table or sequence; rows are taken by position.

        Raises:
            TypeError: It does not hold numbers.
            ValueError: It has another shape.
        """
        self._rows: list[bytes | None] | None = None
        self._bytes = memoryview(b"")
        self._row_bytes = 0
        array = _numbers(name, embeddings)
        if array is None:
            self._rows = [
                None if row is None else vector_bytes(row, f"{name}[{index}]")
                for index, row in enumerate(_by_position(embeddings))
            ]
            self.count: int = len(self._rows)
            return
        if array.ndim == 1:
            # An empty list has no rows; it is not a row of no components.
            array = array.reshape(1 if array.size else 0, -1 if array.size else 0)
        if array.ndim != _MATRIX:
            message = f"{name} must be of shape (d,) or (n, d), not {array.shape}"
            raise ValueError(message)
        self.count = array.shape[0]
        self._row_bytes = array.shape[1] * array.itemsize
        # An array without bytes cannot be cast to them.
        if array.size:
            self._bytes = array.data.cast("B")

    def __getitem__(self, row: int) -> bytes | None:
        if self._rows is not None:
            return self._rows[row]
        start = row * self._row_bytes
        return bytes(self._bytes[start : start + self._row_bytes])


def vector_bytes(vector: ArrayLike, name: str = "an embedding") -> bytes:
    """Return a (d,) array-like as little-endian f32 bytes.

    Raises:
        TypeError: It does not hold numbers.
        ValueError: It has another shape.
    """
    array = _numbers(name, vector)
    if array is None:
        message = f"{name} must be a vector of numbers"
        raise TypeError(message)
    if array.ndim != 1:
        message = f"{name} must be of shape (d,), not {array.shape}"
        raise ValueError(message)
    return array.tobytes()


def vector_from_message(embedding: resources_pb2.Embedding) -> Vector | None:
    """Return a message's vector as a (d,) float32 array, read-only; None if it is empty."""
    if embedding.data:
        return np.frombuffer(embedding.data, dtype="<f4")
    if embedding.values:
        return np.array(embedding.values, dtype=np.float32)
    return None


def _numbers(name: str, values: Any) -> Vector | None:
    """Return an array of f32; None if the rows have to be looked at one by one."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        return None
    if array.dtype.kind == "O":
        if not all(isinstance(value, Real) for value in array.flat):
            return None
        try:
            array = array.astype(np.float64)
        except OverflowError:
            message = f"{name} has a number that is too large"
            raise ValueError(message) from None
    if array.dtype.kind not in "fiu":
        message = f"{name} must hold numbers, not {array.dtype}"
        raise TypeError(message)
    with np.errstate(over="ignore"):  # the service refuses infinities, and names the field
        return np.ascontiguousarray(array, dtype="<f4")


def _by_position(rows: Any) -> Any:
    for method in ("to_pylist", "to_list"):  # Arrow; pandas and polars
        if hasattr(rows, method):
            return getattr(rows, method)()
    return rows
