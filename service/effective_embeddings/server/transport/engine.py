"""What the service needs of an engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from effective_embeddings._core import Grant

__all__ = ["EngineLike", "RestoreLike"]


class RestoreLike(Protocol):
    """A restore that has begun."""

    def push(self, request: bytes) -> None:
        """Take the next serialized RestoreRequest."""

    def finish(self) -> bytes:
        """Make the namespace; return the serialized RestoreResponse."""

    def abort(self) -> None:
        """Leave nothing behind."""


class EngineLike(Protocol):
    """Bytes in, bytes out."""

    def call(
        self, method: str, request: bytes, grant: Grant, timeout: float | None = None
    ) -> bytes:
        """Answer a unary method."""

    def try_call(self, method: str, request: bytes, grant: Grant) -> bytes | None:
        """Answer a unary method, if that waits for nothing and takes microseconds."""

    def snapshot(
        self, request: bytes, grant: Grant, timeout: float | None = None
    ) -> Iterator[bytes]:
        """Return the serialized SnapshotResponses."""

    def restore(self, grant: Grant) -> RestoreLike:
        """Begin a restore."""
