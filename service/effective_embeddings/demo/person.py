"""The person who sorts: takes a message, looks at the first guess, says where it belongs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from effective_embeddings.client import Client
from effective_embeddings.demo.dataset import Dataset
from effective_embeddings.demo.order import draw, shuffled

__all__ = ["Step", "item_key", "move_wrongly", "put_right", "sort_stream"]

_ASSIGNMENTS_A_CALL = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One message sorted."""

    number: int
    right: bool
    match_seconds: float
    assign_seconds: float


def item_key(row: int) -> str:
    """The key of a message."""
    return f"message-{row:05}"


def sort_stream(client: Client, namespace: str, dataset: Dataset, seed: int) -> Iterator[Step]:
    """Sorts all messages in an order that the seed decides.

    Each is matched before it is assigned, one call each: the guess has seen every message before
    it and nothing of itself.
    """
    train = dataset.train
    for number, row in enumerate(shuffled(range(len(train)), f"{seed}"), start=1):
        vector = train.vectors[row]
        started = time.perf_counter()
        guess = client.match(namespace, vector, limit=1)[0].matches[0].category
        matched = time.perf_counter()
        true = dataset.categories[train.labels[row]]
        client.assign(
            namespace,
            item_key(row),
            true,
            vector,
            metadata={"text": train.texts[row]},
            actor="demo person",
            reason="confirmed" if guess == true else f"corrected, was {guess}",
        )
        assigned = time.perf_counter()
        yield Step(number, guess == true, matched - started, assigned - matched)


def move_wrongly(client: Client, namespace: str, dataset: Dataset, seed: int) -> list[int]:
    """Moves a tenth of the messages to wrong categories; returns which."""
    train = dataset.train
    rows = shuffled(range(len(train)), f"{seed} wrong")[: len(train) // 10]
    count = len(dataset.categories)
    wrong = [
        # 1 to count - 1 further on: any category but the right one.
        dataset.categories[(train.labels[row] + 1 + draw(row, count - 1, f"{seed} where")) % count]
        for row in rows
    ]
    _assign(client, namespace, rows, wrong, "a mistake")
    return rows


def put_right(client: Client, namespace: str, dataset: Dataset, rows: list[int]) -> None:
    """Says of each message again where it belongs."""
    right = [dataset.categories[dataset.train.labels[row]] for row in rows]
    _assign(client, namespace, rows, right, "the mistake put right")


def _assign(
    client: Client, namespace: str, rows: list[int], categories: list[str], reason: str
) -> None:
    for start in range(0, len(rows), _ASSIGNMENTS_A_CALL):
        end = start + _ASSIGNMENTS_A_CALL
        keys = [item_key(row) for row in rows[start:end]]
        client.assign(namespace, keys, categories[start:end], actor="demo person", reason=reason)
