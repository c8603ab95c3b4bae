"""The synchronous transport over gRPC."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import Code, error_from_status
from effective_embeddings.client.transport.channel import (
    ChannelOptions,
    channel_options,
    translate,
)
from effective_embeddings.client.transport.tls import Tls, call_metadata, channel_credentials

__all__ = ["GrpcTransport"]


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
            self._channel = grpc.insecure_channel(target, channel_options(options))
        else:
            self._channel = grpc.secure_channel(target, credentials, channel_options(options))
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
            raise translate(error) from None
        return reply

    def download(self, method: str, request: bytes, timeout: float | None) -> Iterator[bytes]:
        """See Transport."""
        replies = self._calls[method](request, timeout=timeout, metadata=self._metadata)
        try:
            yield from replies
        except grpc.RpcError as error:
            raise translate(error) from None
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
            raise translate(error) from None
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
