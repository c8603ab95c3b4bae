"""TLS and mTLS, with certificates that can be replaced while calls come in."""

from __future__ import annotations

import logging
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import grpc

from effective_embeddings._core import check_certificate as check_native
from effective_embeddings.server.process.file_watch import signature
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import Settings

__all__ = ["Certificates", "check_certificate", "make_credentials"]

_log = logging.getLogger("effective_embeddings.server")


class Certificates:
    """The files of a certificate, read again by the first handshake after they changed.

    A connection keeps the certificate that it began with. If new files do not fit together, the old
    certificate stays: a file may be half written.
    """

    def __init__(self, cert: Path, key: Path, client_ca: Path | None) -> None:
        """Read the files.

        Raises:
            SettingsError: They cannot be used.
        """
        self._cert = cert
        self._key = key
        self._client_ca = client_ca
        self._paths = [cert, key, *([client_ca] if client_ca else [])]
        self._lock = threading.Lock()
        self._seen = signature(self._paths)
        self.initial = self._read()

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the certificate if it has changed, otherwise None; gRPC calls at a handshake."""
        with self._lock:
            now = signature(self._paths)
            if now == self._seen:
                return None
            self._seen = now
            try:
                changed = self._read()
            except SettingsError as error:
                _log.error("certificate kept=true error=%r", str(error))
                return None
            _log.info("certificate loaded=%s", self._cert)
            return changed

    def _read(self) -> grpc.ServerCertificateConfiguration:
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._cert, self._key, password=_no_password)
            if self._client_ca is not None:
                context.load_verify_locations(self._client_ca)
            return grpc.ssl_server_certificate_configuration(
                [(self._key.read_bytes(), self._cert.read_bytes())],
                self._client_ca.read_bytes() if self._client_ca else None,
            )
        except (OSError, ValueError) as error:
            # ssl.SSLError is an OSError; its text names the file that does not fit.
            files = ", ".join(str(path) for path in self._paths)
            message = f"cannot use the certificate ({files}): {error}"
            raise SettingsError(message) from None


def _no_password() -> str:
    message = "the private key must not be encrypted: a server cannot ask for its password"
    raise ValueError(message)


# What a file of each setting must hold, and what an error calls it.
_PEM = {
    "tls_cert": (b"CERTIFICATE-----", "certificate"),
    "tls_key": (b"PRIVATE KEY-----", "private key"),
    "tls_client_ca": (b"CERTIFICATE-----", "certificate"),
}


def _check_pem(settings: Settings) -> None:
    """Raise a SettingsError that names each file without the block that its setting needs."""
    problems = []
    for name, (mark, what) in _PEM.items():
        path: Path | None = getattr(settings, name)
        # The transport reports a file that cannot be read.
        with suppress(OSError):
            if path is not None and mark not in path.read_bytes():
                problems.append(f"{name}: {path} holds no {what} in PEM")
    if problems:
        raise SettingsError(*problems)


def check_certificate(settings: Settings) -> None:
    """Check that the transport of the settings could use the certificate.

    Raises:
        SettingsError: The certificate cannot be used.
    """
    _check_pem(settings)
    if settings.transport == "native":
        if settings.tls_cert is None or settings.tls_key is None:
            return
        try:
            check_native(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        except ValueError as error:
            raise SettingsError(str(error)) from None
    else:
        make_credentials(settings)


def make_credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """Return the credentials of the port; None: the port has no TLS.

    Raises:
        SettingsError: The certificate cannot be used.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    certificates = Certificates(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
        certificates.initial,
        certificates.fetch,  # type: ignore[arg-type]  # its stub does not allow None
        require_client_authentication=settings.tls_client_ca is not None,
    )
    return credentials
