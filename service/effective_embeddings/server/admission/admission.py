"""Admission of calls: the core decides, with the settings' limits; requests are awaited here."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Protocol

import grpc

from effective_embeddings._core import LIMITS, Admission, Refusals, TokenTable
from effective_embeddings.server.admission.stall_timeout import StallTimeout, StreamWaits
from effective_embeddings.server.settings.settings import Settings

__all__ = ["AdmissionControl", "GoneError", "new_call_id"]

_DRAIN_POLL_SECONDS = 0.005


class _Active(Protocol):
    """A call, unary or streaming."""

    def is_active(self) -> bool:
        """Whether the client still waits for the answer."""


class GoneError(Exception):
    """The client is gone: the call needs no answer."""


def new_call_id() -> str:
    """Return an id for a call; ids do not reveal the number of calls."""
    return secrets.token_hex(8)


class AdmissionControl:
    """The admission of one server's calls, and the waits for their requests.

    Identity, rate and room are decided before a byte of the request is read, so that a refused
    call costs its headers and no more.

    Attributes:
        core: Decides which calls run.
        stall_timeout: Cancels calls whose clients stall.
    """

    def __init__(self, settings: Settings, tokens: TokenTable | None) -> None:
        """Configure the admission.

        Args:
            settings: See Settings.
            tokens: The tokens of the callers. None: every caller is "local" and may do
                everything; that is right where only this machine can connect.
        """
        limits = dict(LIMITS)
        self.core = Admission(
            tokens,
            seed=secrets.randbits(64),
            calls_per_second=settings.calls_per_second,
            burst_calls=settings.burst_calls,
            calls=settings.max_concurrent_calls,
            calls_share=settings.share,
            arriving=settings.arriving_calls,
            arriving_share=settings.arriving_share,
            streams=settings.max_streaming_calls,
            streams_share=settings.streaming_share,
            waiting=limits["waiting_reads"],
            waiting_share=limits["waiting_reads_of_a_caller"],
            reply_bytes=settings.unread_reply_bytes,
            reply_bytes_share=settings.unread_reply_share,
            max_reply_bytes=settings.max_message_bytes,
        )
        self.stall_timeout = StallTimeout(settings.client_stall_timeout_seconds)

    @property
    def in_flight(self) -> int:
        """Number of admitted calls that are not answered yet."""
        return self.core.in_flight

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no call is in flight; return False if that takes longer than ``seconds``."""
        end = time.monotonic() + seconds
        while self.core.in_flight:
            if time.monotonic() >= end:
                return False
            time.sleep(_DRAIN_POLL_SECONDS)
        return True

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
        """Return a request that arrived.

        Raises:
            GoneError: The client closed the call without a request.
            StatusError: The client ended the call without a request.
        """
        if request is None:
            self.check_active(call)
            raise Refusals.no_request(method)
        return request

    def requests_until_stall(
        self, requests: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        """Yield one request after another; a client that stalls is cancelled."""
        waits = StreamWaits(self.stall_timeout, context)
        try:
            while True:
                waits.begin()
                request = next(requests, None)
                waits.end(request)
                if request is None:
                    return
                yield request
        finally:
            waits.end()

    def check_active(self, call: _Active) -> None:
        """Raise GoneError if the client is gone."""
        if not call.is_active():
            raise GoneError
