"""How the asynchronous client runs calls: part by part, page by page, with retries."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from effective_embeddings.client._async.blocking import sleep
from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import EffectiveEmbeddingsError
from effective_embeddings.client.requests.call import Call, Chunk, Pages
from effective_embeddings.client.requests.epochs import Epochs
from effective_embeddings.client.transport.base import AsyncTransport
from effective_embeddings.client.transport.retry import (
    is_repeatable,
    is_reply_too_large,
    next_pause,
)

__all__ = ["AsyncClientBase"]

_R = TypeVar("_R")


class AsyncClientBase:
    """Runs calls on a transport."""

    _transport: AsyncTransport
    _timeout: float | None
    _bulk_timeout: float | None
    _actor: str
    _epochs: Epochs

    async def _run(self, call: Call[_R], *, bulk: bool = False) -> _R:
        """Send the requests of a call one after the other; return the result of the replies."""
        timeout = self._bulk_timeout if bulk else self._timeout
        replies = []
        for chunk in call.chunks:
            parts = [chunk]
            while parts:
                part = parts.pop(0)
                try:
                    replies.append(await self._send(call.method, part, timeout))
                except EffectiveEmbeddingsError as error:
                    if call.halve is not None and is_reply_too_large(error):
                        halves = call.halve(part)
                        if halves:
                            parts[:0] = halves
                            continue
                    if part.offset:
                        raise error.shifted(call.entries, part.offset) from None
                    raise
        return call.parse(replies)

    async def _pages(self, pages: Pages[_R]) -> AsyncIterator[_R]:
        """Yield the entries of a listing; each page is fetched when its first entry is due."""
        token = ""
        while True:
            reply = await self._send(pages.method, Chunk(pages.request(token)), self._timeout)
            for entry in pages.parse(reply):
                yield entry
            token = reply.next_page_token
            if not token:
                return

    async def _send(self, method: str, chunk: Chunk, timeout: float | None) -> Any:
        """Send one request, repeated where that is safe and may help; return the reply message.

        ``timeout`` is in seconds and covers all attempts; None: no deadline.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._epochs.stamp(chunk.request)
        request = chunk.request.SerializeToString()
        may_repeat = self._transport.retries and is_repeatable(method, chunk.request)
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
                await sleep(pause)
                attempt += 1
            else:
                answer = METHODS[method].reply.FromString(reply)
                self._epochs.learn(chunk.request, answer)
                return answer
