"""Trimming a history, over gRPC and in process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from effective_embeddings.client import CategoryUpdate, Client, HistoryKeep
from effective_embeddings.client.errors import FailedPrecondition, InvalidArgument, NotFound


@pytest.fixture
def long(client: Client, ns: str) -> str:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("a"), CategoryUpdate("b")])
    for number in range(18):
        client.assign(ns, "one", "ab"[number % 2], np.ones((1, 2)))
    return ns


def _revisions(client: Client, ns: str) -> list[int]:
    return sorted({change.revision for change in client.history(ns)})


def test_a_trim_deletes_the_oldest_revisions_and_nothing_else(client: Client, long: str) -> None:
    before = client.get_namespace(long)
    would = client.trim_history(long, keep_revisions=5, validate_only=True)
    assert (would.revision_count, would.first_revision, would.revision) == (15, 16, 20)
    assert would.byte_count > 15
    assert _revisions(client, long) == list(range(1, 21))
    assert client.trim_history(long, keep_revisions=5) == would
    assert _revisions(client, long) == [16, 17, 18, 19, 20]
    assert client.trim_history(long, before_revision=18).revision_count == 2
    later = datetime.now(UTC) + timedelta(hours=1)
    assert client.trim_history(long, before_time=later).first_revision == 20
    assert client.get_namespace(long) == before
    assert client.verify(long).ok
    size = client.history_size(long)
    assert (size.first_revision, size.revision_count) == (20, 1)
    assert 0 < size.byte_count < would.byte_count


def test_a_trimmed_revision_is_refused_by_name(client: Client, long: str) -> None:
    client.trim_history(long, keep_revisions=5)
    expected = {"first_revision": "16"}
    for read in (
        lambda: list(client.history(long, first_revision=15)),
        lambda: list(client.history(long, last_revision=15)),
        lambda: next(iter(client.watch_history(long, 14))),
    ):
        with pytest.raises(FailedPrecondition) as caught:
            read()
        assert caught.value.reason == "HISTORY_TRIMMED"
        assert caught.value.metadata == expected | {"revision": "15"}
    assert next(iter(client.watch_history(long))).changes[0].revision == 16
    assert next(iter(client.watch_history(long, 15))).changes[0].revision == 16


def test_a_namespace_says_how_much_history_it_keeps(client: Client, long: str) -> None:
    keep = HistoryKeep(revisions=10, age_seconds=86_400)
    digest = client.get_namespace(long).digest
    updated = client.update_namespace(long, history_keep=keep)
    assert updated.history_keep == keep
    assert updated.digest == digest
    assert client.get_namespace(long).history_keep == keep
    assert client.update_namespace(long, description="other").history_keep == keep
    changed = client.update_namespace(long, history_keep=HistoryKeep())
    assert changed.history_keep is None
    before = next(iter(client.history(long))).namespace_before
    assert before is not None
    assert before.history_keep == keep


@pytest.mark.parametrize(
    ("keep", "field"),
    [
        (HistoryKeep(revisions=10**12 + 1), "history_keep.revisions"),
        (HistoryKeep(age_seconds=3_155_760_001), "history_keep.age_seconds"),
    ],
)
def test_a_retention_out_of_range_is_refused(
    client: Client, long: str, keep: HistoryKeep, field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        client.update_namespace(long, history_keep=keep)
    assert caught.value.metadata["field"] == field
    assert client.get_namespace(long).history_keep is None


def test_a_trim_without_a_bound_is_refused(client: Client, long: str, ns: str) -> None:
    with pytest.raises(ValueError, match="keep_revisions"):
        client.trim_history(long)
    with pytest.raises(InvalidArgument):
        client.trim_history(long, keep_revisions=0)
    with pytest.raises(NotFound):
        client.trim_history(f"{ns}-other", keep_revisions=1)


def test_a_watch_of_another_epoch_is_refused(client: Client, long: str) -> None:
    batch = next(iter(client.watch_history(long)))
    again = next(iter(client.watch_history(long, batch.revision, epoch=batch.epoch)))
    assert again.changes == ()
    with pytest.raises(FailedPrecondition) as caught:
        next(iter(client.watch_history(long, batch.revision, epoch=batch.epoch ^ 1)))
    assert caught.value.reason == "EPOCH_CHANGED"
