"""Clients that write without a pause until the server is killed."""

from __future__ import annotations

import random
import threading

from effective_embeddings import Client
from tests.durability.crash.expected_state import BIG, ExpectedState, SentWrite
from tests.model.operations import Assign, Operation, Unassign

__all__ = ["Writer", "once"]

_HELD = 12


def once(target: str) -> Client:
    """A client that sends each write once: a retry could hide a lost write."""
    client = Client(target, timeout=20, channel_options=[("grpc.enable_retries", 0)])
    client._transport.retries = False  # type: ignore[misc]
    return client


class Writer(threading.Thread):
    """Assigns, moves and deletes its own items in small batches.

    Attributes:
        answered: Number of answered writes.
        under_way: Whether the last write is unanswered.
    """

    def __init__(
        self,
        target: str,
        expected: ExpectedState,
        name: str,
        *,
        most: int = 1_000_000,
        until: threading.Event | None = None,
    ) -> None:
        """Prepare to write to a server, ``most`` times, ``until`` something happens."""
        super().__init__(name=name)
        self._until = until or threading.Event()
        self._target, self._world, self._most = target, expected, most
        self._rng = random.Random(name)
        names = sorted(set(expected.namespaces) - {BIG})
        self._items: dict[str, dict[str, frozenset[str]]] = {each: {} for each in names}
        self.answered = 0
        self.under_way = False

    def run(self) -> None:
        """Write until the first unanswered call."""
        with once(self._target) as client:
            for number in range(self._most):
                if self._until.is_set():
                    return
                asked = self._choose(number)
                self.under_way = True
                if not self._world.ask(client, asked):
                    return
                self.under_way = False
                self.answered += 1
                self._take(asked)

    def _choose(self, number: int) -> SentWrite:
        ns = self._rng.choice(list(self._items))
        own = self._items[ns]
        chosen = self._rng.sample(sorted(own), min(len(own), self._rng.randint(1, 3)))
        before: dict[str, frozenset[str] | None] = {}
        after: dict[str, frozenset[str] | None] = {}
        operation: Operation
        if len(own) > _HELD:
            operation = Unassign([(key, "") for key in chosen], delete_items=True)
            before.update((key, own[key]) for key in chosen)
            after.update((key, None) for key in chosen)
        elif own and self._rng.random() < 0.3:
            operation = self._move(ns, chosen, before, after)
        else:
            operation = self._add(ns, f"{self.name} {number}", before, after)
        return SentWrite(ns, operation, before, after, f"{self.name} {number}")

    def _move(
        self,
        ns: str,
        chosen: list[str],
        before: dict[str, frozenset[str] | None],
        after: dict[str, frozenset[str] | None],
    ) -> Assign:
        """Assign items to other categories; in a MULTIPLE namespace they keep the old ones."""
        multiple = self._world.namespaces[ns].journal.multiple
        pairs = []
        for key in chosen:
            now = self._items[ns][key]
            category = self._rng.choice(
                [each for each in self._world.namespaces[ns].keys if each not in now]
            )
            pairs.append((key, category))
            before[key], after[key] = now, (now if multiple else frozenset()) | {category}
        return Assign(pairs, None)

    def _add(
        self,
        ns: str,
        name: str,
        before: dict[str, frozenset[str] | None],
        after: dict[str, frozenset[str] | None],
    ) -> Assign:
        namespace = self._world.namespaces[ns]
        pairs = []
        for index in range(self._rng.randint(1, 3)):
            key, category = f"{name}.{index}", self._rng.choice(namespace.keys)
            pairs.append((key, category))
            before[key], after[key] = None, frozenset((category,))
        places = [self._rng.randrange(len(namespace.pool)) for _ in pairs]
        return Assign(pairs, namespace.pool[places])

    def _take(self, asked: SentWrite) -> None:
        own = self._items[asked.ns]
        for key, categories in asked.after.items():
            if categories is None:
                own.pop(key, None)
            else:
                own[key] = categories
