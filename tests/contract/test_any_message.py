"""Messages of every request type, generated from the descriptors: answered, or refused properly.

The short form is deterministic; `HYPOTHESIS_PROFILE=slow` searches for new failures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import event, given, settings
from hypothesis import strategies as st

from effective_embeddings._core import METHODS, Engine, Grant, StatusError
from effective_embeddings.server import ServerHandle, Settings
from effective_embeddings.v1 import errors_pb2, resources_pb2, service_pb2
from tests.support.folders import quick_folder
from tests.support.raw import EmbeddedRaw, Raw, RefusedError, RemoteRaw

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
_WRITES = {name for name, scope in METHODS if scope != "read"}
_CODES = {
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "DEADLINE_EXCEEDED",
}
# A wait for a revision that is never reached ends with the deadline.
_SECONDS = 5.0

_WORDS = st.sampled_from(["alice", "bob", "health", "work", "run", "model-a", "once"])
_TEXTS = st.one_of(
    _WORDS,
    _WORDS,
    st.text(max_size=8),
    st.integers(120, 1030).map("k".__mul__),
    st.just("x" * 5_000),
)
_FLOATS = st.one_of(
    st.floats(-4, 4, width=32),
    st.sampled_from([0.0, -0.0, 1.0, 1e-45, 1e-9, 32_768.0, -32_768.0, 1_048_576.0, 3e38]),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)


def _whole(low: int, high: int) -> st.SearchStrategy[int]:
    return st.one_of(
        st.integers(0, 3),
        st.sampled_from([low, high, high - 1, 1_000, 1_001, 16_384]),
        st.integers(low, high),
    )


_NUMBERS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_INT32: _whole(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: _whole(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: _whole(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _whole(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: _whole(-1, 2**31 - 1),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_FLOAT: _FLOATS,
    FieldDescriptor.CPPTYPE_DOUBLE: _FLOATS,
}


_KEYS = st.sampled_from(["health", "work", "run", "alice", "new"])
# Plausible values by field name, so that messages pass the first checks.
_LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "namespace": st.just("alice"),
    "name": st.sampled_from(["bob", "alice"]),
    "prefix": st.just(""),
    "page_token": st.just(""),
    "embedding_model": st.sampled_from(["", "model-a"]),
    "dimension": st.integers(1, 3),
    "normalization": st.integers(0, 2),
    "membership": st.integers(0, 2),
    "view": st.integers(0, 2),
    "page_size": st.integers(0, 3),
    "limit": st.integers(0, 3),
    "min_revision": st.integers(0, 3),
    "window": st.integers(0, 3),
    "weight": st.floats(0.0009765625, 100, width=32),
    "base_weight": st.floats(0.0009765625, 100, width=32),
    "min_base_share": st.floats(0, 0.9),
    "min_score": st.floats(-1, 1),
    "max_actor_share": st.floats(0.01, 1),
    "request_id": st.sampled_from(["", "once"]),
    "actor": st.just("somebody"),
    "reason": st.just("because"),
    "description": st.just("a text"),
} | dict.fromkeys(("key", "item", "items", "category", "categories"), _KEYS)


def _vectors() -> st.SearchStrategy[bytes]:
    import numpy as np  # noqa: PLC0415 - only here

    floats = st.lists(_FLOATS, min_size=1, max_size=3)
    return floats.map(lambda each: np.asarray(each, "<f4").tobytes())


def _value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        if field.message_type.name == "Embedding":
            return st.one_of(_TWO, _TWO, _TWO, _message(field.message_type))
        return _message(field.message_type)
    wild = _wild(field)
    likely = _LIKELY.get(field.name)
    return wild if likely is None else st.one_of(*[likely] * 12, wild)


# Vectors of the namespace's dimension.
_TWO = st.tuples(st.floats(-4, 4, width=32), st.floats(0.5, 4, width=32)).map(
    lambda each: resources_pb2.Embedding(values=each)
)


def _wild(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return st.one_of(_vectors(), _vectors(), st.binary(max_size=40))
        return _TEXTS
    return _NUMBERS[field.cpp_type]


@st.composite
def _message(draw: st.DrawFn, descriptor: Any) -> Any:
    message: Any = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        # A message without its first fields fails the first check.
        if draw(st.integers(0, 19)) < (1 if field.number <= 2 else 12):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            pairs = st.dictionaries(
                _value(field.message_type.fields_by_name["key"]),
                _value(field.message_type.fields_by_name["value"]),
                max_size=3,
            )
            getattr(message, field.name).update(draw(pairs))
        elif field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(_value(field), max_size=3)))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(draw(_value(field)))
        else:
            setattr(message, field.name, draw(_value(field)))
    return message


@st.composite
def _calls(draw: st.DrawFn) -> list[tuple[str, Message]]:
    methods = st.sampled_from([each for each in _SERVICE.methods if not each.server_streaming])
    drawn = draw(st.lists(methods, min_size=1, max_size=4))
    return [(method.name, draw(_message(method.input_type))) for method in drawn]


@pytest.fixture(scope="module", params=["remote", "embedded"])
def raw(request: pytest.FixtureRequest) -> Iterator[Raw]:
    """A service of this test's own, because it changes arbitrary state."""
    with quick_folder() as folder:
        if request.param == "embedded":
            engine = Engine(folder / "data")
            yield EmbeddedRaw(engine)
            engine.close()
            return
        settings_ = Settings(data=folder / "data", listen="127.0.0.1:0", drain_seconds=5)
        with ServerHandle(settings_) as server, grpc.insecure_channel(server.target) as channel:
            yield RemoteRaw(channel)


