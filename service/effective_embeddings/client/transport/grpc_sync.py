"""The synchronous transport over gRPC."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import Code, error_from_status
from effective_embeddings.client.transport.channel import (
    ChannelOptions,
    channel_options,
    closed_error,
    translate,
)
from effective_embeddings.client.transport.target import check_target
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
        check_target(target)
        credentials = channel_credentials(Tls() if tls is True else tls or None)
        self._encrypted = credentials is not None
        self._closed = False
        self._metadata = call_metadata(target, token, encrypted=self._encrypted)
        if credentials is None:
            self._channel = grpc.insecure_channel(target, channel_options(target, options))
        else:
            self._channel = grpc.secure_channel(
                target, credentials, channel_options(target, options)
            )
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
        with self._translated():
            reply: bytes = self._calls[method](request, timeout=timeout, metadata=self._metadata)
            return reply

    def download(self, method: str, request: bytes, timeout: float | None) -> Iterator[bytes]:
        """See Transport."""
        with self._translated():
            replies = self._calls[method](request, timeout=timeout, metadata=self._metadata)
            try:
                yield from replies
            finally:
                # If the caller left early, the service need not go on.
                replies.cancel()

    def upload(self, method: str, requests: Iterator[bytes], timeout: float | None) -> bytes:
        """See Transport."""
        upload = _Upload(requests)
        with self._translated():
            future = self._calls[method].future
            upload.call = future(upload, timeout=timeout, metadata=self._metadata)
            upload.begun.set()
            try:
                reply: bytes = upload.call.result()
            except (grpc.RpcError, grpc.FutureCancelledError):
                if upload.failure is not None:
                    raise upload.failure from None
                raise
            return reply

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._closed:
            raise closed_error()
        try:
            yield
        except grpc.RpcError as error:
            raise translate(error, encrypted=self._encrypted) from None
        except grpc.FutureCancelledError:
            raise error_from_status(Code.CANCELLED, "the call was cancelled", b"") from None
        except ValueError:
            # gRPC raises this if another thread has closed the channel meanwhile.
            if self._closed:
                raise closed_error() from None
            raise

    def close(self) -> None:
        """See Transport."""
        self._closed = True
        self._channel.close()


class _Upload:
    """The requests of an upload, read by a thread of gRPC.

    gRPC would log an exception there, drop it, and end the call as UNKNOWN. So it is kept here,
    and the call is cancelled before the stream can look complete.
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
