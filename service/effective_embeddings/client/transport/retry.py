"""Retries: the requests that are sent again, and the pause before."""

from __future__ import annotations

import random

from google.protobuf.message import Message

from effective_embeddings.client.contract import METHODS
from effective_embeddings.client.errors import (
    Cancelled,
    EffectiveEmbeddingsError,
    ResourceExhausted,
    Unavailable,
)
from effective_embeddings.v1 import service_pb2

__all__ = ["is_repeatable", "is_reply_too_large", "next_pause"]

_MAX_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.1
_ENDED_BY_SERVER = "CANCELLED"
_random = random.Random()  # noqa: S311 - spreads retries out; nothing secret


def is_repeatable(method: str, request: Message) -> bool:
    """Say whether a request whose outcome is unknown can be sent again.

    A read can; a write can if it has a request_id, or writes nothing.
    """
    if not METHODS[method].writes:
        return True
    write: service_pb2.WriteOptions = request.write  # type: ignore[attr-defined]
    return bool(write.request_id or write.validate_only)


def is_reply_too_large(error: EffectiveEmbeddingsError) -> bool:
    """Say whether a smaller request would get a reply of a size that can be sent."""
    return isinstance(error, ResourceExhausted) and (
        error.reason == "REPLY_TOO_LARGE" or "larger than max" in error.message
    )


def next_pause(
    attempt: int,
    error: EffectiveEmbeddingsError,
    remaining: float | None,
    *,
    repeatable: bool = True,
) -> float | None:
    """Return the seconds to wait before the next attempt; None: give up.

    Args:
        attempt: Number of attempts so far, at least 1.
        error: The error of the last attempt.
        remaining: Seconds left until the deadline; None: no deadline.
        repeatable: See is_repeatable.
    """
    if attempt >= _MAX_ATTEMPTS:
        return None
    pause: float = _FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * _random.uniform(0.5, 1.0)
    if isinstance(error, ResourceExhausted) and error.retry_after is not None:
        # Refused before anything was done; the service says when to retry.
        pause += error.retry_after
    elif not repeatable or not _passes(error):
        return None
    if remaining is not None and pause >= remaining:
        return None
    return pause


def _passes(error: EffectiveEmbeddingsError) -> bool:
    if isinstance(error, Cancelled):
        # gRPC in a server says no more than this for a call that it cannot take, or as it stops;
        # for a call that this side has cancelled, the text is longer.
        return error.message == _ENDED_BY_SERVER
    # A store that has failed stays failed until the disk is repaired.
    return isinstance(error, Unavailable) and error.reason != "STORE_FAILED"
