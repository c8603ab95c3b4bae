"""Route real messages to their intents, and learn from each correction.

    python examples/route_messages.py

The 77 intents and the messages are the sample of BANKING77 that the package ships, with their
embeddings; with your own data, the embeddings come from the model of your choice.
"""

from __future__ import annotations

import tempfile

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.demo import load_dataset, sample_path

data = load_dataset(sample_path())
intents = data.categories


def accuracy(client: Client) -> float:
    """Return the share of the test messages whose first guess is right."""
    answers = client.match("inbox", data.test.vectors, limit=1)
    guesses = [answer.matches[0].category for answer in answers]
    truths = [intents[label] for label in data.test.labels]
    return sum(map(str.__eq__, guesses, truths)) / len(truths)


with tempfile.TemporaryDirectory() as folder, Client.embedded(folder) as client:
    client.create_namespace("inbox", dimension=data.dimension)
    names = zip(intents, data.bases, strict=True)
    client.put_categories("inbox", [CategoryUpdate(key, base=base) for key, base in names])
    print(f"names alone: {accuracy(client):.1%}")

    corrections = 0
    for number, row in enumerate(np.random.default_rng(7).permutation(len(data.train)), start=1):
        vector, label = data.train.vectors[row], data.train.labels[row]
        guess = client.match("inbox", vector, limit=1)[0].matches[0].category
        corrections += guess != intents[label]
        # Confirmed or corrected, the person's choice is what the category learns.
        client.assign("inbox", f"message-{number}", intents[label], vector)
        if number % 400 == 0:
            print(f"{number:5} messages: {accuracy(client):.1%}, {corrections} corrections so far")
    print(f"all messages: {accuracy(client):.1%}")
