"""The transport in process: the engine that a service has, without the service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from effective_embeddings._core import Engine, Grant, StatusError
from effective_embeddings._core import repair as repair_directory
from effective_embeddings.client.errors import ClientUnusable, error_from_status

__all__ = ["EmbeddedTransport", "repair"]


def repair(path: str | os.PathLike[str], into: str | os.PathLike[str]) -> dict[str, Any]:
    """Copy everything readable of a damaged directory into a new one.

    Args:
        path: The damaged directory. It is only read; no process may have it open.
        into: The new directory; it must not exist, or be empty.

    Returns:
        ``whole``: whether nothing is lost; ``namespaces``: for each its ``name``, whether it was
        ``recovered``, its counts, and what of it is ``lost``, by key if the key is known;
        ``lost``: what belongs to no known namespace.

    Raises:
        DataLoss: The files cannot be opened.
        Unavailable: One of the directories is in use, or cannot be read or written.
    """
    with _translated():
        return repair_directory(path, into)


class EmbeddedTransport:
    """Calls an engine on a data directory that this process owns; safe for several threads.

    A process that was forked from this one has neither the engine's threads nor its locks: there,
    calls are refused, and closing does nothing.
    """

    # In process nothing is temporarily unreachable: an Unavailable stays one.
    retries = False

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        principal: str,
        memory_budget: int | None,
        kernel: str | None,
        threads: int | None,
    ) -> None:
        self._grant = Grant.unrestricted(principal)
        self._process = os.getpid()
        self._closed = False
        with _translated():
            self._engine = Engine(path, memory_budget=memory_budget, kernel=kernel, threads=threads)

    def _usable(self) -> Engine:
        if os.getpid() != self._process:
            message = (
                f"the client was opened by process {self._process}, and this is process"
                f" {os.getpid()}, forked from it; open the directory here once it is closed there"
            )
            raise ClientUnusable(message)
        if self._closed:
            message = "the client is closed"
            raise ClientUnusable(message)
        return self._engine

    def unary(self, method: str, request: bytes, timeout: float | None) -> bytes:
        """See Transport."""
        engine = self._usable()
        with _translated():
            return engine.call(method, request, self._grant, timeout)

    def download(self, method: str, request: bytes, timeout: float | None) -> Iterator[bytes]:
        """See Transport."""
        engine = self._usable()
        with _translated():
            yield from engine.server_stream(method, request, self._grant, timeout)

    def upload(self, method: str, requests: Iterator[bytes], _timeout: float | None) -> bytes:
        """See Transport."""
        engine = self._usable()
        with _translated():
            stream = engine.client_stream(method, self._grant)
            try:
                for request in requests:
                    stream.push(request)
                return stream.finish()
            except BaseException:
                stream.abort()
                raise

    def close(self) -> None:
        """See Transport."""
        if os.getpid() == self._process:
            self._closed = True
            self._engine.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except StatusError as error:
        raise error_from_status(error.code, error.message, error.details) from None
