"""Values of options that are of another type, in our own words.

Typer validates values with pydantic, whose texts speak to programmers.
"""

from __future__ import annotations

from typing import Any

import typer

__all__ = ["reworded"]

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}


def reworded(error: typer.BadParameter) -> typer.BadParameter:
    """Return the complaint with a text that has the value found and the value allowed."""
    try:
        fault: dict[str, Any] = error.__cause__.errors()[0]  # type: ignore[union-attr]
        kind, _, _ = str(fault["type"]).partition("_")
        value, text = fault["input"], str(fault["msg"])
    except (AttributeError, IndexError, KeyError, TypeError):
        return error
    if kind in _KINDS:
        error.message = f"must be {_KINDS[kind]}, not {value!r}"
    else:
        error.message = text.removeprefix("Value error, ")
    return error
