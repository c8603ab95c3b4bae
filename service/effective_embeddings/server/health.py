"""The standard health service, following the health of the engine."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from effective_embeddings.server.handlers import SERVICE_NAME

__all__ = ["HealthFollower"]

_log = logging.getLogger("effective_embeddings.server")

_SECONDS_BETWEEN_LOOKS = 0.5
# "" is the server as a whole, by the health protocol.
_SERVICES = ("", SERVICE_NAME)


class HealthFollower:
    """Serves health: NOT_SERVING at first and after drain, in between what the engine says."""

    def __init__(self) -> None:
        self._servicer = health.HealthServicer()
        # A thread of its own: a probe must not queue behind the calls whose health it asks for.
        self._pool = futures.ThreadPoolExecutor(1, thread_name_prefix="effemb-health")
        check = functools.partial(self._servicer.Check)
        check.experimental_thread_pool = self._pool  # type: ignore[attr-defined]
        self._servicer.Check = check  # type: ignore[method-assign]
        self._stop = threading.Event()
        self._follower: threading.Thread | None = None
        self._serving = False
        self._set(serving=False)

    def add_to(self, server: grpc.Server) -> None:
        """Register the health service with ``server``."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    def follow(self, look: Callable[[], tuple[bool, str]]) -> None:
        """Serve what ``look`` returns (serving, reason) from now on; it is asked twice a second."""
        self._look(look)
        self._follower = threading.Thread(
            target=self._keep_looking, args=(look,), name="effemb-health-follower", daemon=True
        )
        self._follower.start()

    def drain(self) -> None:
        """Serve NOT_SERVING for good."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._follower is not None:
            self._follower.join()
        self._servicer.enter_graceful_shutdown()

    def close(self) -> None:
        """Let the health thread go; the server has stopped."""
        self._pool.shutdown(wait=False)

    def _keep_looking(self, look: Callable[[], tuple[bool, str]]) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self._look(look)

    def _look(self, look: Callable[[], tuple[bool, str]]) -> None:
        try:
            serving, reason = look()
        except Exception as error:  # noqa: BLE001 - a health check that fails is bad health
            _log.exception("health look failed")
            serving, reason = False, repr(error)
        if serving == self._serving:
            return
        self._set(serving=serving)
        if serving:
            _log.info("health serving=true")
        else:
            _log.error("health serving=false reason=%r", reason)

    def _set(self, *, serving: bool) -> None:
        self._serving = serving
        status = health_pb2.HealthCheckResponse
        for name in _SERVICES:
            self._servicer.set(name, status.SERVING if serving else status.NOT_SERVING)
