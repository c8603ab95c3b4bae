"""A cap on the share of an actor: enforced in the average, exactly and reversibly."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, RankingMode, WhatIf, kernels
from effective_embeddings.client.errors import InvalidArgument
from tests.model.confidence import confidence, left_out_scores
from tests.model.oracle import Model, ModelCategory, ModelItem, cosine

_DIMENSION = 8
_EXACT = 1e-9
_RANKINGS: tuple[RankingMode, ...] = ("cosine", "local")


def _vectors(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(count, _DIMENSION)).astype(np.float32)


_BASES = _vectors(5, 1)
_CATEGORIES = {
    "named": ModelCategory(_BASES[0], max_actor_share=0.2),
    "window": ModelCategory(_BASES[1], window=7, max_actor_share=0.4),
    "share": ModelCategory(_BASES[2], min_base_share=0.3, max_actor_share=0.25),
    "bare": ModelCategory(max_actor_share=0.05),
    "open": ModelCategory(_BASES[4]),
}
_MEMBERS = _vectors(60, 2) + np.repeat(_BASES, 12, axis=0) * np.float32(0.5)
_WEIGHTS = np.random.default_rng(3).choice([0.25, 1.0, 4.0], 60).astype(np.float32)
#: Half of the members of each category are of one actor.
_ACTORS = ["wrong", "ada", "wrong", "cora", "wrong", "bea"]


def _fill(client: Client, ns: str) -> Model:
    """Five categories of twelve members each, four of them with a cap; two items in the inbox."""
    client.create_namespace(ns, _DIMENSION)
    model = Model(_DIMENSION)
    model.categories = dict(_CATEGORIES)
    fields = ("base", "base_weight", "window", "min_base_share", "max_actor_share")
    client.put_categories(
        ns,
        [
            CategoryUpdate(key, **{name: getattr(each, name) for name in fields})
            for key, each in _CATEGORIES.items()
        ],
    )
    for index in range(60):
        # Of each category in turn, so that windows are of several actors.
        at = 12 * (index % 5) + index // 5
        key, category = f"i{at:02}", list(_CATEGORIES)[index % 5]
        model.actor = _ACTORS[at % 6]
        client.assign(ns, key, category, _MEMBERS[at], weights=_WEIGHTS[at], actor=model.actor)
        model.items[key] = ModelItem(_MEMBERS[at], float(_WEIGHTS[at]))
        model.join(key, category)
    inbox = _vectors(2, 9)
    client.put_items(ns, ["x0", "x1"], inbox)
    for key, vector in zip(["x0", "x1"], inbox, strict=True):
        model.items[key] = ModelItem(vector)
    return model


def _assert_near(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.fixture
def taught(client: Client, ns: str) -> tuple[str, Model]:
    """A namespace with caps, and its model."""
    return ns, _fill(client, ns)


def test_no_actor_weighs_more_than_the_cap(client: Client, taught: tuple[str, Model]) -> None:
    ns, model = taught
    for key, told in _CATEGORIES.items():
        category = client.get_category(ns, key, include_embeddings=True)
        assert category.max_actor_share == told.max_actor_share
        expected = model.stats(key)
        _assert_near(category.effective, expected.effective)
        assert category.drift == pytest.approx(expected.drift, abs=1e-6)
        assert category.counting_weight == pytest.approx(expected.weight), "before the cap"
        assert category.spread == pytest.approx(expected.spread, rel=1e-6), "before the cap"
        if told.max_actor_share is None:
            assert category.actor_shares == ()
            continue
        base, weights = model.weights(key, model.counting(key))
        shares: dict[str, float] = {}
        for item, weight in zip(model.counting(key), weights, strict=True):
            actor = model.actors[model.members[item, key]]
            shares[actor] = shares.get(actor, 0) + weight / (base + weights.sum())
        found = {each.actor: each.share for each in category.actor_shares}
        assert found == pytest.approx(shares, abs=_EXACT)
        if key == "bare":
            # Four actors and no base cannot all weigh 0.05: they weigh the same.
            assert set(np.round(list(found.values()), 9)) == {round(1 / len(found), 9)}
        else:
            assert max(found.values()) == pytest.approx(told.max_actor_share, abs=_EXACT)
        assert sum(each.counting_count for each in category.actor_shares) == expected.counting
        capped = [each for each in category.actor_shares if each.scale < 1]
        assert capped
        for each in category.actor_shares:
            whole = base + weights.sum()
            assert each.share == pytest.approx(each.scale * each.weight / whole, rel=1e-9)
    listed = {each.key: each.actor_shares for each in client.list_categories(ns)}
    assert set(listed.values()) == {()}, "only GetCategory has them"


def test_a_wrong_teacher_moves_a_category_only_as_far_as_the_cap_allows(
    client: Client, ns: str
) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, CategoryUpdate("c", base=[1, 0]))
    client.assign(ns, ["a", "b"], "c", [[1, 0], [1, 0]], actor="right")
    wrong = [f"w{number}" for number in range(97)]
    client.assign(ns, wrong, "c", np.tile([0.0, 1.0], (97, 1)), actor="wrong")
    drift = client.get_category(ns, "c").drift
    assert drift is not None
    assert drift > 0.95
    client.put_categories(ns, CategoryUpdate("c", max_actor_share=0.25))
    capped = client.get_category(ns, "c", include_embeddings=True)
    # The base and the other teacher weigh what they did, 3, which is three quarters of the whole.
    _assert_near(capped.effective, [0.75, 0.25])
    assert capped.member_count == capped.counting_count == 99, "members stay members"
    assert capped.counting_weight == 99
    client.put_categories(ns, CategoryUpdate("c", max_actor_share=1))
    assert client.get_category(ns, "c").drift == drift


def test_a_cap_is_kept_changed_and_taken_back(client: Client, taught: tuple[str, Model]) -> None:
    ns, _ = taught
    before = client.get_namespace(ns).digest
    kept = client.get_category(ns, "named", include_embeddings=True)
    client.put_categories(ns, CategoryUpdate("named", window=0))
    assert client.get_category(ns, "named", include_embeddings=True) == kept, "unset leaves it"
    client.put_categories(ns, CategoryUpdate("named", max_actor_share=0.3))
    assert client.get_category(ns, "named").max_actor_share == 0.3
    assert client.get_namespace(ns).digest != before
    client.put_categories(ns, CategoryUpdate("named", max_actor_share=1))
    without = client.get_category(ns, "named")
    assert (without.max_actor_share, without.actor_shares) == (None, ())
    changed = client.put_categories(ns, CategoryUpdate("named", max_actor_share=1)).results[0]
    assert not changed.changed
    update = next(iter(client.history(ns)))
    assert update.category_before is not None
    assert update.category_before.max_actor_share == 0.3
    client.put_categories(ns, CategoryUpdate("named", max_actor_share=0.2))
    assert client.get_namespace(ns).digest == before, "the same state"
    assert client.get_category(ns, "named", include_embeddings=True) == kept
    first = client.reanchor(ns, "named", request_id="once")
    assert first.max_actor_share == 0.2
    assert client.reanchor(ns, "named", request_id="once") == first


def test_a_new_cap_gives_what_a_cap_from_the_start_has(
    client: Client, ns: str, new_name: Any
) -> None:
    _fill(client, ns)
    other = new_name()
    client.create_namespace(other, _DIMENSION)
    client.put_categories(
        other, [CategoryUpdate(key, base=each.base) for key, each in _CATEGORIES.items()]
    )
    for item in sorted(client.list_items(ns, include_embeddings=True), key=_sequence):
        for own in item.memberships:
            client.assign(
                other, item.key, own.category, item.embedding, weights=item.weight, actor=own.actor
            )
    client.put_items(other, ["x0", "x1"], _vectors(2, 9))
    fields = ("window", "min_base_share", "max_actor_share")
    client.put_categories(
        other,
        [
            CategoryUpdate(key, **{name: getattr(each, name) for name in fields})
            for key, each in _CATEGORIES.items()
        ],
    )
    assert client.get_namespace(other).digest == client.get_namespace(ns).digest
    assert client.verify(other).findings == ()


def _sequence(item: Any) -> int:
    return int(item.memberships[0].sequence) if item.memberships else 0


def test_changes_leave_no_trace(client: Client, taught: tuple[str, Model]) -> None:
    ns, _ = taught
    before = client.get_namespace(ns).digest
    shares = {key: client.get_category(ns, key).actor_shares for key in _CATEGORIES}
    for category in _CATEGORIES:
        client.assign(ns, "x0", category, actor="new")
        client.unassign(ns, "x0")
    assert client.get_namespace(ns).digest == before
    wrong = np.ones(_DIMENSION)
    client.put_items(ns, "i03", wrong, weights=9)
    assert client.get_category(ns, "named").actor_shares != shares["named"]
    client.put_items(ns, "i03", _MEMBERS[3], weights=float(_WEIGHTS[3]))
    assert client.get_namespace(ns).digest == before
    client.put_categories(ns, CategoryUpdate("named", window=2))
    client.put_categories(ns, CategoryUpdate("named", frozen=True))
    assert client.get_category(ns, "named").actor_shares == ()
    client.put_categories(ns, CategoryUpdate("named", frozen=False, window=0))
    assert client.get_namespace(ns).digest == before
    assert {key: client.get_category(ns, key).actor_shares for key in _CATEGORIES} == shares
    assert client.verify(ns).findings == ()


def test_the_actor_who_assigned_a_member_keeps_it(client: Client, ns: str) -> None:
    """Whoever says it again, moves the category or gives the item another embedding."""
    client.create_namespace(ns, 2, membership="multiple")
    client.put_categories(
        ns, [CategoryUpdate(key, base=[1, 0], max_actor_share=0.4) for key in "ab"]
    )
    client.assign(ns, ["i", "j"], "a", [[0, 1], [1, 1]], actor="ada")
    client.assign(ns, ["i", "k"], ["a", "b"], [[0, 1], [2, 1]], actor="bea")
    client.put_items(ns, "i", [0, 2], actor="bea")
    client.rename_category(ns, "a", "c", actor="bea")
    counts = {each.actor: each.counting_count for each in client.get_category(ns, "c").actor_shares}
    assert counts == {"ada": 2}
    merged = client.merge_categories(ns, "b", "c", actor="cora").category
    assert merged.max_actor_share == 0.4
    counts = {each.actor: each.counting_count for each in client.get_category(ns, "c").actor_shares}
    assert counts == {"ada": 2, "bea": 1}
    assert client.verify(ns).findings == ()


def test_undo_gives_members_their_actors_again(client: Client, taught: tuple[str, Model]) -> None:
    ns, _ = taught
    before = client.get_namespace(ns).digest
    kept = {key: client.get_category(ns, key, include_embeddings=True) for key in _CATEGORIES}
    revision = client.get_namespace(ns).revision
    client.assign(ns, [f"i{at:02}" for at in range(0, 60, 7)], "open", actor="late")
    client.put_categories(ns, CategoryUpdate("window", max_actor_share=0.9, window=3))
    client.put_categories(ns, CategoryUpdate("share", max_actor_share=1))
    client.assign(ns, ["x0", "x1"], "named", actor="late")
    client.merge_categories(ns, "bare", "named", actor="late")
    client.delete_categories(ns, "window", actor="late")
    now = client.get_namespace(ns).revision
    for key, category in kept.items():
        # The drafts of a past revision are those of its time.
        past = client.get_category(ns, key, include_embeddings=True, at_revision=revision)
        assert past == category
    client.undo(ns, revisions=(revision + 1, now))
    assert client.get_namespace(ns).digest == before
    for key, category in kept.items():
        assert client.get_category(ns, key, include_embeddings=True) == category
    assert client.verify(ns).findings == ()


def test_the_parts_of_a_score_add_up_with_scaled_weights(
    client: Client, taught: tuple[str, Model]
) -> None:
    ns, model = taught
    for query in _vectors(3, 5):
        for ranking in _RANKINGS:
            reply = client.explain(
                ns, query, list(_CATEGORIES), members=20, ranking=ranking, fairness=0.5
            )
            for each in reply.explanations:
                parts = [each.other_members, each.rounding, *(own.part for own in each.members)]
                parts.append(each.base.part if each.base else 0)
                assert each.score == pytest.approx(sum(parts), abs=_EXACT)
                extra = [each.fairness, each.held_back, *(own.pull for own in each.neighbours)]
                assert each.score is not None
                assert each.rank_score == pytest.approx(each.score + sum(extra), abs=_EXACT)
                assert abs(each.rounding) < 1e-6
                _check_parts(each, model, query)
                category = client.get_category(ns, each.category)
                assert each.capped_actors == tuple(
                    own for own in category.actor_shares if own.scale < 1
                )


def _check_parts(explanation: Any, model: Model, query: Any) -> None:
    key = explanation.category
    counting = model.counting(key)
    base_weight, weights = model.weights(key, counting)
    numerator = model.stats(key).numerator
    assert numerator is not None
    norms = np.linalg.norm(query.astype(np.float64)) * np.linalg.norm(numerator)
    if explanation.base is not None:
        assert explanation.base.weight == pytest.approx(base_weight, rel=1e-9)
    scaled = dict(zip(counting, weights, strict=True))
    assert {own.item for own in explanation.members} == set(counting)
    for own in explanation.members:
        item = model.items[own.item]
        assert own.weight == np.float32(item.weight)
        assert own.scale * own.weight == pytest.approx(scaled[own.item], rel=1e-9)
        part = scaled[own.item] * (query.astype(np.float64) @ item.embedding) / norms
        assert own.part == pytest.approx(part, abs=_EXACT)


def test_a_score_without_a_member_is_that_of_the_real_unassignment(
    client: Client, taught: tuple[str, Model]
) -> None:
    ns, model = taught
    query = _vectors(1, 10)[0]
    for category in ("named", "share", "bare", "window"):
        (explanation,) = client.explain(ns, query, category, members=12).explanations
        reviewed = {
            each.item: each for each in client.review_members(ns, "influence", category=category)
        }
        before = model.stats(category).numerator
        for member in explanation.members[:4]:
            (own,) = client.explain(ns, member.item, category).explanations
            written = client.unassign(ns, member.item)
            (match,) = client.match(ns, [query], limit=0, include=category)
            assert match.matches[0].score == member.score_without
            (match,) = client.match(ns, member.item, limit=0, include=category)
            assert own.leave_one_out is not None
            assert match.matches[0].score == own.leave_one_out.score
            assert match.matches[0].score == reviewed[member.item].score
            place = model.members.pop((member.item, category))
            after = model.stats(category).numerator
            model.members[member.item, category] = place
            assert before is not None
            assert after is not None
            assert reviewed[member.item].movement == pytest.approx(
                1 - cosine(before, after), rel=1e-5, abs=1e-12
            )
            client.undo(ns, written.revision)


def test_confidence_takes_the_scales_without_the_member(
    client: Client, taught: tuple[str, Model]
) -> None:
    ns, model = taught
    scores = {key: left_out_scores(model, key) for key in model.categories}
    queries = np.concatenate([_vectors(8, 6), _MEMBERS[::9]])
    for result in client.match(ns, queries, limit=0, confidence=True):
        for match in result.matches:
            expected = confidence(scores[match.category], match.score)
            assert expected is not None
            assert match.confidence is not None
            assert expected[0] <= match.confidence <= expected[1], match


def test_review_rates_are_those_of_members_that_leave_one_after_the_other(
    client: Client, taught: tuple[str, Model]
) -> None:
    ns, _ = taught
    before = client.get_namespace(ns)
    found = client.estimate_review_rate(ns, [0.2], ranking="local", fairness=0.5)
    assert client.get_namespace(ns) == before
    taken: list[bool] = []
    count = 0
    for category in client.list_categories(ns):
        members = [each.key for each in client.list_items(ns, category=category.key)]
        for item in members[: category.counting_count]:
            count += 1
            revision = client.unassign(ns, item).revision
            (result,) = client.match(
                ns, item, limit=1, confidence=True, ranking="local", fairness=0.5
            )
            client.undo(ns, revision)
            best = result.best
            if best is not None and best.confidence is not None and best.confidence >= 0.2:
                taken.append(best.category == category.key)
    assert found.sample_count == count
    assert found.rates[0].review_share == pytest.approx(1 - len(taken) / count, abs=1e-12)
    assert found.rates[0].error_share == pytest.approx(taken.count(False) / len(taken), abs=1e-12)


def test_the_influence_of_an_actor_is_that_of_the_cap(
    client: Client, taught: tuple[str, Model]
) -> None:
    ns, model = taught
    influences = {(each.category, each.actor): each for each in client.review_actors(ns)}
    for key in _CATEGORIES:
        for share in client.get_category(ns, key).actor_shares:
            found = influences[key, share.actor]
            assert found.weight_share == pytest.approx(share.share, rel=1e-9)
            assert found.scale == share.scale
            assert (found.counting_count, found.weight) == (share.counting_count, share.weight)
        before = model.stats(key).numerator
        places = {
            (item, own): place
            for (item, own), place in model.members.items()
            if own == key and model.actors[place] == "wrong"
        }
        for membership in places:
            del model.members[membership]
        after = model.stats(key).numerator
        model.members |= places
        assert before is not None
        assert after is not None
        movement = influences[key, "wrong"].movement
        assert movement == pytest.approx(1 - cosine(before, after), rel=1e-5, abs=1e-12)
    assert influences["open", "wrong"].scale == 1


def test_the_impact_of_an_actor_is_what_is_left_when_the_members_leave(
    client: Client, taught: tuple[str, Model]
) -> None:
    ns, _ = taught
    impact = client.review_impact(ns, "wrong", changes=100)
    changed = {each.item: (each.category, each.category_without) for each in impact.changes}
    items = [f"i{at:02}" for at in range(60) if _ACTORS[at % 6] != "wrong"] + ["x0", "x1"]
    with_them = client.match(ns, items, limit=1, ranking="cosine", fairness=0)
    client.unassign(ns, [f"i{at:02}" for at in range(60) if _ACTORS[at % 6] == "wrong"])
    without = client.match(ns, items, limit=1, ranking="cosine", fairness=0)
    expected = {}
    for item, one, other in zip(items, with_them, without, strict=True):
        pair = (one.matches[0].category, other.matches[0].category)
        if pair[0] != pair[1]:
            expected[item] = pair
    assert changed == expected


@pytest.mark.parametrize("ranking", _RANKINGS)
def test_a_what_if_has_the_effect_that_the_write_has(
    client: Client, taught: tuple[str, Model], ranking: RankingMode
) -> None:
    ns, _ = taught
    query = _vectors(1, 12)[0]
    keys = list(_CATEGORIES)
    changes: list[tuple[WhatIf, Any]] = [
        (WhatIf("i03", leaves="named"), lambda: client.unassign(ns, "i03", "named")),
        (WhatIf("i12", leaves="window"), lambda: client.unassign(ns, "i12", "window")),
        (WhatIf("i22", leaves="window"), lambda: client.unassign(ns, "i22", "window")),
        (
            WhatIf("x0", joins="named", actor="wrong"),
            lambda: client.assign(ns, "x0", "named", actor="wrong"),
        ),
        (
            WhatIf("i49", joins="share", actor="dora"),
            lambda: client.assign(ns, "i49", "share", actor="dora"),
        ),
        (WhatIf("x1", joins="bare"), lambda: client.assign(ns, "x1", "bare")),
        (WhatIf("i26", weight=30), lambda: client.put_items(ns, "i26", weights=30)),
        (WhatIf("i38", weight=0.25), lambda: client.put_items(ns, "i38", weights=0.25)),
    ]
    found = client.explain(
        ns, query, keys, ranking=ranking, fairness=0.5, what_if=[each for each, _ in changes]
    )
    before = client.get_namespace(ns).digest
    for (_, write), result in zip(changes, found.what_if, strict=True):
        written = write()
        then = client.explain(ns, query, keys, ranking=ranking, fairness=0.5)
        ranked = {each.category: each for each in then.explanations}
        for each in result.categories:
            expected = ranked[each.category]
            assert (each.score, each.rank_score) == (expected.score, expected.rank_score)
        client.undo(ns, written.revision)
    assert client.get_namespace(ns).digest == before


def test_it_survives_a_restart_a_snapshot_and_every_kernel(tmp_path: Path) -> None:
    queries = _vectors(6, 4)
    with Client.embedded(tmp_path / "data") as client:
        model = _fill(client, "n")
        digest = client.get_namespace("n").digest
        dials: dict[str, Any] = {"limit": 0, "ranking": "local", "fairness": 0.6}
        expected = client.match("n", queries, confidence=True, **dials)
        categories = [client.get_category("n", key) for key in _CATEGORIES]
        client.snapshot("n", tmp_path / "file")
        assert client.restore(tmp_path / "file", "copy").digest == digest
        assert [client.get_category("copy", key).actor_shares for key in _CATEGORIES] == [
            each.actor_shares for each in categories
        ]
    for kernel in kernels():
        with Client.embedded(tmp_path / "data", kernel=kernel, threads=2) as client:
            assert client.get_namespace("n").digest == digest
            assert client.match("n", queries, confidence=True, **dials) == expected
            assert [client.get_category("n", key) for key in _CATEGORIES] == categories
            assert client.verify("n").findings == client.verify("copy").findings == ()
    # Writes go on with the sums of each actor that were read.
    with Client.embedded(tmp_path / "data") as client:
        client.assign("n", "x0", "named", actor="wrong")
        model.actor = "wrong"
        model.join("x0", "named")
        found = client.get_category("n", "named", include_embeddings=True).effective
        _assert_near(found, model.stats("named").effective)
        assert client.verify("n").findings == ()


def test_the_log_has_what_a_restart_after_a_crash_replays(tmp_path: Path) -> None:
    """Sums are written now and then; the log says whose members the changes since are of."""
    with Client.embedded(tmp_path / "data") as client:
        _fill(client, "n")
        # The oldest of the window leave it, members of two actors change and leave.
        client.assign("n", ["x0", "x1"], "window", actor="new")
        client.put_items("n", ["i13", "i26"], _MEMBERS[[1, 2]], weights=2)
        client.unassign("n", ["i23", "i25"])
        digest = client.get_namespace("n").digest
        shares = [client.get_category("n", key) for key in _CATEGORIES]
        shutil.copytree(tmp_path / "data", tmp_path / "crashed")
    with Client.embedded(tmp_path / "crashed") as client:
        assert client.get_namespace("n").digest == digest
        assert [client.get_category("n", key) for key in _CATEGORIES] == shares
        assert client.verify("n").findings == ()


def test_an_effective_snapshot_has_the_capped_average(
    client: Client, taught: tuple[str, Model], tmp_path: Path
) -> None:
    ns, model = taught
    exported = {
        each.key: each.effective for each in client.list_categories(ns, include_embeddings=True)
    }
    for key, effective in exported.items():
        _assert_near(effective, model.stats(key).effective)
    summary = client.snapshot(ns, tmp_path / "effective", view="effective")
    assert summary.category_count == len(_CATEGORIES)


@pytest.mark.parametrize("share", [0.0, 0.009, 1.01, -0.5, float("nan"), float("inf")])
def test_a_cap_out_of_its_range_is_refused(
    client: Client, taught: tuple[str, Model], share: float
) -> None:
    ns, _ = taught
    with pytest.raises(InvalidArgument) as refused:
        client.put_categories(ns, CategoryUpdate("named", max_actor_share=share))
    assert refused.value.reason == "OUT_OF_RANGE"
    assert refused.value.field_violations[0].field == "categories[0].max_actor_share"
    assert refused.value.metadata["expected"] == "0.01 to 1"
    assert client.get_category(ns, "named").max_actor_share == 0.2
