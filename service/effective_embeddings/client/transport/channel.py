"""Shared by both gRPC transports: channel options, credentials, and translation of errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from effective_embeddings.client.errors import (
    ClientUnusable,
    Code,
    EffectiveEmbeddingsError,
    error_from_status,
)
from effective_embeddings.client.limits import MAX_REPLY_BYTES

__all__ = ["ChannelOptions", "channel_options", "closed_error", "translate"]

ChannelOptions = Sequence[tuple[str, Any]]

_DEFAULT_OPTIONS: dict[str, int] = {
    "grpc.max_receive_message_length": MAX_REPLY_BYTES,
    "grpc.max_send_message_length": -1,  # the service has a limit, and says so
    # Unencrypted calls do not go through a web proxy because the environment names one.
    "grpc.enable_http_proxy": 0,
    # A service that restarts is found again within the client's own retries; gRPC's default
    # waits a second first.
    "grpc.initial_reconnect_backoff_ms": 100,
    # Despite its name, this is the time in which a connection must be made: far servers and TLS
    # take more than the pause before the next attempt.
    "grpc.min_reconnect_backoff_ms": 10_000,
    "grpc.max_reconnect_backoff_ms": 5_000,
    # A connection that has gone silent is noticed within 15 seconds of a call on it: gRPC pings
    # while calls are active, no faster than the server permits, and gives the answer 4 seconds.
    # Of the two timeouts the first is for data that TCP has not delivered, the second for pings.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 4_000,
    "grpc.http2.ping_timeout_ms": 4_000,
}


# For a Unix socket gRPC sends the path as the authority, which HTTP/2 does not allow there.
_UNIX_OPTIONS: dict[str, str] = {"grpc.default_authority": "localhost"}


def channel_options(target: str, given: ChannelOptions | None) -> list[tuple[str, Any]]:
    """Return the channel arguments: the client's own, overridden by the given ones."""
    own: dict[str, Any] = {**_DEFAULT_OPTIONS}
    if target.startswith("unix"):
        own |= _UNIX_OPTIONS
    return list((own | dict(given or ())).items())


def closed_error() -> ClientUnusable:
    """Return the error of a call on a closed client."""
    return ClientUnusable("the client is closed")


def translate(error: Any, *, encrypted: bool) -> EffectiveEmbeddingsError:
    """Return the error that an RpcError or AioRpcError stands for.

    Args:
        error: What gRPC raised.
        encrypted: Whether the client speaks TLS.
    """
    # Both kinds of error have these three methods, but no common type that declares them.
    trailing: Iterable[tuple[str, str | bytes]] = error.trailing_metadata() or ()
    details = next((value for key, value in trailing if key == "grpc-status-details-bin"), b"")
    code: int = error.code().value[0]
    text: str = error.details() or ""
    if code == Code.UNAVAILABLE and not details:
        text += _hint(text, encrypted=encrypted)
    return error_from_status(code, text, details if isinstance(details, bytes) else b"")


def _hint(text: str, *, encrypted: bool) -> str:
    """Return advice on a connection that cannot be made; gRPC's text says how it failed."""
    if encrypted and "WRONG_VERSION_NUMBER" in text:
        return ". The service does not speak TLS: call it without tls (--tls, --tls-ca)"
    if encrypted and "CERTIFICATE_VERIFY_FAILED" in text:
        return ". The client does not trust the service's certificate: tls=Tls(ca=...) (--tls-ca)"
    closed = "Socket closed" in text or "Connection reset" in text
    if not encrypted and closed and "failed to connect" in text:
        return ". If the service speaks TLS, call it with tls=True or tls=Tls(ca=...) (--tls-ca)"
    return ""
