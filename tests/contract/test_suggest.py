"""Suggest: the inbox against all categories, next to numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.v1 import service_pb2 as pb
from tests.support.raw import Raw

DIMENSION = 12
_GENERATOR = np.random.default_rng(5)
BASES = _GENERATOR.normal(size=(5, DIMENSION)).astype(np.float32)
ITEMS = _GENERATOR.normal(size=(90, DIMENSION)).astype(np.float32)
# Equal vectors have equal margins and rank scores: the key decides.
ITEMS[40:50] = ITEMS[0]
SUREST, DOUBTFUL, GROUPED = 1, 2, 3


@pytest.fixture
def inbox(client: Client, ns: str) -> str:
    client.create_namespace(ns, DIMENSION)
    client.put_categories(ns, [CategoryUpdate(f"c{n}", base=BASES[n]) for n in range(5)])
    metadata = [{"kind": "odd" if n % 2 else "even"} for n in range(len(ITEMS))]
    client.put_items(ns, [f"i{n:02}" for n in range(len(ITEMS))], ITEMS, metadata=metadata)
    return ns


def _model(ns: str, client: Client) -> dict[str, tuple[str, float, float]]:
    """By item of the inbox: the best category by cosine, its score, and its margin."""
    categories = list(client.list_categories(ns, include_embeddings=True))
    rows = np.array([each.effective for each in categories], dtype=np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = {}
    for item in client.list_items(ns, unassigned=True, include_embeddings=True):
        vector = np.asarray(item.embedding, dtype=np.float64)
        scores = rows @ vector / np.linalg.norm(vector)
        first, second = np.argsort(-scores, kind="stable")[:2]
        found[item.key] = (
            categories[first].key,
            float(scores[first]),
            float(scores[first] - scores[second]),
        )
    return found


def _pages(raw: Raw, **fields: Any) -> list[Any]:
    pages, token = [], ""
    while True:
        page = raw.call("Suggest", pb.SuggestRequest(page_token=token, **fields))
        pages.append(page)
        token = page.next_page_token
        if not token:
            return pages


@pytest.mark.parametrize("order", [SUREST, DOUBTFUL])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pages_are_those_of_numpy(
    client: Client, raw: Raw, inbox: str, order: int, size: int
) -> None:
    model = _model(inbox, client)
    sign = -1 if order == SUREST else 1
    pages = _pages(raw, namespace=inbox, order=order, page_size=size)
    listed = [each for page in pages for each in page.suggestions]
    expected = sorted(
        model, key=lambda key: (sign * round(model[key][2], 6), sign * round(model[key][1], 6), key)
    )
    assert [each.item for each in listed] == expected
    for each in listed:
        category, score, margin = model[each.item]
        assert each.best.category == category
        assert each.best.score == pytest.approx(score, abs=1e-6)
        assert each.margin == pytest.approx(margin, abs=1e-6)
        assert each.runner_up.rank_score == pytest.approx(each.best.rank_score - each.margin)
    assert {page.suggestion_count for page in pages} == {len(model)}


def test_groups_have_their_counts_and_their_surest(client: Client, raw: Raw, inbox: str) -> None:
    model = _model(inbox, client)
    pages = _pages(raw, namespace=inbox, order=GROUPED, page_size=2, group_size=3)
    groups = [group for page in pages for group in page.groups]
    by_category: dict[str, list[str]] = {}
    for key in model:
        by_category.setdefault(model[key][0], []).append(key)
    expected = sorted(by_category, key=lambda category: (-len(by_category[category]), category))
    assert [group.category for group in groups] == expected
    for group in groups:
        assert group.count == len(by_category[group.category])
        surest = sorted(
            by_category[group.category], key=lambda key: (-round(model[key][2], 6), key)
        )
        assert [each.item for each in group.suggestions] == surest[:3]


def test_filters(client: Client, raw: Raw, inbox: str) -> None:
    model = _model(inbox, client)
    (page,) = _pages(
        raw,
        namespace=inbox,
        page_size=1000,
        min_score=0.3,
        min_margin=0.05,
        key_prefix="i1",
        metadata={"kind": "odd"},
        category="c1",
    )
    items = [key for key in model if key.startswith("i1") and int(key[1:]) % 2]
    passing = [
        key
        for key in items
        if model[key][0] == "c1" and model[key][1] >= 0.3 and model[key][2] >= 0.05
    ]
    assert {each.item for each in page.suggestions} == set(passing)
    assert (page.item_count, page.suggestion_count) == (len(items), len(passing))


def test_each_write_is_in_the_next_answer(client: Client, raw: Raw, inbox: str) -> None:
    def check() -> None:
        model = _model(inbox, client)
        (page,) = _pages(raw, namespace=inbox, page_size=1000)
        found = {each.item: each.best.category for each in page.suggestions}
        assert found == {key: model[key][0] for key in model}

    check()
    client.assign(inbox, ["i03", "i07"], "c2")
    check()
    client.put_items(inbox, ["i05", "new"], -ITEMS[:2])
    check()
    client.unassign(inbox, "i03")
    check()
    client.delete_items(inbox, "i09")
    check()
    client.delete_categories(inbox, "c2")
    check()
