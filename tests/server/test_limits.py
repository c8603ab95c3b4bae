"""Every limit that `effemb limits` lists has a test that exceeds it."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, _core, errors
from effective_embeddings._core import Call, Grant, StatusError, token_hash
from effective_embeddings.server import (
    ServerHandle,
    Settings,
    SettingsError,
    parse_tokens,
)
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.security import (
    test_hostile_clients,
    test_logs,
    test_public_services,
    test_tls,
    test_tokens,
)
from tests.server import (
    test_load_shedding,
    test_metrics_server,
    test_overload,
    test_read_limits,
    test_stderr,
)
from tests.server.limit_requests import LIMITS, REQUESTS, create, matching
from tests.support import http2
from tests.support.access import tenants, unary
from tests.support.busy_server import busy_server
from tests.support.calls import served_calls
from tests.support.raw import EmbeddedRaw, RefusedError, embedding
from tests.support.vectors import present


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_beyond_a_limit_is_refused_with_both_numbers(raw: EmbeddedRaw, name: str) -> None:
    limit = int(LIMITS[name].value)
    with pytest.raises(RefusedError) as caught:
        raw.call(*REQUESTS[name](limit + 1))
    assert caught.value.code == "INVALID_ARGUMENT"
    told = caught.value.message.replace(",", "")
    assert str(limit) in told or f"2^{limit.bit_length() - 1} " in f"{told} "
    if name != "request_bytes":
        raw.call(*REQUESTS[name](limit))


def test_match_results(raw: EmbeddedRaw) -> None:
    """The limit counts the results of all rankings together, not the requested limits."""
    limit = int(LIMITS["match_results"].value)
    raw.call(*matching(1000, limit=0))
    many = [service_pb2.CategoryUpdate(key=f"c{n}") for n in range(limit // 1000)]
    raw.call("PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=many))
    with pytest.raises(RefusedError) as caught:
        raw.call(*matching(1000, limit=0))
    assert caught.value.reason == "TOO_LARGE"
    assert caught.value.metadata["limit"] == str(limit)


def test_memberships_per_write(tmp_path: Path) -> None:
    """An entry reads the memberships of its item: 1,300 entries for one item read 844,350."""
    limit = int(LIMITS["memberships_per_write"].value)
    keys = [f"c{number}" for number in range(1_300)]
    assert sum(range(1_300)) > limit * 16 > sum(range(1_200)) + 1_200 * 15
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2, membership="multiple")
        client.put_categories("n", [CategoryUpdate(key) for key in keys])
        client.put_items("n", "x", [1, 0])
        before = client.get_namespace("n")
        with pytest.raises(errors.InvalidArgument) as caught:
            client.assign("n", ["x"] * 1_300, keys)
        assert caught.value.reason == "TOO_LARGE"
        assert caught.value.metadata["limit"] == str(limit)
        assert client.get_namespace("n") == before
        client.assign("n", ["x"] * 1_200, keys[:1_200])


def test_merged_members(tmp_path: Path) -> None:
    """As many members as may be are merged, and the merge can be taken back."""
    limit = int(LIMITS["merged_members"].value)
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        client.put_categories("n", [CategoryUpdate(key) for key in "abc"])
        keys = [f"i{number}" for number in range(limit + 1)]
        half = limit // 2
        client.assign("n", keys[:half], "a", np.ones((half, 2)))
        client.assign("n", keys[half:], "b", np.ones((half + 1, 2)))
        before = client.get_namespace("n")
        with pytest.raises(errors.InvalidArgument) as caught:
            client.merge_categories("n", ["a", "b"], "c")
        assert caught.value.reason == "TOO_LARGE"
        assert caught.value.metadata == {"limit": str(limit), "actual": str(limit + 1)}
        assert client.get_namespace("n") == before
        client.delete_items("n", keys[-1])
        before = client.get_namespace("n")
        merged = client.merge_categories("n", ["a", "b"], "c")
        assert merged.category.member_count == limit
        assert client.undo("n", merged.revision).change_count == 2 * limit + 2
        assert client.get_namespace("n").digest == before.digest


def test_capped_category_actors(tmp_path: Path) -> None:
    """As many actors as may be have members that count in a category with a max_actor_share."""
    limit = int(LIMITS["capped_category_actors"].value)
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        client.put_categories("n", [CategoryUpdate("c", max_actor_share=0.5), CategoryUpdate("d")])
        for number in range(limit):
            client.assign("n", f"i{number}", "c", [1, number], actor=f"a{number}")
        client.assign("n", "other", "d", [1, 1], actor="one more")
        before = client.get_namespace("n")
        beyond_it: list[Callable[[], object]] = [
            lambda: client.assign("n", "more", "c", [1, 1], actor="one more"),
            lambda: client.merge_categories("n", "d", "c"),
        ]
        for beyond in beyond_it:
            with pytest.raises(errors.InvalidArgument) as caught:
                beyond()
            assert caught.value.reason == "TOO_LARGE"
            actual = str(limit + 1)
            assert caught.value.metadata == {
                "limit": str(limit),
                "actual": actual,
                "category": "c",
            }
        assert client.get_namespace("n") == before
        client.assign("n", "more", "c", [1, 1], actor="a7")
        client.put_categories("n", CategoryUpdate("c", max_actor_share=1))
        client.merge_categories("n", "d", "c")
        capped = CategoryUpdate("c", max_actor_share=0.5)
        with pytest.raises(errors.InvalidArgument, match=f"the members of {limit + 1} actors"):
            client.put_categories("n", capped)
        client.put_categories("n", dataclasses.replace(capped, window=limit))
        assert len(client.get_category("n", "c").actor_shares) == limit - 1
        with pytest.raises(errors.InvalidArgument, match=f"the members of {limit + 1} actors"):
            client.put_categories("n", CategoryUpdate("c", window=0))
        assert client.verify("n").findings == ()


def test_item_parts(tmp_path: Path) -> None:
    limit = int(LIMITS["item_parts"].value)
    keys = [f"i{number}" for number in range(limit + 1)]
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        client.put_items("n", keys, np.ones((limit + 1, 2)))
        with pytest.raises(errors.InvalidArgument) as caught:
            client.put_items("n", "p", parts=dict.fromkeys(keys, 1))
        assert caught.value.reason == "TOO_LARGE"
        assert caught.value.metadata["field"] == "items[0].parts"
        assert caught.value.metadata["limit"] == str(limit)
        assert caught.value.metadata["actual"] == str(limit + 1)
        client.put_items("n", "p", parts=dict.fromkeys(keys[:-1], 1))
        removed = client.delete_items("n", keys[0])
        client.put_items("n", "p", parts=dict.fromkeys(keys[1:], 1))
        with pytest.raises(errors.InvalidArgument) as caught:
            client.undo("n", removed.revision)
        assert caught.value.metadata["limit"] == str(limit)


def test_batch_parts(raw: EmbeddedRaw) -> None:
    """The client cuts its batches by it."""
    limit = int(LIMITS["batch_parts"].value)
    items = [service_pb2.ItemUpdate(key=f"i{n}", embedding=embedding([1, n])) for n in range(1000)]
    raw.call("PutItems", service_pb2.PutItemsRequest(namespace="n", items=items))
    parts = [resources_pb2.ItemPart(item=item.key) for item in items]
    made_of = [service_pb2.ItemUpdate(key=f"p{n}", parts=parts) for n in range(limit // 1000)]
    one_more = service_pb2.ItemUpdate(key="last", parts=parts[:1])
    request = service_pb2.PutItemsRequest(namespace="n", items=[*made_of, one_more])
    with pytest.raises(RefusedError) as caught:
        raw.call("PutItems", request)
    assert caught.value.reason == "TOO_LARGE"
    assert caught.value.metadata["limit"] == str(limit)
    raw.call("PutItems", service_pb2.PutItemsRequest(namespace="n", items=made_of))


def test_a_client_cuts_its_batches_by_parts(tmp_path: Path) -> None:
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        keys = [f"i{number}" for number in range(1000)]
        client.put_items("n", keys, np.ones((1000, 2)))
        parts = dict.fromkeys(keys, 1.0)
        reply = client.put_items("n", [f"p{number}" for number in range(50)], parts=parts)
        assert all(each.created for each in reply.results)


def test_item_composites(tmp_path: Path) -> None:
    limit = int(LIMITS["item_composites"].value)
    with Client.embedded(tmp_path / "data") as client:
        client.create_namespace("n", 2)
        client.put_items("n", ["x", "y"], [[1, 0], [0, 1]])
        client.put_items("n", [f"p{n}" for n in range(limit)], parts={"x": 1, "y": 1})
        before = client.get_namespace("n")
        with pytest.raises(errors.InvalidArgument) as caught:
            client.put_items("n", "p", parts={"x": 1})
        assert caught.value.reason == "TOO_LARGE"
        assert caught.value.metadata == {"item": "p", "part": "x", "limit": str(limit)}
        assert client.get_namespace("n") == before
        client.put_items("n", "x", [3, 0])
        np.testing.assert_array_equal(present(client.get_item("n", "p7").embedding), [1.5, 0.5])


def test_defaults(raw: EmbeddedRaw) -> None:
    categories = [
        service_pb2.CategoryUpdate(key=f"c{n:03}", base=embedding([1, n])) for n in range(200)
    ]
    raw.call(
        "PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=categories)
    )
    (found,) = raw.call(*matching()).results
    assert len(found.matches) == LIMITS["default_match_limit"].value
    page = raw.call("ListCategories", service_pb2.ListCategoriesRequest(namespace="n"))
    assert len(page.categories) == LIMITS["default_page_size"].value


@pytest.mark.parametrize("name", ["snapshot_frame_records", "snapshot_frame_memberships"])
def test_a_frame_beyond_a_limit_is_refused(raw: EmbeddedRaw, name: str) -> None:
    limit = int(LIMITS[name].value)
    if name == "snapshot_frame_records":
        # Two bytes each, the shortest possible records.
        frame = _nested(2, b"\x0a\x00" * (limit + 1))
    else:
        frame = _nested(3, _nested(1, b"\x2a\x00" * (limit + 1)))
    with pytest.raises(RefusedError) as caught:
        raw.restore([_nested(2, frame)])
    assert caught.value.reason == "TOO_LARGE", caught.value
    assert caught.value.metadata["limit"] == str(limit)


def _nested(field: int, content: bytes) -> bytes:
    """An encoded message field: a million message objects would take too long."""
    length, rest = bytearray(), len(content)
    while rest >= 128:
        length.append(rest % 128 + 128)
        rest //= 128
    return bytes([field << 3 | 2]) + bytes(length) + bytes([rest]) + content


def test_revision_wait_seconds(raw: EmbeddedRaw) -> None:
    begin = time.monotonic()
    with pytest.raises(RefusedError) as caught:
        raw.call("GetNamespace", service_pb2.GetNamespaceRequest(namespace="n", min_revision=99))
    assert caught.value.reason == "REVISION_NOT_REACHED"
    assert 0 <= time.monotonic() - begin - LIMITS["revision_wait_seconds"].value < 2


_WAITING = ("waiting_reads_of_a_caller", "waiting_reads")


def test_waiting_reads(tmp_path: Path) -> None:
    """Of one caller and in all; every other read is answered, or refused at once."""
    limits = [int(LIMITS[name].value) for name in _WAITING]
    engine = _core.Engine(tmp_path / "data")
    EmbeddedRaw(engine).call(
        "CreateNamespace",
        service_pb2.CreateNamespaceRequest(
            namespace=resources_pb2.Namespace(name="n", dimension=2)
        ),
    )
    request = service_pb2.GetNamespaceRequest(namespace="n", min_revision=99)

    ended: SimpleQueue[RefusedError] = SimpleQueue()

    def wait(caller: str) -> None:
        with pytest.raises(RefusedError) as caught:
            EmbeddedRaw(engine, Grant.unrestricted(caller)).call("GetNamespace", request, 4)
        ended.put(caught.value)

    threads = [threading.Thread(target=wait, args=(caller,)) for caller in "aaaaaabbbbbb"]
    for each in threads:
        each.start()
    # Those that may not wait end at once.
    refused = [ended.get(timeout=2) for _ in range(len(threads) - limits[1])]
    assert {each.metadata["limit"] for each in refused} <= set(_WAITING)
    assert "waiting_reads_of_a_caller" in {each.metadata["limit"] for each in refused}
    wait("c")
    last = ended.get(timeout=2)
    assert (last.metadata["limit"], last.metadata["value"]) == ("waiting_reads", str(limits[1]))
    EmbeddedRaw(engine).call("GetNamespace", service_pb2.GetNamespaceRequest(namespace="n"))
    for each in threads:
        each.join()
    waited = [ended.get(timeout=2) for _ in range(limits[1])]
    assert all("limit" not in each.metadata for each in waited)
    assert {each.reason for each in (*refused, last, *waited)} == {"REVISION_NOT_REACHED"}
    engine.close()


def test_a_reply_that_is_too_large_has_a_reason_and_advice(tmp_path: Path) -> None:
    """gRPC once refused the reply with "trailing metadata", without limit and reason."""
    limit = 64 * 1024
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", max_message_bytes=limit)
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("n", 2)
        for begin in range(0, 2000, 500):
            keys = [f"{number:0100}" for number in range(begin, begin + 500)]
            client.put_categories("n", [CategoryUpdate(key, base=[1, 0]) for key in keys])
        with grpc.insecure_channel(server.target) as channel:
            call: Any = unary(channel, "Match").future(
                matching(limit=0)[1].SerializeToString(), timeout=5
            )
            assert call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "ask for less at a time" in call.details()
            details = dict(call.trailing_metadata())["grpc-status-details-bin"]
        assert b"REPLY_TOO_LARGE" in details
        assert str(limit).encode() in details
        info = client.service_info()
        assert (info.limits["request_bytes"], info.limits["reply_bytes"]) == (limit, limit)
        assert info.write_refusal is None
        assert len(client.match("n", [1, 0], limit=100)[0].matches) == 100


def test_token_bytes() -> None:
    """A longer token is not even hashed."""
    limit = int(LIMITS["token_bytes"].value)
    longest, longer = "x" * limit, "x" * (limit + 1)
    tokens = parse_tokens(
        "\n".join(f"{n} {token_hash(t)} read:*" for n, t in enumerate([longest, longer]))
    )
    assert tokens.principal_of(longest) is not None
    assert tokens.principal_of(longer) is None


def test_the_maximum_number_of_tokens_is_accepted() -> None:
    lines = [f"p{n} {token_hash(str(n))} read:*" for n in range(int(LIMITS["tokens"].value) + 1)]
    parse_tokens("\n".join(lines[:-1]))
    with pytest.raises(SettingsError, match="at most 1024"):
        parse_tokens("\n".join(lines))


def test_max_streams_per_connection(tmp_path: Path) -> None:
    """Two calls wait for a revision; a third one on the same connection waits in the client."""
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", max_streams_per_connection=2)
    request = service_pb2.GetNamespaceRequest(namespace="n", min_revision=99).SerializeToString()
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("n", 2)
        with grpc.insecure_channel(server.target) as channel:
            waiting: list[Any] = [
                unary(channel, "GetNamespace").future(request, timeout=1.5) for _ in range(2)
            ]
            _wait_for(lambda: server._server.admission.in_flight == 2)
            third: Any = unary(channel, "GetServiceInfo").future(b"", timeout=0.5)
            assert third.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            assert server._server.admission.in_flight == 2
            assert all(each.exception() for each in waiting)
            assert unary(channel, "GetServiceInfo")(b"", timeout=10)


def test_max_calls_per_principal(tmp_path: Path) -> None:
    with served_calls(tmp_path, max_concurrent_calls=16) as served:
        held = [served.begin("one") for _ in range(8)]
        with pytest.raises(StatusError, match="8 calls per principal") as caught:
            served.begin("one")
        assert caught.value.reason == "OVERLOADED"
        assert caught.value.retry_delay
        served.begin("other")
        held.pop().leave()
        served.begin("one")


def test_arriving_calls(tmp_path: Path) -> None:
    """Calls without their requests, of which each caller gets half of what the others leave.

    In the native listener: on grpcio such a call has a place among the executed ones.
    """
    with (
        tenants(tmp_path, transport="native", workers=1, max_concurrent_calls=2) as served,
        http2.Connection(served.target) as arriving,
        Client(served.target, token=served.tokens["alice"]) as alice,
        Client(served.target, token=served.tokens["bob"]) as bob,
    ):
        admission = served.server._server.admission

        def arrive(name: str, calls: int) -> None:
            for _ in range(calls):
                expected = admission.in_flight + 1
                arriving.open_call(http2.call_headers("Match", served.tokens[name]))
                _wait_for(lambda: admission.in_flight == expected)  # noqa: B023 - called here

        arrive("alice", 4)
        assert "4 calls per principal" in _refused(alice)
        assert bob.service_info().version
        arrive("bob", 2)
        assert "2 calls per principal" in _refused(bob)
        arrive("root", 1)
        arrive("reader", 1)
        assert "8 arriving calls" in _refused(bob)
    _wait_for(lambda: admission.in_flight == 0)


def _refused(client: Client) -> str:
    client._transport.retries = False  # type: ignore[misc]
    with pytest.raises(errors.ResourceExhausted) as caught:
        client.service_info()
    assert caught.value.reason == "OVERLOADED"
    return str(caught.value)


def test_max_streaming_calls(tmp_path: Path) -> None:
    with served_calls(tmp_path, max_streaming_calls=2, max_calls_per_principal=64) as served:
        streams = [served.begin("one", "Snapshot") for _ in range(2)]
        with pytest.raises(StatusError, match="2 streaming calls"):
            served.begin("one", "Restore")
        served.begin("one")
        streams.pop().leave()
        served.begin("one", "Restore")


def test_streaming_calls_per_principal(tmp_path: Path) -> None:
    """By default no principal has all of the places for streams either."""
    with served_calls(tmp_path, max_streaming_calls=4) as served:
        _held = [served.begin("one", "Snapshot") for _ in range(2)]
        with pytest.raises(StatusError, match="2 streams per principal") as caught:
            served.begin("one", "Snapshot")
        assert caught.value.reason == "OVERLOADED"
        served.begin("other", "Snapshot")
        served.begin("one")


def test_unread_replies_beyond_their_bytes_hold_the_places_of_their_calls(tmp_path: Path) -> None:
    """So a call that was executed is not refused for them, and the next one of its caller is."""
    size = 64 * 1024
    with served_calls(
        tmp_path, workers=4, max_concurrent_calls=4, max_message_bytes=size
    ) as served:
        admission = served.admission
        create = resources_pb2.Namespace(name="n", dimension=12_000)
        item = service_pb2.ItemUpdate(key="x", embedding=embedding(np.ones(12_000)))
        get = service_pb2.GetItemRequest(namespace="n", item="x", include_embedding=True)
        for method, message in (
            ("CreateNamespace", service_pb2.CreateNamespaceRequest(namespace=create)),
            ("PutItems", service_pb2.PutItemsRequest(namespace="n", items=[item])),
        ):
            served.unary("one", method, message.SerializeToString()).leave()

        def unread(caller: str, replies: int) -> list[Call]:
            request = get.SerializeToString()
            return [served.unary(caller, "GetItem", request) for _ in range(replies)]

        (one,) = unread("one", 1)
        reply = admission.reply_bytes
        one.leave()
        share = 16 * size // 2 // reply
        read_later = unread("one", share)
        assert (admission.reply_bytes, admission.in_flight) == (share * reply, 0)
        held = unread("one", 2)
        assert (admission.reply_bytes, admission.in_flight) == (share * reply, 2)
        with pytest.raises(StatusError, match="2 calls per principal"):
            served.begin("one")
        others = unread("other", share // 2)
        taken = (share + share // 2) * reply
        assert (admission.reply_bytes, admission.in_flight) == (taken, 2)
        for call in read_later:
            call.leave()
        assert (admission.reply_bytes, admission.in_flight) == (share // 2 * reply, 2)
        for call in (*held, *others):
            call.leave()
        assert (admission.reply_bytes, admission.in_flight) == (0, 0)


def test_workers(tmp_path: Path) -> None:
    """One call keeps the worker; another waits for the worker, and completes afterwards."""
    with busy_server(tmp_path, 1) as busy:
        info: Any = unary(busy.channel, "GetServiceInfo")
        second, third = (info.future(b"", timeout=seconds) for seconds in (0.3, 10))
        assert second.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert not third.done()
        assert third.result()
        assert busy.waiting.result()


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_page_bytes(raw: EmbeddedRaw) -> None:
    raw.call(*create(name="wide", dimension=16_384))
    wide = embedding(np.ones(16_384))
    for begin in (0, 40):
        categories = [
            service_pb2.CategoryUpdate(key=f"c{n}", base=wide) for n in range(begin, begin + 40)
        ]
        request = service_pb2.PutCategoriesRequest(namespace="wide", categories=categories)
        raw.call("PutCategories", request)
    view = service_pb2.ListCategoriesRequest(namespace="wide", page_size=80)
    view.include_embeddings = True
    page = raw.call("ListCategories", view)
    assert 1 < len(page.categories) < 80
    assert page.next_page_token
    assert page.ByteSize() < LIMITS["page_bytes"].value + 4 * 16_384 * 4


def test_max_connection_idle_seconds(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path / "data", listen="127.0.0.1:0", max_connection_idle_seconds=1.0
    )
    with ServerHandle(settings) as server, http2.Connection(server.target) as idle:
        assert not idle.is_closed(0.5)
        assert idle.is_closed(5)


def test_drain_seconds(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", drain_seconds=0.3)
    request = service_pb2.GetNamespaceRequest(namespace="n", min_revision=99).SerializeToString()
    with ServerHandle(settings) as server:
        with Client(server.target) as client:
            client.create_namespace("n", 2)
        with grpc.insecure_channel(server.target) as channel:
            call: Any = unary(channel, "GetNamespace").future(request, timeout=20)
            end = time.monotonic() + 10
            while not server._server.admission.in_flight:
                assert time.monotonic() < end
                time.sleep(0.01)
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            assert call.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
            stopping.join()


def test_memory_budget(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", memory_budget=200_000)
    with ServerHandle(settings) as server, Client(server.target) as client:
        assert server._engine is not None
        for name in "abc":
            client.create_namespace(name, 256)
            keys = range(40)
            client.put_categories(name, [CategoryUpdate(f"{n}", base=[1.0] * 256) for n in keys])
        end = time.monotonic() + 10
        while not server._engine.stats()["namespaces_evictions"]:
            assert time.monotonic() < end
            client.match("a", [1.0] * 256)
            client.match("b", [1.0] * 256)
        for name in "abc":
            assert len(client.match(name, [1.0] * 256, limit=0)[0].matches) == 40


def test_max_namespaces(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", max_namespaces=2)
    snapshot = tmp_path / "snapshot"
    # Existing namespaces count after a restart too, deleted ones do not.
    for _ in range(2):
        with ServerHandle(settings) as server, Client(server.target) as client:
            client.create_namespace("one", 2, request_id="one")
            client.create_namespace("two", 2, request_id="two")
            client.snapshot("two", snapshot)
            beyond_it: list[Callable[[], object]] = [
                lambda: client.create_namespace("three", 2),
                lambda: client.create_namespace("three", 2, validate_only=True),
                lambda: client.restore(snapshot, "three"),
            ]
            for beyond in beyond_it:
                with pytest.raises(errors.ResourceExhausted, match=r"may be, 2: delete") as caught:
                    beyond()
                assert caught.value.reason == "TOO_MANY_NAMESPACES"
                assert caught.value.metadata == {"limit": "2"}
            client.delete_namespace("two")
            client.restore(snapshot, "three")
            client.delete_namespace("three")
            client.create_namespace("two", 2)


# The tests of the other limits.
ELSEWHERE: dict[str, Callable[..., None]] = {
    "match_results": test_match_results,
    "memberships_per_write": test_memberships_per_write,
    "merged_members": test_merged_members,
    "capped_category_actors": test_capped_category_actors,
    "item_parts": test_item_parts,
    "batch_parts": test_batch_parts,
    "item_composites": test_item_composites,
    "default_match_limit": test_defaults,
    "default_page_size": test_defaults,
    "default_explain_limit": test_read_limits.test_explain_defaults,
    "default_explain_members": test_read_limits.test_explain_defaults,
    "explain_what_ifs": test_read_limits.test_explain_what_ifs,
    "explain_members_read": test_read_limits.test_explain_members_read,
    "review_levels": test_read_limits.test_review_levels,
    "review_sample": test_read_limits.test_review_sample,
    "default_review_sample": test_read_limits.test_review_sample,
    "copied_category_bytes": test_read_limits.test_copied_category_bytes,
    "concurrent_copied_bytes": test_read_limits.test_concurrent_copied_bytes,
    "default_review_members": test_read_limits.test_review_members,
    "review_members_read": test_read_limits.test_review_members_read,
    "duplicate_members_read": test_read_limits.test_duplicate_members_read,
    "default_impact_items": test_read_limits.test_default_impact_items,
    "default_impact_changes": test_read_limits.test_impact_listed,
    "impact_listed": test_read_limits.test_impact_listed,
    "confused_listed": test_read_limits.test_confused_listed,
    "split_listed": test_read_limits.test_review_members,
    "history_page_revisions": test_read_limits.test_history_page_revisions,
    "history_page_log_bytes": test_read_limits.test_history_page_log_bytes,
    "past_changes": test_read_limits.test_past_changes,
    "default_suggest_group_size": test_read_limits.test_suggest_defaults,
    "suggest_pairs": test_read_limits.test_suggest_pairs,
    "undo_changes": test_read_limits.test_undo_changes,
    "undo_log_bytes": test_read_limits.test_undo_log_bytes,
    "undo_listed": test_read_limits.test_undo_listed,
    "watch_heartbeat_seconds": test_read_limits.test_watch_heartbeat_seconds,
    "snapshot_frame_records": test_a_frame_beyond_a_limit_is_refused,
    "snapshot_frame_memberships": test_a_frame_beyond_a_limit_is_refused,
    "revision_wait_seconds": test_revision_wait_seconds,
    "waiting_reads": test_waiting_reads,
    "waiting_reads_of_a_caller": test_waiting_reads,
    "token_bytes": test_token_bytes,
    "tokens": test_the_maximum_number_of_tokens_is_accepted,
    "max_streams_per_connection": test_max_streams_per_connection,
    "arriving_calls": test_arriving_calls,
    "waiting_calls": test_load_shedding.test_excess_calls_are_refused_and_not_cut_off,
    "max_calls_per_principal": test_max_calls_per_principal,
    "max_streaming_calls": test_max_streaming_calls,
    "streams_per_principal": test_streaming_calls_per_principal,
    "unread_bytes": test_unread_replies_beyond_their_bytes_hold_the_places_of_their_calls,
    "unread_per_principal": (test_unread_replies_beyond_their_bytes_hold_the_places_of_their_calls),
    "reply_bytes_per_second": (
        test_hostile_clients.test_replies_that_are_not_read_take_bounded_memory
    ),
    "stream_bytes_per_second": test_hostile_clients.test_restores_that_drip_are_cancelled,
    "workers": test_workers,
    "page_bytes": test_page_bytes,
    "max_connection_idle_seconds": test_max_connection_idle_seconds,
    "max_connection_age_seconds": test_tls.test_an_old_connection_is_closed_without_dropping_a_call,
    "drain_seconds": test_drain_seconds,
    "memory_budget": test_memory_budget,
    "max_namespaces": test_max_namespaces,
    "handshake_seconds": (
        test_hostile_clients.test_silent_and_half_open_handshakes_delay_no_other_call
    ),
    "keepalive_seconds": test_hostile_clients.test_a_peer_that_answers_no_ping_is_closed,
    "max_message_bytes": test_hostile_clients.test_a_decompression_bomb_is_refused,
    "header_bytes": test_hostile_clients.test_floods_of_headers_are_cut_off,
    "max_connections": test_hostile_clients.test_thousands_of_idle_connections_and_a_limit_to_them,
    "client_stall_timeout_seconds": (
        test_hostile_clients.test_calls_without_their_request_delay_no_other_call_and_are_cancelled
    ),
    "max_concurrent_calls": test_overload.test_calls_beyond_the_permits_are_refused,
    "calls_per_second": test_overload.test_a_caller_above_its_rate_gets_a_retry_delay,
    "burst_calls": test_overload.test_a_caller_above_its_rate_gets_a_retry_delay,
    "tokens_of_a_principal": (test_tokens.test_a_principal_may_have_two_tokens_and_not_three),
    "audited_refusals": test_logs.test_a_flood_of_refusals_fills_no_disk_and_hides_no_known_caller,
    "queued_log_lines": test_stderr.test_lines_beyond_the_queue_are_dropped_and_counted,
    "metrics_connections": (
        test_metrics_server.test_incomplete_requests_hold_no_threads_and_no_descriptors
    ),
    "metrics_connection_seconds": test_metrics_server.test_a_connection_is_closed_after_its_timeout,
    "health_checks": test_public_services.test_health_checks_have_their_own_pool,
    "health_watches": test_public_services.test_a_watcher_beyond_the_bound_gets_a_retry_delay,
    "reflection_streams": test_public_services.test_reflection_has_its_own_pool,
}


def test_every_limit_has_a_test_that_exceeds_it() -> None:
    assert set(LIMITS) == set(REQUESTS) | set(ELSEWHERE)
