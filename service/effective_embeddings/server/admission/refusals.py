"""Calls that the server itself refuses, before the core is asked."""

from __future__ import annotations

from collections.abc import Mapping

import grpc

__all__ = [
    "Refusal",
    "malformed",
    "overloaded",
    "rate_limited",
    "reply_too_large",
    "shutting_down",
    "starting",
    "unauthenticated",
]


class Refusal(Exception):  # noqa: N818 - it is the refusal, not an error of ours
    """A refused call.

    Attributes:
        code: Its status code.
        reason: The contract's ErrorReason.
        message: What the caller is told, in words.
        metadata: The reason's particulars, as errors.proto says.
        retry_seconds: When to try again; None: trying again is no use.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        metadata: Mapping[str, str],
        retry_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata = metadata
        self.retry_seconds = retry_seconds


def unauthenticated() -> Refusal:
    """Return the refusal of an unknown caller: the same for no token, half a one, an old one."""
    return Refusal(
        grpc.StatusCode.UNAUTHENTICATED,
        "UNAUTHENTICATED",
        "this service needs a token that it knows, in the call's metadata: "
        "authorization: Bearer TOKEN",
        {"scheme": "Bearer"},
    )


def overloaded(limit: str, value: int, retry_seconds: float) -> Refusal:
    """Return the refusal of a call that there is no room for.

    Args:
        limit: The name of the limit.
        value: Its value.
        retry_seconds: When there may be room.
    """
    return Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        f"the service is at its limit of {value} {limit.replace('_', ' ')}; "
        f"try again in {retry_seconds:.2f} s",
        {"limit": limit, "value": str(value)},
        retry_seconds,
    )


def rate_limited(calls_per_second: float, retry_seconds: float) -> Refusal:
    """Return the refusal of a token that is used more often than it may be."""
    return Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "RATE_LIMITED",
        f"this token may make {calls_per_second:g} calls a second; "
        f"try again in {retry_seconds:.2f} s",
        {"limit": "calls_per_second", "value": f"{calls_per_second:g}"},
        retry_seconds,
    )


def reply_too_large(actual: int, limit: int) -> Refusal:
    """Return the refusal of a call whose reply is larger than what is sent.

    Args:
        actual: The reply's bytes.
        limit: How many are sent.
    """
    return Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "REPLY_TOO_LARGE",
        f"the call was done, but its reply has {actual:,} bytes, and at most {limit:,} are sent; "
        "ask for less at a time: fewer queries or entries, a smaller limit, a smaller page",
        {"limit": str(limit), "actual": str(actual)},
    )


def shutting_down() -> Refusal:
    """Return the refusal of a call that comes while the server drains."""
    return Refusal(
        grpc.StatusCode.UNAVAILABLE,
        "SHUTTING_DOWN",
        "the service is shutting down; try again, elsewhere or later",
        {},
        1.0,
    )


def starting() -> Refusal:
    """Return the refusal of a call that comes before the data is open."""
    return Refusal(
        grpc.StatusCode.UNAVAILABLE,
        "STARTING",
        "the service is starting: the data is being opened; try again shortly",
        {},
        0.5,
    )


def malformed(method: str) -> Refusal:
    """Return the refusal of a call that ended without its request."""
    return Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        "MALFORMED_REQUEST",
        f"the call brought no {method} request",
        {"method": method},
    )
