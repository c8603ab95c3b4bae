"""Unix sockets: their paths, and whether a process listens on one already."""

from __future__ import annotations

import socket

__all__ = ["is_served", "socket_path"]

_SECONDS = 1.0


def socket_path(listen: str) -> str:
    """Return the path of ``unix:/path`` or ``unix:///path``, which gRPC both knows."""
    path = listen.removeprefix("unix:")
    # gRPC's other form has an empty authority.
    return path.removeprefix("//") if path.startswith("///") else path


def is_served(listen: str) -> bool:
    """Return whether a process accepts connections at ``unix:/path``.

    gRPC replaces the socket of another process, which then has no callers and does not notice. A
    socket that a dead process left behind is not served.
    """
    path = socket_path(listen)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_SECONDS)
        try:
            probe.connect(path)
        except (TimeoutError, BlockingIOError):
            # A full backlog: a process listens, and is busy.
            return True
        except OSError:
            # Missing, not a socket, refused, or too long for an address: gRPC says more.
            return False
    return True
