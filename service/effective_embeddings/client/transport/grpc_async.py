"""The asynchronous transport over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.transport.channel import (
    ChannelOptions,
    channel_options,
    translate,
)
from effective_embeddings.client.transport.tls import Tls, call_metadata, channel_credentials

__all__ = ["AsyncGrpcTransport"]


class AsyncGrpcTransport:
    """Calls a service from one event loop; the channel is opened by the first call."""

    retries = True

    def __init__(
        self,
        target: str,
        options: ChannelOptions | None,
        *,
        tls: Tls | bool | None = None,
        token: str | None = None,
    ) -> None:
        self._credentials = channel_credentials(Tls() if tls is True else tls or None)
        encrypted = self._credentials is not None
        self._metadata = call_metadata(target, token, encrypted=encrypted)
        self._target = target
        self._options = channel_options(options)
        self._channel: grpc.aio.Channel | None = None
        self._calls: dict[str, Any] = {}

    def _call(self, method: str) -> Any:
        if self._channel is None:
            # Not in the constructor, which may run before there is a loop.
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self._target, self._options)
            else:
                self._channel = grpc.aio.secure_channel(
                    self._target, self._credentials, self._options
                )
        call = self._calls.get(method)
        if call is None:
            kind = METHODS[method]
            if kind.client_streaming:
                call = self._channel.stream_unary(kind.path)
            elif kind.server_streaming:
                call = self._channel.unary_stream(kind.path)
            else:
                call = self._channel.unary_unary(kind.path)
            self._calls[method] = call
        return call

    async def unary(self, method: str, request: bytes, timeout: float | None) -> bytes:
        """See AsyncTransport."""
        try:
            reply: bytes = await self._call(method)(
                request, timeout=timeout, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise translate(error) from None
        return reply

    async def download(
        self, method: str, request: bytes, timeout: float | None
    ) -> AsyncIterator[bytes]:
        """See AsyncTransport."""
        replies = self._call(method)(request, timeout=timeout, metadata=self._metadata)
        try:
            async for reply in replies:
                yield reply
        except grpc.aio.AioRpcError as error:
            raise translate(error) from None
        finally:
            replies.cancel()

    async def upload(
        self, method: str, requests: AsyncIterator[bytes], timeout: float | None
    ) -> bytes:
        """See AsyncTransport."""
        failure: Exception | None = None

        async def kept() -> AsyncIterator[bytes]:
            nonlocal failure
            try:
                async for request in requests:
                    yield request
            except Exception as error:
                failure = error
                raise

        try:
            reply: bytes = await self._call(method)(
                kept(), timeout=timeout, metadata=self._metadata
            )
        except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
            if failure is not None:
                # gRPC has cancelled the call for it, and dropped it.
                raise failure from None
            if isinstance(error, asyncio.CancelledError):
                raise
            raise translate(error) from None
        return reply

    async def close(self) -> None:
        """See AsyncTransport."""
        if self._channel is not None:
            await self._channel.close()
