"""HTML and SVG in which every text is escaped unless it was made here."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from typing import TypeAlias

__all__ = ["Child", "Markup", "element", "number", "shortened"]

_VOID = {"br", "meta", "wbr"}
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Between lines; and the joiners that scripts and emoji need.
_KEPT = "\n\u200c\u200d"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class Markup(str):
    """Text that is markup already, so that it is not escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | Markup | Iterable[Child] | None"


def element(name: str, /, *children: Child, **attributes: str | float | None) -> Markup:
    """Return an element.

    Args:
        name: Its name.
        children: Texts, which are escaped; markup, which is not; None, which is nothing; and
            sequences of these.
        attributes: Their names with ``_`` for ``-``, and with ``_`` at the end where Python has
            the word; None: left out; empty: only the name.
    """
    written = "".join(
        f" {_attribute(key)}" if value == "" else f' {_attribute(key)}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(_children(children))
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{inner}</{name}>")


def _attribute(key: str) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is no name of an attribute"
        raise ValueError(msg)
    return name


def _value(value: str | float) -> str:
    return _escaped(value) if isinstance(value, str) else number(value)


def _children(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str):
            yield _escaped(child)
        elif child is not None:
            yield from _children(child)


def number(value: float, digits: int = 1) -> str:
    """Return a coordinate as short as it can be written."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return "0" if text in ("-0", "") else text


def _escaped(text: str) -> str:
    """Return a text as it can stand in a page: it changes nothing of what is around it.

    Beside the characters of markup, those are control characters, and formats such as a change of
    the direction of writing.
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(
            "\N{REPLACEMENT CHARACTER}"
            if unicodedata.category(each) in _UNSEEN and each not in _KEPT
            else each
            for each in text
        )
    return html.escape(text)


def shortened(text: str, most: int) -> str:
    """Return a text in one line of at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
