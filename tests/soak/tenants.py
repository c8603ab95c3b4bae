"""The permanent namespaces of a soak, and the items that no call is using."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from effective_embeddings import CategoryUpdate, Client
from tests.model.operations import Assign, PutCategories
from tests.support.journal import Journal
from tests.support.vectors import Vectors, random_vectors

__all__ = ["Tenant"]

_BATCH = 100


class Tenant:
    """One namespace. Items are borrowed by the call that changes them, so that calls may overlap.

    Attributes:
        name: The name of the namespace.
        plain: Categories in which the order of assignment does not matter.
        windowed: Categories of which only the newest members count.
        multiple: Whether an item can be in several categories.
        target: The number of items to hold.
        journal: The acknowledged writes.
        turned_out_done: Unanswered writes that had been applied.
    """

    def __init__(self, number: int, *, dimension: int, categories: int, items: int) -> None:
        self.name = f"tenant-{number}"
        self.multiple = number % 4 == 3
        self.unit = number % 2 == 1
        self.target = items
        self._dimension = dimension
        self.pool: Vectors = random_vectors(256, dimension, seed=number)
        keys = [f"c{index}" for index in range(categories)]
        self.plain, self.windowed = keys[:-2], keys[-2:]
        self._updates = [
            CategoryUpdate(
                key,
                base=self.pool[index] if index % 5 else None,
                window=7 if key in self.windowed else None,
                min_base_share=0.25 if index % 5 == 3 else None,
            )
            for index, key in enumerate(keys)
        ]
        self.journal = Journal(dimension, unit=self.unit, multiple=self.multiple)
        self._lock = threading.Lock()
        self._free: list[str] = []
        self._where: dict[str, frozenset[str]] = {}
        self._numbers = itertools.count()
        self.turned_out_done = 0

    def create(self, client: Client, rng: random.Random) -> None:
        """Create the namespace with all its items."""
        client.create_namespace(
            self.name,
            self._dimension,
            normalization="unit" if self.unit else "raw",
            membership="multiple" if self.multiple else "single",
        )
        put = client.put_categories(self.name, self._updates)
        self.journal.acknowledged(put.revision, PutCategories(self._updates))
        for start in range(0, self.target, _BATCH):
            count = min(_BATCH, self.target - start)
            pairs = [(self.new_key(), rng.choice(self.plain)) for _ in range(count)]
            items, categories = zip(*pairs, strict=True)
            vectors = self.vectors(rng, count)
            reply = client.assign(self.name, items, categories, vectors)
            self.journal.acknowledged(reply.revision, Assign(pairs, vectors))
            for item, category in pairs:
                self.give_back(item, frozenset((category,)))

    def new_key(self) -> str:
        """An unused item key."""
        return f"item {next(self._numbers):07}"

    def vectors(self, rng: random.Random, count: int) -> Vectors:
        """Random vectors of shape (count, d)."""
        return self.pool[[rng.randrange(len(self.pool)) for _ in range(count)]]

    def any_category(self, rng: random.Random) -> str:
        """A category; one in ten has a window."""
        return rng.choice(self.windowed if rng.random() < 0.1 else self.plain)

    def __len__(self) -> int:
        return len(self._free)

    @contextmanager
    def borrowed(self, rng: random.Random, count: int = 1) -> Iterator[dict[str, frozenset[str]]]:
        """Borrow items with their categories until the end of the body.

        The body updates the mapping to the new categories; removed entries are deleted items. After
        an error the items are not returned, because their state is unknown.
        """
        with self._lock:
            taken = {}
            for _ in range(min(count, len(self._free))):
                place = rng.randrange(len(self._free))
                self._free[place], self._free[-1] = self._free[-1], self._free[place]
                key = self._free.pop()
                taken[key] = self._where.pop(key)
        yield taken
        for key, categories in taken.items():
            self.give_back(key, categories)

    def give_back(self, key: str, categories: frozenset[str]) -> None:
        """An item that no call has borrowed, and its categories."""
        with self._lock:
            self._free.append(key)
            self._where[key] = categories
