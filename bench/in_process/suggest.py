"""An inbox against all categories, next to one sgemm of that shape, on one thread."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from bench.harness.interleave import Call, interleave
from bench.harness.measurement import Bound, Figure, Outcome
from bench.harness.vectors import Matrix, unit_vectors
from effective_embeddings import CategoryUpdate, Client

__all__ = ["run"]

_ITEMS, _CATEGORIES, _DIMENSION = 100_000, 100, 384
_TARGET = 2.0
_SGEMM, _PASS, _NEXT = "sgemm alone", "Suggest, the inbox in memory", "the next page"
_ASSIGN, _AFTER = "Assign", "Assign, and Suggest after it"


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure a page of 100 suggestions of an inbox that is in memory."""
    outcome = Outcome()
    items = unit_vectors(_ITEMS, _DIMENSION, seed=1)
    categories = unit_vectors(_CATEGORIES, _DIMENSION, seed=2)
    with (
        tempfile.TemporaryDirectory() as folder,
        Client.embedded(Path(folder) / "data", threads=1) as client,
    ):
        client.create_namespace("n", _DIMENSION)
        names = [f"c{n:02}" for n in range(_CATEGORIES)]
        rows = zip(names, categories, strict=True)
        client.put_categories("n", [CategoryUpdate(name, base=row) for name, row in rows])
        client.put_items("n", [f"i{n:06}" for n in range(_ITEMS)], items)
        begin = time.process_time()
        _check(client, items, categories)
        first = time.process_time() - begin
        measured = interleave(
            _calls(client, items, categories),
            21 if full else 9,
            slice_seconds=0.2,
            clock=time.process_time,
        )
    ratio, spread = measured.ratio(_PASS, _SGEMM)
    parts: dict[str, float | str] = {
        f"{name} ms": measured.median(name) * 1e3 for name in measured.seconds
    }
    parts["the first page, which reads the inbox from the store, ms"] = first * 1e3
    outcome.figures.append(
        Figure(
            what=f"{_ITEMS:,} items × {_CATEGORIES} categories × {_DIMENSION}, over one sgemm",
            value=ratio,
            target=_TARGET,
            bound=Bound.AT_MOST,
            spread=spread,
            parts=parts,
        )
    )
    outcome.notes.append(
        "CPU time of the process. The product and numpy's multiplication have one thread each."
    )
    return outcome


def _calls(client: Client, items: Matrix, categories: Matrix) -> dict[str, Call]:
    turned = categories.T
    scores = np.empty((_ITEMS, _CATEGORIES), dtype=np.float32)
    turn = iter(range(1 << 30))

    def whole(_: int) -> object:
        # What is known of the last ranking is of no use for another fairness.
        return client.suggest("n", fairness=next(turn) % 2 * 1e-12)

    def assign(_: int) -> object:
        return client.assign("n", f"i{next(turn) * 37 % _ITEMS:06}", "c07")

    def after(number: int) -> object:
        assign(number)
        return client.suggest("n")

    client.suggest("n", fairness=0.5)
    return {
        _SGEMM: lambda _: np.matmul(items, turned, out=scores),
        _PASS: whole,
        _NEXT: lambda _: client.suggest("n", fairness=0.5, order="most_doubtful"),
        _ASSIGN: assign,
        _AFTER: after,
    }


def _check(client: Client, items: Matrix, categories: Matrix) -> None:
    """Compare both ends of the order with scores in f64."""
    scores = np.sort(items.astype(np.float64) @ categories.astype(np.float64).T, axis=1)
    margins = scores[:, -1] - scores[:, -2]
    surest = np.argsort(-margins, kind="stable")
    for order, expected in (("surest", surest), ("most_doubtful", surest[::-1])):
        page = client.suggest("n", order=order)  # type: ignore[arg-type]
        for each, index in zip(page.suggestions, expected, strict=False):
            if each.margin is None or abs(each.margin - margins[index]) > 1e-6:
                message = f"{order}: {each} where the margin is {margins[index]}"
                raise AssertionError(message)
