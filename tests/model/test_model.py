"""Any sequence of requests: the service equals a model of dictionaries and numpy."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from effective_embeddings import CategoryUpdate, Client
from tests.model.compare import assert_same
from tests.model.machine import DIMENSION, POOL, QUERIES, Machine
from tests.model.operations import (
    Assign,
    DeleteItems,
    Operation,
    PutCategories,
    PutItems,
    Reanchor,
)
from tests.model.oracle import Model
from tests.model.rebuild import rebuild
from tests.support.folders import quick_folder


@pytest.mark.slow
def test_any_sequence_of_writes_restarts_and_restores_matches_the_model() -> None:
    slow = settings.get_current_profile_name() == "slow"
    steps, examples = (60, 400) if slow else (30, 40)
    run_state_machine_as_test(
        Machine, settings=settings(stateful_step_count=steps, max_examples=examples)
    )


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("multiple", [False, True])
def test_a_long_random_run_matches_the_model(*, unit: bool, multiple: bool) -> None:
    """One long random run for each kind of namespace, independent of Hypothesis."""
    rng = random.Random(f"{unit} {multiple}")
    model = Model(DIMENSION, unit=unit, multiple=multiple)
    with quick_folder() as folder, Client.embedded(folder / "data") as client:
        client.create_namespace(
            "long",
            DIMENSION,
            normalization="unit" if unit else "raw",
            membership="multiple" if multiple else "single",
        )
        for step in range(300):
            operation = _random_operation(rng, step)
            with model.transaction():
                _, changed = operation.apply(model)
                model.revision += changed
            operation.send(client, "long")
        assert_same(client, "long", model, QUERIES)
        rebuild(client, "again", model, rng)
        assert client.get_namespace("again").digest == client.get_namespace("long").digest
        assert client.verify("long").ok


def _random_operation(rng: random.Random, step: int) -> Operation:
    categories = [f"category {number}" for number in range(6)]
    if step == 0:
        return PutCategories(
            [
                CategoryUpdate(key, base=POOL[number], window=[0, 4][number % 2])
                for number, key in enumerate(categories)
            ]
        )
    items = [f"item {number}" for number in rng.sample(range(60), 3)]
    kind = rng.random()
    if kind < 0.6:
        vectors = POOL[[rng.randrange(10) for _ in items]]
        return Assign([(item, rng.choice(categories)) for item in items], vectors)
    if kind < 0.7:
        return PutItems(items, POOL[[rng.randrange(10) for _ in items]])
    if kind < 0.8:
        return DeleteItems(items, allow_missing=True)
    if kind < 0.9:
        return Reanchor(rng.choice(categories), rng.randrange(4))
    return PutCategories(
        [
            CategoryUpdate(
                rng.choice(categories),
                window=rng.choice([0, 2, 5]),
                min_base_share=rng.choice([0.0, 0.4]),
                frozen=rng.random() < 0.1,
                min_score=rng.choice([-1.0, -1.0, 0.3]),
            )
        ]
    )
