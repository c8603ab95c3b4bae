"""Addresses of services; an address that gRPC would misread is refused."""

from __future__ import annotations

import ipaddress
import re

__all__ = ["check_target", "is_local"]

_LAST_PORT = 65_535
# Schemes of gRPC's whose addresses have ports, and those whose addresses have none.
_WITH_PORT = ("dns", "ipv4", "ipv6")
_WITHOUT_PORT = ("unix", "unix-abstract", "vsock", "xds", "google-c2p")


def check_target(target: str) -> None:
    """Refuse an address that gRPC would read in its own way: without a port it takes 443.

    Raises:
        ValueError: It has no port, a port out of range, or a scheme that gRPC does not know.
    """
    if not target or not target.isprintable() or " " in target:
        _refuse(target, "is not an address")
    scheme, addresses, _ = _parse(target)
    if scheme in _WITHOUT_PORT:
        if not addresses:
            _refuse(target, "names no path")
        return
    if "://" in target and scheme == "":
        _refuse(target, "has a scheme that gRPC does not know: write host:port alone")
    for address in addresses.split(","):
        host, port = _split(address)
        if port is None and host.count(":") > 1:
            _refuse(target, f"has no port: write {_with_port(host.strip('[]'))}")
        if not host:
            _refuse(target, "has no host: write host:port")
        if port is None:
            _refuse(target, f"has no port: write {host}:50051")
        elif not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= _LAST_PORT:
            _refuse(target, f"has a port that is not from 1 to {_LAST_PORT}")


def is_local(target: str) -> bool:
    """Say whether calls to a checked address stay on this machine."""
    scheme, addresses, resolver = _parse(target)
    if scheme in ("unix", "unix-abstract"):
        return True
    # Another resolver may take any name for any machine.
    if scheme in _WITHOUT_PORT or resolver:
        return False
    return all(_is_loopback(_split(address)[0]) for address in addresses.split(","))


def _parse(target: str) -> tuple[str, str, str]:
    """Return the scheme (empty: host:port alone), the addresses, and a resolver to ask."""
    scheme, _, rest = target.partition(":")
    scheme = scheme.lower()
    if scheme not in _WITH_PORT + _WITHOUT_PORT:
        return "", target, ""
    resolver = ""
    if rest.startswith("//"):
        resolver, _, rest = rest[2:].partition("/")
    return scheme, rest, resolver


def _split(address: str) -> tuple[str, str | None]:
    """Return host and port; None: it has no port."""
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        return address, None
    # gRPC takes all of ::1:8080 for an address, which is another one than [::1]:8080.
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        return address, None
    return host, port


def _with_port(host: str) -> str:
    """Return how to write an IPv6 address with a port, whose last part may be meant as the port."""
    address, _, port = host.rpartition(":")
    meant = f"[{address}]:{port}, or " if port.isdecimal() and _is_ipv6(address) else ""
    return f"{meant}[{host}]:50051"


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse(target: str, problem: str) -> None:
    message = f"the address {target!r} {problem}"
    raise ValueError(message)
