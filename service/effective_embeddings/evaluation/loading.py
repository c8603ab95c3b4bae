"""From files or a folder to data that can be evaluated: categories, split, bounds, checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from effective_embeddings.client import CategoryUpdate, Normalization
from effective_embeddings.evaluation.dataset import DatasetError, load_dataset
from effective_embeddings.evaluation.labelled import (
    DataError,
    Labelled,
    Part,
    held_out,
    no_vectors,
)
from effective_embeddings.evaluation.ordering import shuffled
from effective_embeddings.evaluation.reading import (
    Files,
    Item,
    Opened,
    Progress,
    files_of_folder,
    read_files,
)
from effective_embeddings.evaluation.scope import take_out

__all__ = ["Request", "load"]

#: Most items that are assigned; as many as half of it are tested on.
MOST_ITEMS = 2000
_LEAST_ITEMS = 200
# One Match costs about categories x dimension: large data gets fewer items.
_MOST_WORK = 2e9
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Request:
    """What to load.

    Attributes:
        sources: Files of assignments, or one folder.
        categories: See Files.
        items: See Files.
        test: See Files.
        out_of_scope: A file of items, or a category of the data; None: nothing.
        normalization: As in a namespace.
        most_items: Most items to assign; None: as many as are evaluated in a minute.
        seed: Decides what is held out and what is left out.
    """

    sources: Sequence[str]
    categories: str | None = None
    items: str | None = None
    test: str | None = None
    out_of_scope: str | None = None
    normalization: Normalization = "raw"
    most_items: int | None = None
    seed: int = 1


def load(request: Request, progress: Progress) -> Labelled:
    """Read, split and bound the data.

    Raises:
        DataError: It cannot be evaluated.
        FormatError: A file cannot be read.
    """
    first = Path(request.sources[0])
    if first.is_dir():
        if len(request.sources) > 1:
            msg = f"{first} is a folder: give one folder, or files"
            raise DataError(msg)
        if (first / "labels.json").exists():
            return _bounded(_without_outsiders(_data_set(first, request), request), request)
        files = files_of_folder(first)
    else:
        files = Files(request.sources)
    is_file = request.out_of_scope is not None and Path(request.out_of_scope).is_file()
    files = replace(
        files,
        categories=request.categories or files.categories,
        items=request.items or files.items,
        test=request.test or files.test,
        out_of_scope=request.out_of_scope if is_file else files.out_of_scope,
    )
    opened = read_files(
        files,
        most=2 * (request.most_items or MOST_ITEMS),
        seed=request.seed,
        normalization=request.normalization,
        progress=progress,
    )
    name = first.name if first.is_dir() else first.stem
    return _bounded(_without_outsiders(_labelled(name, opened, request), request), request)


def _data_set(folder: Path, request: Request) -> Labelled:
    for option in ("categories", "items", "test"):
        if getattr(request, option) is not None:
            msg = f"--{option} does not go with {folder}, a data set with a split of its own"
            raise DataError(msg)
    try:
        data = Labelled.of(load_dataset(folder))
    except DatasetError as error:
        raise DataError(str(error)) from error
    return replace(data, normalization=request.normalization)


def _labelled(name: str, opened: Opened, request: Request) -> Labelled:
    both = {item.key for item in opened.items} & {item.key for item in opened.test or ()}
    if both:
        msg = (
            f"item {min(both)!r} is assigned and tested on: {len(both):,} of the items of --test"
            " are among the items to assign too"
        )
        raise DataError(msg)
    categories = opened.categories
    if categories is None:
        keys = sorted({item.category for item in opened.items})
        categories = [CategoryUpdate(key) for key in keys]
    index = {each.key: number for number, each in enumerate(categories)}
    for item in (*opened.items, *(opened.test or ())):
        if item.category not in index and item.category != request.out_of_scope:
            msg = f"item {item.key!r} is in category {item.category!r}, which --categories lacks"
            if opened.categories is None:
                msg = f"test item {item.key!r} is in {item.category!r}, which has no other items"
            raise DataError(msg)
    if request.out_of_scope is not None and request.out_of_scope not in index:
        # A category of out-of-scope items needs no row among the categories.
        used = {item.category for item in (*opened.items, *(opened.test or ()))}
        if request.out_of_scope in used:
            index[request.out_of_scope] = len(categories)
            categories = [*categories, CategoryUpdate(request.out_of_scope)]
    notes: tuple[str, ...] = ()
    if opened.item_count > len(opened.items):
        notes = (f"A sample of the {opened.item_count:,} items, drawn by hashes of their keys.",)
    items = _part(opened.items, index)
    dimension = items.vectors.shape[1]
    outside = [item.vector for item in opened.out_of_scope]
    data = Labelled(
        name=name,
        categories=tuple(categories),
        train=items,
        test=items if opened.test is None else _part(opened.test, index),
        out_of_scope=np.stack(outside) if outside else no_vectors(dimension),
        normalization=opened.normalization,
        notes=notes,
    )
    if opened.test is not None:
        return data
    train, test = held_out(items.labels, f"{request.seed}")
    note = f"{len(test):,} of the {len(items):,} items are held out to test on."
    return replace(data, train=items.take(train), test=items.take(test), notes=(*notes, note))


def _part(items: Sequence[Item], index: dict[str, int]) -> Part:
    weights = None
    if any(item.weight is not None for item in items):
        weights = np.array([1.0 if item.weight is None else item.weight for item in items])
    return Part(
        np.stack([item.vector for item in items]),
        np.array([index[item.category] for item in items], np.int64),
        weights,
    )


def _without_outsiders(data: Labelled, request: Request) -> Labelled:
    """Take the category that is out of scope, if one is named, out of the categories."""
    named = request.out_of_scope
    if named is None or Path(named).is_file():
        return data
    if named not in data.keys:
        msg = f"--out-of-scope {named}: neither a file nor a category of the data"
        raise DataError(msg)
    return take_out(data, [data.keys.index(named)])


def _bounded(data: Labelled, request: Request) -> Labelled:
    """Check the data, and draw a part of it that can be evaluated in about a minute."""
    _check(data)
    most = request.most_items
    if most is None:
        affordable = int(_MOST_WORK / (len(data.categories) * data.dimension))
        most = min(MOST_ITEMS, max(_LEAST_ITEMS, affordable))
    notes = list(data.notes)
    train = _drawn(data.train, most, f"{request.seed} train", "items to assign", notes)
    test = _drawn(data.test, max(1, most // 2), f"{request.seed} test", "items to test on", notes)
    outside = data.out_of_scope
    if len(outside) > max(1, most // 2):
        rows = shuffled(range(len(outside)), f"{request.seed} outside")[: max(1, most // 2)]
        outside = outside[sorted(rows)]
    empty = [key for key, n in zip(data.keys, _counts(data, train), strict=True) if not n]
    if empty:
        notes.append(f"{_some(empty)} without items to assign: they compete by their names alone.")
    return replace(data, train=train, test=test, out_of_scope=outside, notes=tuple(notes))


def _counts(data: Labelled, part: Part) -> list[int]:
    counted = Counter(part.labels.tolist())
    return [counted[number] for number in range(len(data.categories))]


def _drawn(part: Part, most: int, seed: str, what: str, notes: list[str]) -> Part:
    if len(part) <= most:
        return part
    notes.append(f"{most:,} of the {len(part):,} {what} are drawn, so that it takes a minute.")
    return part.take(sorted(shuffled(range(len(part)), seed)[:most]))


def _check(data: Labelled) -> None:
    if len(data.categories) < 2:  # noqa: PLR2004 - one category is always right
        msg = f"{data.name} has one category, {_some(data.keys)}: nothing to tell apart"
        raise DataError(msg)
    counts = _counts(data, data.train)
    unknown = [
        each.key
        for each, count in zip(data.categories, counts, strict=True)
        if count == 0 and each.base is None
    ]
    if unknown:
        msg = (
            f"{_some(unknown)} with neither items to assign nor the embedding of a name:"
            " they can never match"
        )
        raise DataError(msg)
    if sum(count > 0 for count in counts) < 2:  # noqa: PLR2004
        msg = f"{data.name}: fewer than two categories have items to assign"
        raise DataError(msg)
    if not len(data.test):
        msg = f"{data.name}: no category has two items, so that none can be tested on"
        raise DataError(msg)


def _some(keys: Sequence[str]) -> str:
    shown = ", ".join(repr(key) for key in keys[:_SHOWN])
    more = f" and {len(keys) - _SHOWN:,} more" if len(keys) > _SHOWN else ""
    noun = "category" if len(keys) == 1 else "categories"
    return f"{noun} {shown}{more}"
