"""Follows the health of the engine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

__all__ = ["HealthFollower"]

_log = logging.getLogger("effective_embeddings.server")

_SECONDS_BETWEEN_LOOKS = 0.5


class HealthFollower:
    """Tells a health service whether to say SERVING: not before ``follow``, nor after ``drain``."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        """Create the follower.

        Args:
            tell: Called with the health each time that it changes.
        """
        self._tell = tell
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._look_up: Callable[[], tuple[bool, str]] | None = None
        self._serving = False

    def follow(self, look: Callable[[], tuple[bool, str]]) -> None:
        """Tell the health that ``look`` returns as (serving, reason); called twice a second."""
        self._look_up = look
        self.look()
        self._thread = threading.Thread(
            target=self._keep_looking, name="effemb-health-follower", daemon=True
        )
        self._thread.start()

    def look(self) -> None:
        """Look now, so that the health is up to date afterwards."""
        with self._lock:
            if self._look_up is not None and not self._stop.is_set():
                self._look(self._look_up)

    def drain(self) -> None:
        """Tell NOT_SERVING from now on."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._set(serving=False)

    def _keep_looking(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self.look()

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
        self._tell(serving)
