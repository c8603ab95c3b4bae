"""Asks the service about texts that nobody sorted for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.client import Client
from effective_embeddings.demo.dataset import Dataset, Split
from effective_embeddings.demo.results import Measurement

__all__ = ["Answers", "ask", "measure"]

_QUERIES_A_CALL = 500


@dataclass(frozen=True, slots=True)
class Answers:
    """The first guess for each text, and its score to the last bit."""

    categories: list[str]
    scores: NDArray[np.float64]

    def same_bits(self, other: Answers) -> bool:
        """True if every guess and every score is the very same."""
        return (
            self.categories == other.categories and self.scores.tobytes() == other.scores.tobytes()
        )

    def right(self, dataset: Dataset, split: Split) -> int:
        """How many guesses a person agrees with."""
        truth = (dataset.categories[label] for label in split.labels)
        return sum(guess == true for guess, true in zip(self.categories, truth, strict=True))


def ask(client: Client, namespace: str, split: Split) -> Answers:
    """Matches every text of a split, a few hundred a call."""
    categories: list[str] = []
    scores: list[float] = []
    for start in range(0, len(split), _QUERIES_A_CALL):
        queries = split.vectors[start : start + _QUERIES_A_CALL]
        for result in client.match(namespace, queries, limit=1):
            categories.append(result.matches[0].category)
            scores.append(result.matches[0].score)
    return Answers(categories, np.array(scores))


def measure(
    client: Client, namespace: str, dataset: Dataset, stage: str, assigned: int
) -> tuple[Measurement, Answers]:
    """Accuracy on the test texts now, with the digest of the state that gave it."""
    answers = ask(client, namespace, dataset.test)
    measurement = Measurement(
        stage=stage,
        assigned=assigned,
        right=answers.right(dataset, dataset.test),
        tested=len(dataset.test),
        digest=client.get_namespace(namespace).digest.hex(),
    )
    return measurement, answers
