"""A grant allows scopes on namespaces; any other call is denied and reveals nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from effective_embeddings import _core
from effective_embeddings.v1 import service_pb2 as pb
from tests.contract.bad_input.cases import assignment, namespace_message
from tests.support.folders import quick_folder
from tests.support.raw import EmbeddedRaw, RefusedError


@pytest.fixture(scope="module")
def engine() -> Iterator[_core.Engine]:
    with quick_folder() as folder:
        engine = _core.Engine(Path(folder) / "data")
        admin = EmbeddedRaw(engine)
        for name in ("ann", "ann-2", "ben"):
            admin.call(
                "CreateNamespace", pb.CreateNamespaceRequest(namespace=namespace_message(name))
            )
            categories = [pb.CategoryUpdate(key="a")]
            admin.call(
                "PutCategories", pb.PutCategoriesRequest(namespace=name, categories=categories)
            )
        yield engine
        engine.close()


def _raw(engine: _core.Engine, *rules: tuple[str, str]) -> EmbeddedRaw:
    return EmbeddedRaw(engine, _core.Grant("someone", list(rules)))


_READ = ("GetNamespace", lambda ns: pb.GetNamespaceRequest(namespace=ns))
_WRITE = ("Assign", lambda ns: pb.AssignRequest(namespace=ns, assignments=[assignment()]))
_PREVIEW = pb.WriteOptions(validate_only=True)
_UNDO = (
    "Undo",
    lambda ns: pb.UndoRequest(namespace=ns, revision=2, skip_conflicts=True, write=_PREVIEW),
)
_ADMIN = ("UpdateNamespace", lambda ns: pb.UpdateNamespaceRequest(namespace=ns, description="x"))


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("read", [_READ]),
        ("write", [_READ, _WRITE, _UNDO]),
        ("admin", [_READ, _WRITE, _UNDO, _ADMIN]),
    ],
)
def test_a_scope_includes_lower_scopes_only(
    engine: _core.Engine, scope: str, allowed: list[Any]
) -> None:
    raw = _raw(engine, (scope, "ann"))
    for method, request in (_READ, _WRITE, _UNDO, _ADMIN):
        if (method, request) in allowed:
            raw.call(method, request("ann"))
            continue
        with pytest.raises(RefusedError) as caught:
            raw.call(method, request("ann"))
        refusal = caught.value
        assert (refusal.code, refusal.reason) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
        assert refusal.metadata["method"] == method


def test_only_an_admin_takes_back_a_change_of_the_namespace(engine: _core.Engine) -> None:
    change = pb.UpdateNamespaceRequest(namespace="ben", description="changed")
    revision = EmbeddedRaw(engine).call("UpdateNamespace", change).namespace.revision
    undo = pb.UndoRequest(namespace="ben", revision=revision)
    with pytest.raises(RefusedError) as caught:
        _raw(engine, ("write", "*")).call("Undo", undo)
    assert caught.value.reason == "PERMISSION_DENIED"
    assert caught.value.metadata["required"] == "admin"
    assert _raw(engine, ("admin", "ben")).call("Undo", undo).change_count == 1


@pytest.mark.parametrize(
    ("pattern", "reached"),
    [
        ("ann", {"ann"}),
        ("ann*", {"ann", "ann-2"}),
        ("*", {"ann", "ann-2", "ben"}),
        ("an", set()),
        ("zoe*", set()),
    ],
)
def test_a_pattern_selects_namespaces(
    engine: _core.Engine, pattern: str, reached: set[str]
) -> None:
    raw = _raw(engine, ("read", pattern))
    listed = raw.call("ListNamespaces", pb.ListNamespacesRequest()).namespaces
    assert {namespace.name for namespace in listed} == reached
    for name in ("ann", "ann-2", "ben"):
        if name in reached:
            assert raw.call("GetNamespace", pb.GetNamespaceRequest(namespace=name))
        else:
            with pytest.raises(RefusedError, match="PERMISSION_DENIED"):
                raw.call("GetNamespace", pb.GetNamespaceRequest(namespace=name))


def test_the_existence_of_a_namespace_is_not_revealed(engine: _core.Engine) -> None:
    raw = _raw(engine, ("admin", "ann"))
    refusals = []
    for name in ("ben", "nobody"):
        with pytest.raises(RefusedError) as caught:
            raw.call("GetNamespace", pb.GetNamespaceRequest(namespace=name))
        refusals.append((caught.value.code, caught.value.reason, caught.value.message))
    assert refusals[0] == refusals[1]


def test_snapshot_and_restore_need_their_grants_too(engine: _core.Engine) -> None:
    request = pb.SnapshotRequest(namespace="ben").SerializeToString()
    grant = _core.Grant("someone", [("admin", "ann")])
    with pytest.raises(_core.StatusError) as caught:
        list(engine.server_stream("Snapshot", request, grant))
    assert caught.value.code == 7
    frames = list(engine.server_stream("Snapshot", request, _core.Grant.unrestricted("root")))
    header = pb.SnapshotResponse.FromString(frames[0]).frame
    restore = engine.client_stream("Restore", grant)
    first = pb.RestoreRequest(namespace="ben-2", frame=header).SerializeToString()
    with pytest.raises(_core.StatusError) as caught:
        restore.push(first)
    assert caught.value.code == 7


@pytest.mark.parametrize(
    ("principal", "rules"),
    [
        ("p", [("own", "ann")]),
        ("p", [("read", "")]),
        ("p", [("read", "a*b")]),
        ("p" * 257, [("read", "*")]),
    ],
)
def test_an_invalid_rule_is_refused(principal: str, rules: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        _core.Grant(principal, rules)
