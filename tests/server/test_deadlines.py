"""Work without a waiting caller is not begun; a write in progress is finished."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from effective_embeddings import Client, errors
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.access import unary
from tests.support.busy_server import busy_server


def _create(name: str) -> bytes:
    namespace = resources_pb2.Namespace(name=name, dimension=2)
    return service_pb2.CreateNamespaceRequest(namespace=namespace).SerializeToString()


@pytest.mark.parametrize("how", ["cancelled", "out of time"])
def test_a_write_whose_caller_is_gone_is_not_begun(tmp_path: Path, how: str) -> None:
    """The write waits for the only worker, and its caller leaves meanwhile."""
    with busy_server(tmp_path, 1) as busy:
        create: Any = unary(busy.channel, "CreateNamespace")
        seconds = 30.0 if how == "cancelled" else 0.5
        given_up = create.future(_create("given-up"), timeout=seconds)
        end = time.monotonic() + 5
        while busy.calls() < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        if how == "cancelled":
            given_up.cancel()
            assert given_up.cancelled()
        else:
            assert given_up.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        # Behind it in the same queue: once this call is done, the other one was dequeued.
        assert create.future(_create("waited-for"), timeout=20).result()
        assert busy.client.get_namespace("waited-for").revision == 1
        with pytest.raises(errors.NotFound):
            busy.client.get_namespace("given-up")


def test_a_write_in_progress_finishes_after_its_deadline(
    tmp_path: Path,
) -> None:
    """As a whole: either all of its items exist or none."""
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0")
    keys = [f"{number}" for number in range(2000)]
    embedding = resources_pb2.Embedding(data=np.ones(64, np.float32).tobytes())
    items = [service_pb2.ItemUpdate(key=key, embedding=embedding) for key in keys]
    finished = 0
    with (
        ServerHandle(settings) as server,
        Client(server.target) as client,
        grpc.insecure_channel(server.target) as channel,
    ):
        put: Any = unary(channel, "PutItems")
        for number in range(40):
            name = f"n{number}"
            client.create_namespace(name, 64)
            request = service_pb2.PutItemsRequest(namespace=name, items=items)
            call = put.future(request.SerializeToString(), timeout=0.002 + 0.001 * number)
            late = call.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            end = time.monotonic() + 10
            while server._server.admission.in_flight:
                assert time.monotonic() < end
                time.sleep(0.005)
            there = client.get_namespace(name).item_count
            assert there in ((0, len(keys)) if late else (len(keys),))
            finished += late and there == len(keys)
    assert finished > 0
