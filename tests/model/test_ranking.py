"""Fairness and LOCAL are what a plain numpy model says, in every odd case."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client, MatchResult, RankingMode, kernels
from tests.model.oracle import Model, ModelCategory, ModelItem, Real
from tests.model.ranking import GATE, Learned, Ranked, rank
from tests.support.vectors import random_vectors

_TOLERANCE = 1e-6
#: Rows are rounded to 32 bits; where a row's noise is small, solving for the pulls enlarges that.
_RANK_TOLERANCE = 1e-5
#: Ranks that are nearer than this may change places, and a lead this near to the gate pass it.
_NEAR = 1e-7


_BATCH = 7


def _actor(batch: int) -> str:
    """The author of a batch: one of four, who assign unequally many."""
    return "aaaabbc"[batch % 7] if batch % 11 else "d"


@dataclass
class World:
    """Categories and members, told to the service and to the model."""

    dimension: int = 24
    unit: bool = False
    multiple: bool = False
    categories: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: (item, category, vector, weight), in the order of assignment.
    assignments: list[tuple[str, str, Real, float]] = field(default_factory=list)

    def tell(self, client: Client, ns: str) -> None:
        """Tell the service."""
        client.create_namespace(
            ns,
            self.dimension,
            normalization="unit" if self.unit else "raw",
            membership="multiple" if self.multiple else "single",
        )
        client.put_categories(ns, [CategoryUpdate(key, **s) for key, s in self.categories.items()])
        for number, begin in enumerate(range(0, len(self.assignments), _BATCH)):
            items, categories, vectors, weights = zip(
                *self.assignments[begin : begin + _BATCH], strict=True
            )
            embeddings, actor = np.stack(vectors), _actor(number)
            client.assign(ns, items, categories, embeddings, weights=weights, actor=actor)

    def model(self) -> Model:
        """Tell the model."""
        model = Model(self.dimension, unit=self.unit, multiple=self.multiple)
        for key, told in self.categories.items():
            base = told.get("base")
            rest = {name: value for name, value in told.items() if name != "base"}
            model.categories[key] = ModelCategory(
                base=None if base is None else model.take_in(base), **rest
            )
        for number, (item, category, vector, weight) in enumerate(self.assignments):
            model.actor = _actor(number // _BATCH)
            model.items[item] = ModelItem(model.take_in(vector), float(np.float32(weight)))
            model.join(item, category)
        return model


def learned(model: Model) -> list[Learned]:
    """The categories that can be ranked, as ranking sees them."""
    found = []
    for key, told in model.categories.items():
        stats = model.stats(key)
        if stats.numerator is None:
            continue
        counting = model.counting(key)
        base_weight, weights = model.weights(key, counting)
        embeddings = [model.items[item].embedding.astype(np.float64) for item in counting]
        found.append(
            Learned(
                key,
                stats.numerator,
                None if told.base is None else told.base.astype(np.float64),
                base_weight,
                list(zip(counting, embeddings, weights.tolist(), strict=True)),
            )
        )
    return found


def _compare(result: MatchResult, expected: list[Ranked]) -> None:
    by_key = {each.key: each for each in expected}
    assert {match.category for match in result.matches} == set(by_key)
    for match, place in zip(result.matches, expected, strict=True):
        own = by_key[match.category]
        assert match.score == pytest.approx(own.score, abs=_TOLERANCE)
        assert match.rank_score == pytest.approx(own.rank_score, abs=_RANK_TOLERANCE)
        assert (
            match.category == place.key or abs(own.rank_score - place.rank_score) < _RANK_TOLERANCE
        )


def check(client: Client, ns: str, world: World, queries: Any) -> int:
    """Compare every way to rank; return how many queries the neighbours have ranked again."""
    world.tell(client, ns)
    model = world.model()
    categories = learned(model)
    modes: tuple[RankingMode, ...] = ("cosine", "local")
    again = 0
    for fairness in (0, 0.5, 1):
        for mode in modes:
            results = client.match(ns, queries, limit=0, ranking=mode, fairness=fairness)
            for query, result in zip(queries, results, strict=True):
                direction = model.take_in(query).astype(np.float64)
                base = rank(categories, direction, local=False, fairness=fairness)
                if len(base) > 1 and _is_near_the_gate(base):
                    continue
                local = rank(categories, direction, local=mode == "local", fairness=fairness)
                _compare(result, local)
                again += mode == "local" and any(each.pulls for each in local)
    return again


def _is_near_the_gate(base: list[Ranked]) -> bool:
    return abs(base[0].rank_score - base[1].rank_score - GATE) < _NEAR


def _crowd(world: World, count: int, *, spread: float = 0.7, seed: int = 5) -> None:
    """Put members around the bases of categories, or around anything."""
    noise = random_vectors(count, world.dimension, seed=seed)
    keys = list(world.categories)
    centres = random_vectors(len(keys), world.dimension, seed=seed + 1)
    for number in range(count):
        at = number * number % len(keys)
        base = world.categories[keys[at]].get("base")
        centre = centres[at] if base is None else np.asarray(base)
        vector = centre + spread * noise[number]
        world.assignments.append((f"item {number}", keys[at], vector, 1.0))


def _named(count: int, dimension: int = 24, seed: int = 1) -> dict[str, dict[str, Any]]:
    bases = random_vectors(count, dimension, seed=seed)
    common = random_vectors(1, dimension, seed=seed + 40)[0]
    return {f"category {n}": {"base": 0.6 * base + common} for n, base in enumerate(bases)}


def test_many_categories_and_members(client: Client, ns: str) -> None:
    world = World(categories=_named(12))
    _crowd(world, 300)
    assert check(client, ns, world, random_vectors(6, 24, seed=3) + 0.5) > 0


def test_raw_members_of_very_different_length_and_weight(client: Client, ns: str) -> None:
    world = World(categories=_named(9))
    _crowd(world, 150)
    lengths = 10.0 ** np.random.default_rng(4).uniform(-2, 2, 150)
    weights = [2.0**-10, 0.3, 1, 17, 2.0**11]
    world.assignments = [
        (item, category, np.float32(length) * vector, weights[number % 5])
        for number, ((item, category, vector, _), length) in enumerate(
            zip(world.assignments, lengths, strict=True)
        )
    ]
    assert check(client, ns, world, 30 * random_vectors(4, 24, seed=3) + 10) > 0


@pytest.mark.parametrize("unit", [False, True])
def test_settings_of_all_kinds(client: Client, ns: str, *, unit: bool) -> None:
    world = World(categories=_named(10), unit=unit)
    told = list(world.categories.values())
    told[0]["window"] = 4
    told[1]["frozen"] = True
    told[2]["base_weight"] = 0
    told[3]["base_weight"] = 40
    told[4]["min_base_share"] = 0.4
    told[7]["max_actor_share"] = 0.3
    told[8] |= {"max_actor_share": 0.25, "min_base_share": 0.3, "window": 7}
    told[9] |= {"max_actor_share": 0.1, "base_weight": 0}
    del told[5]["base"], told[6]["base"]
    world.categories["empty"] = {}
    world.categories["name only"] = {"base": random_vectors(1, 24, seed=77)[0] + 0.3}
    world.categories["unweighted name"] = {"base": told[0]["base"], "base_weight": 0}
    _crowd(world, 120)
    left_alone = {"empty", "name only", "unweighted name", "category 6"}
    world.assignments = [each for each in world.assignments if each[1] not in left_alone]
    near = np.stack([each[2] for each in world.assignments[:12]])
    assert check(client, ns, world, near + 0.5 * random_vectors(12, 24, seed=3)) > 0


def test_capped_actors_of_members_of_very_different_length_and_weight(
    client: Client, ns: str
) -> None:
    """Fairness and LOCAL take the weights under max_actor_share, of unit copies too."""
    world = World(categories=_named(7))
    for number, told in enumerate(world.categories.values()):
        told["max_actor_share"] = [0.01, 0.2, 0.4, 0.7][number % 4]
    del world.categories["category 6"]["base"]
    _crowd(world, 150)
    lengths = 10.0 ** np.random.default_rng(4).uniform(-1, 1, 150)
    world.assignments = [
        (item, category, np.float32(length) * vector, [0.3, 1, 17][number % 3])
        for number, ((item, category, vector, _), length) in enumerate(
            zip(world.assignments, lengths, strict=True)
        )
    ]
    # Equal members of several actors are one row.
    _, category, vector, _ = world.assignments[0]
    world.assignments += [(f"copy {n}", category, vector, 1 + n % 3) for n in range(20)]
    queries = np.stack([vector, *(30 * random_vectors(3, 24, seed=3) + 10)])
    assert check(client, ns, world, queries) > 0
    assert any(
        each.scale < 1
        for key in world.categories
        for each in client.get_category(ns, key).actor_shares
    )


def test_anchored_members_do_not_speak(client: Client, ns: str) -> None:
    world = World(categories=_named(4))
    _crowd(world, 60)
    world.tell(client, ns)
    client.reanchor(ns, "category 1", keep_last=3)
    model = world.model()
    assert model.reanchor("category 1", 3)
    queries = random_vectors(4, 24, seed=3) + 0.4
    for query, result in zip(
        queries, client.match(ns, queries, limit=0, ranking="local"), strict=True
    ):
        expected = rank(learned(model), query.astype(np.float64), local=True, fairness=0.5)
        _compare(result, expected)


def test_an_item_in_several_categories(client: Client, ns: str) -> None:
    world = World(categories=_named(6), multiple=True)
    _crowd(world, 60)
    also = [(item, "category 2", vector, w) for item, _, vector, w in world.assignments[::9]]
    held = {(item, category) for item, category, *_ in world.assignments}
    world.assignments += [each for each in also if each[:2] not in held]
    assert check(client, ns, world, random_vectors(4, 24, seed=3) + 0.5) > 0


def test_equal_members_are_one_row(client: Client, ns: str) -> None:
    world = World(categories=_named(5))
    _crowd(world, 30)
    _, category, vector, _ = world.assignments[0]
    world.assignments += [(f"copy {n}", category, vector, 1 + n % 3) for n in range(70)]
    world.assignments += [(f"other {n}", "category 3", vector, 1) for n in range(3)]
    assert check(client, ns, world, [vector, vector + 0.1, *random_vectors(2, 24, seed=3)]) > 0


def test_a_query_that_is_a_member(client: Client, ns: str) -> None:
    world = World(categories=_named(8))
    _crowd(world, 40)
    assert check(client, ns, world, np.stack([each[2] for each in world.assignments[:6]])) > 0


@pytest.mark.parametrize("members", [0, 1, 2])
def test_few_members_in_all(client: Client, ns: str, members: int) -> None:
    world = World(categories=_named(3))
    _crowd(world, members)
    again = check(client, ns, world, random_vectors(4, 24, seed=3) + 0.5)
    assert (again > 0) == (members > 0)


def test_one_category(client: Client, ns: str) -> None:
    world = World(categories=_named(1))
    _crowd(world, 5)
    assert check(client, ns, world, random_vectors(2, 24, seed=3)) == 0


def test_all_scores_equal(client: Client, ns: str) -> None:
    base = random_vectors(1, 24, seed=1)[0]
    world = World(categories={f"category {n:02}": {"base": base} for n in range(20)})
    check(client, ns, world, [base])
    (result,) = client.match(ns, base, limit=0, ranking="local")
    assert [match.category for match in result.matches] == list(world.categories)


@pytest.mark.parametrize("dimension", [1, 2, 16384])
def test_the_smallest_and_the_largest_dimension(client: Client, ns: str, dimension: int) -> None:
    world = World(dimension=dimension, categories=_named(4, dimension))
    _crowd(world, 12, spread=1.5)
    queries = random_vectors(2, dimension, seed=3) + 0.3
    check(client, ns, world, queries)


def test_every_kernel_gives_the_same_bits_after_a_restart_and_a_restore(tmp_path: Path) -> None:
    world = World(categories=_named(40))
    for told in list(world.categories.values())[::3]:
        told["max_actor_share"] = 0.2
    _crowd(world, 400)
    queries = random_vectors(10, 24, seed=3) + 0.5
    with Client.embedded(tmp_path / "data") as client:
        world.tell(client, "ns")
        client.update_namespace("ns", ranking="local", fairness=0.75)
        expected = client.match("ns", queries, limit=0)
        plain = client.match("ns", queries, limit=0, ranking="cosine", fairness=0)
        assert any(
            [match.category for match in one.matches] != [match.category for match in other.matches]
            for one, other in zip(expected, plain, strict=True)
        )
        for match in plain[0].matches:
            assert match.rank_score == match.score
        client.snapshot("ns", tmp_path / "file")
        client.restore(tmp_path / "file", "again")
        again = client.get_namespace("again")
        assert (again.ranking, again.fairness) == ("local", 0.75)
        assert again.digest == client.get_namespace("ns").digest
        for one, other in zip(client.match("again", queries, limit=0), expected, strict=True):
            assert (one.matches, one.margin) == (other.matches, other.margin)
    for kernel in kernels():
        with Client.embedded(tmp_path / "data", kernel=kernel, threads=3) as client:
            assert client.match("ns", queries, limit=0) == expected
            (first,) = client.match("ns", queries[:1], limit=5)
            assert first.matches == expected[0].matches[:5]
            assert client.verify("ns").findings == ()
