"""What a setting is: everything that is known of it besides its name and its type.

The fields of ``Settings`` carry this as metadata. Bounds, help, flags, variables, keys of the file,
`effemb config show`, `effemb limits` and the table in docs/reference.md all come from there.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["KINDS", "Definition", "definitions", "setting"]

KINDS: Mapping[type, str] = types.MappingProxyType(
    {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        Path: "a path",
    }
)
"""The types of settings, as errors name them."""

_METADATA = "setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A setting.

    Attributes:
        name: Its name: the flag has dashes for underscores, the variable EFFEMB_ and capitals.
        kind: The type of its value, one of ``KINDS``.
        default: The value without a source; ``dataclasses.MISSING``: it must be given.
        served: The default of `effemb serve`, where that is another one.
        help: One or two sentences for `--help`, the docstring and the documents.
        panel: The heading under which `--help` lists it.
        metavar: What `--help` calls the value; None: the type.
        low: The least number; None: not a number.
        high: The largest number.
        choices: The texts that are allowed; empty: all.
        unset: What the default means, where the value alone does not say it.
        flag: False: it has no flag.
        unit: What the number counts, for `effemb limits`.
        beyond: What happens beyond it; empty: it is not a limit.
        effective: The property of ``Settings`` with the value in force; empty: the field itself.
        secret: True: its value is never shown.
    """

    name: str = ""
    kind: type = str
    default: Any = dataclasses.MISSING
    served: Any = None
    help: str
    panel: str
    metavar: str | None = None
    low: float | None = None
    high: float | None = None
    choices: Sequence[str] = ()
    unset: str = ""
    flag: bool = True
    unit: str = ""
    beyond: str = ""
    effective: str = ""
    secret: bool = False

    @property
    def default_text(self) -> str:
        """The default in words, of `effemb serve`."""
        value = self.default if self.served is None else self.served
        text = "" if value is None or value is dataclasses.MISSING else str(value)
        if isinstance(value, bool):
            text = str(value).lower()
        elif isinstance(value, int | float):
            text = _digits(value)
        if self.unset:
            return f"{text} ({self.unset})" if text else self.unset
        return text or "none"

    @property
    def range_text(self) -> str:
        """The values that are allowed, in words; empty: any of the type."""
        if self.low is not None and self.high is not None:
            return f"{_digits(self.low)} to {_digits(self.high)}"
        return ", ".join(self.choices)

    @property
    def described(self) -> str:
        """The help with the range and the default, for `effemb serve --help`."""
        allowed = f" Allowed: {self.range_text}." if self.range_text else ""
        return f"{self.help}{allowed} Default: {self.default_text}."

    @property
    def documented(self) -> str:
        """The same for the docstring of ``Settings``, whose own defaults are not always those."""
        if self.served is None:
            return self.described
        own = "required" if self.default is dataclasses.MISSING else "Default: none"
        return f"{self.help} {own} (`effemb serve`: {self.default_text})."

    def problem(self, value: Any) -> str | None:
        """Return what is wrong with a value by itself; None: nothing."""
        if value is None:
            return None
        if self.low is not None and self.high is not None:
            # The type is checked too: a caller may give "16" or True.
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not self.low <= value <= self.high:
                return f"{self.name} must be {self.range_text}, not {value!r}"
        if self.choices and value not in self.choices:
            return f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}"
        return None


def _digits(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.12g}"


def setting(default: Any = dataclasses.MISSING, **known: Any) -> Any:
    """Return the field of a setting.

    Args:
        default: Its default; left out: it must be given.
        known: See ``Definition``; name, kind and default come from the field.
    """
    return dataclasses.field(
        default=default, repr=not known.get("secret", False), metadata={_METADATA: known}
    )


def definitions(settings: type) -> dict[str, Definition]:
    """Return the definitions of a dataclass of settings, by name."""
    hints = typing.get_type_hints(settings)
    found = {}
    for each in dataclasses.fields(settings):
        hint = hints[each.name]
        if isinstance(hint, types.UnionType):
            (hint,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        known = each.metadata[_METADATA]
        found[each.name] = Definition(name=each.name, kind=hint, default=each.default, **known)
    return found
