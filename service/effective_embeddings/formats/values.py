"""The types that a field of a row can have, and how every format reads and writes them."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "COUNT",
    "METADATA",
    "NUMBER",
    "NUMBER_64",
    "PARTS",
    "TEXT",
    "TRUTH",
    "VECTOR",
    "FieldError",
    "ScalarType",
    "ValueType",
    "Vector",
    "load_json",
    "plain_vector",
    "shown",
]

Vector = NDArray[np.float32]

_MOST_SHOWN = 80


class FieldError(ValueError):
    """A value that a field cannot have: the fault, and its place inside the field."""

    def __init__(self, problem: str, inside: str = "") -> None:
        super().__init__(problem)
        self.inside = inside


def load_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        FieldError: It is not JSON, has a name twice in an object, or is nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except FieldError:
        raise
    except json.JSONDecodeError as error:
        problem = f"is not JSON: {error.msg} at column {error.colno}"
    except RecursionError:
        problem = "is not JSON that can be read: it is nested too deeply"
    except ValueError as error:
        problem = f"is not JSON that can be read: {error}"
    raise FieldError(problem) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"has {shown(twice)} twice"
        raise FieldError(msg)
    return found


def shown(value: object) -> str:
    """Return a value as messages show it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


class ValueType(ABC):
    """How one type of value is read and written; None stands for a missing one."""

    @abstractmethod
    def parse(self, value: Any, dimension: int | None) -> Any:
        """Return the checked value of a format's value, which is not None.

        Raises:
            FieldError: The field cannot have this value.
        """

    def plain(self, value: Any) -> Any:
        """Return the value as JSON has it."""
        return value

    @abstractmethod
    def arrow(self, pyarrow: Any) -> pa.DataType:
        """Return the type of a Parquet column."""

    def to_arrow(self, value: Any) -> Any:
        """Return the value as a Parquet column takes it."""
        return value

    def entry(self, entry: Any) -> Any:
        """Return the value of an array's entry; None: missing."""
        return entry


