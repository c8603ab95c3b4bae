"""TLS and tokens of the client."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import grpc

from effective_embeddings.client.transport.target import is_local

__all__ = ["Tls", "call_metadata", "channel_credentials"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates: those that the client trusts, and its own.

    Attributes:
        ca: File of the certificates to trust, in PEM; None: gRPC's own.
        cert: File of the client's own certificate chain, for a service that requires one (mTLS);
            needs ``key``.
        key: File of its private key.
    """

    ca: str | os.PathLike[str] | None = None
    cert: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            message = "cert and key go together: give both or neither"
            raise ValueError(message)


def channel_credentials(tls: Tls | None) -> grpc.ChannelCredentials | None:
    """Return a channel's credentials for TLS; None: calls are not encrypted.

    Raises:
        OSError: A file cannot be read.
    """
    if tls is None:
        return None
    return grpc.ssl_channel_credentials(_read(tls.ca), _read(tls.key), _read(tls.cert))


def call_metadata(
    target: str, token: str | None, *, encrypted: bool
) -> tuple[tuple[str, str], ...] | None:
    """Return the metadata of every call: the token.

    Raises:
        ValueError: The token has characters that a header cannot have, or would be readable on
            the way.
    """
    if token is None:
        return None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        # The message does not show the token: messages end up in logs.
        message = "a token must be of printable ASCII characters, without spaces"
        raise ValueError(message)
    if not encrypted and not is_local(target):
        message = (
            f"refused to send a token to {target} unencrypted: it would be readable on the way;"
            " use tls=True (or tls=Tls(ca=...)), or a loopback address"
        )
        raise ValueError(message)
    return (("authorization", f"Bearer {token}"),)


def _read(path: str | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
