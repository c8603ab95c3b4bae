"""The metrics over HTTP, for Prometheus: a small server with bounded connections.

The server of prometheus_client waits without end for a request that does not come, with a thread
and a descriptor for each connection, until the service has no descriptor left for its callers.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

from effective_embeddings.server.settings.addresses import split_listen
from effective_embeddings.server.settings.errors import ListenError

__all__ = ["MAX_CONNECTIONS", "MAX_CONNECTION_SECONDS", "MetricsServer"]

MAX_CONNECTIONS = 32
MAX_CONNECTION_SECONDS = 10.0

_log = logging.getLogger("effective_embeddings.server")

_SECONDS_BETWEEN_LOOKS = 0.5


class MetricsServer:
    """Serves a WSGI application from threads of its own.

    Attributes:
        target: ``host:port``, with the port that was taken.
    """

    def __init__(
        self, listen: str, application: WSGIApplication, seconds: float = MAX_CONNECTION_SECONDS
    ) -> None:
        """Bind the port and serve.

        Args:
            listen: ``host:port`` or ``[ipv6]:port``.
            application: The WSGI application.
            seconds: How long a connection may last.

        Raises:
            ListenError: The address cannot be listened on.
        """
        host, port = split_listen(listen, "metrics_listen")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, _, _, _, address = found[0]
            self._server = _Server(family, address, seconds)
        except OSError as error:
            message = f"cannot serve metrics on {listen!r}: {error.strerror or error}"
            raise ListenError(message) from None
        self._server.set_app(application)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(_SECONDS_BETWEEN_LOOKS,),
            name="effemb-metrics",
            daemon=True,
        )
        self._thread.start()
        shown = f"[{host}]" if ":" in host else host
        self.target = f"{shown}:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing: each scrape would be a line."""


class _Server(ThreadingMixIn, WSGIServer):
    """One thread per connection, with a bounded number of connections and a bounded time each."""

    daemon_threads = True
    # Beyond the default of 5 the kernel has clients connect again, a second later or more.
    request_queue_size = 128

    def __init__(self, family: int, address: Any, seconds: float) -> None:
        self.address_family = family
        self._seconds = seconds
        # The open connections, the oldest first, and when each is closed.
        self._until: dict[Any, float] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without a look-up of this machine's name, which HTTPServer makes."""
        # A name server that does not answer would delay the start.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        name, self.server_port = self.server_address[:2]
        self.server_name = str(name)
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread; close the oldest connection if there are too many."""
        with self._lock:
            if len(self._until) >= MAX_CONNECTIONS:
                self._end(next(iter(self._until)))
            self._until[request] = time.monotonic() + self._seconds
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Close the connections whose time is over; the loop calls this twice a second."""
        now = time.monotonic()
        with self._lock:
            for request in [each for each, until in self._until.items() if until < now]:
                self._end(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, answered or not."""
        with self._lock:
            self._until.pop(request, None)
        super().shutdown_request(request)

    def _end(self, request: Any) -> None:
        """Wake a connection's thread, which closes the connection."""
        del self._until[request]
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """Log one line: a client that disconnects is not a defect."""
        _log.debug("scrape failed", exc_info=True)
