"""TLS and tokens, from the client's side."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

import grpc

__all__ = ["Tls", "call_metadata", "channel_credentials"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to know a service by its certificate, and to be known by one.

    Attributes:
        ca: File of the certificates to trust, in PEM; None: those that gRPC brings along.
        cert: File of the client's own certificate chain, for a service that wants one (mTLS);
            needs ``key``.
        key: File of its private key.
    """

    ca: str | os.PathLike[str] | None = None
    cert: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            message = "cert and key go together: a certificate is of no use without its key"
            raise ValueError(message)


def channel_credentials(tls: Tls | None) -> grpc.ChannelCredentials | None:
    """Return what a channel needs to speak TLS; None: it does not.

    Raises:
        OSError: A file cannot be read.
    """
    if tls is None:
        return None
    return grpc.ssl_channel_credentials(_read(tls.ca), _read(tls.key), _read(tls.cert))


def call_metadata(
    target: str, token: str | None, *, encrypted: bool
) -> tuple[tuple[str, str], ...] | None:
    """Return the metadata that brings a token along.

    Raises:
        ValueError: The token is none, or others could read it on the way.
    """
    if token is None:
        return None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        # The token itself is in no text: texts end up in logs.
        message = "a token must be of printable ASCII characters, without spaces"
        raise ValueError(message)
    if not encrypted and not _is_local(target):
        message = (
            f"refused to send a token to {target} unencrypted: whoever is on the way could read "
            "it; say tls=True (or tls=Tls(ca=...)), or use a loopback address"
        )
        raise ValueError(message)
    return (("authorization", f"Bearer {token}"),)


def _read(path: str | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def _is_local(target: str) -> bool:
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = target.rpartition(":")[0]
    if ":" in host:
        # gRPC takes all of `::1:8080` for an address, which is another one than `[::1]:8080`.
        if not (host.startswith("[") and host.endswith("]")):
            return False
        host = host[1:-1]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
