"""A snapshot has everything at one revision, and restores to an identical state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import (
    CategoryUpdate,
    Client,
    SnapshotFileError,
    SnapshotProgress,
    read_frames,
)
from effective_embeddings.client.errors import AlreadyExists, NotFound
from effective_embeddings.v1 import resources_pb2, service_pb2
from tests.support.frames import frames_of, header, kinds, trailer
from tests.support.populated import DIMENSION
from tests.support.raw import Raw
from tests.support.vectors import random_vectors


def _dump(client: Client, ns: str) -> list[object]:
    """The content of a namespace without its name, revision and times of creation."""
    namespace = client.get_namespace(ns)
    counts = (namespace.category_count, namespace.item_count, namespace.membership_count)
    settings = (namespace.dimension, namespace.embedding_model, namespace.normalization)
    texts = (namespace.membership, namespace.description, dict(namespace.labels))
    categories = list(client.list_categories(ns, include_embeddings=True))
    items = list(client.list_items(ns, include_embeddings=True))
    return [namespace.digest, counts, settings, texts, categories, items]


def _make_rich(client: Client, ns: str) -> None:
    """Change every setting of a populated namespace."""
    client.put_categories(
        ns,
        [
            CategoryUpdate("c0", base_weight=0, window=3),
            CategoryUpdate("c1", min_base_share=0.5, metadata={"name": "one", "note": ""}),
            CategoryUpdate("c2", frozen=True),
            CategoryUpdate("c3", clear_base=True),
            CategoryUpdate("empty"),
        ],
    )
    client.reanchor(ns, "c4", keep_last=2)
    client.put_items(ns, "inbox 1", weights=0.1, metadata={"text": "dvě jídla\n"})
    client.assign(ns, "inbox 2", "c1", actor="ann", reason="said so")
    client.update_namespace(ns, description="of everything", labels={"owner": "ann"})


def test_a_restored_namespace_is_the_same_to_the_last_bit(
    client: Client, full: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    _make_rich(client, full)
    summary = client.snapshot(full, tmp_path / "snapshot")
    copy = new_name()
    restored = client.restore(tmp_path / "snapshot", copy)
    assert restored.revision == 1
    assert restored.digest == summary.digest
    assert _dump(client, copy) == _dump(client, full)
    queries = random_vectors(10, DIMENSION, seed=20)
    original, again = (client.match(name, queries, limit=0) for name in (full, copy))
    assert [each.matches for each in again] == [each.matches for each in original]
    assert client.verify(copy).ok


def test_the_same_writes_after_a_restore_have_the_same_effect(
    client: Client, full: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    """Windows and anchors depend on the order of assignment, which a restore must keep."""
    _make_rich(client, full)
    client.snapshot(full, tmp_path / "snapshot")
    copy = new_name()
    client.restore(tmp_path / "snapshot", copy)
    for ns in (full, copy):
        client.unassign(ns, ["c0 item 6", "c4 item 7"])
        client.assign(ns, ["inbox 3", "inbox 4"], ["c0", "c4"])
        client.reanchor(ns, "c1", keep_last=4)
        client.put_categories(ns, [CategoryUpdate("c2", frozen=False, window=2)])
    assert client.get_namespace(copy).digest == client.get_namespace(full).digest


def test_members_after_a_restore_follow_an_anchor_without_a_member(
    client: Client, full: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    """The anchor of a removed member is the highest position; a new member must still count."""
    client.reanchor(full, "c4")
    client.delete_items(full, [item.key for item in client.list_items(full, category="c4")])
    client.snapshot(full, tmp_path / "snapshot")
    copy = new_name()
    client.restore(tmp_path / "snapshot", copy)
    client.assign(copy, "inbox 1", "c4")
    assert client.get_category(copy, "c4").counting_count == 1


def test_the_summary_has_the_counts_of_the_snapshot(
    client: Client, full: str, tmp_path: Path
) -> None:
    file = tmp_path / "snapshot"
    told: list[SnapshotProgress] = []
    summary = client.snapshot(full, file, progress=told.append)
    assert (summary.category_count, summary.item_count, summary.membership_count) == (5, 47, 40)
    assert summary.size == file.stat().st_size
    assert (summary.view, summary.file) == ("full", file)
    namespace = client.get_namespace(full)
    assert summary.namespace == namespace
    assert summary.digest == namespace.digest
    last = told[-1]
    assert (last.categories, last.items, last.bytes) == (5, 47, summary.size)
    assert (last.category_total, last.item_total) == (5, 47)
    assert [each.frames for each in told] == list(range(1, len(told) + 1))


def test_frames_are_header_categories_items_trailer_by_key(
    client: Client, full: str, tmp_path: Path
) -> None:
    frames = frames_of(client, full, tmp_path)
    assert kinds(frames) == ["header", "categories", "items", "trailer"]
    assert header(frames).format == 1
    assert header(frames).view == resources_pb2.SNAPSHOT_VIEW_FULL
    keys = [category.key for category in frames[1].categories.categories]
    assert keys == sorted(keys)
    keys = [item.key for item in frames[2].items.items]
    assert keys == sorted(keys)
    assert trailer(frames).digest == client.get_namespace(full).digest


def test_large_snapshots_come_in_many_frames_of_about_a_mebibyte(
    client: Client, ns: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    client.create_namespace(ns, 1024)
    client.put_categories(ns, [CategoryUpdate("c", base=np.ones(1024))])
    vectors = random_vectors(1200, 1024, seed=21)
    client.assign(ns, [f"item {number:04}" for number in range(1200)], "c", vectors)
    frames = frames_of(client, ns, tmp_path)
    assert len(frames) > 5
    assert max(frame.ByteSize() for frame in frames) < 2 * 1024 * 1024
    copy = new_name()
    client.restore(tmp_path / f"{ns}.snapshot", copy)
    assert client.get_namespace(copy).digest == client.get_namespace(ns).digest


def test_the_effective_view_is_enough_to_match_elsewhere(
    client: Client, full: str, tmp_path: Path
) -> None:
    file = tmp_path / "effective"
    summary = client.snapshot(full, file, view="effective")
    assert (summary.view, summary.item_count) == ("effective", 0)
    categories = [
        category for frame in read_frames(file) for category in frame.categories.categories
    ]
    assert not any(category.HasField("base") for category in categories)
    matrix = np.stack([np.frombuffer(each.effective.data, "<f4") for each in categories])
    rows = matrix.astype(np.float64)
    query = random_vectors(1, DIMENSION, seed=22)[0]
    scores = rows @ query / np.linalg.norm(rows, axis=1) / np.linalg.norm(query)
    (result,) = client.match(full, query, limit=0)
    keys = [categories[row].key for row in np.argsort(-scores)]
    assert [match.category for match in result.matches] == keys
    assert result.matches[0].score == pytest.approx(scores.max(), abs=1e-6)


def test_a_snapshot_is_of_one_revision_under_concurrent_writes(
    client: Client, full: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            client.assign(full, f"c0 item {number % 8}", f"c{number % 5}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            file, copy = tmp_path / f"{number}", new_name()
            summary = client.snapshot(full, file)
            assert client.restore(file, copy).digest == summary.digest
            client.delete_namespace(copy, force=True)
    finally:
        stop.set()
        writer.join()


def test_a_restore_uses_the_snapshots_name_by_default(
    client: Client, full: str, tmp_path: Path
) -> None:
    file = tmp_path / "snapshot"
    client.snapshot(full, file)
    with pytest.raises(AlreadyExists):
        client.restore(file)
    client.delete_namespace(full, force=True)
    assert client.restore(file).name == full


def test_a_failed_snapshot_leaves_no_file(client: Client, ns: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        client.snapshot(ns, tmp_path / "snapshot")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda _: b"",
        lambda _: b"no snapshot at all",
        lambda data: b"\xff" * 5 + data,
    ],
    ids=["cut in half", "cut by a byte", "empty", "something else", "a length out of range"],
)
def test_an_invalid_snapshot_file_is_refused_and_leaves_nothing(
    client: Client,
    full: str,
    new_name: Callable[[], str],
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    file, copy = tmp_path / "snapshot", new_name()
    client.snapshot(full, file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(SnapshotFileError):
        client.restore(file, copy)
    with pytest.raises(NotFound):
        client.get_namespace(copy)


def test_items_restored_without_a_category_are_the_inbox(
    client: Client, raw: Raw, full: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    client.snapshot(full, tmp_path / "snapshot")
    copy = new_name()
    client.restore(tmp_path / "snapshot", copy)
    request = service_pb2.ListItemsRequest(namespace=copy, unassigned=True)
    assert [item.key for item in raw.call("ListItems", request).items] == [
        f"inbox {number}" for number in range(7)
    ]
