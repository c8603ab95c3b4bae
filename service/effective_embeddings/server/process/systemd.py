"""systemd's notifications: "ready", "reloading" and "stopping", where it asks for them."""

from __future__ import annotations

import os
import socket

__all__ = ["notify"]


def notify(*states: str) -> None:
    """Tell the service manager, such as ``notify("READY=1")``; nothing where there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.sendto("\n".join(states).encode(), address)
    except OSError:
        # A manager that is gone is no reason to fail.
        return
