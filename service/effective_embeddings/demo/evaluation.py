"""Accuracy of the service on texts that were never assigned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.client import Client
from effective_embeddings.demo.results import Measurement
from effective_embeddings.evaluation.dataset import Dataset, Split
from effective_embeddings.evaluation.product import COSINE, LOCAL, Dials

__all__ = ["Predictions", "measure", "predict"]

_QUERIES_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class Predictions:
    """The first match of each text, with its score."""

    categories: list[str]
    scores: NDArray[np.float64]

    def equals(self, other: Predictions) -> bool:
        """Say whether all categories are equal, and all scores to the last bit."""
        return (
            self.categories == other.categories and self.scores.tobytes() == other.scores.tobytes()
        )

    def right(self, dataset: Dataset, split: Split) -> int:
        """Return the number of texts whose first match is the right category."""
        truth = (dataset.categories[label] for label in split.labels)
        return sum(
            predicted == true for predicted, true in zip(self.categories, truth, strict=True)
        )


def predict(client: Client, namespace: str, split: Split, dials: Dials = COSINE) -> Predictions:
    """Match every text of a split, a few hundred per call."""
    categories: list[str] = []
    scores: list[float] = []
    for start in range(0, len(split), _QUERIES_PER_CALL):
        queries = split.vectors[start : start + _QUERIES_PER_CALL]
        for result in client.match(
            namespace, queries, limit=1, ranking=dials.ranking, fairness=dials.fairness
        ):
            categories.append(result.matches[0].category)
            scores.append(result.matches[0].score)
    return Predictions(categories, np.array(scores))


def measure(
    client: Client, namespace: str, dataset: Dataset, stage: str, assigned: int
) -> tuple[Measurement, Predictions]:
    """Return the accuracy on the test texts, with the state digest, and COSINE's predictions."""
    answers = predict(client, namespace, dataset.test)
    local = predict(client, namespace, dataset.test, LOCAL)
    measurement = Measurement(
        stage=stage,
        assigned=assigned,
        right=answers.right(dataset, dataset.test),
        right_local=local.right(dataset, dataset.test),
        tested=len(dataset.test),
        digest=client.get_namespace(namespace).digest.hex(),
    )
    return measurement, answers
