"""Real texts with their categories and embeddings, from a folder.

The folder holds `labels.json`, `labels_name.npy` (the embedding of each category's name),
`train.npy` and `train_y.npy`, `test.npy` and `test_y.npy`, `texts.jsonl` and `SOURCE.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dataset", "DatasetError", "Split", "load_dataset"]

Vectors = NDArray[np.float32]

# The licence requires the authors' names, which the full folder does not hold.
_AUTHORS = {"banking77": "Casanueva et al. 2020"}


class DatasetError(Exception):
    """A folder that is not a data set."""


@dataclass(frozen=True, slots=True)
class Split:
    """Texts with their embeddings, (n, d) float32, and the number of the right category of each."""

    vectors: Vectors
    labels: NDArray[np.int32]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Categories with the embeddings of their names, texts to sort, and texts to test on."""

    name: str
    categories: list[str]
    names: list[str]
    bases: Vectors
    train: Split
    test: Split
    source: dict[str, Any]

    @property
    def dimension(self) -> int:
        """Number of components of each vector."""
        return int(self.bases.shape[1])

    @property
    def is_sample(self) -> bool:
        """True if this is a sample of a larger data set."""
        return "sample" in self.source

    def attribution(self) -> str:
        """Return one line that names the source of the texts."""
        authors = self.source.get("authors") or _AUTHORS.get(self.name)
        by = f"{authors}, " if authors else ""
        part = " (a sample)" if self.is_sample else ""
        return f"{self.name}{part}: {by}{self.source['repo']}, {self.source['licence']}"


def load_dataset(path: Path) -> Dataset:
    """Read a folder and check that its parts fit together.

    Raises:
        DatasetError: It is not a data set.
    """
    try:
        source = json.loads((path / "SOURCE.json").read_text(encoding="utf-8"))
        labels = json.loads((path / "labels.json").read_text(encoding="utf-8"))
        texts = _texts(path)
        dataset = Dataset(
            name=source["name"],
            categories=[label["id"] for label in labels],
            names=[label["name"] for label in labels],
            bases=_array(path / "labels_name.npy", np.float32),
            train=_split(path, "train", texts),
            test=_split(path, "test", texts),
            source=source,
        )
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}"
        raise DatasetError(msg) from error
    except (ValueError, KeyError) as error:
        msg = f"{path} is not a data set that can be read: {error}"
        raise DatasetError(msg) from error
    _check(path, dataset)
    return dataset


def _texts(path: Path) -> dict[tuple[str, int], str]:
    with (path / "texts.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return {(record["split"], record["i"]): record["text"] for record in records}


def _split(path: Path, name: str, texts: dict[tuple[str, int], str]) -> Split:
    vectors = _array(path / f"{name}.npy", np.float32)
    labels = _array(path / f"{name}_y.npy", np.int32)
    return Split(vectors, labels, [texts[name, row] for row in range(len(labels))])


def _array(path: Path, dtype: type[np.generic]) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    if array.dtype != dtype:
        msg = f"{path.name} holds {array.dtype}, not {np.dtype(dtype)}"
        raise ValueError(msg)
    return array


def _check(path: Path, dataset: Dataset) -> None:
    count = len(dataset.categories)
    if len(dataset.bases) != count:
        msg = f"{path}: {count} categories, but {len(dataset.bases)} name embeddings"
        raise DatasetError(msg)
    for name, split in (("train", dataset.train), ("test", dataset.test)):
        if split.vectors.shape != (len(split), dataset.dimension):
            msg = f"{path}: {name}.npy and {name}_y.npy do not fit together"
            raise DatasetError(msg)
        if len(split) and not 0 <= split.labels.min() <= split.labels.max() < count:
            msg = f"{path}: {name}_y.npy names categories that do not exist"
            raise DatasetError(msg)
