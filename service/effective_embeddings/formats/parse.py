"""From the fields of a record, as a format gives them, to a checked row.

Only what a file alone can be wrong about is checked here: names and types of fields, and that a
vector is a list of finite numbers of the right length. Everything else is the service's to
refuse, which names the row all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.rows import (
    FIELDS,
    REQUIRED,
    AssignmentRow,
    CategoryRow,
    ItemRow,
    Kind,
    Row,
    Vector,
)

__all__ = ["check_columns", "parse_row", "parse_vector"]


def check_columns(path: str, kind: Kind, names: Iterable[str]) -> None:
    """Refuses a file whose columns are not the kind's, before any of its rows is read."""
    given = list(names)
    known = FIELDS[kind]
    told = f"the columns of {kind} are {', '.join(known)}"
    for name in given:
        if name not in known:
            msg = f"{path}: {name!r} is no column that is known; {told}"
            raise FormatError(msg)
    for name in REQUIRED[kind]:
        if name not in given:
            msg = f"{path} has no column {name!r}; {told}"
            raise FormatError(msg)


def parse_row(kind: Kind, place: str, fields: Mapping[str, Any], dimension: int | None) -> Row:
    """Makes a row of the fields of one record, or raises the `RowError` that describes it."""
    unknown = [name for name in fields if name not in FIELDS[kind]]
    if unknown:
        raise RowError(
            place,
            str(unknown[0]),
            f"is no field of {kind}; they are {', '.join(FIELDS[kind])}"
            " (data of your own goes into metadata)",
        )
    take = _Taker(place, fields, dimension)
    if kind is Kind.CATEGORIES:
        return CategoryRow(
            key=take.text("key"),
            base=take.vector("base"),
            base_weight=take.number("base_weight"),
            window=take.count("window"),
            min_base_share=take.number("min_base_share"),
            frozen=take.truth("frozen"),
            metadata=take.metadata(),
            place=place,
        )
    if kind is Kind.ITEMS:
        return ItemRow(
            key=take.text("key"),
            embedding=take.vector("embedding"),
            weight=take.number("weight"),
            metadata=take.metadata(),
            place=place,
        )
    return AssignmentRow(
        item=take.text("item"),
        category=take.text("category"),
        embedding=take.vector("embedding"),
        weight=take.number("weight"),
        metadata=take.metadata(),
        place=place,
    )


def parse_vector(value: object, dimension: int | None = None) -> Vector:
    """Makes an f32 vector of a list of numbers, an array or a JSON text; else a ValueError."""
    given = _array(json.loads(value) if isinstance(value, str) else value)
    if given is None:
        msg = "must be a list of numbers"
        raise ValueError(msg)
    if given.ndim != 1:
        msg = f"must be one vector, not an array of shape {given.shape}"
        raise ValueError(msg)
    if dimension is not None and len(given) != dimension:
        msg = f"has {len(given)} components; the namespace's vectors have {dimension}"
        raise ValueError(msg)
    with np.errstate(over="ignore"):
        vector = np.ascontiguousarray(given, dtype=np.float32)
    if not np.isfinite(vector).all():
        at = int(np.flatnonzero(~np.isfinite(vector))[0])
        msg = f"component {at} is {given[at]}, which is no finite 32-bit number"
        raise ValueError(msg)
    return vector


def _array(value: object) -> NDArray[Any] | None:
    if not isinstance(value, list | tuple | np.ndarray):
        return None
    try:
        array: NDArray[Any] = np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        return None
    # Texts such as "1" in a list would pass as numbers if they were converted at once.
    return array if array.dtype.kind in "fiu" else None


class _Taker:
    """Takes fields of one record by type; a missing, null or empty one is "not said"."""

    def __init__(self, place: str, fields: Mapping[str, Any], dimension: int | None) -> None:
        self._place = place
        self._fields = fields
        self._dimension = dimension

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if value is None or value == "":
            raise RowError(self._place, name, "is missing")
        if not isinstance(value, str):
            raise RowError(self._place, name, f"must be text, not {value!r}")
        return value

    def number(self, name: str) -> float | None:
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            raise RowError(self._place, name, f"must be a number, not {value!r}")
        try:
            return float(value)
        except (TypeError, ValueError):
            raise RowError(self._place, name, f"must be a number, not {value!r}") from None

    def count(self, name: str) -> int | None:
        value = self.number(name)
        if value is None:
            return None
        if not value.is_integer() or not 0 <= value < 2**32:
            raise RowError(self._place, name, f"must be a whole number from 0 on, not {value:g}")
        return int(value)

    def truth(self, name: str) -> bool | None:
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
        if not isinstance(value, bool | np.bool_):
            raise RowError(self._place, name, f"must be true or false, not {value!r}")
        return bool(value)

    def vector(self, name: str) -> Vector | None:
        value = self._fields.get(name)
        if value is None or (isinstance(value, str) and value == ""):
            return None
        try:
            return parse_vector(value, self._dimension)
        except json.JSONDecodeError:
            raise RowError(self._place, name, "must be a JSON list of numbers") from None
        except ValueError as error:
            raise RowError(self._place, name, str(error)) from None

    def metadata(self) -> dict[str, str]:
        value = self._fields.get("metadata")
        if value is None or value == "":
            return {}
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except json.JSONDecodeError:
                raise RowError(self._place, "metadata", "must be a JSON object of texts") from None
        # A Parquet map arrives as pairs, a struct as a mapping with a null for what is not there.
        pairs: Iterable[Any] = value.items() if isinstance(value, Mapping) else value
        taken: dict[str, str] = {}
        try:
            for name, text in pairs:
                if text is None:
                    continue
                if not isinstance(name, str) or not isinstance(text, str):
                    raise RowError(self._place, f"metadata.{name}", f"must be text, not {text!r}")
                taken[name] = text
        except (TypeError, ValueError):
            raise RowError(self._place, "metadata", "must be an object of texts") from None
        return taken
