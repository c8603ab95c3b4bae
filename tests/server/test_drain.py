"""A stopping server refuses new calls, finishes calls in flight, and exits with 0."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings.v1 import service_pb2
from tests.support.frames import frames_of, requests
from tests.support.populated import fill
from tests.support.process import ServerProcess
from tests.support.raw import serialized

SERVICE = "effective_embeddings.v1.EffectiveEmbeddingsService"
_STATUS = health_pb2.HealthCheckResponse


def test_sigterm_finishes_calls_in_flight_and_exits_with_0(data_dir: Path, tmp_path: Path) -> None:
    """A restore that is half received at the signal is completed and answered."""
    with ServerProcess(data_dir) as process, Client(process.target) as client:
        fill(client, "ns")
        first, *rest = requests(frames_of(client, "ns", tmp_path), "copy")
        go_on = threading.Event()

        def uploads() -> Iterator[bytes]:
            yield serialized(first)
            go_on.wait(10)
            yield from map(serialized, rest)

        with grpc.insecure_channel(process.target) as channel:
            upload: Any = channel.stream_unary(f"/{SERVICE}/Restore")
            answer = upload.future(uploads(), timeout=20)
            time.sleep(0.2)
            process.process.send_signal(signal.SIGTERM)
            process.wait_for_log("draining")
            with pytest.raises(errors.Unavailable):
                client.with_timeout(0.2).get_namespace("ns")
            go_on.set()
            copy = service_pb2.RestoreResponse.FromString(answer.result()).namespace
        assert process.wait() == 0
        assert "drained=True" in process.log()
    with Client.embedded(data_dir) as client:
        assert client.get_namespace("copy").digest == copy.digest


def test_health_is_not_serving_while_draining(data_dir: Path) -> None:
    with ServerProcess(data_dir) as process, Client(process.target) as client:
        client.create_namespace("ns", 2)
        with grpc.insecure_channel(process.target) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20)
            statuses = iter(watch)
            assert next(statuses).status == _STATUS.SERVING
            process.process.send_signal(signal.SIGTERM)
            assert next(statuses).status == _STATUS.NOT_SERVING
            watch.cancel()
        assert process.wait() == 0


def test_writes_in_flight_at_sigterm_are_acknowledged_or_not_applied(data_dir: Path) -> None:
    acknowledged: list[str] = []
    with ServerProcess(data_dir) as process:

        def write(worker: int) -> None:
            with Client(process.target, timeout=5) as client:
                for number in range(10_000):
                    key = f"{worker}-{number}"
                    try:
                        client.assign("ns", key, "c", np.ones(2))
                    except errors.EffectiveEmbeddingsError:
                        return
                    acknowledged.append(key)

        with Client(process.target) as client:
            client.create_namespace("ns", 2)
            client.put_categories("ns", [CategoryUpdate("c")])
        threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert process.terminate() == 0
        for thread in threads:
            thread.join(20)
    assert acknowledged
    with Client.embedded(data_dir) as client:
        stored = {item.key for item in client.list_items("ns", category="c")}
        assert set(acknowledged) <= stored
        assert client.verify("ns").ok


def test_a_second_signal_ends_the_server_at_once(data_dir: Path) -> None:
    with (
        ServerProcess(data_dir, "--drain-seconds", "60") as process,
        Client(process.target) as client,
    ):
        client.create_namespace("ns", 2)
        waiting = threading.Thread(target=_wait_in_vain, args=(client,))
        waiting.start()
        time.sleep(0.2)
        process.process.send_signal(signal.SIGTERM)
        process.wait_for_log("draining")
        process.process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 1
        waiting.join()
    with Client.embedded(data_dir) as client:
        assert client.verify("ns").ok


def _wait_in_vain(client: Client) -> None:
    with pytest.raises(errors.EffectiveEmbeddingsError):
        client.with_timeout(8).get_namespace("ns", min_revision=100)
