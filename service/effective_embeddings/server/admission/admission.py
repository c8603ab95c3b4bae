"""What a call passes before the core: who calls, how often, and whether there is room."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Iterator
from typing import Protocol

import grpc

from effective_embeddings.server.admission.authentication import IdentityOf
from effective_embeddings.server.admission.concurrency_limiter import Room
from effective_embeddings.server.admission.rate_limiter import Rates
from effective_embeddings.server.admission.refusals import (
    Refusal,
    malformed,
    overloaded,
    reply_too_large,
    shutting_down,
)
from effective_embeddings.server.admission.stall_timeout import StallTimeout
from effective_embeddings.server.auth.tokens import Identity
from effective_embeddings.server.settings.settings import ARRIVING_FOR_EACH_PLACE, Settings

__all__ = ["Gate", "GoneError"]

_random = random.Random()  # noqa: S311 - spreads retries out; nothing secret
_RETRY_SECONDS = 0.2


class _Active(Protocol):
    """A call, of either kind."""

    def is_active(self) -> bool:
        """Whether somebody waits for its answer."""


class GoneError(Exception):
    """The client is gone: nobody is left to be told."""


class Gate:
    """Lets calls in, in this order: identity, rate, room; then waits for the request.

    All three are asked before a byte of the request is read, so that a caller who is refused
    costs its headers and no more. A call that takes more than microseconds holds one of
    ``max_concurrent_calls`` places until it is answered. Four times as many may be waiting for
    their requests.

    Attributes:
        identity_of: Says who calls.
        stall_timeout: Cancels calls whose clients stop.
    """

    def __init__(self, settings: Settings, identity_of: IdentityOf) -> None:
        self.identity_of = identity_of
        self.stall_timeout = StallTimeout(settings.client_stall_timeout_seconds)
        self._rates = Rates(settings.calls_per_second, settings.burst_calls)
        places, share = settings.max_concurrent_calls, settings.share
        self._served = Room("concurrent_calls", places, share)
        self._arriving = Room(
            "arriving_calls", settings.arriving_calls, share * ARRIVING_FOR_EACH_PLACE
        )
        self._streams = 0
        self._stream_limit = ("streaming_calls", settings.max_streaming_calls)
        self._lock = threading.Lock()
        self._closing = False
        self._empty = threading.Event()
        self._reply_bytes = settings.max_message_bytes

    @property
    def in_flight(self) -> int:
        """Number of admitted calls that are not answered yet."""
        return self._served.taken + self._arriving.taken

    def new_id(self) -> str:
        """Return an id for a call, from which nobody learns how many calls others make."""
        return secrets.token_hex(8)

    def admit(self, identity: Identity) -> None:
        """Count a call of a caller. Raises a Refusal if it comes too soon, or too late."""
        if self._closing:
            raise shutting_down()
        self._rates.take(identity)

    def arrive(self, identity: Identity) -> None:
        """Let a call wait for its request, until ``depart``. Raises a Refusal if it may not.

        It may not either if there is no place for it now: that there will be one is unlikely.
        """
        principal = identity.principal
        with self._lock:
            limit = self._served.lack(principal) or self._arriving.lack(principal)
            if limit is None:
                self._arriving.enter(principal)
                return
        raise _overloaded(limit)

    def depart(self, identity: Identity) -> None:
        """The call waits for its request no more."""
        with self._lock:
            self._arriving.leave(identity.principal)
            self._look_whether_empty()

    def enter(self, identity: Identity, *, streams: bool) -> None:
        """Take a place; ``leave`` gives it back. Raises a Refusal if there is none.

        Streams have fewer places, for they last as long as their clients like; and so has each
        principal, for it must leave some to others.
        """
        principal = identity.principal
        with self._lock:
            limit = self._served.lack(principal)
            if streams and self._streams >= self._stream_limit[1]:
                limit = self._stream_limit
            if limit is None:
                self._served.enter(principal)
                self._streams += streams
                return
        raise _overloaded(limit)

    def leave(self, identity: Identity, *, streams: bool) -> None:
        """Give the place back."""
        with self._lock:
            self._served.leave(identity.principal)
            self._streams -= streams
            self._look_whether_empty()

    def _look_whether_empty(self) -> None:
        if self._closing and not self.in_flight:
            self._empty.set()

    def close(self) -> None:
        """Turn new calls away; those that were let in go on."""
        with self._lock:
            self._closing = True
            self._look_whether_empty()

    def wait_empty(self, seconds: float) -> bool:
        """Wait, once it is closed, until no call is left; return False if time runs out."""
        return self._empty.wait(seconds)

    def receive(
        self, method: str, requests: Iterator[bytes], context: grpc.ServicerContext
    ) -> bytes:
        """Wait for the one request of a call."""
        self.stall_timeout.begin(context)
        try:
            request = next(requests, None)
        finally:
            self.stall_timeout.end(context)
        return self.check_request(method, request, context)

    def check_request(self, method: str, request: bytes | None, call: _Active) -> bytes:
        """Return a request that has come; raise a Refusal, or GoneError, if there is none."""
        if request is None:
            self.check_active(call)
            raise malformed(method)
        return request

    def requests_until_stall(
        self, requests: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        """Wait for one request after another."""
        stall_timeout = self.stall_timeout
        try:
            while True:
                stall_timeout.begin(context)
                request = next(requests, None)
                stall_timeout.end(context)
                if request is None:
                    return
                yield request
        finally:
            stall_timeout.end(context)

    def check_reply(self, reply: bytes) -> None:
        """Raise a Refusal if a reply is larger than what gRPC sends, which would not say why."""
        if len(reply) > self._reply_bytes:
            raise reply_too_large(len(reply), self._reply_bytes)

    def check_active(self, call: _Active) -> None:
        """Raise GoneError if the client is gone."""
        if not call.is_active():
            raise GoneError


def _overloaded(limit: tuple[str, int]) -> Refusal:
    # Spread out, so that those who are refused together do not come back together.
    return overloaded(*limit, _RETRY_SECONDS * _random.randint(50, 150) / 100)
