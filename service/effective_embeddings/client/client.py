"""The two clients that callers use."""

from __future__ import annotations

import os
from typing import Self

from effective_embeddings.client._async.client import AsyncServiceClient
from effective_embeddings.client._sync.client import ServiceClient
from effective_embeddings.client.requests.epochs import Epochs
from effective_embeddings.client.transport.embedded import EmbeddedTransport

__all__ = ["AsyncClient", "Client"]


class Client(ServiceClient):
    """Calls a service, or an engine in process; a context manager, safe for several threads.

        with Client("127.0.0.1:50051") as client:
            client.create_namespace("alice", dimension=384)

    Reads, and writes with their request_id, are retried for about two seconds while the service
    is unavailable. Every method raises EffectiveEmbeddingsError.
    """

    @classmethod
    def embedded(
        cls,
        path: str | os.PathLike[str],
        *,
        actor: str = "",
        memory_budget: int | None = None,
        kernel: str | None = None,
        threads: int | None = None,
    ) -> Self:
        """Open a data directory in this process: the same methods and results, no service.

        Close the client, or use ``with``: the directory can be opened at once then.

        Args:
            path: The directory; made if it is missing. One process owns it at a time.
            actor: The author of the changes; empty: "embedded".
            memory_budget: Bytes for the categories of loaded namespaces; None: the default.
            kernel: Ranking kernel; None: the best that this CPU can run.
            threads: Threads of one large scan; None: as many as the CPU has.

        Raises:
            Unavailable: The directory is open elsewhere, or cannot be written.
            DataLoss: Stored data does not match its checksum.
        """
        transport = EmbeddedTransport(
            path,
            principal=actor or "embedded",
            memory_budget=memory_budget,
            kernel=kernel,
            threads=threads,
        )
        self = cls.__new__(cls)
        self._transport = transport
        self._timeout = self._bulk_timeout = None
        self._actor = actor
        self._epochs = Epochs()
        return self


class AsyncClient(AsyncServiceClient):
    """Calls a service from one event loop; an async context manager.

        async with AsyncClient("127.0.0.1:50051") as client:
            await client.match("alice", query)
            async for item in client.list_items("alice"): ...

    The same methods, arguments, results and errors as Client's: coroutines where Client returns,
    async iterators where Client iterates.
    """
