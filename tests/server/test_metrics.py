"""The metrics that Prometheus gets, and their limits."""

from __future__ import annotations

import dataclasses
import socket
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings._core import ENGINE_METRICS
from effective_embeddings.server import ListenError, ServerHandle, Settings, resolve
from effective_embeddings.server.observability.metric_table import SERVER_METRICS
from tests.support.access import tenants


def figures(server: ServerHandle) -> dict[str, float]:
    """All samples, by name and labels as Prometheus writes them."""
    with urllib.request.urlopen(f"http://{server.metrics_target}/metrics", timeout=5) as reply:
        lines = reply.read().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def _named(name: str, method: str, more: str = "") -> str:
    service = 'grpc_service="effective_embeddings.v1.EffectiveEmbeddingsService"'
    code = f'grpc_code="{more}",' if more else ""
    kind = {"Snapshot": "server_stream", "Restore": "client_stream"}.get(method, "unary")
    return f'{name}{{{code}grpc_method="{method}",{service},grpc_type="{kind}"}}'


def test_calls_and_assignments_are_counted(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("secret-name", 2)
        bases = [CategoryUpdate("a", base=[1, 0]), CategoryUpdate("b", base=[0, 1])]
        client.put_categories("secret-name", bases)
        client.assign("secret-name", ["1", "2"], "a", [[1, 0], [0, 1]])
        client.assign("secret-name", "1", "b")
        client.assign("secret-name", "1", "b")
        client.unassign("secret-name", "2")
        client.match("secret-name", [[1, 0], [0, 1], [1, 1]])
        client.snapshot("secret-name", tmp_path / "snapshot")
        with pytest.raises(errors.NotFound):
            client.get_namespace("nobody")
        found = figures(server)
    assert found[_named("grpc_server_started_total", "Assign")] == 3
    assert found[_named("grpc_server_handled_total", "Assign", "OK")] == 3
    assert found[_named("grpc_server_handled_total", "GetNamespace", "NOT_FOUND")] == 1
    assert found[_named("grpc_server_handling_seconds_count", "Match")] == 1
    assert found[_named("grpc_server_handled_total", "Snapshot", "OK")] == 1
    assert found['effemb_refused_total{reason="NAMESPACE_NOT_FOUND"}'] == 1
    assert found["effemb_assignments_total"] == 3
    assert found["effemb_moves_total"] == 1
    assert found["effemb_unassignments_total"] == 1
    assert (found["effemb_matches_total"], found["effemb_queries_total"]) == (1, 3)
    assert found["effemb_rows_total"] == 6
    # With so few rows no sketch is read.
    assert (found["effemb_sketch_rows_total"], found["effemb_sketch_survivors_total"]) == (0, 0)
    assert found["effemb_predictions_accepted_total"] == 1
    assert found["effemb_predictions_corrected_total"] == 1, "the second item is more like b"
    # In all three a category has an embedding and drifts from its base.
    assert found["effemb_drift_count"] == 4
    assert 0 < found["effemb_drift_sum"] < 4
    assert found["effemb_stalled_calls_cancelled_total"] == 0
    assert found["effemb_log_entries_total"] >= 5
    assert found["effemb_namespaces_loaded"] == 1
    assert found["effemb_serving"] == 1
    assert found["effemb_memory_bytes"] > 0
    assert found["effemb_calls_in_flight"] == 0
    assert found["effemb_commit_seconds_count"] >= 4
    assert found["effemb_commit_writes_sum"] >= found["effemb_commit_writes_count"]
    assert any(name.startswith("effemb_file_bytes") for name in found)
    assert not any("secret-name" in name for name in found)


def test_the_tables_name_every_metric_and_every_metric_is_in_a_table(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("ns", 2)
        with pytest.raises(errors.NotFound):
            client.get_namespace("nobody")
        with urllib.request.urlopen(f"http://{server.metrics_target}/metrics", timeout=5) as reply:
            families = list(text_string_to_metric_families(reply.read().decode()))
    served = {
        each.name: (each.type, each.documentation)
        for each in families
        if each.name.startswith(("effemb_", "grpc_server_")) and not each.name.endswith("_created")
    }
    tables = {each.name: (each.kind, each.help) for each in SERVER_METRICS.values()}
    tables |= {f"effemb_{name}": (kind, text) for name, kind, text in ENGINE_METRICS}
    assert served == tables


def test_a_retried_request_is_counted_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("ns", 2)
        client.put_categories("ns", [CategoryUpdate("a", base=[1, 0])])
        for _ in range(3):
            client.assign("ns", "1", "a", [1, 0], request_id="once")
        found = figures(server)
    assert found[_named("grpc_server_handled_total", "Assign", "OK")] == 3
    assert found["effemb_assignments_total"] == 1
    assert found["effemb_predictions_accepted_total"] == 1
    assert found["effemb_drift_count"] == 1


def test_unauthenticated_calls_add_no_time_series(tmp_path: Path) -> None:
    with tenants(tmp_path, metrics_listen="127.0.0.1:0") as served:
        with grpc.insecure_channel(served.target) as channel:
            for number in range(50):
                call: Any = channel.unary_unary(
                    f"/effective_embeddings.v1.EffectiveEmbeddingsService/Any{number}"
                )
                with pytest.raises(grpc.RpcError):
                    call(b"", timeout=5)
        found = figures(served.server)
    assert found[_named("grpc_server_handled_total", "unknown", "UNAUTHENTICATED")] == 50
    assert not any("Any1" in name for name in found)
    assert not any(name in str(found) for name in served.tokens.values())


def test_a_taken_metrics_port_is_reported(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    with ServerHandle(settings) as server, pytest.raises(ListenError, match="metrics"):
        ServerHandle(
            Settings(
                data=tmp_path / "other",
                listen="127.0.0.1:0",
                metrics_listen=server.metrics_target,
            )
        )


def test_metrics_are_served_on_the_loopback_by_default() -> None:
    assert resolve({}, environment={}).settings.metrics_listen == "127.0.0.1:9464"
    for given in ("off", "127.0.0.1:9999"):
        settings = resolve({}, environment={"EFFEMB_METRICS_LISTEN": given}).settings
        assert settings.metrics_listen == (None if given == "off" else given)


def test_a_second_server_with_the_default_address_serves_no_metrics_and_logs_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only at the default address; at an explicit one the server does not start."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Another process has the port, which serves as well.
        with suppress(OSError):
            taken.bind(("127.0.0.1", 9464))
            taken.listen()
        settings = Settings(
            data=tmp_path / "data",
            listen="127.0.0.1:0",
            metrics_listen=resolve({}, environment={}).settings.metrics_listen,
        )
        with ServerHandle(settings) as server, Client(server.target) as client:
            assert server.metrics_target is None
            assert client.service_info().version
        assert "metrics served=false" in caplog.text
        assert "127.0.0.1:9464" in caplog.text
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenError, match=listen):
            ServerHandle(dataclasses.replace(settings, metrics_listen=listen))
