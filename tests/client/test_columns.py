"""Columns of keys, vectors, weights and metadata: taken by position, with checked types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from effective_embeddings import CategoryUpdate, Client, Query, QueryPart
from tests.support.vectors import present


class Labelled:
    """A column that, like a sorted or filtered one of a data frame, is indexed by label."""

    ndim = 1

    def __init__(self, values: list[Any], labels: list[Any]) -> None:
        self._values = values
        self._labels = labels

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __getitem__(self, label: Any) -> Any:
        return self._values[self._labels.index(label)]

    def __array__(self, *_: Any, **__: Any) -> Any:
        if self._values and isinstance(self._values[0], (str, list, dict, type(None))):
            made = np.empty(len(self._values), dtype=object)
            made[:] = self._values
            return made
        return np.asarray(self._values)

    def to_list(self) -> list[Any]:
        return list(self._values)


class Table:
    """What iterates over the names of its columns, as data frames do."""

    ndim = 2
    columns = ("id",)

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


@pytest.fixture
def space(client: Client, ns: str) -> str:
    client.create_namespace(ns, 2, membership="multiple")
    client.put_categories(
        ns, [CategoryUpdate(key, base=base) for key, base in (("spam", [1, 0]), ("ham", [0, 1]))]
    )
    return ns


_MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "object array": lambda values: np.array(values, dtype=object),
    "generator": iter,
    "sorted column": lambda values: Labelled(values, list(reversed(range(len(values))))),
    "filtered column": lambda values: Labelled(values, [7 * n + 3 for n in range(len(values))]),
    "arrow": pa.array,
    "arrow in chunks": lambda values: pa.chunked_array([values[:1], values[1:]]),
    "keys of a mapping": lambda values: dict.fromkeys(values).keys(),
}


@pytest.mark.parametrize("made", _MAKERS)
def test_keys_and_weights_are_taken_by_position(client: Client, space: str, made: str) -> None:
    make = _MAKERS[made]
    keys, vectors = ["c", "a", "b"], [[3, 3], [1, 1], [2, 2]]
    weights = [3.0, 1.0, 2.0]
    client.put_items(
        space,
        make(keys),
        vectors,
        weights=weights if made in ("generator", "keys of a mapping") else make(weights),
        metadata=Labelled([{"n": key} for key in keys], [2, 0, 1]),
    )
    for key, vector, weight in zip(keys, vectors, weights, strict=True):
        item = client.get_item(space, key)
        assert (item.weight, item.metadata) == (weight, {"n": key})
        np.testing.assert_array_equal(present(item.embedding), vector)
    client.assign(space, make(keys), "spam")
    client.assign(space, "a", make(["spam", "ham"]))
    assert len(client.get_item(space, "a").memberships) == 2
    assert client.unassign(space, make(keys), "spam").results[0].changed
    assert client.delete_items(space, make(keys)).deleted_count == 3


@pytest.mark.parametrize(
    "embeddings",
    [
        Labelled([[3, 3], [1, 1]], [1, 0]),
        pa.array([[3.0, 3.0], [1.0, 1.0]]),
        pa.FixedSizeListArray.from_arrays(pa.array([3.0, 3.0, 1.0, 1.0]), 2),
        pa.table({"x": [3.0, 1.0], "y": [3.0, 1.0]}),
        np.array([[3, 3], [1, 1]], dtype=object),
        [np.array([3, 3]), (1, 1)],
    ],
    ids=["column", "arrow", "fixed size", "table", "objects", "mixed"],
)
def test_vectors_are_taken_by_position(client: Client, space: str, embeddings: Any) -> None:
    client.put_items(space, ["a", "b"], embeddings)
    np.testing.assert_array_equal(present(client.get_item(space, "a").embedding), [3, 3])
    np.testing.assert_array_equal(present(client.get_item(space, "b").embedding), [1, 1])
    assert len(client.match(space, embeddings)) == 2


def test_none_leaves_values_unchanged(client: Client, space: str) -> None:
    keys = ["a", "b"]
    client.put_items(space, keys, [[1, 1], [2, 2]], weights=[2, 3], metadata={"x": "1"})
    client.put_items(space, keys, [None, [5, 5]], weights=[4, None], metadata=[None, {}])
    a, b = (client.get_item(space, key) for key in keys)
    assert (a.weight, a.metadata, b.weight, b.metadata) == (4, {"x": "1"}, 3, {})
    np.testing.assert_array_equal([present(a.embedding), present(b.embedding)], [[1, 1], [5, 5]])
    client.assign(space, keys, "spam", [[7, 7], None], weights=[None, 5])
    a, b = (client.get_item(space, key) for key in keys)
    assert (a.weight, b.weight) == (4, 5)
    np.testing.assert_array_equal([present(a.embedding), present(b.embedding)], [[7, 7], [5, 5]])


def test_a_text_is_one_key_everywhere(client: Client, space: str) -> None:
    client.put_items(space, "spam", [1, 1])
    for result in (
        client.match(space, "spam", exclude="spam"),
        client.match(space, "spam", include="ham"),
        client.match(space, Labelled(["spam"], [5]), exclude=iter(["spam"])),
    ):
        assert [match.category for match in result[0].matches] == ["ham"]
    client.assign(space, "spam", "spam")
    client.unassign(space, "spam", "spam")
    assert client.delete_items(space, "spam").deleted_count == 1
    assert client.delete_categories(space, "spam").deleted_count == 1
    assert client.put_categories(space, CategoryUpdate("one")).results[0].created


def _any(key: Any) -> Any:
    """A query needs an item that is not None."""
    return 0 if key is None else key


_NO_KEYS: list[Any] = [1, np.int64(1), 1.0, None, b"a", ["a"], float("nan")]


@pytest.mark.parametrize("key", _NO_KEYS)
def test_a_key_that_is_not_text_is_refused_by_name(client: Client, space: str, key: Any) -> None:
    calls: list[tuple[str, Callable[[], Any]]] = [
        (r"keys\[1\]", lambda: client.put_items(space, ["a", key], [[1, 1], [2, 2]])),
        (r"keys\[0\]", lambda: client.delete_items(space, [key])),
        (r"keys\[0\]", lambda: client.delete_categories(space, [key])),
        (r"items\[0\]", lambda: client.assign(space, [key], "spam", [1, 1])),
        (r"categories\[0\]", lambda: client.unassign(space, "a", [key])),
        (r"exclude\[0\]", lambda: client.match(space, [1, 1], exclude=[key])),
        ("key", lambda: client.get_item(space, key)),
        ("key", lambda: client.get_category(space, key)),
        ("key", lambda: client.reanchor(space, key)),
        (r"categories\[0\].key", lambda: client.put_categories(space, [CategoryUpdate(key)])),
        (r"queries\[0\].item", lambda: client.match(space, Query(item=_any(key)))),
        (
            r"queries\[0\].parts\[0\].item",
            lambda: client.match(space, Query(parts=[QueryPart(item=_any(key))])),
        ),
    ]
    for name, call in calls:
        with pytest.raises(TypeError, match=f"^{name} must be text, not "):
            call()


@pytest.mark.parametrize("keys", [b"ab", {"a": 1}, {"a", "b"}, Table()])
def test_an_invalid_column_of_keys_is_refused(client: Client, space: str, keys: Any) -> None:
    with pytest.raises(TypeError, match=r"^keys must be "):
        client.put_items(space, keys, [[1, 1], [2, 2]])


def test_lone_surrogates_are_refused_by_name(client: Client, space: str) -> None:
    with pytest.raises(ValueError, match=r"^keys\[0\] must be text"):
        client.put_items(space, ["\ud800"], [[1, 1]])
    with pytest.raises(ValueError, match="metadata"):
        client.put_items(space, "a", [1, 1], metadata={"x": "\udfff"})


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"n": 1}, r"metadata\['n'\]"),
        ([{"n": np.float32(1)}], r"metadata\[0\]\['n'\]"),
        ({1: "n"}, "a name in metadata"),
        ([["en", "de"]], r"metadata\[0\]"),
        (["ab"], r"metadata\[0\]"),
        ("ab", "metadata"),
    ],
)
def test_metadata_that_is_not_text_to_text_is_refused_by_name(
    client: Client, space: str, metadata: Any, named: str
) -> None:
    with pytest.raises(TypeError, match=f"^{named} must be "):
        client.put_items(space, ["a"], [[1, 1]], metadata=metadata)


def test_labels_and_metadata_of_categories_are_checked_too(client: Client, space: str) -> None:
    wrong: Any = {"n": 1}
    with pytest.raises(TypeError, match=r"labels\['n'\]"):
        client.update_namespace(space, labels=wrong)
    with pytest.raises(TypeError, match=r"categories\[0\].metadata\['n'\]"):
        client.put_categories(space, CategoryUpdate("c", metadata=wrong))


@pytest.mark.parametrize("weight", ["2", True, [1], b"2", object()])
def test_a_non_numeric_weight_is_refused_by_name(client: Client, space: str, weight: Any) -> None:
    with pytest.raises(TypeError, match=r"^weights\[0\] must be a number, not "):
        client.put_items(space, ["a"], [[1, 1]], weights=[weight])


@pytest.mark.parametrize("embeddings", [["1", "2"], [[True, False]], [[1j, 2]], ["x"], [["x", 1]]])
def test_non_numeric_components_are_refused(client: Client, space: str, embeddings: Any) -> None:
    with pytest.raises(TypeError, match="embeddings"):
        client.put_items(space, ["a"], embeddings)


@pytest.mark.parametrize("value", [-1, 1 << 32, 10**400])
def test_whole_numbers_out_of_range_are_refused_by_name(
    client: Client, space: str, value: int
) -> None:
    with pytest.raises(ValueError, match=r"^limit must be from 0 to "):
        client.match(space, [1, 1], limit=value)
    with pytest.raises(ValueError, match=r"^dimension must be from 0 to "):
        client.create_namespace("x", value)
    with pytest.raises(ValueError, match=r"^categories\[0\].window"):
        client.put_categories(space, CategoryUpdate("c", window=value))


def test_an_unknown_choice_names_the_valid_ones(client: Client, ns: str) -> None:
    wrong: Any = "cosine"
    with pytest.raises(ValueError, match="normalization must be one of 'raw', 'unit'"):
        client.create_namespace(ns, 2, normalization=wrong)
