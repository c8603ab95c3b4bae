"""A restore is all or nothing: a truncated or damaged snapshot is refused and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import Client, errors, read_frames
from effective_embeddings.client.errors import AlreadyExists
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.frames import Frame, frames_of, header, requests, trailer
from tests.support.raw import Raw, RefusedError

_Frames = list[Frame]


def _category(frames: _Frames) -> resources_pb2.Category:
    return frames[1].categories.categories[0]


def _item(frames: _Frames, key: str = "c0 item 0") -> resources_pb2.Item:
    return next(item for item in frames[2].items.items if item.key == key)


def _changed(change: Callable[[_Frames], Any]) -> Callable[[_Frames], _Frames]:
    """The frames with a change."""

    def apply(frames: _Frames) -> _Frames:
        change(frames)
        return frames

    return apply


def _nudge(embedding: resources_pb2.Embedding) -> None:
    """Flip the last bit of the first component."""
    data = bytearray(embedding.data)
    data[0] ^= 1
    embedding.data = bytes(data)


def _set_infinite(embedding: resources_pb2.Embedding) -> None:
    vector = np.frombuffer(embedding.data, "<f4").copy()
    vector[1] = np.inf
    embedding.data = vector.tobytes()


def _swap_items(frames: _Frames) -> None:
    items = frames[2].items.items
    items.sort(key=lambda item: item.key, reverse=True)


# The fault, the change that makes it, and the field that the refusal names.
_DAMAGE: list[tuple[str, Callable[[_Frames], Sequence[Any]], str]] = [
    ("nothing at all", lambda _: [], "frame"),
    ("only the header", lambda frames: frames[:1], "frame"),
    ("no trailer", lambda frames: frames[:-1], "frame"),
    ("no header", lambda frames: frames[1:], "frame"),
    ("two headers", lambda frames: [frames[0], *frames], "frame"),
    ("items before categories", lambda frames: [frames[i] for i in (0, 2, 1, 3)], "frame"),
    ("something after the trailer", lambda frames: [*frames, frames[2]], "frame"),
    ("a frame of nothing", lambda frames: [frames[0], Frame(), *frames[1:]], "frame"),
    ("no categories", lambda frames: [frames[i] for i in (0, 2, 3)], "frame"),
    ("no items", lambda frames: [frames[i] for i in (0, 1, 3)], "frame.trailer.item_count"),
    ("items twice", lambda frames: [frames[i] for i in (0, 1, 2, 2, 3)], "*"),
    ("keys out of order", _changed(_swap_items), "frame.items.items[1].key"),
    (
        "a category twice",
        _changed(lambda f: f[1].categories.categories.insert(0, _category(f))),
        "frame.categories.categories[1].key",
    ),
    (
        "an item less",
        _changed(lambda f: f[2].items.items.pop()),
        "frame.trailer.item_count",
    ),
    (
        "a count that is not so",
        _changed(lambda f: setattr(trailer(f), "category_count", 6)),
        "frame.trailer.category_count",
    ),
    (
        "a membership less",
        _changed(lambda f: _item(f).memberships.pop()),
        "frame.trailer.membership_count",
    ),
    (
        "two memberships in a SINGLE namespace",
        _changed(lambda f: _item(f).memberships.add(**_membership("c1", 99))),
        "frame",
    ),
    (
        "a membership of no category",
        _changed(lambda f: setattr(_item(f).memberships[0], "category", "nowhere")),
        "frame",
    ),
    (
        "a membership without a place",
        _changed(lambda f: setattr(_item(f).memberships[0], "sequence", 0)),
        "frame",
    ),
    (
        "two members in one place",
        _changed(lambda f: setattr(_item(f).memberships[0], "sequence", 2)),
        "frame",
    ),
    (
        "a dismissal that was not there",
        _changed(lambda f: _item(f).dismissals.add(**_dismissal("c1"))),
        "frame",
    ),
    (
        "a dismissal from no category",
        _changed(lambda f: _item(f).dismissals.add(**_dismissal("nowhere"))),
        "frame",
    ),
    (
        "a dismissal from its category",
        _changed(lambda f: _item(f).dismissals.add(**_dismissal("c0"))),
        "frame",
    ),
    (
        "a dismissal twice",
        _changed(lambda f: [_item(f).dismissals.add(**_dismissal("c1")) for _ in range(2)]),
        "frame",
    ),
    (
        "a dismissal without a time",
        _changed(lambda f: _item(f).dismissals.add(category="c1")),
        "frame.items.items[0].dismissals[0].dismiss_time",
    ),
    (
        "parts that were not there",
        _changed(lambda f: _item(f).parts.add(item="c0 item 1", weight=1)),
        "frame",
    ),
    (
        "a part of itself",
        _changed(lambda f: _item(f).parts.add(item="c0 item 0", weight=1)),
        "frame",
    ),
    (
        "a part that did not come",
        _changed(lambda f: _item(f).parts.add(item="nobody", weight=1)),
        "frame",
    ),
    (
        "a part of no weight",
        _changed(lambda f: _item(f).parts.add(item="c0 item 1", weight=0)),
        "frame.items.items[0].parts[0].weight",
    ),
    (
        "a part without a key",
        _changed(lambda f: _item(f).parts.add(weight=1)),
        "frame.items.items[0].parts[0].item",
    ),
    ("another digest", _changed(lambda f: setattr(trailer(f), "digest", b"x" * 32)), "frame"),
    (
        "a digest of the wrong size",
        _changed(lambda f: setattr(trailer(f), "digest", b"x")),
        "frame.trailer.digest",
    ),
    ("a flipped bit in an item", _changed(lambda f: _nudge(_item(f).embedding)), "frame"),
    ("a flipped bit in a base", _changed(lambda f: _nudge(_category(f).base)), "frame"),
    ("another weight", _changed(lambda f: setattr(_item(f), "weight", 2)), "frame"),
    ("another window", _changed(lambda f: setattr(_category(f), "window", 2)), "frame"),
    ("other metadata", _changed(lambda f: _item(f).metadata.update({"a": "b"})), "frame"),
    (
        "another model in the header",
        _changed(lambda f: setattr(header(f).namespace, "embedding_model", "other")),
        "frame",
    ),
    (
        "an infinite component",
        _changed(lambda f: _set_infinite(_item(f).embedding)),
        "frame.items.items[0].embedding",
    ),
    (
        "an item without an embedding",
        _changed(lambda f: _item(f).ClearField("embedding")),
        "frame.items.items[0].embedding",
    ),
    (
        "a weight out of its range",
        _changed(lambda f: setattr(_item(f), "weight", -1)),
        "frame.items.items[0].weight",
    ),
    (
        "an empty key",
        _changed(lambda f: setattr(_category(f), "key", "")),
        "*",
    ),
    (
        "another dimension",
        _changed(lambda f: setattr(header(f).namespace, "dimension", 9)),
        "frame.categories.categories[0].base",
    ),
    (
        "no dimension",
        _changed(lambda f: setattr(header(f).namespace, "dimension", 0)),
        "frame.header.namespace.dimension",
    ),
    (
        "a format of the future",
        _changed(lambda f: setattr(header(f), "format", 2)),
        "frame.header.format",
    ),
    (
        "the effective view",
        _changed(lambda f: setattr(header(f), "view", resources_pb2.SNAPSHOT_VIEW_EFFECTIVE)),
        "frame.header.view",
    ),
    ("no namespace", _changed(lambda f: header(f).ClearField("namespace")), "*"),
]


def _membership(category: str, sequence: int) -> dict[str, Any]:
    return {"category": category, "sequence": sequence, "assign_time": {"seconds": 1}}


def _dismissal(category: str) -> dict[str, Any]:
    return {"category": category, "dismiss_time": {"seconds": 1}}


@pytest.mark.parametrize(
    ("damage", "field"),
    [(damage, field) for _, damage, field in _DAMAGE],
    ids=[name for name, _, _ in _DAMAGE],
)
def test_a_damaged_snapshot_is_refused_and_leaves_nothing(
    damage: Callable[[_Frames], Sequence[Frame]],
    field: str,
    client: Client,
    raw: Raw,
    full: str,
    tmp_path: Path,
) -> None:
    frames = frames_of(client, full, tmp_path)
    copy = f"{full}-copy"
    with pytest.raises(RefusedError) as caught:
        raw.restore(requests(damage(frames), copy))
    refusal = caught.value
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_SNAPSHOT"), refusal
    if field != "*":
        assert refusal.metadata["field"] == field, refusal.message
        assert next(iter(refusal.fields)) == field
    assert [each.name for each in client.list_namespaces(full)] == [full]
    # The name is free, and the complete snapshot can still be restored into it.
    client.restore(tmp_path / f"{full}.snapshot", copy)
    assert client.get_namespace(copy).digest == client.get_namespace(full).digest


def test_a_flipped_bit_anywhere_in_the_file_is_refused(
    client: Client, full: str, tmp_path: Path
) -> None:
    file, damaged, copy = tmp_path / "intact", tmp_path / "damaged", f"{full}-copy"
    client.snapshot(full, file)
    content, frames = file.read_bytes(), list(read_frames(file))
    # The last byte too: a flipped bit of the trailer's checksum.
    for place in [*range(0, len(content), len(content) // 97), len(content) - 1]:
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        damaged.write_bytes(flipped)
        with suppress(errors.SnapshotFileError):
            # A few bits mean nothing, as the second lowest of a `true`: every value is the same.
            if list(read_frames(damaged)) == frames:
                continue
        with pytest.raises((errors.SnapshotFileError, errors.InvalidArgument)) as caught:
            client.restore(damaged, copy)
        assert "frame" in str(caught.value), place
    assert [each.name for each in client.list_namespaces(full)] == [full]
    client.restore(file, copy)
    assert client.get_namespace(copy).digest == client.get_namespace(full).digest


def test_frames_without_checksums_are_refused(
    client: Client, raw: Raw, full: str, tmp_path: Path
) -> None:
    frames = frames_of(client, full, tmp_path)
    for frame in frames:
        frame.ClearField("checksum")
    with pytest.raises(RefusedError) as caught:
        raw.restore(
            service_pb2.RestoreRequest(namespace=f"{full}-copy", frame=frame) for frame in frames
        )
    refusal = caught.value
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_SNAPSHOT")
    assert (refusal.metadata["field"], refusal.metadata["frame"]) == ("frame.checksum", "1")


def test_malformed_frames_are_refused(client: Client, raw: Raw, full: str, tmp_path: Path) -> None:
    frames = frames_of(client, full, tmp_path)
    with pytest.raises(RefusedError) as caught:
        raw.restore([*requests(frames[:1], f"{full}-copy"), b"\xff\xff\xff no protobuf"])
    assert caught.value.reason == "MALFORMED_REQUEST"
    assert [each.name for each in client.list_namespaces(full)] == [full]


def test_a_taken_name_is_refused_before_anything_is_sent(
    client: Client, raw: Raw, full: str, tmp_path: Path
) -> None:
    frames, before = frames_of(client, full, tmp_path), client.get_namespace(full)
    with pytest.raises(RefusedError) as caught:
        raw.restore(requests(frames, full))
    assert (caught.value.code, caught.value.reason) == ("ALREADY_EXISTS", "NAMESPACE_EXISTS")
    assert client.get_namespace(full) == before


def test_a_restore_repeated_with_its_id_returns_the_first_answer(
    client: Client, full: str, tmp_path: Path
) -> None:
    file = tmp_path / f"{full}.snapshot"
    client.snapshot(full, file)
    copy = f"{full}-copy"
    first = client.restore(file, copy, request_id="once")
    client.update_namespace(copy, description="since")
    now = client.get_namespace(copy)
    assert client.restore(file, copy, request_id="once") == first
    assert client.get_namespace(copy) == now
    with pytest.raises(AlreadyExists):
        client.restore(file, copy, request_id="twice")


def test_an_unsupported_write_option_of_restore_is_refused(
    client: Client, raw: Raw, full: str, tmp_path: Path
) -> None:
    first, *rest = requests(frames_of(client, full, tmp_path), f"{full}-copy")
    assert isinstance(first, service_pb2.RestoreRequest)
    first.write.validate_only = True
    with pytest.raises(RefusedError) as caught:
        raw.restore([first, *rest])
    refusal = caught.value
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "OUT_OF_RANGE")
    assert refusal.metadata["field"] == "write.validate_only"
    assert [each.name for each in client.list_namespaces(full)] == [full]


def test_an_interrupted_upload_leaves_nothing(
    client: Client, raw: Raw, full: str, tmp_path: Path
) -> None:
    frames = frames_of(client, full, tmp_path)
    client.restore(tmp_path / f"{full}.snapshot", f"{full}-copy")
    client.delete_namespace(f"{full}-copy", force=True)
    with pytest.raises(RefusedError):
        raw.restore(requests(frames[:2], f"{full}-copy"))
    assert [each.name for each in client.list_namespaces(full)] == [full]
    assert client.verify(full).ok
