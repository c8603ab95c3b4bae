"""The columns of a batch: keys, embeddings, weights, metadata, all of one length.

A column is read by position, whatever labels it has: a list, an array, a pandas, polars or Arrow
column. A text is one key, never a sequence of letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

from numpy.typing import ArrayLike

from effective_embeddings.client.convert.vectors import Rows
from effective_embeddings.client.limits import PART_BYTES

__all__ = [
    "Embeddings",
    "Keys",
    "Metadata",
    "Parts",
    "Weights",
    "add_parts",
    "entries",
    "key_column",
    "mapping",
    "metadata_column",
    "parts_column",
    "row_column",
    "text",
    "weight_column",
    "whole",
]

Keys: TypeAlias = str | Iterable[str]
# (n, d), or (d,) for one key; None in a sequence leaves a row as it is.
Embeddings: TypeAlias = ArrayLike | Sequence[ArrayLike | None]
# One for all, or one for each; None leaves it as it is, for all or for one.
Weights: TypeAlias = ArrayLike | Sequence[float | None] | None
Metadata: TypeAlias = Mapping[str, str] | Iterable[Mapping[str, str] | None] | None
# The weights of parts by key, for one item or for each; None leaves an item as it is.
Parts: TypeAlias = Mapping[str, float] | Iterable[Mapping[str, float] | None] | None

_MOST_SHOWN = 80


def entries(name: str, column: Any) -> Sequence[Any]:
    """Return the entries of a column in their order.

    Raises:
        TypeError: It is not a column but a text, a mapping, a set, or a table.
    """
    if isinstance(column, (str, bytes, Mapping, set, frozenset)):
        message = f"{name} must be a sequence, not {_shown(column)}"
        raise TypeError(message)
    if isinstance(column, (list, tuple)):
        return column
    # A table iterates over the names of its columns.
    if getattr(column, "ndim", 1) != 1 or hasattr(column, "columns"):
        message = f"{name} must be one column, not a table of type {type(column).__name__}"
        raise TypeError(message)
    # Arrow; pandas and polars; NumPy. Their own iterators go by label, or yield scalars.
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            values: Sequence[Any] = getattr(column, method)()
            return values
    return tuple(column)


def text(name: str, value: object) -> str:
    """Return a value that must be text.

    Raises:
        TypeError: It is not text: numbers are not converted, since 1, 1.0 and "1" would be one.
        ValueError: It has surrogates, which UTF-8 cannot express.
    """
    if not isinstance(value, str):
        message = f"{name} must be text, not {_shown(value)}"
        raise TypeError(message)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            message = f"{name} must be text, not {_shown(value)}, which has lone surrogates"
            raise ValueError(message) from None
    return value


def whole(name: str, value: object, bits: int = 32) -> int:
    """Return a value that must be a whole number of so many bits.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is out of range.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        message = f"{name} must be a whole number, not {_shown(value)}"
        raise TypeError(message)
    number: int = value.__index__()
    if not 0 <= number < 1 << bits:
        message = f"{name} must be from 0 to {(1 << bits) - 1}, not {_shown(value)}"
        raise ValueError(message)
    return number


def mapping(name: str, value: object) -> dict[str, str]:
    """Return a mapping of texts to texts.

    Raises:
        TypeError: It is not a mapping, or a name or value in it is not text.
        ValueError: A text has lone surrogates.
    """
    if not isinstance(value, Mapping):
        message = f"{name} must be a mapping of texts to texts, not {_shown(value)}"
        raise TypeError(message)
    return {
        text(f"a name in {name}", key): text(f"{name}[{key!r}]", own) for key, own in value.items()
    }


def key_column(name: str, keys: Keys, count: int | None = None) -> Sequence[str]:
    """Return the keys; a single one is repeated ``count`` times (None: once).

    Raises:
        TypeError: A key is not text.
        ValueError: Their number is not ``count``.
    """
    if isinstance(keys, str):
        return (text(name, keys),) * (1 if count is None else count)
    values = [text(f"{name}[{index}]", key) for index, key in enumerate(entries(name, keys))]
    if count is not None:
        _check_count(name, len(values), count)
    return values


