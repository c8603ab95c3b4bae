"""The asynchronous transport over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import ClientUnusable, Code, error_from_status
from effective_embeddings.client.transport.channel import (
    ChannelOptions,
    channel_options,
    closed_error,
    translate,
)
from effective_embeddings.client.transport.target import check_target
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
        check_target(target)
        self._credentials = channel_credentials(Tls() if tls is True else tls or None)
        self._encrypted = self._credentials is not None
        self._metadata = call_metadata(target, token, encrypted=self._encrypted)
        self._target = target
        self._options = channel_options(target, options)
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._calls: dict[str, Any] = {}

    def _call(self, method: str) -> Any:
        if self._closed:
            raise closed_error()
        if self._channel is None:
            # Not in the constructor, which may run before there is a loop.
            self._loop = asyncio.get_running_loop()
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self._target, self._options)
            else:
                self._channel = grpc.aio.secure_channel(
                    self._target, self._credentials, self._options
                )
        if asyncio.get_running_loop() is not self._loop:
            message = "the client was first used in another event loop; make one for each loop"
            raise ClientUnusable(message)
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
        call = self._call(method)
        with self._translated():
            reply: bytes = await call(request, timeout=timeout, metadata=self._metadata)
            return reply

    async def download(
        self, method: str, request: bytes, timeout: float | None
    ) -> AsyncIterator[bytes]:
        """See AsyncTransport."""
        call = self._call(method)
        with self._translated():
            replies = call(request, timeout=timeout, metadata=self._metadata)
            try:
                async for reply in replies:
                    yield reply
            finally:
                replies.cancel()

    async def upload(
        self, method: str, requests: AsyncIterator[bytes], timeout: float | None
    ) -> bytes:
        """See AsyncTransport."""
        call = self._call(method)
        failure: Exception | None = None

        async def kept() -> AsyncIterator[bytes]:
            nonlocal failure
            try:
                async for request in requests:
                    yield request
            except Exception as error:
                failure = error
                raise

        with self._translated():
            try:
                reply: bytes = await call(kept(), timeout=timeout, metadata=self._metadata)
            except (grpc.aio.AioRpcError, asyncio.CancelledError):
                if failure is not None:
                    # gRPC has cancelled the call for it, and dropped it.
                    raise failure from None
                raise
            return reply

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise translate(error, encrypted=self._encrypted) from None
        except asyncio.CancelledError:
            # Closing the client cancels its calls, and not the tasks that wait for them.
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                message = "the call was cancelled: the client was closed"
                raise error_from_status(Code.CANCELLED, message, b"") from None
            raise
        except grpc.aio.UsageError:
            if self._closed:
                raise closed_error() from None
            raise

    async def close(self) -> None:
        """See AsyncTransport."""
        self._closed = True
        channel, self._channel = self._channel, None
        # A channel can only be closed in its loop; in another one, it ends with its last reference.
        if channel is not None and asyncio.get_running_loop() is self._loop:
            await channel.close()
