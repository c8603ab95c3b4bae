"""A category's own least score: below it, no match has the category."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.client.errors import InvalidArgument, NotFound

_RIGHT, _UP = [1.0, 0.0], [0.0, 1.0]


@pytest.fixture
def strict(client: Client) -> Iterator[Client]:
    """A namespace ``n`` whose category ``strict`` takes scores from 0.9 on."""
    client.create_namespace("n", dimension=2)
    names = [CategoryUpdate("strict", base=_RIGHT, min_score=0.9), CategoryUpdate("open", base=_UP)]
    client.put_categories("n", names)
    yield client
    for name in ("n", "copy"):
        with suppress(NotFound):
            client.delete_namespace(name, force=True)


def _matched(client: Client, query: list[float], limit: int = 10) -> list[str]:
    (found,) = client.match("n", query, limit=limit)
    return [match.category for match in found.matches]


def test_a_category_is_left_out_below_its_own_least_score(strict: Client) -> None:
    assert _matched(strict, [3.0, 1.0]) == ["strict", "open"]
    assert _matched(strict, [1.0, 1.0]) == ["open"]
    assert _matched(strict, [1.5, 1.0], limit=1) == ["open"], "the limit counts what is returned"
    (found,) = strict.match("n", [1.5, 1.0], limit=1)
    assert found.margin == pytest.approx(0.5 / np.hypot(1.5, 1.0)), "over all that are ranked"


def test_a_least_score_is_kept_changed_and_taken_back(strict: Client) -> None:
    assert strict.get_category("n", "strict").min_score == 0.9
    assert strict.get_category("n", "open").min_score is None
    strict.put_categories("n", [CategoryUpdate("strict", window=3)])
    assert strict.get_category("n", "strict").min_score == 0.9, "unset leaves it"
    before = strict.get_namespace("n").digest
    strict.put_categories("n", [CategoryUpdate("strict", min_score=0.0)])
    assert strict.get_category("n", "strict").min_score == 0.0
    strict.put_categories("n", [CategoryUpdate("strict", min_score=-1.0)])
    assert strict.get_category("n", "strict").min_score is None
    assert _matched(strict, [1.0, 1.0]) == ["open", "strict"]
    strict.put_categories("n", [CategoryUpdate("strict", min_score=0.9)])
    assert strict.get_namespace("n").digest == before, "the same state"


def test_a_retried_reanchor_answers_the_least_score_again(strict: Client) -> None:
    first = strict.reanchor("n", "strict", request_id="once")
    again = strict.reanchor("n", "strict", request_id="once")
    assert first.min_score == again.min_score == 0.9


def test_zero_has_one_digest_whatever_its_sign(strict: Client) -> None:
    strict.put_categories("n", [CategoryUpdate("strict", min_score=0.0)])
    digest = strict.get_namespace("n").digest
    strict.put_categories("n", [CategoryUpdate("strict", min_score=0.5)])
    strict.put_categories("n", [CategoryUpdate("strict", min_score=-0.0)])
    assert strict.get_namespace("n").digest == digest


@pytest.mark.parametrize("score", [1.5, -1.0001, float("nan"), float("inf")])
def test_a_least_score_out_of_range_is_refused_by_name(strict: Client, score: float) -> None:
    with pytest.raises(InvalidArgument) as refused:
        strict.put_categories("n", [CategoryUpdate("strict", min_score=score)])
    assert refused.value.field_violations[0].field == "categories[0].min_score"
    assert strict.get_category("n", "strict").min_score == 0.9


def test_a_least_score_travels_with_a_snapshot(strict: Client, tmp_path: Path) -> None:
    path = tmp_path / "n.snapshot"
    strict.snapshot("n", path)
    strict.restore(path, ns="copy")
    assert strict.get_category("copy", "strict").min_score == 0.9
    assert strict.get_namespace("copy").digest == strict.get_namespace("n").digest


def test_a_least_score_survives_a_restart(tmp_path: Path) -> None:
    with Client.embedded(tmp_path) as client:
        client.create_namespace("n", dimension=2)
        client.put_categories("n", [CategoryUpdate("strict", base=_RIGHT, min_score=0.9)])
        client.put_categories("n", [CategoryUpdate("strict", min_score=0.8)])
    with Client.embedded(tmp_path) as client:
        assert client.get_category("n", "strict").min_score == 0.8
        assert client.verify("n").ok
