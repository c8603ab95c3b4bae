"""Rows longer than a page are read back completely, from the WAL and from the database file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from tests.support.vectors import Vectors, present, random_vectors

_DIMENSION = 8192
_COUNT = 60
_METADATA = {f"{number:02}": "x" * 250 for number in range(64)}


def _write(client: Client) -> Vectors:
    """Items with a 32 KiB vector and 16 KiB of metadata, one per write."""
    vectors = random_vectors(_COUNT, _DIMENSION, seed=70)
    client.create_namespace("long", _DIMENSION)
    client.put_categories("long", [CategoryUpdate("c", base=vectors[0], metadata=_METADATA)])
    for number, vector in enumerate(vectors):
        client.assign("long", f"{number:02}", "c", vector, metadata=_METADATA)
    return vectors


def _check(client: Client, vectors: Vectors) -> None:
    items = list(client.list_items("long", include_embeddings=True))
    assert all(item.metadata == _METADATA for item in items)
    np.testing.assert_array_equal(np.stack([present(item.embedding) for item in items]), vectors)
    assert client.get_category("long", "c").metadata == _METADATA
    assert client.verify("long").ok


def test_long_rows_are_read_back_while_the_wal_grows_and_is_checkpointed(data_dir: Path) -> None:
    with Client.embedded(data_dir) as client:
        vectors = _write(client)
        for number in range(200):
            client.update_namespace("long", description=f"{number}")
            if number % 20 == 0:
                _check(client, vectors)


def test_long_rows_are_read_back_after_a_restart(data_dir: Path) -> None:
    with Client.embedded(data_dir) as client:
        vectors = _write(client)
        digest = client.get_namespace("long").digest
    for _ in range(2):
        with Client.embedded(data_dir) as client:
            assert client.get_namespace("long").digest == digest
            _check(client, vectors)
            client.put_items("long", f"{_COUNT - 1:02}", vectors[-1], weights=1)
