"""Write the files of docs/story.md: real messages, two people who sort them, and one who does harm.

    python examples/wrong_teacher.py FOLDER

The messages are the sample of BANKING77 that the package ships. Ann sorts the
first half, Carl moves all of hers about new cards to lost or stolen cards, Ben sorts the rest.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from effective_embeddings.demo import load_dataset, sample_path

CARLS = {"card_arrival", "card_delivery_estimate", "card_linking", "order_physical_card"}
WRONG = "lost_or_stolen_card"

folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
data = load_dataset(sample_path())


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Write JSON Lines that `effemb import` reads."""
    lines = (json.dumps(row) + "\n" for row in rows)
    (folder / name).write_text("".join(lines), "utf-8")


names = zip(data.categories, data.bases, strict=True)
write("categories.jsonl", [{"key": key, "base": base.tolist()} for key, base in names])
items = []
for split, part in (("message", data.train), ("new", data.test)):
    rows = enumerate(zip(part.texts, part.vectors, strict=True))
    items += [
        {"key": f"{split}-{row:04}", "embedding": vector.tolist(), "metadata": {"text": text}}
        for row, (text, vector) in rows
    ]
write("items.jsonl", items)

order = np.random.default_rng(7).permutation(len(data.train))
right = [
    {"item": f"message-{row:04}", "category": data.categories[data.train.labels[row]]}
    for row in order
]
half = len(right) // 2
write("ann.jsonl", right[:half])
write("carl.jsonl", [row | {"category": WRONG} for row in right[:half] if row["category"] in CARLS])
write("ben.jsonl", right[half:])
