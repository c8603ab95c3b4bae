"""The expected state of a directory: all acknowledged writes, and writes of unknown outcome."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from effective_embeddings import CategoryUpdate, Client, EffectiveEmbeddingsError, errors
from tests.model.operations import Assign, Operation, PutCategories, PutItems, Unassign
from tests.model.rebuild import rebuild
from tests.support.folders import quick_folder
from tests.support.journal import Journal
from tests.support.vectors import Vectors, random_vectors

__all__ = ["BIG", "BIG_ITEMS", "ExpectedState", "SentWrite"]

_DIMENSION, _BIG_DIMENSION = 32, 1024
_NAMESPACES, _CATEGORIES = 5, 40
# Items that a round leaves for the next one, per namespace.
_KEPT = 15
#: A namespace of long vectors, for snapshots of several frames and large WAL growth.
BIG = "big"
BIG_ITEMS = {f"item {number:04}": f"c{number % _CATEGORIES}" for number in range(400)}


@dataclass(eq=False)
class SentWrite:
    """A write that was sent, with the data for repeating it.

    Attributes:
        before: The categories of each named item before the write; None: the item does not exist.
        after: The same after the write.
        request_id: The request id of the write.
        revision: The answered revision; 0: unanswered.
    """

    ns: str
    operation: Operation
    before: Mapping[str, frozenset[str] | None]
    after: Mapping[str, frozenset[str] | None]
    request_id: str
    revision: int = 0

    def send(self, client: Client) -> int:
        """Send the write; return the revision."""
        return _SENDERS[type(self.operation)](client, self.ns, self.operation, self.request_id)


def _assign(client: Client, ns: str, operation: Any, request_id: str) -> int:
    items, categories = zip(*operation.pairs, strict=True)
    return client.assign(ns, items, categories, operation.vectors, request_id=request_id).revision


def _unassign(client: Client, ns: str, operation: Any, request_id: str) -> int:
    keys = [item for item, _ in operation.pairs]
    return client.unassign(ns, keys, delete_items=True, request_id=request_id).revision


def _put_items(client: Client, ns: str, operation: Any, request_id: str) -> int:
    return client.put_items(ns, operation.keys, operation.vectors, request_id=request_id).revision


_SENDERS: dict[type, Callable[[Client, str, Any, str], int]] = {
    Assign: _assign,
    Unassign: _unassign,
    PutItems: _put_items,
}


@dataclass(eq=False)
class _Namespace:
    name: str
    journal: Journal
    keys: list[str]
    pool: Vectors
    checked: int = 0
    digest: bytes = b""


@dataclass(eq=False)
class ExpectedState:
    """The namespaces of a directory.

    Attributes:
        unanswered: Writes that were sent and not answered, not yet checked.
        refusals: Errors of refused writes.
        answered: The last answered writes: repeated, they change nothing.
        done: Unanswered writes that had been applied.
        not_done: Unanswered writes that had not been applied.
    """

    namespaces: dict[str, _Namespace] = field(default_factory=dict)
    unanswered: list[SentWrite] = field(default_factory=list)
    refusals: list[EffectiveEmbeddingsError] = field(default_factory=list)
    answered: list[SentWrite] = field(default_factory=list)
    done: int = 0
    not_done: int = 0
    _copies: list[tuple[str, bytes, bool]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, client: Client) -> None:
        """Create the namespaces."""
        for number in range(_NAMESPACES):
            self._create(client, f"ns{number}", _DIMENSION, number)
        big = self._create(client, BIG, _BIG_DIMENSION, 100)
        vectors = big.pool[np.arange(len(BIG_ITEMS)) % len(big.pool)]
        operation = Assign(list(BIG_ITEMS.items()), vectors)
        revision = _assign(client, BIG, operation, "create")
        big.journal.acknowledged(revision, operation)

    def _create(self, client: Client, name: str, dimension: int, seed: int) -> _Namespace:
        pool = random_vectors(64, dimension, seed=seed)
        keys = [f"c{number}" for number in range(_CATEGORIES)]
        multiple = seed % 2 == 1
        updates = [
            CategoryUpdate(
                key,
                base=pool[number] if number % 3 else None,
                window=4 if number % 4 == 1 else None,
            )
            for number, key in enumerate(keys)
        ]
        client.create_namespace(name, dimension, membership="multiple" if multiple else "single")
        journal = Journal(dimension, multiple=multiple)
        reply = client.put_categories(name, updates)
        journal.acknowledged(reply.revision, PutCategories(updates))
        self.namespaces[name] = _Namespace(name, journal, keys, pool)
        return self.namespaces[name]

    def ask(self, client: Client, asked: SentWrite) -> bool:
        """Send a write, once; return whether it was answered."""
        try:
            asked.revision = asked.send(client)
        except EffectiveEmbeddingsError as error:
            with self._lock:
                self.unanswered.append(asked)
                self.refusals.append(error)
            return False
        self.namespaces[asked.ns].journal.acknowledged(asked.revision, asked.operation)
        with self._lock:
            self.answered.append(asked)
        return True

    def restored(self, name: str, digest: bytes, *, must_be_there: bool) -> None:
        """A copy of a namespace may or must exist, complete."""
        self._copies.append((name, digest, must_be_there))

    def settle(self, client: Client) -> None:
        """Check that unanswered writes are applied as a whole or not at all, and repeat them.

        With its request id a write is applied once, whether or not it had been applied. Answered
        writes are repeated too: they return the same answer and change nothing.
        """
        for asked in self.unanswered:
            found = {key: _where(client, asked.ns, key) for key in asked.before}
            had_been = client.get_namespace(asked.ns).revision
            asked.revision = asked.send(client)
            if asked.revision <= had_been:
                self.done += 1
                allowed = [asked.after]
            else:
                self.not_done += 1
                allowed = [asked.before]
            assert found in allowed, f"{asked} is done in part"
            assert client.get_namespace(asked.ns).revision == max(had_been, asked.revision)
            self.namespaces[asked.ns].journal.acknowledged(asked.revision, asked.operation)
            assert {key: _where(client, asked.ns, key) for key in asked.before} == asked.after
        for asked in self.answered[-8:]:
            assert asked.send(client) == asked.revision, "a retry gets the first answer"
        self.unanswered.clear()
        self.refusals.clear()
        self.answered.clear()
        there = {each.name: each for each in client.list_namespaces()}
        for name, digest, must_be_there in self._copies:
            assert name in there or not must_be_there, f"{name} is lost"
            if name in there:
                report = client.verify(name)
                assert (report.findings, report.digest) == ((), digest)
                assert there[name].digest == digest
                client.delete_namespace(name, force=True)
        self._copies.clear()

    def tidy(self, client: Client, rng: random.Random) -> None:
        """Delete most items of earlier clients, so that later rounds take no longer."""
        for name, namespace in self.namespaces.items():
            if name == BIG:
                continue
            keys = [item.key for item in client.list_items(name)]
            if len(keys) > _KEPT:
                gone = rng.sample(keys, len(keys) - _KEPT)
                operation = Unassign([(key, "") for key in gone], delete_items=True)
                revision = _unassign(client, name, operation, "")
                namespace.journal.acknowledged(revision, operation)

    @property
    def checked(self) -> int:
        """The number of answered writes, repeated ones included."""
        return sum(len(each.journal) for each in self.namespaces.values())

    def check(self, client: Client) -> None:
        """Compare everything with the model: items, revisions, sums and digests.

        No write may be unanswered: call ``settle`` first.
        """
        found = {each.name: each for each in client.list_namespaces()}
        assert set(found) == set(self.namespaces)
        with quick_folder() as folder, Client.embedded(folder / "data") as other:
            for name, namespace in self.namespaces.items():
                if namespace.checked == found[name].revision:
                    assert found[name].digest == namespace.digest
                    continue
                model = namespace.journal.catch_up(found[name].revision)
                assert namespace.journal.unanswered == 0, "each revision is a write of ours"
                items = {
                    item.key: frozenset(each.category for each in item.memberships)
                    for item in client.list_items(name)
                }
                assert items == {key: frozenset(model.categories_of(key)) for key in model.items}
                rebuild(other, name, model, random.Random(name))
                namespace.digest = other.get_namespace(name).digest
                assert found[name].digest == namespace.digest
                namespace.checked = found[name].revision
        for name, namespace in self.namespaces.items():
            report = client.verify(name)
            assert report.findings == ()
            assert report.digest == namespace.digest


def _where(client: Client, ns: str, key: str) -> frozenset[str] | None:
    try:
        item = client.get_item(ns, key)
    except errors.NotFound:
        return None
    return frozenset(each.category for each in item.memberships)
