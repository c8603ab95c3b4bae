"""Fixtures of the tests of the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from effective_embeddings import _core
from effective_embeddings.v1 import service_pb2
from tests.server.limit_requests import create
from tests.support.raw import EmbeddedRaw, embedding


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[EmbeddedRaw]:
    engine = _core.Engine(tmp_path / "data")
    raw = EmbeddedRaw(engine)
    raw.call(*create(name="n"))
    category = service_pb2.CategoryUpdate(key="c", base=embedding([1, 0]))
    raw.call(
        "PutCategories", service_pb2.PutCategoriesRequest(namespace="n", categories=[category])
    )
    yield raw
    engine.close()
