"""Files of labelled data, cut from the sample that comes with the package."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from effective_embeddings.demo import load_dataset, sample_path
from effective_embeddings.evaluation.labelled import Labelled, Part

__all__ = ["labelled", "write_assignments", "write_categories", "write_items", "write_lines"]

SAMPLE = load_dataset(sample_path())


def labelled(categories: int, *, names: bool = True) -> Labelled:
    """The first categories of the sample, in its own split."""
    whole = Labelled.of(SAMPLE)

    def first(part: Part) -> Part:
        return part.take(np.flatnonzero(part.labels < categories))

    kept = whole.categories[:categories]
    return Labelled(
        name="some of the sample",
        categories=kept if names else tuple(type(kept[0])(each.key) for each in kept),
        train=first(whole.train),
        test=first(whole.test),
        out_of_scope=whole.test.vectors[whole.test.labels >= 70],
    )


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_categories(path: Path, labels: Sequence[int]) -> Path:
    """Write categories of the sample with their bases."""
    rows = [
        {"key": SAMPLE.categories[label], "base": SAMPLE.bases[label].tolist()} for label in labels
    ]
    return write_lines(path, rows)


def write_assignments(path: Path, labels: Sequence[int], *, embeddings: bool = True) -> Path:
    """Write the sample's items to sort that are of these categories."""
    train = SAMPLE.train
    rows = []
    for row in np.flatnonzero(np.isin(train.labels, labels)).tolist():
        line: dict[str, Any] = {"item": f"m{row}", "category": SAMPLE.categories[train.labels[row]]}
        if embeddings:
            line["embedding"] = train.vectors[row].tolist()
        rows.append(line)
    return write_lines(path, rows)


def write_items(path: Path, labels: Sequence[int]) -> Path:
    """Write the same items without their categories."""
    train = SAMPLE.train
    rows = np.flatnonzero(np.isin(train.labels, labels)).tolist()
    return write_lines(
        path, ({"key": f"m{row}", "embedding": train.vectors[row].tolist()} for row in rows)
    )