def expected_column(expected: Keys | None, count: int) -> Sequence[str] | None:
    """Return the category that each item is expected in: one for all, or ``count``; None: any."""
    return None if expected is None else key_column("expected", expected, count)


def row_column(embeddings: Embeddings | None, count: int, *, repeat: bool = False) -> Rows | None:
    """Return the rows of the embeddings, one for each key; None if none are given.

    Args:
        embeddings: (n, d) array-like, or (d,) for one key; a sequence may have None for a row.
        count: Number of keys.
        repeat: One row stands for all.

    Raises:
        TypeError: A component is not a number.
        ValueError: Their number is not ``count``, or their shape is another.
    """
    if embeddings is None:
        return None
    rows = Rows("embeddings", embeddings)
    if not (repeat and rows.count == 1):
        _check_count("embeddings", rows.count, count)
    return rows


def weight_column(weights: Weights, count: int) -> Sequence[float | None] | None:
    """Return a weight for each key, or None for "as it is"; a single one is repeated.

    Raises:
        TypeError: A weight is not a number.
        ValueError: Their number is not ``count``.
    """
    if weights is None:
        return None
    if isinstance(weights, Real) or getattr(weights, "ndim", 1) == 0:
        return (_number("weights", weights),) * count
    values = entries("weights", weights)
    _check_count("weights", len(values), count)
    return [
        None if weight is None else _number(f"weights[{index}]", weight)
        for index, weight in enumerate(values)
    ]


def metadata_column(metadata: Metadata, count: int) -> Sequence[dict[str, str] | None] | None:
    """Return the metadata for each key, or None for "as it is"; a single mapping is repeated.

    Raises:
        TypeError: An entry is not a mapping of texts.
        ValueError: Their number is not ``count``.
    """
    if metadata is None:
        return None
    if isinstance(metadata, Mapping):
        return (mapping("metadata", metadata),) * count
    values = entries("metadata", metadata)
    _check_count("metadata", len(values), count)
    return [
        None if own is None else mapping(f"metadata[{index}]", own)
        for index, own in enumerate(values)
    ]


def parts_column(parts: Parts, count: int) -> Sequence[dict[str, float] | None] | None:
    """Return the weights of the parts of each item, or None for "as it is".

    Raises:
        TypeError: An entry is not a mapping of keys to numbers.
        ValueError: Their number is not ``count``, or an entry has no parts.
    """
    if parts is None:
        return None
    if isinstance(parts, Mapping):
        return (_parts("parts", parts),) * count
    values = entries("parts", parts)
    _check_count("parts", len(values), count)
    return [
        None if own is None else _parts(f"parts[{index}]", own) for index, own in enumerate(values)
    ]


def add_parts(entry: Any, parts: Mapping[str, float]) -> int:
    """Add parts to an entry of a write; return its size in bytes, as it counts for a batch."""
    for key, weight in parts.items():
        entry.parts.add(item=key, weight=weight)
    return max(int(entry.ByteSize()), len(parts) * PART_BYTES)


def _parts(name: str, value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        message = f"{name} must be a mapping of keys to weights, not {_shown(value)}"
        raise TypeError(message)
    if not value:
        message = f"{name} is empty: give an embedding to make a composite item a plain one"
        raise ValueError(message)
    return {
        text(f"a key in {name}", key): _number(f"{name}[{key!r}]", weight)
        for key, weight in value.items()
    }


def _number(name: str, value: Any) -> float:
    is_array = getattr(value, "ndim", None) == 0
    plain = value.item() if is_array and hasattr(value, "item") else value
    if isinstance(plain, bool) or not isinstance(plain, Real):
        message = f"{name} must be a number, not {_shown(value)}"
        raise TypeError(message)
    try:
        return float(plain)
    except OverflowError:
        message = f"{name} is too large: {_shown(value)}"
        raise ValueError(message) from None


def _check_count(name: str, actual: int, expected: int) -> None:
    if actual != expected:
        message = f"{name}: {actual} of them for {expected} keys"
        raise ValueError(message)


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # an integer of too many digits
        shown = "a value"
    if len(shown) > _MOST_SHOWN:
        shown = f"{shown[:_MOST_SHOWN]}…"
    return f"{shown} ({type(value).__name__})"
