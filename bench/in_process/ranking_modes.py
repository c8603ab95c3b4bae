"""One query at a time by COSINE, by LOCAL, and by scikit-learn, all items assigned."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.harness.interleave import Call, interleave
from bench.harness.measurement import Figure, Outcome
from bench.in_process.learning import DATA, NOT_SHIPPED
from effective_embeddings.demo import sample_path
from effective_embeddings.evaluation.dataset import load_dataset
from effective_embeddings.evaluation.labelled import Labelled, Vectors
from effective_embeddings.evaluation.product import COSINE, LOCAL, Dials, State, product

__all__ = ["run"]

_FAIR = Dials("cosine", 0.5)
_NEIGHBOURS, _REGRESSION = "5 nearest neighbours", "logistic regression"


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure every contender on the same queries, in turn."""
    outcome = Outcome()
    for path in DATA or [sample_path()]:
        data = Labelled.of(load_dataset(path))
        with product(data) as made, made.state() as state:
            state.assign(data.train)
            calls = {each.label: _ours(state, data, each) for each in (COSINE, _FAIR, LOCAL)}
            calls |= _scikit_learn(data)
            rounds = 21 if full else 11
            measured = interleave(calls, rounds, slice_seconds=0.05, clock=time.process_time)
        parts: dict[str, float | str] = {
            f"{name} µs": measured.median(name) * 1e6 for name in calls
        }
        parts["LOCAL less COSINE µs"] = (
            measured.median(LOCAL.label) - measured.median(COSINE.label)
        ) * 1e6
        for numerator, denominator in (
            (_FAIR.label, COSINE.label),
            (LOCAL.label, COSINE.label),
            (_REGRESSION, LOCAL.label),
            (_NEIGHBOURS, LOCAL.label),
        ):
            ratio, spread = measured.ratio(numerator, denominator)
            what = f"{data.name}, {len(data.train):,} items: {numerator} over {denominator}"
            outcome.figures.append(Figure(what=what, value=ratio, spread=spread, parts=parts))
    outcome.notes.append(
        "CPU time through their Python interfaces, one query a call; scikit-learn with one thread,"
        " neighbours by brute force over unit vectors, their fastest method here."
    )
    if DATA:
        outcome.notes.append(NOT_SHIPPED)
    return outcome


def _ours(state: State, data: Labelled, dials: Dials) -> Call:
    return lambda number: state.predict(_query(data, number), dials)


def _query(data: Labelled, number: int) -> Vectors:
    row = number % len(data.test)
    return data.test.vectors[row : row + 1]


def _scikit_learn(data: Labelled) -> dict[str, Call]:
    # Slow to load.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415

    names = data.names()
    rows = np.concatenate([names.vectors, data.train.vectors])
    labels = np.concatenate([names.labels, data.train.labels])
    regression: Any = LogisticRegression(C=10.0, max_iter=300).fit(rows, labels)
    neighbours: Any = KNeighborsClassifier(5, algorithm="brute").fit(
        data.train.vectors, data.train.labels
    )
    return {
        _REGRESSION: lambda number: regression.predict(_query(data, number)),
        _NEIGHBOURS: lambda number: neighbours.predict(_query(data, number)),
    }
