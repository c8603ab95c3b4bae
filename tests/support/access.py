"""Servers with tokens, and certificates for TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from effective_embeddings.server import ServerHandle, Settings, new_token, token_line

__all__ = ["Authority", "Tenants", "bearer", "refusal", "tenants"]


@dataclass(frozen=True, slots=True)
class Tenants:
    """A server with tokens, and one token for each of its callers."""

    server: ServerHandle
    tokens: Mapping[str, str]
    file: Path

    @property
    def target(self) -> str:
        return self.server.target


RULES = {
    "root": ["admin:*"],
    "alice": ["write:alice", "admin:alice-*"],
    "bob": ["write:bob"],
    "reader": ["read:alice"],
}


@contextmanager
def tenants(folder: Path, **settings: Any) -> Iterator[Tenants]:
    """A server with tokens for root, alice, bob and reader."""
    tokens = {name: new_token() for name in RULES}
    file = folder / "tokens"
    lines = [token_line(name, token, RULES[name]) for name, token in tokens.items()]
    file.write_text("\n".join(lines) + "\n")
    given: dict[str, Any] = {"data": folder / "data", "listen": "127.0.0.1:0", "tokens": file}
    with ServerHandle(Settings(**{**given, **settings})) as server:
        yield Tenants(server, tokens, file)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def refusal(error: Any) -> tuple[str, str, bytes]:
    """A refusal as the caller sees it, without the call's id: code, text, details."""
    trailing = dict(error.trailing_metadata() or ())
    return error.code().name, error.details() or "", trailing.get("grpc-status-details-bin", b"")


class Authority:
    """A certificate authority, with its certificates as files."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._build(self._name, self._key.public_key(), authority=True)
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str, *, cert: Path | None = None, key: Path | None = None) -> Any:
        """Make a certificate for this machine; return the files of certificate and key."""
        cert = cert or self._folder / f"{name}.cert.pem"
        key = key or self._folder / f"{name}.key.pem"
        private = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._build(subject, private.public_key(), authority=False)
        key.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cert, key

    def _build(self, subject: x509.Name, public: Any, *, authority: bool) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def unary(channel: grpc.Channel, method: str) -> Any:
    """A method of the service, bytes in and out."""
    return channel.unary_unary(f"/effective_embeddings.v1.EffectiveEmbeddingsService/{method}")
