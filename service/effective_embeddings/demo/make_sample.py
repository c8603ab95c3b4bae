"""Make the sample that comes with the package from the full data set, deterministically.

    python -m effective_embeddings.demo.make_sample FULL_FOLDER OUT_FOLDER

Every category keeps the embedding of its name, and the texts with the smallest hashes. The arrays
are rows of the full ones, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from effective_embeddings.evaluation.dataset import Dataset, Split, load_dataset
from effective_embeddings.evaluation.ordering import shuffled

__all__ = ["main", "make_sample"]

_AUTHORS = "Casanueva et al. 2020"
_PAPER = "Efficient Intent Detection with Dual Sentence Encoders"
_MODEL = "all-MiniLM-L6-v2 (sentence-transformers)"


def make_sample(full: Path, out: Path, *, train: int, test: int) -> Dataset:
    """Write a sample of `train` and `test` texts per category; return it as read back."""
    dataset = load_dataset(full)
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "labels_name.npy", dataset.bases)
    shutil.copyfile(full / "labels.json", out / "labels.json")
    shutil.copyfile(full / "LICENSE", out / "LICENSE")
    lines: list[dict[str, Any]] = []
    for name, split, count in (("train", dataset.train, train), ("test", dataset.test, test)):
        rows = _draw(split, len(dataset.categories), count, name)
        np.save(out / f"{name}.npy", split.vectors[rows])
        np.save(out / f"{name}_y.npy", split.labels[rows])
        lines.extend(
            {
                "split": name,
                "i": place,
                "text": split.texts[row],
                "label": int(split.labels[row]),
                "source_row": row,
            }
            for place, row in enumerate(rows)
        )
    with (out / "texts.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    _write_source(dataset, out, train, test)
    return load_dataset(out)


def _draw(split: Split, categories: int, count: int, seed: str) -> list[int]:
    chosen: list[int] = []
    for label in range(categories):
        rows = np.flatnonzero(split.labels == label).tolist()
        chosen.extend(shuffled(rows, seed)[:count])
    return sorted(chosen)


def _write_source(dataset: Dataset, out: Path, train: int, test: int) -> None:
    source = {
        "name": dataset.name,
        "repo": dataset.source["repo"],
        "commit": dataset.source["commit"],
        "paths": dataset.source["paths"],
        "authors": _AUTHORS,
        "paper": _PAPER,
        "licence": dataset.source["licence"],
        "embedding_model": _MODEL,
        "sample": f"{train} train and {test} test texts of each category, those whose"
        " SHA-256 of 'split:row' comes first",
        "full": {"train": len(dataset.train), "test": len(dataset.test)},
    }
    text = json.dumps(source, indent=1, ensure_ascii=False)
    (out / "SOURCE.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Run the command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("full", type=Path, help="folder of the full data set")
    parser.add_argument("out", type=Path, help="folder to write the sample to")
    parser.add_argument("--train", type=int, default=16, help="texts per category to sort")
    parser.add_argument("--test", type=int, default=6, help="texts per category to test on")
    given = parser.parse_args()
    sample = make_sample(given.full, given.out, train=given.train, test=given.test)
    size = sum(file.stat().st_size for file in given.out.iterdir())
    print(f"{len(sample.train)} + {len(sample.test)} texts, {size / 1e6:.2f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
