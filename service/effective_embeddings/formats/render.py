"""From a row to the plain values that text formats write, exact to the last bit."""

from __future__ import annotations

from typing import Any

from effective_embeddings.formats.rows import COLUMNS, Kind, Row

__all__ = ["plain_fields"]


def plain_fields(kind: Kind, row: Row) -> dict[str, Any]:
    """Return the fields of a row that are said, in their order, as JSON has them."""
    return {
        name: value_type.plain(value)
        for name, value_type in COLUMNS[kind].items()
        if (value := getattr(row, name)) is not None
    }
