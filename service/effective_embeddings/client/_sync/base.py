"""How the sync client runs calls: chunk after chunk, page after page, trying again where safe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TypeVar

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import EffectiveEmbeddingsError
from effective_embeddings.client.requests.call import Call, Chunk, Pages
from effective_embeddings.client.transport.base import Transport
from effective_embeddings.client.transport.retry import is_repeatable, next_pause

__all__ = ["ClientBase"]

_R = TypeVar("_R")


class ClientBase:
    """Runs calls on a transport."""

    _transport: Transport
    _timeout: float | None
    _bulk_timeout: float | None
    _actor: str

    def _run(self, call: Call[_R], *, bulk: bool = False) -> _R:
        timeout = self._bulk_timeout if bulk else self._timeout
        replies = []
        for chunk in call.chunks:
            try:
                replies.append(self._send(call.method, chunk, timeout))
            except EffectiveEmbeddingsError as error:
                if chunk.offset:
                    raise error.shifted(call.entries, chunk.offset) from None
                raise
        return call.parse(replies)

    def _pages(self, pages: Pages[_R]) -> Iterator[_R]:
        token = ""
        while True:
            reply = self._send(pages.method, Chunk(pages.request(token)), self._timeout)
            yield from pages.parse(reply)
            token = reply.next_page_token
            if not token:
                return

    def _send(self, method: str, chunk: Chunk, timeout: float | None) -> Any:
        """Send one request, again where that is safe and may help; return the reply message."""
        deadline = None if timeout is None else time.monotonic() + timeout
        request = chunk.request.SerializeToString()
        may_repeat = self._transport.retries and is_repeatable(method, chunk.request)
        attempt = 1
        while True:
            remaining = None if deadline is None else deadline - time.monotonic()
            try:
                reply = self._transport.unary(method, request, remaining)
            except EffectiveEmbeddingsError as error:
                remaining = None if deadline is None else deadline - time.monotonic()
                pause = next_pause(attempt, error, remaining, repeatable=may_repeat)
                if pause is None:
                    raise
                time.sleep(pause)
                attempt += 1
            else:
                return METHODS[method].reply.FromString(reply)
