"""What a call passes before the core: who calls, how often, and whether there is room."""

from __future__ import annotations

import itertools
import random
import secrets
import threading
from collections.abc import Iterator

import grpc

from effective_embeddings.server.authenticate import IdentityOf
from effective_embeddings.server.patience import Patience
from effective_embeddings.server.rates import Rates
from effective_embeddings.server.refusal import (
    malformed,
    overloaded,
    reply_too_large,
    shutting_down,
)
from effective_embeddings.server.settings import Settings
from effective_embeddings.server.tokens import Identity

__all__ = ["Gate", "GoneError"]

_random = random.Random()  # noqa: S311 - spreads retries out; nothing secret
_RETRY_SECONDS = 0.2


class GoneError(Exception):
    """The client is gone: nobody is left to be told."""


class Gate:
    """Lets calls in, in this order: identity, rate, room; then waits for the request.

    All three are asked before a byte of the request is read, so that a caller who is refused
    costs its headers and no more. An admitted call holds one of ``max_concurrent_calls`` places
    until it is answered.

    Attributes:
        identity_of: Says who calls.
        patience: Cancels calls whose clients stop.
        in_flight: Number of admitted calls that are not answered yet.
    """

    def __init__(self, settings: Settings, identity_of: IdentityOf) -> None:
        self.identity_of = identity_of
        self.patience = Patience(settings.client_patience_seconds)
        self.in_flight = 0
        self._rates = Rates(settings.calls_per_second, settings.burst_calls)
        self._room = settings.max_concurrent_calls
        self._share = settings.share
        self._held: dict[str, int] = {}
        self._streams = 0
        self._stream_room = settings.max_streaming_calls
        self._lock = threading.Lock()
        self._closing = False
        self._empty = threading.Event()
        self._reply_bytes = settings.max_message_bytes
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        """Return an id for a call: the server's run, and a number."""
        return f"{self._run}-{next(self._numbers)}"

    def enter(self, identity: Identity, *, streams: bool) -> None:
        """Take a place; ``leave`` gives it back. Raises a Refusal if there is none.

        Streams have fewer places, for they last as long as their clients like; and so has each
        principal, for it must leave some to others.
        """
        if self._closing:
            raise shutting_down()
        self._rates.take(identity)
        with self._lock:
            if self.in_flight >= self._room:
                limit = ("concurrent_calls", self._room)
            elif streams and self._streams >= self._stream_room:
                limit = ("streaming_calls", self._stream_room)
            elif (held := self._held.get(identity.principal, 0)) >= self._share:
                limit = ("calls_per_principal", self._share)
            else:
                self._held[identity.principal] = held + 1
                self.in_flight += 1
                self._streams += streams
                return
        # Spread out, so that those who are refused together do not come back together.
        raise overloaded(*limit, _RETRY_SECONDS * _random.randint(50, 150) / 100)

    def leave(self, identity: Identity, *, streams: bool) -> None:
        """Give the place back."""
        with self._lock:
            self.in_flight -= 1
            self._held[identity.principal] -= 1
            self._streams -= streams
            if self._closing and not self.in_flight:
                self._empty.set()

    def close(self) -> None:
        """Turn new calls away; those that were let in go on."""
        with self._lock:
            self._closing = True
            if not self.in_flight:
                self._empty.set()

    def wait_empty(self, seconds: float) -> bool:
        """Wait, once it is closed, until no call is left; return False if time runs out."""
        return self._empty.wait(seconds)

    def receive(
        self, method: str, requests: Iterator[bytes], context: grpc.ServicerContext
    ) -> bytes:
        """Wait for the one request of a call."""
        self.patience.begin(context)
        try:
            request = next(requests, None)
        finally:
            self.patience.end(context)
        return self.check_request(method, request, context)

    def check_request(
        self, method: str, request: bytes | None, context: grpc.ServicerContext
    ) -> bytes:
        """Return a request that has come; raise a Refusal, or GoneError, if there is none."""
        if request is None:
            self.check_active(context)
            raise malformed(method)
        return request

    def patiently(
        self, requests: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        """Wait for one request after another."""
        patience = self.patience
        try:
            while True:
                patience.begin(context)
                request = next(requests, None)
                patience.end(context)
                if request is None:
                    return
                yield request
        finally:
            patience.end(context)

    def check_reply(self, reply: bytes) -> None:
        """Raise a Refusal if a reply is larger than what gRPC sends, which would not say why."""
        if len(reply) > self._reply_bytes:
            raise reply_too_large(len(reply), self._reply_bytes)

    def check_active(self, context: grpc.ServicerContext) -> None:
        """Raise GoneError if the client is gone."""
        if not context.is_active():
            raise GoneError
