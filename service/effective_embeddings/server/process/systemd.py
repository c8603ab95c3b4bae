"""systemd's readiness protocol: messages to the socket that NOTIFY_SOCKET names."""

from __future__ import annotations

import os
import socket

__all__ = ["notify"]


def notify(*states: str) -> None:
    """Send states such as ``READY=1`` to the service manager, if NOTIFY_SOCKET is set."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.sendto("\n".join(states).encode(), address)
    except OSError:
        # A missing service manager is not a reason to fail.
        return
