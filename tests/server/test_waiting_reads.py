"""Reads that wait for a revision hold no worker, and each principal may have few of them."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import service_pb2
from tests.support.access import bearer, refusal, tenants, unary

_WAITING = service_pb2.GetNamespaceRequest(namespace="alice", min_revision=99).SerializeToString()


def test_reads_that_wait_hold_no_worker(tmp_path: Path) -> None:
    """Eight reads a second with one token delayed every write of others by 5 to 8 seconds."""
    with (
        tenants(tmp_path, workers=1, transport="native") as served,
        grpc.insecure_channel(served.target) as channel,
        Client(served.target, token=served.tokens["root"]) as root,
        Client(served.target, token=served.tokens["bob"]) as bob,
    ):
        root.create_namespace("alice", 2)
        root.create_namespace("bob", 2)
        get: Any = unary(channel, "GetNamespace")
        alice = bearer(served.tokens["alice"])
        waiting = [get.future(_WAITING, timeout=20, metadata=alice) for _ in range(4)]
        admission = served.server._server.admission
        end = time.monotonic() + 5
        while admission.in_flight < len(waiting):
            assert time.monotonic() < end
            time.sleep(0.005)
        begin = time.monotonic()
        for number in range(5):
            bob.put_categories("bob", [CategoryUpdate(f"{number}", base=[1, 0])])
        assert time.monotonic() - begin < 2
        assert admission.in_flight == len(waiting)
        # One more than a principal may have.
        with pytest.raises(grpc.RpcError) as caught:
            get(_WAITING, timeout=20, metadata=alice)
        code, text, details = refusal(caught.value)
        assert (code, "4 waiting reads of a caller" in text) == ("RESOURCE_EXHAUSTED", True)
        assert b"RetryInfo" in details
        # Another principal has its own, and one that may not read the namespace learns nothing.
        stranger = get.future(_WAITING, timeout=20, metadata=bearer(served.tokens["bob"]))
        assert stranger.code() == grpc.StatusCode.PERMISSION_DENIED
        assert {each.code() for each in waiting} == {grpc.StatusCode.FAILED_PRECONDITION}
        assert time.monotonic() - begin < 9


def test_a_read_that_waits_is_answered_once_its_revision_is_reached(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", workers=1, transport="native")
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("n", 2)

        def write() -> None:
            time.sleep(0.2)
            client.put_categories("n", [CategoryUpdate("c", base=[1, 0])])

        writer = threading.Thread(target=write)
        writer.start()
        assert client.get_namespace("n", min_revision=2).revision == 2
        writer.join()
        assert server._server.admission.in_flight == 0


def test_reads_that_begin_together_all_wait(tmp_path: Path) -> None:
    """One that met another's lock on the namespace's entry was refused at once, as if in vain."""
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", transport="native")
    request = service_pb2.GetNamespaceRequest(namespace="n", min_revision=99).SerializeToString()
    with (
        ServerHandle(settings) as server,
        Client(server.target) as client,
        grpc.insecure_channel(server.target) as channel,
    ):
        client.create_namespace("n", 2)
        get: Any = unary(channel, "GetNamespace")
        for _ in range(10):
            waiting = [get.future(request, timeout=5) for _ in range(4)]
            time.sleep(0.1)
            assert not any(each.done() for each in waiting)
            for each in waiting:
                each.cancel()
            end = time.monotonic() + 5
            while server._server.admission.in_flight:
                assert time.monotonic() < end
                time.sleep(0.005)
