"""The interface of transports, over gRPC and in process: they carry serialized messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

__all__ = ["DEFAULT_TARGET", "DEFAULT_TIMEOUT", "AsyncTransport", "Transport"]

DEFAULT_TARGET = "127.0.0.1:50051"
# Seconds for each request, retries included.
DEFAULT_TIMEOUT = 30.0


class Transport(Protocol):
    """Carries serialized messages. Every method raises EffectiveEmbeddingsError.

    ``timeout`` is in seconds; None: no deadline.
    """

    @property
    def retries(self) -> bool:
        """True if an Unavailable may be temporary."""

    def unary(self, method: str, request: bytes, timeout: float | None) -> bytes:
        """Send a request and return its reply."""

    def download(self, method: str, request: bytes, timeout: float | None) -> Iterator[bytes]:
        """Send a request and return its replies as they come."""

    def upload(self, method: str, requests: Iterator[bytes], timeout: float | None) -> bytes:
        """Send requests as they are made and return the reply.

        An exception of ``requests`` cancels the call, and is raised.
        """

    def close(self) -> None:
        """Release the connection or the engine; idempotent."""


class AsyncTransport(Protocol):
    """A Transport for asyncio, over gRPC."""

    @property
    def retries(self) -> bool:
        """True if an Unavailable may be temporary."""

    async def unary(self, method: str, request: bytes, timeout: float | None) -> bytes:
        """Send a request and return its reply."""

    def download(self, method: str, request: bytes, timeout: float | None) -> AsyncIterator[bytes]:
        """Send a request and return its replies as they come."""

    async def upload(
        self, method: str, requests: AsyncIterator[bytes], timeout: float | None
    ) -> bytes:
        """Send requests as they are made and return the reply."""

    async def close(self) -> None:
        """Release the connection or the engine; idempotent."""
