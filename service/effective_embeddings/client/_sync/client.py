"""The sync client as a whole."""

from __future__ import annotations

import copy
import os
from types import TracebackType
from typing import Self

from effective_embeddings.client._sync.categories import CategoryCalls
from effective_embeddings.client._sync.items import ItemCalls
from effective_embeddings.client._sync.learning import LearningCalls
from effective_embeddings.client._sync.namespaces import NamespaceCalls
from effective_embeddings.client._sync.snapshots import SnapshotCalls
from effective_embeddings.client.transport.base import Transport
from effective_embeddings.client.transport.embedded import EmbeddedTransport
from effective_embeddings.client.transport.grpc import ChannelOptions, GrpcTransport
from effective_embeddings.client.transport.tls import Tls

__all__ = ["DEFAULT_TARGET", "DEFAULT_TIMEOUT", "Client"]

DEFAULT_TARGET = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 30.0


class Client(NamespaceCalls, CategoryCalls, ItemCalls, LearningCalls, SnapshotCalls):
    """Calls a service, or an engine in process; a context manager, safe for several threads.

        with Client("127.0.0.1:50051") as client:
            client.create_namespace("alice", dimension=384)

    Reads, and writes with their request_id, are tried again for about two seconds while the
    service is unavailable. Every method raises EffectiveEmbeddingsError.
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
        """Make a client; it connects with its first call.

        Args:
            target: Where the service is: ``host:port``, or ``unix:/path``.
            timeout: Seconds for each request, with its retries; None: no deadline. Snapshot,
                restore and verify have none, unless with_timeout sets it.
            actor: Who makes this client's changes; at most 256 bytes. Empty: the caller's
                identity, as the service knows it.
            tls: True, or a Tls that says whom to trust: calls are encrypted. None: they are not.
            token: Says who calls (`effemb token new`). Sent unencrypted to this machine alone.
            channel_options: gRPC channel arguments, added to or in place of the client's own.
        """
        self._set(GrpcTransport(target, channel_options, tls=tls, token=token), timeout, actor)

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
        """Open a data directory in this process: the same client and results, no service.

        Close it (or use ``with``): that leaves the directory ready for the next one to open.

        Args:
            path: The directory; made if it is missing. One process owns it at a time.
            actor: Who makes the changes; empty: "embedded".
            memory_budget: Bytes for the categories of loaded namespaces; None: the default.
            kernel: Ranking kernel; None: the best that this CPU can run.
            threads: Threads of one large scan; None: as many as the CPU has.

        Raises:
            Unavailable: Another process has the directory open, or it cannot be written.
            DataLoss: Stored data does not agree with its checksum.
        """
        transport = EmbeddedTransport(
            path,
            principal=actor or "embedded",
            memory_budget=memory_budget,
            kernel=kernel,
            threads=threads,
        )
        self = cls.__new__(cls)
        self._set(transport, None, actor)
        return self

    def _set(self, transport: Transport, timeout: float | None, actor: str) -> None:
        self._transport = transport
        self._timeout = timeout
        self._bulk_timeout = None
        self._actor = actor

    def with_timeout(self, seconds: float | None) -> Self:
        """Return this client with another deadline for each request, on the same connection.

            client.with_timeout(0.2).match("alice", query)

        Args:
            seconds: For each request, snapshot, restore and verify included; None: no deadline.
        """
        other = copy.copy(self)
        other._timeout = other._bulk_timeout = seconds  # noqa: SLF001
        return other

    def close(self) -> None:
        """Close the connection, or the embedded engine; idempotent."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
