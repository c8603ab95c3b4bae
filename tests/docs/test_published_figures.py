"""The published figures, on all 13,083 messages, through the real client.

Needs the folder of the full data set: EFFEMB_BANKING77=/path/to/banking77.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.demo import Dataset, load_dataset
from effective_embeddings.demo.evaluation import predict

_FOLDER = os.environ.get("EFFEMB_BANKING77", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _FOLDER, reason="EFFEMB_BANKING77 names no folder of the full data"),
]


@pytest.fixture(scope="module")
def banking77() -> Dataset:
    return load_dataset(Path(_FOLDER))


def _accuracy(client: Client, ns: str, dataset: Dataset) -> float:
    return round(100 * predict(client, ns, dataset.test).right(dataset, dataset.test) / 3080, 2)


def test_names_alone_and_everything_assigned(client: Client, ns: str, banking77: Dataset) -> None:
    client.create_namespace(ns, banking77.dimension)
    names = zip(banking77.categories, banking77.bases, strict=True)
    client.put_categories(ns, [CategoryUpdate(key, base=base) for key, base in names])
    assert _accuracy(client, ns, banking77) == 62.37
    train = banking77.train
    keys = [f"message {row}" for row in range(len(train))]
    truth = [banking77.categories[label] for label in train.labels]
    reply = client.assign(ns, keys, truth, train.vectors)
    assert sum(result.changed for result in reply.results) == 10_003
    assert _accuracy(client, ns, banking77) == 85.10
    assert client.verify(ns).ok
