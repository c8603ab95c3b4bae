"""Streaming methods are told apart by name, not by kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from effective_embeddings._core import Engine, Grant, StatusError
from effective_embeddings.client.errors import Unimplemented
from effective_embeddings.client.transport.embedded import EmbeddedTransport

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
