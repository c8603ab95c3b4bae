"""Addresses to listen on: their form, and whether other machines can reach them."""

from __future__ import annotations

import ipaddress

__all__ = ["ListenError", "SettingsError", "is_local", "split_listen"]

_MAX_PORT = 65_535


class SettingsError(ValueError):
    """A setting that cannot be used; the text says which and why."""


class ListenError(RuntimeError):
    """The address cannot be listened on; the text says why."""


def split_listen(listen: str) -> tuple[str, int]:
    """Return the host (without brackets) and the port of ``host:port``.

    Raises:
        SettingsError: It has another form.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        message = f"listen must be host:port, [ipv6]:port or unix:/path, not {listen!r}"
        raise SettingsError(message)
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_local(listen: str) -> bool:
    """Say whether only this machine can connect to an address.

    Raises:
        SettingsError: It is no address.
    """
    if listen.startswith("unix:"):
        return True
    host, _ = split_listen(listen)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name can resolve to anything, and to something else tomorrow.
        return False
