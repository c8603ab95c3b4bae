"""When to try again, and after what pause."""

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

__all__ = ["is_repeatable", "next_pause"]

_MAX_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.1
_ENDED_BY_SERVER = "CANCELLED"
_random = random.Random()  # noqa: S311 - spreads retries out; nothing secret


def is_repeatable(method: str, request: Message) -> bool:
    """Say whether a request that may have been done can be sent again.

    A read can; a write can if the service recognises it (request_id) or it writes nothing.
    """
    if not METHODS[method].writes:
        return True
    write: service_pb2.WriteOptions = request.write  # type: ignore[attr-defined]
    return bool(write.request_id or write.validate_only)


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
        error: What the last one ended with.
        remaining: Seconds left until the deadline; None: there is none.
        repeatable: Whether the request could be sent again if it had been done.
    """
    if attempt >= _MAX_ATTEMPTS:
        return None
    pause: float = _FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * _random.uniform(0.5, 1.0)
    if isinstance(error, ResourceExhausted) and error.retry_after is not None:
        # Turned away at the door: nothing was done, and the service says when to come back.
        pause += error.retry_after
    elif not repeatable or not _passes(error):
        return None
    if remaining is not None and pause >= remaining:
        return None
    return pause


def _passes(error: EffectiveEmbeddingsError) -> bool:
    if isinstance(error, Cancelled):
        # The word of a server's gRPC that has no room for a call, or that stops. Of what was
        # cancelled on this side gRPC says more.
        return error.message == _ENDED_BY_SERVER
    # A store that has failed stays so until somebody has seen to the disk.
    return isinstance(error, Unavailable) and error.reason != "STORE_FAILED"
