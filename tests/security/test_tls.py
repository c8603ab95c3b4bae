"""TLS and mTLS: which clients are accepted, and certificate changes under calls in flight."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from effective_embeddings import AsyncClient, Client, Tls, errors
from effective_embeddings.server import ServerHandle, Settings, SettingsError
from tests.support.access import Authority, tenants
from tests.support.process import environment

pytestmark = pytest.mark.usefixtures("each_transport")


def _served_certificate(target: str, authority: Authority) -> str:
    host, port = target.split(":")
    context = ssl.create_default_context(cafile=authority.ca)
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((host, int(port)), 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        return hashlib.sha256(encrypted.getpeercert(binary_form=True) or b"").hexdigest()


def test_calls_are_encrypted_and_need_tokens(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    with tenants(tmp_path, tls_cert=cert, tls_key=key) as served:
        tls = Tls(ca=authority.ca)
        with Client(served.target, tls=tls, token=served.tokens["root"]) as client:
            assert client.create_namespace("ns", 2).revision == 1
        with Client(served.target, tls=tls) as client, pytest.raises(errors.Unauthenticated):
            client.service_info()
        with Client(served.target, timeout=1) as client, pytest.raises(errors.Unavailable):
            client.service_info()
        other = Authority(tmp_path, "other")
        with (
            Client(served.target, tls=Tls(ca=other.ca), timeout=1) as client,
            pytest.raises(errors.Unavailable),
        ):
            client.service_info()

        async def work() -> int:
            token = served.tokens["root"]
            async with AsyncClient(served.target, tls=tls, token=token) as client:
                return (await client.get_namespace("ns")).revision

        assert asyncio.run(work()) == 1


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_protocols_and_plain_text_get_no_answer(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    with tenants(tmp_path, tls_cert=cert, tls_key=key) as served:
        host, port = served.target.split(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection((host, int(port)), 5) as plain, pytest.raises(OSError):  # noqa: PT011
            context.wrap_socket(plain, server_hostname=host)
        with socket.create_connection((host, int(port)), 5) as plain:
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            plain.settimeout(12)
            assert plain.recv(1024).startswith((b"", b"\x15"))


def test_mtls_requires_a_certificate_of_the_right_authority(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    cert, key = authority.sign("server")
    with tenants(tmp_path, tls_cert=cert, tls_key=key, tls_client_ca=authority.ca) as served:
        token = served.tokens["root"]
        good, bad = authority.sign("client"), other.sign("stranger")
        with Client(
            served.target, tls=Tls(ca=authority.ca, cert=good[0], key=good[1]), token=token
        ) as client:
            assert client.service_info().namespace_count == 0
        for tls in (Tls(ca=authority.ca), Tls(ca=authority.ca, cert=bad[0], key=bad[1])):
            with (
                Client(served.target, tls=tls, token=token, timeout=1) as client,
                pytest.raises(errors.Unavailable),
            ):
                client.service_info()


def test_certificates_are_replaced_without_dropping_a_call(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    failures: list[BaseException] = []
    stop = threading.Event()
    with tenants(tmp_path, tls_cert=cert, tls_key=key) as served:
        token, tls = served.tokens["root"], Tls(ca=authority.ca)
        with Client(served.target, tls=tls, token=token) as client:
            client.create_namespace("ns", 2)

            def call() -> None:
                while not stop.is_set():
                    try:
                        client.get_namespace("ns")
                    except errors.EffectiveEmbeddingsError as error:
                        failures.append(error)

            threads = [threading.Thread(target=call) for _ in range(2)]
            for thread in threads:
                thread.start()
            first = _served_certificate(served.target, authority)
            authority.sign("server", cert=cert, key=key)
            second = _served_certificate(served.target, authority)
            cert.write_text("half a certificate")
            third = _served_certificate(served.target, authority)
            time.sleep(0.3)
            stop.set()
            for thread in threads:
                thread.join()
            assert client.get_namespace("ns").revision == 1
        with Client(served.target, tls=tls, token=token) as client:
            assert client.get_namespace("ns").revision == 1
    assert first != second
    assert third == second, "a broken file changes nothing"
    assert not failures


def test_an_old_connection_is_closed_without_dropping_a_call(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", max_connection_age_seconds=1)
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("ns", 2)
        end = time.monotonic() + 4
        calls = 0
        while time.monotonic() < end:
            # Without retries, so that a dropped call shows.
            client._transport.retries = False  # type: ignore[misc]
            client.get_namespace("ns")
            calls += 1
        assert calls > 100


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("missing", "No such file"),
        ("other key", "(?i)mismatch"),
        ("no certificate", "certificate"),
        ("encrypted key", "must not be encrypted"),
    ],
)
def test_an_unusable_certificate_is_reported_at_start(
    tmp_path: Path, fault: str, told: str
) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    if fault == "missing":
        key.unlink()
    elif fault == "other key":
        key = authority.sign("other")[1]
    elif fault == "no certificate":
        cert.write_text("hello")
    else:
        from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415

        private = s.load_pem_private_key(key.read_bytes(), None)
        form = (s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"x"))
        key.write_bytes(private.private_bytes(*form))
    with pytest.raises(SettingsError, match=told):
        ServerHandle(
            Settings(data=tmp_path / "data", listen="127.0.0.1:0", tls_cert=cert, tls_key=key)
        )


def test_the_command_line_uses_tls_and_its_token(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    with tenants(tmp_path, tls_cert=cert, tls_key=key) as served:
        secret = tmp_path / "token"
        secret.write_text(served.tokens["root"] + "\n")
        base = [sys.executable, "-m", "effective_embeddings.cli"]
        command = ["info", "--server", served.target, "--json"]
        ways = [
            (["--tls-ca", str(authority.ca), "--token-file", str(secret)], {}),
            (
                [],
                {"EFFEMB_TLS_CA": str(authority.ca), "EFFEMB_TOKEN": served.tokens["root"]},
            ),
        ]
        for options, variables in ways:
            done = subprocess.run(  # noqa: S603 - our own command
                [*base, *options, *command],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
                env=environment(**variables),
            )
            assert done.returncode == 0, done.stderr
            assert '"kernel"' in done.stdout
