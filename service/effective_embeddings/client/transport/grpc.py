"""Over gRPC: channel options, and the sync and the asyncio transport."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

import grpc
import grpc.aio

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import Code, EffectiveEmbeddingsError, error_from_status
from effective_embeddings.client.limits import MAX_REPLY_BYTES
from effective_embeddings.client.transport.tls import Tls, call_metadata, channel_credentials

__all__ = ["AsyncGrpcTransport", "ChannelOptions", "GrpcTransport"]

ChannelOptions = Sequence[tuple[str, Any]]

_DEFAULT_OPTIONS: dict[str, int] = {
    "grpc.max_receive_message_length": MAX_REPLY_BYTES,
    "grpc.max_send_message_length": -1,  # the service has a limit, and says so
    # Unencrypted calls do not go through a web proxy because the environment names one.
    "grpc.enable_http_proxy": 0,
    # A service that restarts is found again within the client's own retries; gRPC's default
    # waits a second first.
    "grpc.initial_reconnect_backoff_ms": 100,
    # Whatever its name, this is how long a connection may take to be made: far servers and TLS
    # take more than the pause before the next attempt.
    "grpc.min_reconnect_backoff_ms": 10_000,
    "grpc.max_reconnect_backoff_ms": 5_000,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
}


def _options(given: ChannelOptions | None) -> list[tuple[str, Any]]:
    return list((_DEFAULT_OPTIONS | dict(given or ())).items())


class GrpcTransport:
    """Calls a service; safe to use from several threads."""

    retries = True

    def __init__(
        self,
        target: str,
        options: ChannelOptions | None,
        *,
        tls: Tls | bool | None = None,
        token: str | None = None,
    ) -> None:
        credentials = channel_credentials(Tls() if tls is True else tls or None)
        self._metadata = call_metadata(target, token, encrypted=credentials is not None)
        if credentials is None:
            self._channel = grpc.insecure_channel(target, _options(options))
        else:
            self._channel = grpc.secure_channel(target, credentials, _options(options))
        self._calls: dict[str, Any] = {}
        for name, method in METHODS.items():
            if method.client_streaming:
                self._calls[name] = self._channel.stream_unary(method.path)
            elif method.server_streaming:
                self._calls[name] = self._channel.unary_stream(method.path)
            else:
                self._calls[name] = self._channel.unary_unary(method.path)

    def unary(self, method: str, request: bytes, timeout: float | None) -> bytes:
        """See Transport."""
        try:
            reply: bytes = self._calls[method](request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _translate(error) from None
        return reply

    def download(self, method: str, request: bytes, timeout: float | None) -> Iterator[bytes]:
        """See Transport."""
        replies = self._calls[method](request, timeout=timeout, metadata=self._metadata)
        try:
            yield from replies
        except grpc.RpcError as error:
            raise _translate(error) from None
        finally:
            # Left early: the service need not go on.
            replies.cancel()

    def upload(self, method: str, requests: Iterator[bytes], timeout: float | None) -> bytes:
        """See Transport."""
        upload = _Upload(requests)
        upload.call = self._calls[method].future(upload, timeout=timeout, metadata=self._metadata)
        upload.begun.set()
        try:
            reply: bytes = upload.call.result()
        except (grpc.RpcError, grpc.FutureCancelledError) as error:
            if upload.failure is not None:
                raise upload.failure from None
            if isinstance(error, grpc.FutureCancelledError):
                raise error_from_status(Code.CANCELLED, "the call was cancelled", b"") from None
            raise _translate(error) from None
        return reply

    def close(self) -> None:
        """See Transport."""
        self._channel.close()


class _Upload:
    """The requests of an upload, read by a thread of gRPC's.

    An exception there would be logged and lost, and the call end as UNKNOWN. So it is kept here,
    and the call is cancelled before the stream can look finished.
    """

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self.begun = threading.Event()
        self.call: Any = None
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._requests)
        except StopIteration:
            raise
        except Exception as error:  # noqa: BLE001 - raised by upload
            self.failure = error
            self.begun.wait()
            self.call.cancel()
            raise StopIteration from None


class AsyncGrpcTransport:
    """Calls a service from one event loop; the channel is opened by the first call."""

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
        self._options = _options(options)
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
            raise _translate(error) from None
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
            raise _translate(error) from None
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
            raise _translate(error) from None
        return reply

    async def close(self) -> None:
        """See AsyncTransport."""
        if self._channel is not None:
            await self._channel.close()


def _translate(error: Any) -> EffectiveEmbeddingsError:
    # Both stacks' errors have these three; neither says so in a common type.
    trailing: Iterable[tuple[str, str | bytes]] = error.trailing_metadata() or ()
    details = next((value for key, value in trailing if key == "grpc-status-details-bin"), b"")
    code: int = error.code().value[0]
    text: str = error.details() or ""
    return error_from_status(code, text, details if isinstance(details, bytes) else b"")
