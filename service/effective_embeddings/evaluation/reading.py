"""Labelled data from files that `import` reads, or from a folder."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from effective_embeddings.client import CategoryUpdate, Normalization
from effective_embeddings.evaluation.labelled import DataError, Vectors
from effective_embeddings.formats import (
    FORMATS,
    AssignmentRow,
    CategoryRow,
    DismissalRow,
    ItemRow,
    Kind,
    Row,
    RowError,
    open_reader,
    refuse_repeated,
)
from effective_embeddings.formats.rows import vector_of

__all__ = ["Files", "Item", "Opened", "files_of_folder", "read_files"]

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one evaluation.

    Attributes:
        assignments: Items with their categories, one or more files.
        categories: The categories with the embeddings of their names; None: those of the
            assignments, without embeddings.
        items: Embeddings of items whose assignments have none; None: all have theirs.
        test: Assignments of items that are only tested on; None: some are held out.
        out_of_scope: Items that belong to no category; None: no file of them.
    """

    assignments: Sequence[str]
    categories: str | None = None
    items: str | None = None
    test: str | None = None
    out_of_scope: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item with its category; out of scope: without one."""

    key: str
    category: str
    vector: Vectors
    weight: float | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What the files hold.

    Attributes:
        categories: The categories; None: no file of them.
        items: Items with their categories, in the order of the files.
        item_count: How many there are in all; more than `items` if some were left out.
        test: Items to test on; None: no file of them.
        out_of_scope: Items of no category.
        normalization: As in a namespace.
    """

    categories: list[CategoryUpdate] | None
    items: list[Item]
    item_count: int
    test: list[Item] | None
    out_of_scope: list[Item]
    normalization: Normalization


def files_of_folder(folder: Path) -> Files:
    """Find `assignments`, `categories`, `items`, `test` and `out_of_scope` files in a folder.

    Raises:
        DataError: There are no assignments, or two files of one name.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in FORMATS and path.stem in Files.__slots__:
            if path.stem in found:
                msg = f"{folder}: both {Path(found[path.stem]).name} and {path.name}; keep one"
                raise DataError(msg)
            found[path.stem] = str(path)
    if "assignments" not in found:
        msg = (
            f"{folder} has neither labels.json (a data set as the demo's) nor a file"
            f" assignments{{{', '.join(FORMATS)}}}"
        )
        raise DataError(msg)
    return Files(
        [found["assignments"]],
        found.get("categories"),
        found.get("items"),
        found.get("test"),
        found.get("out_of_scope"),
    )


def read_files(
    files: Files, *, most: int, seed: int, normalization: Normalization, progress: Progress
) -> Opened:
    """Read all files.

    Args:
        files: The files.
        most: Of more items than this, those with the smallest hashes of their keys are kept.
        seed: Decides the hashes.
        normalization: As in a namespace.
        progress: Called with a file, how much of it is read, and its size.

    Raises:
        DataError: A row is unusable; the text names it.
        FormatError: A file cannot be read.
    """
    reading = _Reading(progress)
    categories = None
    if files.categories is not None:
        categories = [_category(row) for row in reading.rows(files.categories, Kind.CATEGORIES)]
    known: dict[str, Vectors] = {}
    if files.items is not None:
        for row in reading.rows(files.items, Kind.ITEMS):
            if isinstance(row, ItemRow) and row.embedding is not None:
                known[row.key] = np.asarray(row.embedding, np.float32)

    def kept(paths: Iterable[str], kind: Kind) -> _Smallest:
        smallest = _Smallest(most, seed)
        seen: set[str] = set()
        for path in paths:
            for row in reading.rows(path, kind):
                item = _item(row, known)
                if item.key in seen:
                    msg = f"{row.place}: item {item.key!r} is in an earlier file"
                    raise DataError(msg)
                seen.add(item.key)
                smallest.add(item)
        return smallest

    assigned = kept(files.assignments, Kind.ASSIGNMENTS)
    test = None if files.test is None else kept([files.test], Kind.ASSIGNMENTS).items()
    outside = [] if files.out_of_scope is None else [files.out_of_scope]
    return Opened(
        categories,
        assigned.items(),
        assigned.count,
        test,
        kept(outside, Kind.ITEMS).items(),
        normalization,
    )


class _Reading:
    """Reads files whose vectors all have one dimension: that of the first vector."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._dimension: int | None = None
        self._first = ""

    def rows(self, path: str, kind: Kind) -> Iterator[Row]:
        reader = open_reader(path, kind)
        try:
            read: Iterable[Row | RowError] = refuse_repeated(iter(reader), single=True)
            empty = True
            for number, row in enumerate(read):
                if isinstance(row, RowError):
                    raise DataError(str(row)) from None
                self._check(row)
                if number % 256 == 0:
                    self._progress(path, reader.position(), reader.total)
                empty = False
                yield row
            if empty:
                msg = f"{path} holds no rows"
                raise DataError(msg)
        finally:
            reader.close()

    def _check(self, row: Row) -> None:
        vector = vector_of(row)
        if vector is None:
            return
        if self._dimension is None:
            self._dimension, self._first = len(vector), row.place
        elif len(vector) != self._dimension:
            msg = (
                f"{row.place}: a vector of {len(vector)} components; the first one"
                f" ({self._first}) has {self._dimension}"
            )
            raise DataError(msg)


class _Smallest:
    """Keeps the items with the smallest hashes, whatever the order in which they come."""

    def __init__(self, most: int, seed: int) -> None:
        self._most = most
        self._seed = seed
        self._heap: list[tuple[int, int, Item]] = []
        self.count = 0

    def add(self, item: Item) -> None:
        digest = hashlib.sha256(f"{self._seed} kept:{item.key}".encode("utf-8", "replace")).digest()
        entry = (-int.from_bytes(digest[:8], "big"), self.count, item)
        self.count += 1
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def items(self) -> list[Item]:
        return [item for _, _, item in sorted(self._heap, key=lambda entry: entry[1])]


def _category(row: Row) -> CategoryUpdate:
    if not isinstance(row, CategoryRow):
        raise TypeError(row)
    return CategoryUpdate(
        row.key,
        base=row.base,
        base_weight=row.base_weight,
        window=row.window,
        min_base_share=row.min_base_share,
        frozen=row.frozen,
        min_score=row.min_score,
        max_actor_share=row.max_actor_share,
    )


def _item(row: Row, known: Mapping[str, Vectors]) -> Item:
    if isinstance(row, CategoryRow | DismissalRow):
        raise TypeError(row)
    key, category = (row.item, row.category) if isinstance(row, AssignmentRow) else (row.key, "")
    vector = row.embedding if row.embedding is not None else known.get(key)
    if vector is None:
        msg = f"{row.place}: item {key!r} has no embedding, here or in a file of items (--items)"
        raise DataError(msg)
    return Item(key, category, np.asarray(vector, np.float32), row.weight)