class ScalarType(ValueType):
    """A type whose values are the entries of a one-dimensional NumPy array."""

    @abstractmethod
    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return a NumPy array of values."""


@dataclass(frozen=True)
class _Text(ScalarType):
    def parse(self, value: Any, dimension: int | None) -> str:  # noqa: ARG002
        return _text(value)

    def arrow(self, pyarrow: Any) -> pa.DataType:
        return pyarrow.string()

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        return np.array(values, dtype=None if values else "U1")


@dataclass(frozen=True)
class _Number(ScalarType):
    bits: int = 32

    def parse(self, value: Any, dimension: int | None) -> float:  # noqa: ARG002
        # Python takes 1_000 for a thousand, and an array of one number for a number.
        refused = isinstance(value, bool | np.bool_ | np.ndarray)
        if refused or (isinstance(value, str) and "_" in value):
            msg = f"must be a number, not {shown(value)}"
            raise FieldError(msg)
        try:
            return float(value)
        except OverflowError:
            problem = f"is too large: {shown(value)}"
        except (TypeError, ValueError):
            problem = f"must be a number, not {shown(value)}"
        raise FieldError(problem)

    def plain(self, value: float) -> float:
        return value if self.bits == 64 else _short(value)  # noqa: PLR2004

    def arrow(self, pyarrow: Any) -> pa.DataType:
        return pyarrow.float64() if self.bits == 64 else pyarrow.float32()  # noqa: PLR2004

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        return np.array([math.nan if value is None else value for value in values])

    def entry(self, entry: Any) -> Any:
        return None if isinstance(entry, float) and math.isnan(entry) else entry


@dataclass(frozen=True)
class _Count(ScalarType):
    def parse(self, value: Any, dimension: int | None) -> int:
        number = NUMBER_64.parse(value, dimension)
        if not number.is_integer() or not 0 <= number < 1 << 32:
            msg = f"must be a whole number from 0 to 2^32 - 1, not {number:g}"
            raise FieldError(msg)
        return int(number)

    def arrow(self, pyarrow: Any) -> pa.DataType:
        return pyarrow.uint32()

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        return np.array([-1 if value is None else value for value in values], dtype=np.int64)

    def entry(self, entry: Any) -> Any:
        return None if not isinstance(entry, str) and entry == -1 else entry


@dataclass(frozen=True)
class _Truth(ScalarType):
    def parse(self, value: Any, dimension: int | None) -> bool:  # noqa: ARG002
        if isinstance(value, str):
            value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
        if not isinstance(value, bool | np.bool_):
            msg = f"must be true or false, not {shown(value)}"
            raise FieldError(msg)
        return bool(value)

    def arrow(self, pyarrow: Any) -> pa.DataType:
        return pyarrow.bool_()

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        return np.array([-1 if value is None else value for value in values], dtype=np.int8)

    def entry(self, entry: Any) -> Any:
        if isinstance(entry, int) and not isinstance(entry, bool):
            return {-1: None, 0: False, 1: True}.get(entry, entry)
        return entry


@dataclass(frozen=True)
class _Vector(ValueType):
    def parse(self, value: Any, dimension: int | None) -> Vector:
        given = _array(load_json(value) if isinstance(value, str) else value)
        if given is None:
            msg = "must be a list of numbers"
            raise FieldError(msg)
        if given.ndim != 1:
            msg = f"must be one vector, not an array of shape {given.shape}"
            raise FieldError(msg)
        if dimension is not None and len(given) != dimension:
            problem = f"has {len(given)} components; the namespace's vectors have {dimension}"
            raise FieldError(problem)
        with np.errstate(over="ignore"):
            vector = np.ascontiguousarray(given, dtype=np.float32)
        if not np.isfinite(vector).all():
            at = int(np.flatnonzero(~np.isfinite(vector))[0])
            msg = f"component {at} is {given[at]}, which is not a finite 32-bit number"
            raise FieldError(msg)
        return vector

    def plain(self, value: Vector) -> list[float]:
        return plain_vector(value)

    def arrow(self, pyarrow: Any) -> pa.DataType:
        return pyarrow.list_(pyarrow.float32())


@dataclass(frozen=True)
class _Metadata(ScalarType):
    def parse(self, value: Any, dimension: int | None) -> dict[str, str]:  # noqa: ARG002
        if isinstance(value, str):
            value = load_json(value)
        if not isinstance(value, Mapping):
            msg = f"must be an object of texts, not {shown(value)}"
            raise FieldError(msg)
        taken: dict[str, str] = {}
        for name, text in value.items():
            # A Parquet struct has a null for a name that a row does not have.
            if text is not None:
                try:
                    taken[_text(name)] = _text(text)
                except FieldError as error:
                    raise FieldError(str(error), inside=str(name)) from None
        return taken

    def plain(self, value: Mapping[str, str]) -> dict[str, str]:
        return dict(value)

    def arrow(self, pyarrow: Any) -> pa.DataType:
        return pyarrow.map_(pyarrow.string(), pyarrow.string())

    def to_arrow(self, value: Mapping[str, str] | None) -> Any:
        return None if value is None else list(value.items())

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        texts = [
            "" if value is None else json.dumps(dict(value), ensure_ascii=False) for value in values
        ]
        return np.array(texts, dtype=None if texts else "U1")


@dataclass(frozen=True)
class _Parts(ScalarType):
    """What an item is made of: the weights of its parts, by key."""

    def parse(self, value: Any, dimension: int | None) -> dict[str, float] | None:
        if isinstance(value, str):
            value = load_json(value)
        if not isinstance(value, Mapping):
            msg = f"must be an object of weights by key, not {shown(value)}"
            raise FieldError(msg)
        taken: dict[str, float] = {}
        for name, weight in value.items():
            # A Parquet struct has a null for a name that a row does not have.
            if weight is not None:
                try:
                    taken[_text(name)] = NUMBER.parse(weight, dimension)
                except FieldError as error:
                    raise FieldError(str(error), inside=str(name)) from None
        # A plain item has none.
        return taken or None

    def plain(self, value: Mapping[str, float]) -> dict[str, float]:
        return {name: _short(weight) for name, weight in value.items()}

    def arrow(self, pyarrow: Any) -> pa.DataType:
        return pyarrow.map_(pyarrow.string(), pyarrow.float32())

    def to_arrow(self, value: Mapping[str, float] | None) -> Any:
        return None if value is None else list(value.items())

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        texts = [
            "" if value is None else json.dumps(self.plain(value), ensure_ascii=False)
            for value in values
        ]
        return np.array(texts, dtype=None if texts else "U1")


TEXT = _Text()
NUMBER = _Number(32)
NUMBER_64 = _Number(64)
COUNT = _Count()
TRUTH = _Truth()
VECTOR = _Vector()
METADATA = _Metadata()
PARTS = _Parts()


def plain_vector(vector: Vector) -> list[float]:
    """Return a vector as a list of numbers that JSON writes short and exactly."""
    return [_short(value) for value in vector.tolist()]


def _short(value: float) -> float:
    # Nine significant digits name every f32: they are within 5e-9 of it (relative), and half the
    # distance to its neighbour is at least 2.9e-8, so reading them, even by way of an f64, gives
    # the same f32 back. Seventeen would be exact as well, at twice the size.
    return float(f"{value:.9g}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"must be text, not {shown(value)}"
        raise FieldError(msg)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            msg = f"is not UTF-8 text: {shown(value)}"
            raise FieldError(msg) from None
    return value


def _array(value: object) -> NDArray[Any] | None:
    if isinstance(value, list | tuple) and not _numbers_only(value):
        return None
    if not isinstance(value, list | tuple | np.ndarray):
        return None
    try:
        array: NDArray[Any] = np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return array if array.dtype.kind in "fiu" else None


def _numbers_only(values: Iterable[Any]) -> bool:
    # True would pass as 1, and "1" as well if it were converted at once.
    return set(map(type, values)) <= {int, float}
