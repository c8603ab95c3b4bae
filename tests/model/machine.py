"""A state machine with random writes to the service and to the model, and comparisons."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from effective_embeddings import (
    CategoryUpdate,
    Client,
    EffectiveEmbeddingsError,
    HistoryKeep,
)
from tests.model.compare import assert_same
from tests.model.operations import (
    Assign,
    DeleteCategories,
    DeleteItems,
    Dismiss,
    Merge,
    Operation,
    PutCategories,
    PutItems,
    Reanchor,
    Rename,
    Unassign,
)
from tests.model.oracle import Model, RefusedByModelError
from tests.model.rebuild import rebuild
from tests.support.folders import quick_folder
from tests.support.vectors import random_vectors

__all__ = ["DIMENSION", "POOL", "QUERIES", "Machine"]

DIMENSION = 5
# A small pool, so that vectors repeat; the last two oppose the first two.
POOL = np.concatenate(
    [random_vectors(10, DIMENSION, seed=5), -random_vectors(10, DIMENSION, seed=5)[:2]]
)
QUERIES = random_vectors(4, DIMENSION, seed=6)
_CATEGORIES = st.sampled_from(["area", "bills", "čas", "deep work"])
_ITEMS = st.sampled_from([f"item {letter}" for letter in "abcdefghi"])
_VECTORS = st.integers(0, len(POOL) - 1)
# Some exact in 32 bits, some not.
_WEIGHTS = st.sampled_from([1.0, 0.5, 2.0, 1 / 1024, 3.0, 0.1])
_PARTS = st.dictionaries(_ITEMS, _WEIGHTS, min_size=1, max_size=3)
_METADATA = st.sampled_from([{}, {"text": "gym"}, {"text": "jídlo", "link": ""}])


def _optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def _updates(draw: st.DrawFn) -> CategoryUpdate:
    base = draw(_optional(_VECTORS))
    return CategoryUpdate(
        draw(_CATEGORIES),
        base=None if base is None else POOL[base],
        clear_base=base is None and draw(st.integers(0, 5)) == 0,
        base_weight=draw(_optional(st.sampled_from([0.0, 1.0, 2.5]))),
        window=draw(_optional(st.sampled_from([0, 0, 1, 3]))),
        min_base_share=draw(_optional(st.sampled_from([0.0, 0.3, 0.9]))),
        frozen=draw(_optional(st.sampled_from([False, False, True]))),
        min_score=draw(_optional(st.sampled_from([-1.0, -1.0, 0.1, 0.7]))),
        max_actor_share=draw(_optional(st.sampled_from([1.0, 0.01, 0.2, 0.4, 0.6]))),
        metadata=draw(_optional(_METADATA)),
    )


class Machine(RuleBasedStateMachine):
    """Random writes to a namespace and to the model, with comparisons."""

    def __init__(self) -> None:
        super().__init__()
        self._folder_context = quick_folder()
        self._folder: Path = self._folder_context.__enter__()
        self._client = self._open()
        self._number = 0
        self._last: tuple[Operation, dict[str, str], Any] | None = None
        self._ns = ""
        self._keep: HistoryKeep | None = None
        self._model = Model(DIMENSION)

    def _open(self) -> Client:
        return Client.embedded(self._folder / "data")

    def _next(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"

    @initialize(
        unit=st.booleans(),
        multiple=st.booleans(),
        updates=st.lists(_updates(), min_size=3, max_size=3, unique_by=lambda u: u.key),
    )
    def create(self, updates: list[CategoryUpdate], *, unit: bool, multiple: bool) -> None:
        self._model = Model(DIMENSION, unit=unit, multiple=multiple)
        self._ns = self._next("ns")
        self._client.create_namespace(
            self._ns,
            DIMENSION,
            normalization="unit" if unit else "raw",
            membership="multiple" if multiple else "single",
        )
        self._do(PutCategories(updates), rehearse=False)

    # Writes.

    @rule(
        updates=st.lists(_updates(), min_size=1, max_size=3, unique_by=lambda u: u.key),
        rehearse=st.booleans(),
    )
    def put_categories(self, updates: list[CategoryUpdate], *, rehearse: bool) -> None:
        self._do(PutCategories(updates), rehearse=rehearse)

    @rule(keys=st.lists(_CATEGORIES, min_size=1, max_size=2), allow_missing=st.booleans())
    def delete_categories(self, keys: list[str], *, allow_missing: bool) -> None:
        self._do(DeleteCategories(keys, allow_missing), rehearse=False)

    @rule(key=_CATEGORIES, keep_last=st.integers(0, 3), rehearse=st.booleans())
    def reanchor(self, key: str, keep_last: int, *, rehearse: bool) -> None:
        self._do(Reanchor(key, keep_last), rehearse=rehearse)

    @rule(key=_CATEGORIES, new_key=_CATEGORIES | st.just("e"), rehearse=st.booleans())
    def rename(self, key: str, new_key: str, *, rehearse: bool) -> None:
        self._do(Rename(key, new_key), rehearse=rehearse)

    @rule(
        sources=st.lists(_CATEGORIES, min_size=1, max_size=2),
        into=_CATEGORIES,
        rehearse=st.booleans(),
    )
    def merge(self, sources: list[str], into: str, *, rehearse: bool) -> None:
        self._do(Merge(sources, into), rehearse=rehearse)

    @rule(data=st.data(), keys=st.lists(_ITEMS, min_size=1, max_size=4, unique=True))
    def put_items(self, data: st.DataObject, keys: list[str]) -> None:
        vectors, weights = self._columns(data, len(keys))
        self._do(PutItems(keys, vectors, weights, data.draw(_optional(_METADATA))), rehearse=False)

    @rule(data=st.data(), keys=st.lists(_ITEMS, min_size=1, max_size=3, unique=True))
    def compose(self, data: st.DataObject, keys: list[str]) -> None:
        """Make some items of others, most of which can be parts."""
        parts = [data.draw(_optional(_PARTS)) for _ in keys]
        made_of = [
            {part: weight for part, weight in (own or {}).items() if part != key} or None
            for key, own in zip(keys, parts, strict=True)
        ]
        self._do(PutItems(keys, None, parts=made_of), rehearse=data.draw(st.booleans()))

    @rule(data=st.data(), key=_ITEMS, category=_CATEGORIES)
    def assign_what_is_composed(self, data: st.DataObject, key: str, category: str) -> None:
        plain = [own for own, item in self._model.items.items() if not item.parts and own != key]
        is_part = any(key in item.parts for item in self._model.items.values())
        if plain and not is_part and category in self._model.categories:
            chosen = data.draw(st.lists(st.sampled_from(sorted(plain)), min_size=1, unique=True))
            weights = data.draw(st.lists(_WEIGHTS, min_size=len(chosen), max_size=len(chosen)))
            parts = dict(zip(chosen, weights, strict=True))
            self._do(Assign([(key, category)], None, parts=[parts]), rehearse=False)

    @rule(keys=st.lists(_ITEMS, min_size=1, max_size=3), allow_missing=st.booleans())
    def delete_items(self, keys: list[str], *, allow_missing: bool) -> None:
        self._do(DeleteItems(keys, allow_missing), rehearse=False)

    @rule(
        data=st.data(),
        pairs=st.lists(st.tuples(_ITEMS, _CATEGORIES), min_size=1, max_size=6),
        rehearse=st.booleans(),
    )
    def assign(self, data: st.DataObject, pairs: list[tuple[str, str]], *, rehearse: bool) -> None:
        vectors, weights = self._columns(data, len(pairs))
        self._do(Assign(pairs, vectors, weights), rehearse=rehearse)

    @rule(pairs=st.lists(st.tuples(_ITEMS, _CATEGORIES), min_size=1, max_size=8, unique=True))
    def move_what_is_known(self, pairs: list[tuple[str, str]]) -> None:
        first = {item: (item, category) for item, category in reversed(pairs)}
        known = [
            (item, category)
            for item, category in first.values()
            if item in self._model.items and category in self._model.categories
        ]
        if known:
            self._do(Assign(known, None), rehearse=False)

    @rule(
        pairs=st.lists(st.tuples(_ITEMS, _CATEGORIES | st.just("")), min_size=1, max_size=4),
        delete_items=st.integers(0, 3).map(lambda n: n == 0),
        rehearse=st.booleans(),
    )
    def unassign(self, pairs: list[tuple[str, str]], *, delete_items: bool, rehearse: bool) -> None:
        self._do(Unassign(pairs, delete_items), rehearse=rehearse)

    @rule(
        pairs=st.lists(st.tuples(_ITEMS, _CATEGORIES), min_size=1, max_size=3),
        withdraw=st.integers(0, 3).map(lambda n: n == 0),
        rehearse=st.booleans(),
    )
    def dismiss(self, pairs: list[tuple[str, str]], *, withdraw: bool, rehearse: bool) -> None:
        self._do(Dismiss(pairs, withdraw), rehearse=rehearse)

    @rule(pairs=st.lists(st.tuples(_ITEMS, _CATEGORIES), min_size=1, max_size=6))
    def dismiss_what_can_be(self, pairs: list[tuple[str, str]]) -> None:
        possible = [
            (item, category)
            for item, category in pairs
            if item in self._model.items
            and category in self._model.categories
            and (item, category) not in self._model.members
        ]
        if possible:
            self._do(Dismiss(possible), rehearse=False)

    @rule(
        revisions=st.sampled_from([0, 1, 4, 1000]),
        age=st.sampled_from([0, 1, 3600]),
        rehearse=st.booleans(),
    )
    def keep_history(self, revisions: int, age: int, *, rehearse: bool) -> None:
        keep = HistoryKeep(revisions, age)
        if rehearse:
            self._client.update_namespace(self._ns, history_keep=keep, validate_only=True)
            self._check_counts()
        wanted = None if keep == HistoryKeep() else keep
        if wanted != self._keep:
            self._model.touch()
            self._keep = wanted
        self._client.update_namespace(self._ns, history_keep=keep)
        self._check_counts()

    @rule(keep=st.integers(1, 6), rehearse=st.booleans())
    def trim_history(self, keep: int, *, rehearse: bool) -> None:
        """Only the history is trimmed: nothing else changes."""
        digest = self._client.get_namespace(self._ns).digest
        report = self._client.trim_history(self._ns, keep_revisions=keep, validate_only=rehearse)
        assert report.revision == self._model.revision
        assert report.first_revision >= self._model.revision - keep + 1
        assert self._client.get_namespace(self._ns).digest == digest
        self._check_counts()
        if not rehearse:
            listed = {change.revision for change in self._client.history(self._ns)}
            assert max(listed) == self._model.revision
            assert len(listed) <= keep

    def _columns(self, data: st.DataObject, count: int) -> tuple[Any, Any]:
        vectors = weights = None
        if data.draw(st.integers(0, 3)):
            rows = data.draw(st.lists(_VECTORS, min_size=count, max_size=count))
            vectors = POOL[rows]
        if data.draw(st.booleans()):
            weights = data.draw(st.lists(_WEIGHTS, min_size=count, max_size=count))
        return vectors, weights

    def _do(self, operation: Operation, *, rehearse: bool) -> None:
        """Apply the write to both and compare the replies; sometimes with validate_only first."""
        told: Any = None
        # One of three authors: some categories cap what the members of each weigh.
        actor = self._model.actor = f"actor {self._number % 3}"
        if rehearse:
            told = self._send(operation, validate_only=True, actor=actor)
            self._check_counts()
        before = self._model.revision
        write = {"request_id": self._next("request"), "actor": actor}
        try:
            with self._model.transaction():
                expected, changed = operation.apply(self._model)
                self._model.follow()
                if changed:
                    self._model.touch()
        except RefusedByModelError as refusal:
            expected = str(refusal)
        assert self._model.revision - before in (0, 1)
        actual = self._send(operation, **write)
        assert actual == expected
        if rehearse:
            assert told == actual, "a rehearsal must say what the write then says"
        self._check_counts()
        if not isinstance(expected, str):
            self._last = (operation, write, actual)

    def _send(self, operation: Operation, **write: Any) -> Any:
        try:
            return operation.send(self._client, self._ns, **write)
        except EffectiveEmbeddingsError as error:
            return error.reason

    def _check_counts(self) -> None:
        namespace = self._client.get_namespace(self._ns)
        model = self._model
        assert namespace.revision == model.revision
        assert namespace.history_keep == self._keep
        counts = (namespace.category_count, namespace.item_count, namespace.membership_count)
        assert counts == (len(model.categories), len(model.items), len(model.members))

    # Steps without effect on the state.

    @precondition(lambda self: self._last is not None)
    @rule()
    def say_the_last_thing_again(self) -> None:
        assert self._last is not None
        operation, write, answer = self._last
        digest = self._client.get_namespace(self._ns).digest
        assert self._send(operation, **write) == answer
        assert self._client.get_namespace(self._ns).digest == digest
        self._check_counts()

    @rule()
    def restart(self) -> None:
        digest = self._client.get_namespace(self._ns).digest
        self._client.close()
        self._client = self._open()
        assert self._client.get_namespace(self._ns).digest == digest

    @rule()
    def move_house(self) -> None:
        """Continue in a restored copy."""
        file, copy = self._folder / "snapshot", self._next("ns")
        summary = self._client.snapshot(self._ns, file)
        restored = self._client.restore(file, copy)
        assert restored.digest == summary.digest == self._client.get_namespace(self._ns).digest
        self._client.delete_namespace(self._ns, force=True)
        self._ns, self._last = copy, None
        self._model.start_again()

    @rule()
    def look(self) -> None:
        assert_same(self._client, self._ns, self._model, QUERIES)

    @rule(seed=st.integers(0, 1000))
    def go_another_way(self, seed: int) -> None:
        """Compare digests with the same state, built in another order and with detours."""
        other = self._next("ns")
        rebuild(self._client, other, self._model, random.Random(seed))
        digest = self._client.get_namespace(self._ns).digest
        assert self._client.get_namespace(other).digest == digest
        self._client.delete_namespace(other, force=True)

    def teardown(self) -> None:
        try:
            if self._ns:
                self.look()
                report = self._client.verify(self._ns)
                assert report.findings == ()
                assert report.digest == self._client.get_namespace(self._ns).digest
        finally:
            self._client.close()
            self._folder_context.__exit__(None, None, None)
