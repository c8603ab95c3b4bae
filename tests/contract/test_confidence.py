"""How sure a match is: the share of the members that fit no better, without themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, MatchResult
from tests.model.confidence import confidence, left_out_scores
from tests.model.oracle import Model, ModelCategory, ModelItem
from tests.support.vectors import random_vectors

_DIMENSION = 12
_BASES = random_vectors(8, _DIMENSION, seed=1) + 1
_SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"base": _BASES[0]},
    "window": {"base": _BASES[1], "window": 5},
    "frozen": {"base": _BASES[2], "frozen": True},
    "heavy": {"base": _BASES[3], "base_weight": 40},
    "weightless": {"base": _BASES[4], "base_weight": 0},
    "held": {"base": _BASES[5], "min_base_share": 0.4},
    "nameless": {},
    "one": {"base": _BASES[6]},
    "only one": {},
    "name": {"base": _BASES[7]},
}


class _World:
    """A namespace, told to the service and to the model."""

    def __init__(
        self, client: Client, ns: str, *, unit: bool = False, multiple: bool = False
    ) -> None:
        self.client, self.ns = client, ns
        client.create_namespace(
            ns,
            _DIMENSION,
            normalization="unit" if unit else "raw",
            membership="multiple" if multiple else "single",
        )
        client.put_categories(ns, [CategoryUpdate(key, **told) for key, told in _SETTINGS.items()])
        self.model = Model(_DIMENSION, unit=unit, multiple=multiple)
        for key, told in _SETTINGS.items():
            rest = {name: value for name, value in told.items() if name != "base"}
            base = self.model.take_in(told["base"]) if "base" in told else None
            self.model.categories[key] = ModelCategory(base=base, **rest)

    def assign(self, items: list[str], category: str, vectors: Any, weights: Any = 1.0) -> None:
        weights = np.broadcast_to(np.float32(weights), len(items))
        self.client.assign(self.ns, items, category, vectors, weights=weights)
        for item, vector, weight in zip(items, vectors, weights, strict=True):
            self.model.items[item] = ModelItem(self.model.take_in(vector), float(weight))
            if not self.model.multiple:
                for before in self.model.categories_of(item):
                    self.model.leave(item, before)
            if category not in self.model.categories_of(item):
                self.model.join(item, category)

    def unassign(self, item: str) -> None:
        self.client.unassign(self.ns, item)
        for category in self.model.categories_of(item):
            self.model.leave(item, category)

    def check(self, queries: Any) -> list[MatchResult]:
        scores = {key: left_out_scores(self.model, key) for key in self.model.categories}
        results = self.client.match(self.ns, queries, limit=0, confidence=True)
        for result in results:
            for match in result.matches:
                expected = confidence(scores[match.category], match.score)
                if expected is None:
                    assert match.confidence is None, match
                else:
                    assert match.confidence is not None
                    assert expected[0] <= match.confidence <= expected[1], match
        return results


def _fill(world: _World, *, lengths: bool) -> None:
    rng = np.random.default_rng(5)
    taught = [key for key in _SETTINGS if key != "name"]
    for at, category in enumerate(taught):
        count = 1 if "one" in category else 9
        members = 1 + _BASES[at % 8] + 1.5 * rng.normal(size=(count, _DIMENSION))
        weights: Any = 1.0
        if lengths:
            members *= 10 ** rng.uniform(-1, 1, size=(count, 1))
            weights = rng.choice([0.25, 1, 7], count)
        world.assign([f"{category} {n}" for n in range(count)], category, members, weights)


@pytest.mark.parametrize(("unit", "lengths"), [(False, False), (False, True), (True, True)])
def test_confidences_are_those_of_the_formula(
    client: Client, ns: str, *, unit: bool, lengths: bool
) -> None:
    world = _World(client, ns, unit=unit)
    _fill(world, lengths=lengths)
    queries = random_vectors(12, _DIMENSION, seed=3) + 1
    (first, *_) = world.check(queries)
    sure = {match.category: match.confidence for match in first.matches}
    assert {key for key, own in sure.items() if own is None} == {"frozen", "only one", "name"}


def test_a_write_changes_the_confidence_of_the_next_match(client: Client, ns: str) -> None:
    world = _World(client, ns)
    _fill(world, lengths=True)
    queries = random_vectors(6, _DIMENSION, seed=3) + 1
    world.check(queries)
    before = client.match(ns, queries, limit=0, confidence=True)
    copies = np.repeat(queries[:1], 3, axis=0)
    world.assign(["a", "b", "c"], "plain", copies)
    world.assign(["window 8"], "held", queries[1:2], 3)
    world.assign(["held 1"], "held", 2 * queries[2:3], 3)
    world.check(queries)
    world.unassign("nameless 2")
    world.unassign("b")
    client.reanchor(ns, "heavy", keep_last=4)
    assert world.model.reanchor("heavy", 4)
    world.check(queries)
    client.put_categories(ns, [CategoryUpdate("weightless", base_weight=2)])
    world.model.categories["weightless"].base_weight = 2
    world.check(queries)
    after = client.match(ns, queries, limit=0, confidence=True)
    assert [each.matches for each in before] != [each.matches for each in after]


def test_an_item_in_several_categories_counts_in_each(client: Client, ns: str) -> None:
    world = _World(client, ns, multiple=True)
    _fill(world, lengths=True)
    some = [f"plain {n}" for n in range(4)]
    vectors = np.stack([world.model.items[key].embedding for key in some])
    weights = [world.model.items[key].weight for key in some]
    world.assign(some, "nameless", vectors, weights)
    world.check(random_vectors(6, _DIMENSION, seed=3) + 1)


def test_confidence_goes_by_the_score_whatever_the_ranking(client: Client, full: str) -> None:
    query = random_vectors(1, 8, seed=10)

    def sure(**dials: Any) -> dict[str, tuple[float, float | None]]:
        (result,) = client.match(full, query, limit=0, confidence=True, **dials)
        return {match.category: (match.score, match.confidence) for match in result.matches}

    expected = sure()
    assert all(confidence is not None for _, confidence in expected.values())
    for ranking in ("cosine", "local"):
        for fairness in (0, 0.5, 1):
            assert sure(ranking=ranking, fairness=fairness) == expected


def test_a_match_has_a_confidence_only_if_that_was_asked_for(client: Client, full: str) -> None:
    query = random_vectors(1, 8, seed=10)
    (plain,) = client.match(full, query)
    (sure,) = client.match(full, query, confidence=True)
    (level,) = client.match(full, query, min_confidence=0.999)
    assert {match.confidence for match in plain.matches} == {None}
    assert sure.matches == level.matches, "a level leaves no category out"
    assert [match.category for match in plain.matches] == [m.category for m in sure.matches]
    assert not plain.none_of_these
    assert not sure.none_of_these


def test_none_of_these_is_said_where_no_match_reaches_the_level(client: Client, ns: str) -> None:
    client.create_namespace(ns, 2)
    client.put_categories(ns, [CategoryUpdate("right", base=[1, 0]), CategoryUpdate("up")])
    angles = np.linspace(-0.5, 0.5, 19)
    client.assign(
        ns, [f"{n}" for n in range(19)], "right", np.stack([np.cos(angles), np.sin(angles)], axis=1)
    )

    def asked(query: list[float], level: float, **options: Any) -> MatchResult:
        (result,) = client.match(ns, query, min_confidence=level, **options)
        return result

    inside = asked([1, 0], 0.9)
    assert inside.best is not None
    assert inside.best.confidence == 1
    assert not inside.none_of_these
    outside = asked([0, 1], 0.1)
    assert outside.best is not None
    assert outside.best.confidence == 1 / 20, "no member fits as badly"
    assert outside.none_of_these
    assert not asked([0, 1], 1 / 20).none_of_these, "the level itself is reached"
    client.put_categories(ns, [CategoryUpdate("up", base=[0, 1])])
    named = asked([0, 1], 0.01, limit=1)
    assert named.best is not None
    assert (named.best.category, named.best.confidence) == ("up", None)
    assert named.none_of_these, "a name alone reaches no level"
    assert not asked([0, 1], 0.01).none_of_these, "the second match does"
    assert asked([0, 1], 0.01, include=["unknown"]).none_of_these


def test_confidences_survive_a_restart_and_a_restore_to_the_bit(tmp_path: Path) -> None:
    queries = random_vectors(8, _DIMENSION, seed=3) + 1
    with Client.embedded(tmp_path / "data") as client:
        world = _World(client, "n")
        _fill(world, lengths=True)
        world.check(queries)
        world.unassign("plain 3")
        expected = client.match("n", queries, limit=0, confidence=True)
        client.snapshot("n", tmp_path / "file")
        client.restore(tmp_path / "file", "again")
        again = client.match("again", queries, limit=0, confidence=True)
        assert [each.matches for each in again] == [each.matches for each in expected]
    with Client.embedded(tmp_path / "data", memory_budget=1) as client:
        for _ in range(2):
            assert client.match("n", queries, limit=0, confidence=True) == expected


def test_of_the_own_items_a_share_of_the_level_is_turned_away(shared_embedded: Client) -> None:
    rng = np.random.default_rng(8)
    dimension, categories, members, further = 24, 200, 20, 50
    centres = np.repeat(rng.normal(size=(categories, dimension)), members + further, axis=0)
    items = centres + rng.normal(size=centres.shape)
    items = items.reshape(categories, members + further, dimension).astype(np.float32)
    keys = [f"c{number:03}" for number in range(categories)]
    client, ns = shared_embedded, "turned-away"
    client.create_namespace(ns, dimension)
    client.put_categories(ns, [CategoryUpdate(key) for key in keys])
    names = [f"{key} {n}" for key in keys for n in range(members)]
    taught = items[:, :members].reshape(-1, dimension)
    client.assign(ns, names, np.repeat(keys, members).tolist(), taught)
    own = []
    for key, queries in zip(keys, items[:, members:], strict=True):
        results = client.match(ns, queries, include=key, confidence=True)
        own += [match.confidence for result in results for match in result.matches]
    assert len(own) == categories * further
    shares = {level: np.mean(np.array(own) < level) for level in (0.05, 0.1, 0.2, 0.3)}
    for level, share in shares.items():
        assert abs(share - level) < 0.02, shares
