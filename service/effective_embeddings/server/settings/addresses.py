"""Addresses to listen on: their form, and whether other machines can reach them."""

from __future__ import annotations

import ipaddress

from effective_embeddings.server.settings.errors import SettingsError

__all__ = ["is_local", "split_listen", "target_of"]

_MAX_PORT = 65_535
_UNIX = "unix:"


def split_listen(listen: str, setting: str = "listen") -> tuple[str, int]:
    """Return the host (without brackets) and the port of ``host:port`` or ``[ipv6]:port``.

    Args:
        listen: The address.
        setting: What the error calls it.

    Raises:
        SettingsError: It has another form.
    """
    host, colon, port = listen.rpartition(":")
    inside = host.removeprefix("[").removesuffix("]")
    # gRPC takes all of `::1:8080` for an address, which is another one than `[::1]:8080`.
    whole = host == (f"[{inside}]" if ":" in inside else inside)
    is_port = port.isascii() and port.isdigit() and int(port) <= _MAX_PORT
    if not colon or not inside or not whole or not is_port:
        form = "host:port or [ipv6]:port"
        if setting == "listen":
            form = "host:port, [ipv6]:port or unix:/path"
        message = f"{setting} must be {form}, with a port of 0 to {_MAX_PORT:,}, not {listen!r}"
        raise SettingsError(message)
    return inside, int(port)


def target_of(listen: str, port: int | None) -> str:
    """Return what a client connects to.

    Args:
        listen: The address that a server listens on.
        port: The port that it took; None: a Unix socket.
    """
    if port is None or listen.startswith(_UNIX):
        return listen
    host, _ = split_listen(listen)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_local(listen: str, setting: str = "listen") -> bool:
    """Say whether only this machine can connect to an address.

    Args:
        listen: The address.
        setting: What the error calls it.

    Raises:
        SettingsError: The text is not an address.
    """
    if listen.startswith(_UNIX):
        # gRPC binds an empty path too, to a name that no client knows.
        if listen == _UNIX:
            message = f"{setting} must have a path after unix:, such as unix:/run/effemb/socket"
            raise SettingsError(message)
        return True
    host, _ = split_listen(listen, setting)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name can resolve to anything, and to something else tomorrow.
        return False
