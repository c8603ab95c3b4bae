"""How the async client runs calls: as the sync one does, without blocking the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import EffectiveEmbeddingsError
from effective_embeddings.client.requests.call import Call, Chunk, Pages
from effective_embeddings.client.transport.base import AsyncTransport
from effective_embeddings.client.transport.retry import is_repeatable, next_pause

__all__ = ["AsyncClientBase"]

_R = TypeVar("_R")


class AsyncClientBase:
    """Runs calls on a transport."""

    _transport: AsyncTransport
    _timeout: float | None
    _bulk_timeout: float | None
    _actor: str

    async def _run(self, call: Call[_R], *, bulk: bool = False) -> _R:
        timeout = self._bulk_timeout if bulk else self._timeout
        replies = []
        for chunk in call.chunks:
            try:
                replies.append(await self._send(call.method, chunk, timeout))
            except EffectiveEmbeddingsError as error:
                if chunk.offset:
                    raise error.shifted(call.entries, chunk.offset) from None
                raise
        return call.parse(replies)

    async def _pages(self, pages: Pages[_R]) -> AsyncIterator[_R]:
        token = ""
        while True:
            reply = await self._send(pages.method, Chunk(pages.request(token)), self._timeout)
            for entry in pages.parse(reply):
                yield entry
            token = reply.next_page_token
            if not token:
                return

    async def _send(self, method: str, chunk: Chunk, seconds: float | None) -> Any:
        """Send one request, again where that is safe and may help; return the reply message."""
        deadline = None if seconds is None else time.monotonic() + seconds
        request = chunk.request.SerializeToString()
        may_repeat = is_repeatable(method, chunk.request)
        attempt = 1
        while True:
            remaining = None if deadline is None else deadline - time.monotonic()
            try:
                reply = await self._transport.unary(method, request, remaining)
            except EffectiveEmbeddingsError as error:
                remaining = None if deadline is None else deadline - time.monotonic()
                pause = next_pause(attempt, error, remaining, repeatable=may_repeat)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
                attempt += 1
            else:
                return METHODS[method].reply.FromString(reply)
