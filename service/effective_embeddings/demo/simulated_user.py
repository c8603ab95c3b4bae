"""A simulated user: for each message, looks at the first match and assigns the right category."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from effective_embeddings.client import Client
from effective_embeddings.evaluation.dataset import Dataset
from effective_embeddings.evaluation.labelled import Vectors
from effective_embeddings.evaluation.ordering import draw, shuffled
from effective_embeddings.evaluation.product import COSINE, LOCAL, Dials

__all__ = ["SortedMessage", "correct", "item_key", "misassign", "sort_stream"]

_ASSIGNMENTS_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class SortedMessage:
    """One message that was matched and assigned.

    Attributes:
        number: Its number in the stream, from 1.
        right: Whether its first match was the right category, by COSINE.
        right_local: The same by LOCAL.
        match_seconds: Time of the Match by COSINE.
        assign_seconds: Time of the Assign.
    """

    number: int
    right: bool
    right_local: bool
    match_seconds: float
    assign_seconds: float


def item_key(row: int) -> str:
    """Return the key of a message."""
    return f"message-{row:05}"


def sort_stream(
    client: Client, namespace: str, dataset: Dataset, seed: int
) -> Iterator[SortedMessage]:
    """Match and then assign all messages, one call each, in an order that the seed decides.

    A match reflects every earlier message, and not the message itself. A ranking changes no
    state, so that the same stream shows both.
    """
    train = dataset.train
    for number, row in enumerate(shuffled(range(len(train)), f"{seed}"), start=1):
        vector = train.vectors[row]
        local = _first(client, namespace, vector, LOCAL)
        started = time.perf_counter()
        first = _first(client, namespace, vector, COSINE)
        matched = time.perf_counter()
        true = dataset.categories[train.labels[row]]
        client.assign(
            namespace,
            item_key(row),
            true,
            vector,
            metadata={"text": train.texts[row]},
            actor="simulated user",
            reason="confirmed" if first == true else f"corrected, was {first}",
        )
        assigned = time.perf_counter()
        yield SortedMessage(
            number, first == true, local == true, matched - started, assigned - matched
        )


def _first(client: Client, namespace: str, vector: Vectors, dials: Dials) -> str:
    (found,) = client.match(
        namespace, vector, limit=1, ranking=dials.ranking, fairness=dials.fairness
    )
    return found.matches[0].category


def misassign(client: Client, namespace: str, dataset: Dataset, seed: int) -> list[int]:
    """Move a tenth of the messages to wrong categories; return which."""
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


def correct(client: Client, namespace: str, dataset: Dataset, rows: list[int]) -> None:
    """Assign messages to their right categories again."""
    right = [dataset.categories[dataset.train.labels[row]] for row in rows]
    _assign(client, namespace, rows, right, "the mistake corrected")


def _assign(
    client: Client, namespace: str, rows: list[int], categories: list[str], reason: str
) -> None:
    for start in range(0, len(rows), _ASSIGNMENTS_PER_CALL):
        end = start + _ASSIGNMENTS_PER_CALL
        keys = [item_key(row) for row in rows[start:end]]
        client.assign(namespace, keys, categories[start:end], actor="simulated user", reason=reason)
