"""docs/composites.md: each command prints what the page says, and its figures are right."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.demo import load_dataset, sample_path
from tests.docs.page import DOCS, assert_prints, told

PAGE = (DOCS / "composites.md").read_text("utf-8")


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    commands = told(PAGE)
    assert len(commands) >= 15
    for command, output in commands:
        assert_prints(tmp_path, command, output)


@pytest.mark.slow
def test_a_mean_of_more_messages_is_suggested_right_more_often(client: Client, ns: str) -> None:
    data = load_dataset(sample_path())
    client.create_namespace(ns, data.train.vectors.shape[1])
    updates = zip(data.categories, data.bases, strict=True)
    client.put_categories(ns, [CategoryUpdate(key, base=base) for key, base in updates])
    labels = [data.categories[label] for label in data.train.labels]
    client.assign(ns, [f"old-{row}" for row in range(len(labels))], labels, data.train.vectors)
    new = [f"new-{row}" for row in range(len(data.test.labels))]
    client.put_items(ns, new, data.test.vectors)
    rng = np.random.default_rng(3)
    shares = []
    for size in (1, 2, 3, 5):
        truths, parts = [], []
        for label in dict.fromkeys(data.test.labels.tolist()):
            rows = np.flatnonzero(data.test.labels == label)
            for _ in range(6):
                chosen = rng.choice(rows, size=size, replace=False)
                truths.append(data.categories[label])
                parts.append({new[row]: 1.0 for row in chosen})
        keys = [f"case-{size}-{number}" for number in range(len(truths))]
        client.put_items(ns, keys, parts=parts)
        found = client.match(ns, keys, limit=1)
        right = sum(
            each.matches[0].category == truth for each, truth in zip(found, truths, strict=True)
        )
        shares.append(f"{right / len(truths):.1%}".replace("%", " %"))
    assert shares == ["84.2 %", "94.8 %", "98.7 %", "99.8 %"]
    told = re.findall(r"\d\d\.\d %", PAGE)
    assert told[-4:] == shares
