"""The async client as a whole."""

from __future__ import annotations

import copy
from types import TracebackType
from typing import Self

from effective_embeddings.client._async.categories import AsyncCategoryCalls
from effective_embeddings.client._async.items import AsyncItemCalls
from effective_embeddings.client._async.learning import AsyncLearningCalls
from effective_embeddings.client._async.namespaces import AsyncNamespaceCalls
from effective_embeddings.client._async.snapshots import AsyncSnapshotCalls
from effective_embeddings.client._sync.client import DEFAULT_TARGET, DEFAULT_TIMEOUT
from effective_embeddings.client.transport.grpc import AsyncGrpcTransport, ChannelOptions
from effective_embeddings.client.transport.tls import Tls

__all__ = ["AsyncClient"]


class AsyncClient(
    AsyncNamespaceCalls, AsyncCategoryCalls, AsyncItemCalls, AsyncLearningCalls, AsyncSnapshotCalls
):
    """Calls a service from one event loop; an async context manager.

        async with AsyncClient("127.0.0.1:50051") as client:
            await client.match("alice", query)
            async for item in client.list_items("alice"): ...

    The same methods, arguments, results and errors as Client's: coroutines where that one
    returns, async iterators where it iterates.
    """

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
        """Make a client; it connects with its first call. For the arguments see Client."""
        self._transport = AsyncGrpcTransport(target, channel_options, tls=tls, token=token)
        self._timeout = timeout
        self._bulk_timeout = None
        self._actor = actor

    def with_timeout(self, seconds: float | None) -> Self:
        """Return this client with another deadline; see Client.with_timeout."""
        other = copy.copy(self)
        other._timeout = other._bulk_timeout = seconds  # noqa: SLF001
        return other

    async def close(self) -> None:
        """Close the connection; idempotent."""
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
