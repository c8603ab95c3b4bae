"""A proxy with a slow connection set-up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["slow_to_connect"]


@contextmanager
def slow_to_connect(target: str, seconds: float) -> Iterator[str]:
    """Yields an address whose connections stay silent for a time, then forward to ``target``."""
    host, _, port = target.rpartition(":")
    sockets: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection((host, int(port)))
            sockets.extend((client, server))
            threading.Thread(target=copy, args=(client, server, 0.0), daemon=True).start()
            threading.Thread(target=copy, args=(server, client, seconds), daemon=True).start()

    def copy(source: socket.socket, sink: socket.socket, pause: float) -> None:
        time.sleep(pause)
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=serve, daemon=True)
        accepting.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for each in sockets:
                each.close()