@pytest.fixture(scope="module")
def embedded() -> Iterator[Engine]:
    with quick_folder() as folder:
        engine = Engine(folder / "data")
        yield engine
        engine.close()


def _state(raw: Raw) -> dict[str, resources_pb2.Namespace]:
    listed = raw.call("ListNamespaces", service_pb2.ListNamespacesRequest(page_size=1000))
    return {each.name: each for each in listed.namespaces}


def _begin_again(raw: Raw) -> None:
    """Reset the state to one namespace with a few categories and items."""
    for name in _state(raw):
        raw.call("DeleteNamespace", service_pb2.DeleteNamespaceRequest(namespace=name, force=True))
    requests: list[tuple[str, Message]] = [
        (
            "CreateNamespace",
            service_pb2.CreateNamespaceRequest(
                namespace={"name": "alice", "dimension": 2, "embedding_model": "model-a"}
            ),
        ),
        (
            "PutCategories",
            service_pb2.PutCategoriesRequest(
                namespace="alice",
                categories=[{"key": "health", "base": {"values": [1, 0]}}, {"key": "work"}],
            ),
        ),
        (
            "Assign",
            service_pb2.AssignRequest(
                namespace="alice",
                assignments=[
                    {"item": "run", "category": "health", "embedding": {"values": [3, 1]}},
                    {"item": "alice", "category": "work", "embedding": {"values": [1, 2]}},
                ],
            ),
        ),
    ]
    for method, request in requests:
        raw.call(method, request)


def _answer(raw: Raw, method: str, request: Message) -> Any:
    try:
        if method == "Restore":
            return raw.restore([request, request])
        return raw.call(method, request, _SECONDS if method in _WRITES else 0.05)
    except RefusedError as error:
        return error


def _check_refused(method: str, error: RefusedError) -> None:
    if error.code == "DEADLINE_EXCEEDED" and not error.reason:
        return  # The client's own deadline expired first.
    assert error.code in _CODES, (method, error)
    assert f"ERROR_REASON_{error.reason}" in errors_pb2.ErrorReason.keys(), (method, error)  # noqa: SIM118 - an enum
    assert error.domain == "effective-embeddings"
    assert error.message


@settings(max_examples=max(150, settings.default.max_examples if settings.default else 0))
@given(calls=_calls())
def test_any_message_is_answered_or_refused_within_the_contract(
    raw: Raw, calls: list[tuple[str, Message]]
) -> None:
    _begin_again(raw)
    for method, request in calls:
        before = _state(raw)
        answer = _answer(raw, method, request)
        # --hypothesis-show-statistics shows how many messages are accepted.
        event(answer.code if isinstance(answer, RefusedError) else f"answered {method}")
        after = _state(raw)
        if isinstance(answer, RefusedError):
            _check_refused(method, answer)
            assert after == before, (method, answer)
            continue
        write = getattr(request, "write", None)
        if method not in _WRITES or (write is not None and write.validate_only):
            assert after == before, method
        for name, namespace in after.items():
            if before.get(name) == namespace:
                continue
            assert method in _WRITES
            if name in before and before[name].create_time == namespace.create_time:
                assert namespace.revision > before[name].revision
            report = raw.call("Verify", service_pb2.VerifyRequest(namespace=name))
            assert not report.findings, (method, report)
            assert report.digest == namespace.digest
        if write is not None and write.request_id and not write.validate_only:
            again = _answer(raw, method, request)
            assert again == answer, method
            assert _state(raw) == after


@settings(max_examples=60)
@given(request=_message(service_pb2.SnapshotRequest.DESCRIPTOR))
def test_any_snapshot_request_is_answered_or_refused_within_the_contract(
    embedded: Engine, request: Message
) -> None:
    """Snapshot is a stream, and so is not covered above."""
    raw, asked = EmbeddedRaw(embedded), request.SerializeToString()
    _begin_again(raw)
    before = _state(raw)
    outcome = "answered"
    try:
        assert (
            len(list(embedded.server_stream("Snapshot", asked, Grant.unrestricted("t"), 0.05))) >= 2
        )
    except StatusError as error:
        outcome = {each.value[0]: each.name for each in grpc.StatusCode}[error.code]
    event(outcome)
    assert outcome in _CODES | {"answered"}
    assert _state(raw) == before
