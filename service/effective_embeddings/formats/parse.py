"""From the fields of a record, as a format gives them, to a checked row.

Only what a file alone can be wrong about is checked here: names and types of fields, and that a
vector is a list of finite numbers of the right length. Everything else the service refuses, and
the refusal names the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from effective_embeddings.formats.record import FormatError, RowError
from effective_embeddings.formats.rows import (
    COLUMNS,
    FIELDS,
    REQUIRED,
    ROWS,
    AssignmentRow,
    DismissalRow,
    Kind,
    Row,
)
from effective_embeddings.formats.values import FieldError, shown

__all__ = ["check_columns", "parse_row", "refuse_repeated"]


def check_columns(path: str, kind: Kind, names: Iterable[str]) -> None:
    """Raise FormatError if the columns of a file are not the kind's."""
    given = list(names)
    known = f"the columns of {kind} are {', '.join(FIELDS[kind])}"
    for name in given:
        if name not in FIELDS[kind]:
            msg = f"{path}: column {shown(name)} is unknown; {known}"
            raise FormatError(msg)
        if given.count(name) > 1:
            msg = f"{path}: column {name!r} comes twice"
            raise FormatError(msg)
    for name in REQUIRED[kind]:
        if name not in given:
            msg = f"{path} has no column {name!r}; {known}"
            raise FormatError(msg)


def parse_row(kind: Kind, place: str, fields: Mapping[str, Any], dimension: int | None) -> Row:
    """Return the row of one record; a field that is missing, null or empty is "not said".

    Raises:
        RowError: The record is not a row of this kind.
    """
    columns = COLUMNS[kind]
    for name in fields:
        if name not in columns:
            problem = (
                f"is not a field of {kind}, which have {', '.join(columns)}"
                " (other data goes into metadata)"
            )
            raise RowError(place, str(name), problem)
    values: dict[str, Any] = {}
    for name, value_type in columns.items():
        value = fields.get(name)
        if value is None or (isinstance(value, str) and value == ""):
            if name in REQUIRED[kind]:
                raise RowError(place, name, "is missing")
            continue
        try:
            values[name] = value_type.parse(value, dimension)
        except FieldError as error:
            field = f"{name}.{error.inside}" if error.inside else name
            raise RowError(place, field, str(error)) from None
    return ROWS[kind](**values, place=place)


def refuse_repeated(rows: Iterable[Row | RowError], *, single: bool) -> Iterator[Row | RowError]:
    """Yield the rows; one that is about the same as an earlier one is yielded as an error.

    The keys that were seen are kept, about 100 bytes each.

    Args:
        rows: The rows of a file.
        single: Whether an item is in one category at most. Otherwise an item can be assigned
            several times, to another category each time. It can always be dismissed from several.
    """
    seen: set[str | tuple[str, str]] = set()
    for row in rows:
        if isinstance(row, RowError):
            yield row
            continue
        key: str | tuple[str, str]
        field = "key"
        if isinstance(row, AssignmentRow):
            field = "item"
            key = row.item if single else (row.item, row.category)
        elif isinstance(row, DismissalRow):
            field = "item"
            key = (row.item, row.category)
        else:
            key = row.key
        if key in seen:
            yield RowError(row.place, field, f"{shown(key)} is in an earlier row of the file")
            continue
        seen.add(key)
        yield row
