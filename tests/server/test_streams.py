"""Streaming methods are told apart by name, not by kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from effective_embeddings._core import Engine, Grant, StatusError
from effective_embeddings.client.errors import Unimplemented
from effective_embeddings.client.transport.embedded import EmbeddedTransport
from effective_embeddings.server.admission.stall_timeout import StallTimeout
from effective_embeddings.server.transport.streams import HANDLER_FACTORIES

_GRANT = Grant.unrestricted("tester")
_UNIMPLEMENTED = 12


def test_an_unknown_streaming_method_is_no_snapshot_and_no_restore(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "data")
    for method in ("Watch", "Restore", "Match"):
        with pytest.raises(StatusError) as caught:
            engine.server_stream(method, b"\x0a\x01n", _GRANT)
        assert (caught.value.code, method in caught.value.message) == (_UNIMPLEMENTED, True)
    for method in ("Upload", "Snapshot", "Assign"):
        with pytest.raises(StatusError) as caught:
            engine.client_stream(method, _GRANT)
        assert (caught.value.code, method in caught.value.message) == (_UNIMPLEMENTED, True)
    engine.close()


def test_the_embedded_transport_passes_the_method_on(tmp_path: Path) -> None:
    transport = EmbeddedTransport(
        tmp_path / "data", principal="tester", memory_budget=None, kernel=None, threads=None
    )
    with pytest.raises(Unimplemented, match="Watch"):
        list(transport.download("Watch", b"", None))
    with pytest.raises(Unimplemented, match="Upload"):
        transport.upload("Upload", iter([b""]), None)
    transport.close()


class _Recorder:
    """An engine that records the methods of its streams."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    def server_stream(self, method: str, *_: Any) -> Iterator[bytes]:
        self.methods.append(method)
        return iter([method.encode()])

    def client_stream(self, method: str, *_: Any) -> Any:
        self.methods.append(method)
        raise NotImplementedError


class _Anything:
    """Stands in for the admission, the call and its record."""

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: b"request") if name == "receive" else _Anything()

    def __call__(self, *_: Any, **__: Any) -> None:
        pass


def test_the_server_passes_the_method_on(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = _Recorder()
    anything: Any = _Anything()
    anything.stall_timeout = StallTimeout(30)
    monkeypatch.setattr(
        "effective_embeddings.server.transport.streams._begin",
        lambda _: (_Anything(), _Caller(), _Anything()),
    )
    for method in ("Snapshot", "Watch"):
        handler: Any = HANDLER_FACTORIES[False, True](method, lambda: cast("Any", engine), anything)
        assert list(handler.stream_stream(iter([b""]), anything)) == [method.encode()]
    assert engine.methods == ["Snapshot", "Watch"]


class _Caller:
    grant = _GRANT
