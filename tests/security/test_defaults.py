"""Closed by default: addresses, TLS and tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from effective_embeddings.server import Settings, SettingsError

_TLS: dict[str, Any] = {"tls_cert": Path("c"), "tls_key": Path("k")}
_TOKENS: dict[str, Any] = {"tokens": Path("t")}


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "[::]:1", "192.0.2.7:1", "example.org:1"])
@pytest.mark.parametrize(
    ("given", "lack"),
    [
        ({}, "neither encrypted nor authenticated"),
        (_TLS, "not authenticated"),
        (_TOKENS, "not encrypted"),
    ],
)
def test_a_public_address_needs_tls_and_tokens(
    listen: str, given: dict[str, Any], lack: str
) -> None:
    with pytest.raises(SettingsError, match=lack) as caught:
        Settings(data=Path("d"), listen=listen, **given)
    assert "--allow-insecure-listen" in str(caught.value)
    Settings(data=Path("d"), listen=listen, allow_insecure_listen=True, **given)
    Settings(data=Path("d"), listen=listen, **_TLS, **_TOKENS)


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_a_loopback_address_needs_neither(listen: str) -> None:
    settings = Settings(data=Path("d"), listen=listen)
    assert settings.local
    assert settings.reflects
    assert not Settings(data=Path("d"), listen=listen, **_TOKENS).reflects


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "192.0.2.7:9464", "unix:/x"])
def test_metrics_are_on_the_loopback_unless_allowed(listen: str) -> None:
    with pytest.raises(SettingsError, match="metrics"):
        Settings(data=Path("d"), metrics_listen=listen)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tls_cert": Path("c")}, "go together"),
        ({"tls_client_ca": Path("c")}, "needs tls_cert"),
        ({"listen": "unix:/x", **_TLS}, "unix socket needs no TLS"),
        ({"workers": 0}, "workers must be 1 to 256"),
        ({"workers": True}, "workers must be"),
        ({"workers": 65, "max_concurrent_calls": 64}, "must be at least workers, 65"),
        ({"calls_per_second": float("nan")}, "calls_per_second must be"),
        ({"log_format": "xml"}, "log_format must be one of text, json, not 'xml'"),
    ],
)
def test_unusable_settings_are_refused_with_the_cause(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Settings(data=Path("d"), **given)


@pytest.mark.parametrize(
    "listen",
    ["::1:8080", ":::8080", "[::1:8080", "::1]:8080", "[127.0.0.1]:1", "[]:1", "unix:", "x:65536"],
)
def test_an_address_means_the_same_to_us_and_to_grpc(listen: str) -> None:
    """`::1:8080` once passed as the loopback, while gRPC bound the address ::1:8080, port 443."""
    with pytest.raises(SettingsError, match=r"^listen must "):
        Settings(data=Path("d"), listen=listen)
    with pytest.raises(SettingsError, match=r"^metrics_listen must "):
        Settings(data=Path("d"), metrics_listen=listen, allow_remote_metrics=True)
