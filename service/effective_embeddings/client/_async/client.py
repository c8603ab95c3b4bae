"""The asynchronous client of a service, put together from its groups of methods."""

from __future__ import annotations

import copy
from types import TracebackType
from typing import Self

from effective_embeddings.client._async.categories import AsyncCategoryCalls
from effective_embeddings.client._async.history import AsyncHistoryCalls
from effective_embeddings.client._async.items import AsyncItemCalls
from effective_embeddings.client._async.learning import AsyncLearningCalls
from effective_embeddings.client._async.namespaces import AsyncNamespaceCalls
from effective_embeddings.client._async.review import AsyncReviewCalls
from effective_embeddings.client._async.snapshots import AsyncSnapshotCalls
from effective_embeddings.client.requests.epochs import Epochs
from effective_embeddings.client.transport.base import DEFAULT_TARGET, DEFAULT_TIMEOUT
from effective_embeddings.client.transport.channel import ChannelOptions
from effective_embeddings.client.transport.grpc_async import AsyncGrpcTransport
from effective_embeddings.client.transport.tls import Tls

__all__ = ["AsyncServiceClient"]


class AsyncServiceClient(
    AsyncNamespaceCalls,
    AsyncCategoryCalls,
    AsyncItemCalls,
    AsyncLearningCalls,
    AsyncReviewCalls,
    AsyncHistoryCalls,
    AsyncSnapshotCalls,
):
    """All methods, on a gRPC connection."""

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
        actor: str = "",
        tls: Tls | bool | None = None,
        token: str | None = None,
        channel_options: ChannelOptions | None = None,
    ) -> None:
        """Make a client; it connects with its first call.

        Args:
            target: Address of the service: ``host:port``, or ``unix:/path``.
            timeout: Seconds for each request, retries included; None: no deadline. Snapshot,
                restore and verify have no deadline, unless with_timeout sets one.
            actor: The author of this client's changes; at most 256 bytes. Empty: the caller's
                identity, as the service knows it.
            tls: True, or a Tls with the certificates to trust: calls are encrypted. None: plain.
            token: The caller's token (`effemb token new`). Sent unencrypted only to this machine.
            channel_options: gRPC channel arguments; each replaces the client's own of its name.

        Raises:
            ValueError: ``target`` is not an address, or ``token`` would travel unencrypted.
            OSError: A certificate or key cannot be read.
        """
        self._transport = AsyncGrpcTransport(target, channel_options, tls=tls, token=token)
        self._timeout = timeout
        self._bulk_timeout = None
        self._actor = actor
        self._epochs = Epochs()

    def with_timeout(self, seconds: float | None) -> Self:
        """Return this client with another deadline for each request, on the same connection.

            await client.with_timeout(0.2).match("alice", query)

        Args:
            seconds: For each request, snapshot, restore and verify included; None: no deadline.
        """
        other = copy.copy(self)
        other._timeout = other._bulk_timeout = seconds  # noqa: SLF001
        return other

    async def close(self) -> None:
        """Close the connection, or the embedded engine; idempotent."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
