"""Suggest: the inbox against all categories, next to numpy and next to Match."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from effective_embeddings import AsyncClient, CategoryUpdate, Client, errors, kernels
from effective_embeddings.client import RankingMode, Suggestion, SuggestOrder, SuggestReply
from effective_embeddings.server import ServerHandle
from tests.model.confidence import confidence as confidence_of
from tests.model.confidence import left_out_scores
from tests.model.oracle import Model, ModelCategory, ModelItem

DIMENSION = 12
_GENERATOR = np.random.default_rng(5)
BASES = _GENERATOR.normal(size=(5, DIMENSION)).astype(np.float32)
ITEMS = _GENERATOR.normal(size=(90, DIMENSION)).astype(np.float32)
# Equal vectors have equal margins and rank scores: the key decides.
ITEMS[40:50] = ITEMS[0]
FLAT: tuple[SuggestOrder, ...] = ("surest", "most_doubtful")


def fill(client: Client, ns: str, **settings: Any) -> None:
    client.create_namespace(ns, DIMENSION, **settings)
    client.put_categories(ns, [CategoryUpdate(f"c{n}", base=BASES[n]) for n in range(5)])
    metadata = [{"kind": "odd" if n % 2 else "even"} for n in range(len(ITEMS))]
    client.put_items(ns, [f"i{n:02}" for n in range(len(ITEMS))], ITEMS, metadata=metadata)


@pytest.fixture
def inbox(client: Client, ns: str) -> str:
    fill(client, ns)
    return ns


def model(ns: str, client: Client) -> dict[str, tuple[str, float, float]]:
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


def ordered(of: dict[str, tuple[str, float, float]], order: str) -> list[str]:
    sign = 1 if order == "most_doubtful" else -1
    return sorted(of, key=lambda key: (sign * round(of[key][2], 6), sign * of[key][1], key))


def pages(client: Client, ns: str, **arguments: Any) -> Iterator[SuggestReply]:
    token = ""
    while True:
        page = client.suggest(ns, page_token=token, **arguments)
        yield page
        token = page.next_page_token
        if not token:
            return


@pytest.mark.parametrize("order", FLAT)
@pytest.mark.parametrize("size", [1, 7, 89, 90, 1000])
def test_pages_together_are_the_order_of_numpy(
    client: Client, inbox: str, order: SuggestOrder, size: int
) -> None:
    of = model(inbox, client)
    found = list(pages(client, inbox, order=order, page_size=size))
    assert [len(page.suggestions) for page in found[:-1]] == [size] * (len(found) - 1)
    listed = [each for page in found for each in page.suggestions]
    assert [each.item for each in listed] == ordered(of, order)
    for each in listed:
        category, score, margin = of[each.item]
        assert each.best.category == category
        assert each.best.score == pytest.approx(score, abs=1e-6)
        assert each.margin == pytest.approx(margin, abs=1e-6)
    assert {(page.item_count, page.suggestion_count) for page in found} == {(90, 90)}
    assert {page.revision for page in found} == {client.get_namespace(inbox).revision}
    assert not any(page.groups for page in found)


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4), order=st.sampled_from(FLAT))
def test_a_page_is_a_prefix_of_a_longer_one_and_pages_of_any_sizes_are_one_list(
    client: Client, inbox: str, sizes: list[int], order: SuggestOrder
) -> None:
    whole = client.suggest(inbox, order=order, page_size=1000).suggestions
    listed: list[Suggestion] = []
    token = ""
    for size in sizes:
        page = client.suggest(inbox, order=order, page_size=size, page_token=token)
        listed += page.suggestions
        token = page.next_page_token
        if not token:
            break
    assert tuple(listed) == whole[: len(listed)]
    assert bool(token) == (len(listed) < len(whole))


def taught(client: Client, ns: str, **settings: Any) -> None:
    """Categories with members, one of which has a least score, and an inbox."""
    fill(client, ns, **settings)
    for n in range(40):
        client.assign(ns, f"i{n:02}", f"c{n % 4}")
    client.put_categories(ns, [CategoryUpdate("c1", min_score=0.45)])
    near = BASES[:4].repeat(5, axis=0) + 0.7 * ITEMS[:20]
    client.put_items(ns, [f"near {n}" for n in range(20)], near)


@pytest.mark.parametrize("normalization", ["raw", "unit"])
@pytest.mark.parametrize("own", ["cosine", "local"])
def test_a_suggestion_is_what_a_match_lists_first_to_the_bit(
    client: Client, ns: str, own: RankingMode, normalization: str
) -> None:
    taught(client, ns, ranking=own, normalization=normalization)
    keys = [item.key for item in client.list_items(ns, unassigned=True)]
    for ranking, fairness in [(None, None), ("cosine", 0.0), ("cosine", 0.7), ("local", 0.5)]:
        how: dict[str, Any] = {"ranking": ranking, "fairness": fairness}
        page = client.suggest(ns, page_size=1000, **how)
        by_item = {each.item: each for each in page.suggestions}
        assert page.item_count == len(keys)
        for key, match in zip(keys, client.match(ns, keys, limit=2, **how), strict=True):
            suggested = by_item.get(key)
            if suggested is None:
                assert not match.matches
                continue
            second = [suggested.runner_up] if suggested.runner_up else []
            assert [suggested.best, *second] == list(match.matches)
            assert suggested.margin == match.margin


@pytest.mark.parametrize("kernel", kernels())
def test_every_kernel_suggests_alike(tmp_path: Path, kernel: str) -> None:
    with Client.embedded(tmp_path / "data", kernel=kernel) as client:
        taught(client, "n")
        found = client.suggest("n", page_size=1000, fairness=0.5).suggestions
        matched = client.match("n", [each.item for each in found], limit=2, fairness=0.5)
    assert [each.best for each in found] == [match.matches[0] for match in matched]
    with Client.embedded(tmp_path / "scalar", kernel="scalar") as client:
        taught(client, "n")
        assert client.suggest("n", page_size=1000, fairness=0.5).suggestions == found


def test_groups_have_their_counts_and_their_surest(client: Client, inbox: str) -> None:
    of = model(inbox, client)
    replies = list(pages(client, inbox, order="grouped", page_size=2, group_size=3))
    groups = [group for page in replies for group in page.groups]
    by_category: dict[str, dict[str, Any]] = {}
    for key, each in of.items():
        by_category.setdefault(each[0], {})[key] = each
    expected = sorted(by_category, key=lambda category: (-len(by_category[category]), category))
    assert [group.category for group in groups] == expected
    assert [len(page.groups) for page in replies] == [2] * (len(expected) // 2) + [1] * (
        len(expected) % 2
    )
    for group in groups:
        own = by_category[group.category]
        assert group.count == len(own)
        assert [each.item for each in group.suggestions] == ordered(own, "surest")[:3]
        assert {each.best.category for each in group.suggestions} == {group.category}
    # One group whole is a list of its category.
    largest = groups[0]
    only = client.suggest(inbox, categories=largest.category, page_size=1000).suggestions
    (whole,) = client.suggest(
        inbox, order="grouped", group_size=1000, categories=[largest.category]
    ).groups
    assert whole.suggestions == only
    counted = client.suggest(inbox, order="grouped", group_size=0).groups
    assert [group.count for group in counted] == [group.count for group in groups]
    assert not any(group.suggestions for group in counted)


def test_filters(client: Client, inbox: str) -> None:
    of = model(inbox, client)

    def passing(page: SuggestReply) -> set[str]:
        assert page.suggestion_count == len(page.suggestions)
        return {each.item for each in page.suggestions}

    everything: dict[str, Any] = {"page_size": 1000}
    page = client.suggest(inbox, key_prefix="i1", metadata={"kind": "odd"}, **everything)
    items = {key for key in of if key.startswith("i1") and int(key[1:]) % 2}
    assert passing(page) == items
    assert page.item_count == len(items)
    page = client.suggest(inbox, min_score=0.3, max_score=0.5, **everything)
    assert passing(page) == {key for key in of if 0.3 <= of[key][1] <= 0.5}
    assert page.item_count == len(of)
    page = client.suggest(inbox, min_margin=0.05, max_margin=0.2, **everything)
    assert passing(page) == {key for key in of if 0.05 <= of[key][2] <= 0.2}
    page = client.suggest(inbox, categories=["c1", "c3", "c1"], **everything)
    assert passing(page) == {key for key in of if of[key][0] in {"c1", "c3"}}
    page = client.suggest(inbox, metadata={"kind": "none"})
    assert (page.suggestions, page.item_count, page.next_page_token) == ((), 0, "")
    # A filter at the very figure of a suggestion lets it pass.
    first = client.suggest(inbox, page_size=1).suggestions[0]
    exact: dict[str, Any] = {"min_score": first.best.score, "max_score": first.best.score}
    page = client.suggest(inbox, min_margin=first.margin, **exact)
    assert [each.item for each in page.suggestions] == [first.item]


def test_each_write_is_in_the_next_answer(client: Client, inbox: str) -> None:
    def check() -> None:
        of = model(inbox, client)
        page = client.suggest(inbox, page_size=1000)
        found = {each.item: each.best.category for each in page.suggestions}
        assert found == {key: of[key][0] for key in of}
        assert page.revision == client.get_namespace(inbox).revision
        odd = client.suggest(inbox, page_size=1000, metadata={"kind": "odd"})
        listed = client.list_items(inbox, unassigned=True)
        expected = {each.key for each in listed if each.metadata.get("kind") == "odd"}
        assert {each.item for each in odd.suggestions} == expected

    check()
    client.assign(inbox, ["i03", "i07"], "c2", actor="ann")
    check()
    client.put_items(inbox, ["i05", "new", "a first one"], -ITEMS[:3])
    check()
    client.put_items(inbox, "i11", metadata={"kind": "even"})
    check()
    client.unassign(inbox, "i03")
    check()
    client.delete_items(inbox, ["i09", "i90"], allow_missing=True)
    check()
    client.undo(inbox, by="ann", since=datetime(2000, 1, 1, tzinfo=UTC), skip_conflicts=True)
    check()
    client.assign(inbox, ["i20", "i21"], "c2")
    check()
    client.delete_categories(inbox, "c2")
    check()
    # The log that the inbox in memory would follow is gone.
    client.assign(inbox, "i22", "c1")
    client.assign(inbox, "i23", "c1")
    client.trim_history(inbox, keep_revisions=1)
    check()
    client.assign(inbox, [item.key for item in client.list_items(inbox, unassigned=True)], "c1")
    check()
    client.unassign(inbox, ["i00", "i44"])
    check()


def test_accepting_a_page_leads_to_the_next_one(client: Client, inbox: str) -> None:
    """A page at a time: what was assigned is gone, and each item is met once."""
    seen: list[str] = []
    while True:
        page = client.suggest(inbox, page_size=20)
        if not page.suggestions:
            break
        items = [each.item for each in page.suggestions]
        client.assign(inbox, items, [each.best.category for each in page.suggestions], expected="")
        seen += items
    assert sorted(seen) == [f"i{n:02}" for n in range(90)]
    assert page.item_count == 0


def test_a_token_continues_behind_its_place_after_a_write(client: Client, inbox: str) -> None:
    of = model(inbox, client)
    whole = ordered(of, "surest")
    first = client.suggest(inbox, page_size=10)
    # Other items of the inbox leave without changing a category: a frozen one learns nothing.
    client.put_categories(inbox, [CategoryUpdate("aside", frozen=True)])
    gone = [whole[9], whole[10], whole[11]]
    client.assign(inbox, gone, "aside")
    second = client.suggest(inbox, page_size=10, page_token=first.next_page_token)
    assert second.revision > first.revision
    assert [each.item for each in second.suggestions] == whole[12:22]


def test_few_categories_and_few_items(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    assert client.suggest(ns).suggestions == ()
    client.put_items(ns, ["a", "b"], [[1, 0], [0, 1]])
    page = client.suggest(ns)
    assert (page.item_count, page.suggestion_count, page.suggestions) == (2, 0, ())
    client.put_categories(ns, [CategoryUpdate("empty"), CategoryUpdate("only", base=[1, 1])])
    page = client.suggest(ns)
    assert [(each.item, each.margin, each.runner_up) for each in page.suggestions] == [
        ("a", None, None),
        ("b", None, None),
    ]
    rest = client.suggest(ns, page_size=1)
    rest = client.suggest(ns, page_size=1, page_token=rest.next_page_token)
    assert [each.item for each in rest.suggestions] == ["b"]
    # A missing margin passes a least one, and no largest one.
    assert client.suggest(ns, min_margin=0.5).suggestion_count == 2
    assert client.suggest(ns, max_margin=0.5).suggestion_count == 0
    # A category that rejects everything is suggested for nothing.
    client.put_categories(ns, [CategoryUpdate("only", min_score=0.9)])
    assert client.suggest(ns).suggestion_count == 0


def test_tags_leave_the_inbox_too(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2, membership="multiple")
    client.put_categories(ns, [CategoryUpdate("a", base=[1, 0]), CategoryUpdate("b", base=[0, 1])])
    client.put_items(ns, ["x", "y"], [[1, 2], [2, 1]])
    client.assign(ns, "x", "a")
    client.assign(ns, "x", "b")
    assert [each.item for each in client.suggest(ns).suggestions] == ["y"]
    client.unassign(ns, "x", "b")
    assert client.suggest(ns).item_count == 1


def test_refusals_name_the_field(client: Client, inbox: str) -> None:
    page = client.suggest(inbox, page_size=1, min_score=0.1)
    with pytest.raises(errors.InvalidArgument, match="page_token") as caught:
        client.suggest(inbox, page_size=1, min_score=0.2, page_token=page.next_page_token)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"
    with pytest.raises(errors.NotFound, match=r"categories\[1\]") as missing:
        client.suggest(inbox, categories=["c1", "nowhere"])
    assert missing.value.reason == "CATEGORY_NOT_FOUND"
    assert missing.value.metadata["category"] == "nowhere"
    with pytest.raises(errors.NotFound):
        client.suggest(f"{inbox}-missing")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("group_size", {"group_size": 3}),
        ("group_size", {"group_size": 1001, "order": "grouped"}),
        ("page_size", {"page_size": 1001}),
        ("min_score", {"min_score": 1.5}),
        ("max_score", {"max_score": float("nan")}),
        ("min_margin", {"min_margin": -0.1}),
        ("max_margin", {"max_margin": float("inf")}),
        ("min_confidence", {"min_confidence": 0.0}),
        ("below_confidence", {"below_confidence": 1.0}),
        ("below_confidence", {"below_confidence": float("nan")}),
        ("fairness", {"fairness": 1.1}),
        ("key_prefix", {"key_prefix": "k" * 513}),
        ("metadata", {"metadata": {str(n): "" for n in range(65)}}),
        ("categories[0]", {"categories": [""]}),
    ]
    for field, arguments in wrong:
        with pytest.raises(errors.InvalidArgument) as refused:
            client.suggest(inbox, **arguments)
        (violation,) = refused.value.field_violations
        assert violation.field == field, arguments
    with pytest.raises(errors.FailedPrecondition) as early:
        client.suggest(inbox, min_revision=client.get_namespace(inbox).revision + 1)
    assert early.value.reason == "REVISION_NOT_REACHED"
    with pytest.raises(ValueError, match="order"):
        client.suggest(inbox, order="best")  # type: ignore[arg-type]


def test_the_asynchronous_client_suggests_the_same(shared_server: ServerHandle, ns: str) -> None:
    async def suggested() -> SuggestReply:
        async with AsyncClient(shared_server.target) as client:
            return await client.suggest(ns, order="grouped", group_size=2)

    with Client(shared_server.target) as client:
        fill(client, ns)
        expected = client.suggest(ns, order="grouped", group_size=2)
    assert asyncio.run(suggested()) == expected


@pytest.mark.parametrize("ranking", ["cosine", "local"])
def test_what_was_dismissed_is_not_offered(client: Client, inbox: str, ranking: Any) -> None:
    """The next category is, as in a Match without those that were dismissed."""
    client.update_namespace(inbox, ranking=ranking)
    before = {each.item: each for each in client.suggest(inbox, page_size=1000).suggestions}
    first = {key: each.best.category for key, each in before.items()}
    client.dismiss(inbox, ["i01", "i02"], [first["i01"], first["i02"]])
    client.dismiss(inbox, "i03", [f"c{n}" for n in range(5)])
    client.dismiss(inbox, "i04", next(key for key in ("c0", "c1") if key != first["i04"]))
    after = {each.item: each for each in client.suggest(inbox, page_size=1000).suggestions}
    assert set(before) - set(after) == {"i03"}
    for key in ("i01", "i02"):
        (expected,) = client.match(inbox, key, exclude=[first[key]])
        assert after[key].best.category == expected.matches[0].category != first[key]
        assert after[key].margin == expected.margin
    assert after["i04"].best.category == first["i04"]
    others = set(before) - {"i01", "i02", "i03", "i04"}
    assert [after[key] for key in others] == [before[key] for key in others]
    client.rename_category(inbox, first["i01"], "renamed")
    client.dismiss(inbox, "i02", first["i02"], withdraw=True)
    again = {
        each.item: each.best.category for each in client.suggest(inbox, page_size=1000).suggestions
    }
    assert (again["i01"], again["i02"]) == (after["i01"].best.category, first["i02"])


def sure(client: Client, ns: str, **settings: Any) -> None:
    """Categories with members, one of a name alone, and an inbox that fits in part."""
    client.create_namespace(ns, DIMENSION, **settings)
    client.put_categories(ns, [CategoryUpdate(f"c{n}", base=BASES[n]) for n in range(5)])
    rng = np.random.default_rng(8)
    for n in range(4):
        members = BASES[n] + rng.normal(size=(12 + n, DIMENSION))
        client.assign(ns, [f"member {n} {m}" for m in range(12 + n)], f"c{n}", members)
    near = BASES.repeat(6, axis=0) + 0.9 * rng.normal(size=(30, DIMENSION))
    client.put_items(ns, [f"near {n:02}" for n in range(30)], near)
    client.put_items(ns, [f"i{n:02}" for n in range(30)], ITEMS[:30])


def model_of(client: Client, ns: str) -> Model:
    model = Model(DIMENSION)
    for category in client.list_categories(ns, include_embeddings=True):
        assert category.base is not None
        model.categories[category.key] = ModelCategory(base=model.take_in(category.base))
        for item in client.list_items(ns, category=category.key, include_embeddings=True):
            model.items[item.key] = ModelItem(model.take_in(item.embedding), item.weight)
            model.join(item.key, category.key)
    return model


@pytest.mark.parametrize("ranking", ["cosine", "local"])
def test_the_confidence_of_a_suggestion_is_that_of_a_match_to_the_bit(
    client: Client, ns: str, ranking: RankingMode
) -> None:
    sure(client, ns, ranking=ranking)
    plain = client.suggest(ns, page_size=1000).suggestions
    assert {each.best.confidence for each in plain} == {None}
    found = client.suggest(ns, page_size=1000, confidence=True).suggestions
    assert [each.item for each in found] == [each.item for each in plain]
    model = model_of(client, ns)
    scores = {key: left_out_scores(model, key) for key in model.categories}
    matched = client.match(ns, [each.item for each in found], limit=2, confidence=True)
    for each, match in zip(found, matched, strict=True):
        assert each.runner_up is not None
        assert (each.best, each.runner_up) == match.matches
        expected = confidence_of(scores[each.best.category], each.best.score)
        if expected is None:
            assert each.best.confidence is None
        else:
            assert each.best.confidence is not None
            assert expected[0] <= each.best.confidence <= expected[1]
    assert {each.best.confidence is None for each in found} == {True, False}


@pytest.mark.parametrize("level", [0.07, 0.3, 0.8])
def test_a_level_of_confidence_divides_the_inbox_as_a_match_does(
    client: Client, ns: str, level: float
) -> None:
    sure(client, ns)
    whole = client.suggest(ns, page_size=1000, confidence=True)
    matched = client.match(
        ns, [each.item for each in whole.suggestions], limit=1, min_confidence=level
    )
    none = [match.none_of_these for match in matched]
    assert 0 < sum(none) < len(none)
    parts: list[tuple[bool, dict[str, Any]]] = [
        (False, {"min_confidence": level}),
        (True, {"below_confidence": level}),
    ]
    for without, bound in parts:
        own = zip(whole.suggestions, none, strict=True)
        expected = tuple(each for each, is_none in own if is_none == without)
        replies = list(pages(client, ns, page_size=7, **bound))
        assert tuple(each for page in replies for each in page.suggestions) == expected
        assert {page.suggestion_count for page in replies} == {len(expected)}
        assert {page.item_count for page in replies} == {whole.item_count}
        doubtful = client.suggest(ns, order="most_doubtful", page_size=1000, **bound).suggestions
        assert {each.item for each in doubtful} == {each.item for each in expected}
        groups = client.suggest(ns, order="grouped", group_size=100, **bound).groups
        assert {each.item for group in groups for each in group.suggestions} == {
            each.item for each in expected
        }
        assert all(group.count == len(group.suggestions) for group in groups)
        one = client.suggest(ns, categories="c1", page_size=1000, **bound).suggestions
        assert one == tuple(each for each in expected if each.best.category == "c1")
    both = client.suggest(ns, page_size=1000, min_confidence=level, below_confidence=0.95)
    assert both.suggestions == tuple(
        each
        for each in whole.suggestions
        if each.best.confidence is not None and level <= each.best.confidence < 0.95
    )


@pytest.mark.parametrize("ranking", ["cosine", "local"])
def test_confidences_follow_each_write(client: Client, ns: str, ranking: RankingMode) -> None:
    sure(client, ns, ranking=ranking)

    def check() -> None:
        found = client.suggest(ns, page_size=1000, confidence=True).suggestions
        keys = [each.item for each in found]
        matched = client.match(ns, keys, limit=2, confidence=True)
        assert [each.best for each in found] == [match.matches[0] for match in matched]
        fitting = client.suggest(ns, page_size=1000, min_confidence=0.5).suggestions
        assert fitting == tuple(each for each in found if (each.best.confidence or 0) >= 0.5)

    check()
    first = client.suggest(ns, page_size=5, min_confidence=0.1)
    assigned = [each.item for each in first.suggestions]
    client.assign(ns, assigned, [each.best.category for each in first.suggestions])
    check()
    rest = client.suggest(
        ns, page_size=5, min_confidence=0.1, page_token=first.next_page_token
    ).suggestions
    assert not {each.item for each in rest} & set(assigned)
    client.unassign(ns, "member 0 3")
    client.assign(ns, ["near 24", "near 25", "near 26"], "c4")
    check()
    client.reanchor(ns, "c2", keep_last=4)
    client.put_items(ns, "member 1 2", -ITEMS[:1])
    check()
    client.put_categories(ns, [CategoryUpdate("c0", window=6), CategoryUpdate("c1", frozen=True)])
    check()
    client.delete_categories(ns, "c0")
    check()
    # The confidence is that of the category that is offered instead.
    (outside, *_) = client.suggest(ns, categories="c3").suggestions
    client.dismiss(ns, outside.item, "c3")
    (found,) = client.suggest(ns, confidence=True, key_prefix=outside.item).suggestions
    (match,) = client.match(ns, outside.item, exclude="c3", confidence=True)
    assert found.best == match.matches[0]
