"""In process: the engine that the service has, without the service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from effective_embeddings._core import Engine, Grant, StatusError
from effective_embeddings._core import repair as repair_directory
from effective_embeddings.client.errors import error_from_status

__all__ = ["EmbeddedTransport", "repair"]


def repair(path: str | os.PathLike[str], into: str | os.PathLike[str]) -> dict[str, Any]:
    """Bring what can be read of a damaged directory into a new one.

    Args:
        path: The damaged directory. It is only read; nobody may have it open.
        into: The new one: not there yet, or empty.

    Returns:
        ``whole``: whether nothing is lost; ``namespaces``: for each its ``name``, whether it was
        ``recovered``, its counts, and what of it is ``lost``, by key where that is known;
        ``lost``: what belongs to no namespace that is known.

    Raises:
        DataLoss: The files cannot even be opened.
        Unavailable: One of the directories is in use, or cannot be read or written.
    """
    try:
        return repair_directory(path, into)
    except StatusError as error:
        raise error_from_status(error.code, error.message, error.details) from None


class EmbeddedTransport:
    """Calls an engine on a data directory that this process owns; safe for several threads."""

    # In process nothing is unreachable for a moment: an Unavailable stays one.
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
        try:
            self._engine = Engine(path, memory_budget=memory_budget, kernel=kernel, threads=threads)
        except StatusError as error:
            raise error_from_status(error.code, error.message, error.details) from None

    def unary(self, method: str, request: bytes, timeout: float | None) -> bytes:
        """See Transport."""
        try:
            return self._engine.call(method, request, self._grant, timeout)
        except StatusError as error:
            raise error_from_status(error.code, error.message, error.details) from None

    def download(self, _method: str, request: bytes, timeout: float | None) -> Iterator[bytes]:
        """See Transport; Snapshot is the one method that streams down."""
        try:
            yield from self._engine.snapshot(request, self._grant, timeout)
        except StatusError as error:
            raise error_from_status(error.code, error.message, error.details) from None

    def upload(self, _method: str, requests: Iterator[bytes], _timeout: float | None) -> bytes:
        """See Transport; Restore is the one method that streams up."""
        try:
            restore = self._engine.restore(self._grant)
            try:
                for request in requests:
                    restore.push(request)
                return restore.finish()
            except BaseException:
                restore.abort()
                raise
        except StatusError as error:
            raise error_from_status(error.code, error.message, error.details) from None

    def close(self) -> None:
        """See Transport."""
        self._engine.close()
