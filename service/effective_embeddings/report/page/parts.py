"""What sections are made of: paragraphs, tables, bars, keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from effective_embeddings.report.caps import MOST_KEY, MOST_TEXT
from effective_embeddings.report.markup import Child, Markup, element, shortened

__all__ = [
    "Column",
    "bar",
    "counted",
    "key",
    "legend",
    "moment",
    "more",
    "note",
    "percent",
    "prose",
    "score",
    "scored",
    "section",
    "subtitle",
    "table",
    "with_text",
]

# At most so many letters of a word, and what ends it.
_WORD = re.compile(r"[^\s_\-./:]{1,24}[\s_\-./:]?|[\s_\-./:]")

Tone = Literal["plain", "good", "warn"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    heading: str
    is_number: bool = False


def section(name: str, title: str, shows: str, to_do: str, *content: Child) -> Markup:
    """Return a section: what it shows, what to do with it, and its content; see prose."""
    return element(
        "section",
        element("h2", title, id=f"{name}-title"),
        element(
            "div",
            element("p", prose(shows)),
            element("p", element("strong", "What to do: "), prose(to_do), class_="todo"),
            class_="intro",
        ),
        content,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def prose(text: str) -> list[Child]:
    """Return a text whose commands are between backticks."""
    return [
        element("code", part) if place % 2 else part for place, part in enumerate(text.split("`"))
    ]


def subtitle(text: str) -> Markup:
    """Return the title of a part of a section."""
    return element("h3", text)


def note(*content: Child) -> Markup:
    """Return a remark."""
    return element("p", content, class_="note")


def table(
    caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Child]], first: int = 10
) -> list[Markup]:
    """Return a table whose first rows are shown, and the others on request."""
    shown, rest = rows[:first], rows[first:]
    found = [_table(caption, columns, shown)]
    if rest:
        summary = f"{len(rest):,} more"
        found.append(more(summary, _table(f"{caption} (continued)", columns, rest)))
    return found


def _table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Child]]) -> Markup:
    """Return a table; on narrow pages each row is a card, with the headings beside the cells."""
    head = element(
        "tr",
        (
            element("th", each.heading, scope="col", role="columnheader", class_=_class(each))
            for each in columns
        ),
        role="row",
    )
    body = (
        element(
            "tr",
            (
                element("td", cell, role="cell", class_=_class(each), data_label=each.heading)
                for each, cell in zip(columns, row, strict=True)
            ),
            role="row",
        )
        for row in rows
    )
    # Cards are no table to a browser: the roles say that these are rows and cells all the same.
    return element(
        "table",
        element("caption", caption),
        element("thead", head, role="rowgroup"),
        element("tbody", body, role="rowgroup"),
        role="table",
    )


def _class(column: Column) -> str | None:
    return "number" if column.is_number else None


def more(summary: str, content: Child) -> Markup:
    """Return something that is shown on request."""
    return element("details", element("summary", summary), content)


def bar(share: float, text: str, tone: Tone = "plain") -> Markup:
    """Return a figure with a bar that shows it.

    Args:
        share: The length of the bar, 0 to 1.
        text: The figure.
        tone: Its colour.
    """
    width = f"width:{100 * min(max(share, 0.0), 1.0):.1f}%"
    fill = element("span", style=width, class_=f"fill {tone}")
    return element(
        "span",
        element("span", fill, class_="bar", aria_hidden="true"),
        element("span", text),
        class_="gauge",
    )


def key(text: str) -> Markup:
    """Return the key of a category or an item, or the name of an author."""
    return element("bdi", _breakable(shortened(text, MOST_KEY)), class_="key")


def _breakable(text: str) -> list[Child]:
    """Return a text that breaks where its words end, and within a long word.

    A table is as wide as the longest parts of its cells.
    """
    parts = _WORD.findall(text)
    return [piece for part in parts for piece in (part, element("wbr"))][:-1]


def scored(category: str, value: float) -> Markup:
    """Return a category with a score below it."""
    return element("span", key(category), element("br"), element("small", score(value)))


def with_text(item: str, text: str) -> Markup:
    """Return an item: its words if it has some, and its key."""
    if not text:
        return key(item)
    words = element("bdi", _breakable(shortened(text, MOST_TEXT)))
    return element("span", words, element("br"), element("small", key(item)))


def legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """Return the legend of a chart: CSS class and meaning of each mark."""
    return element(
        "ul",
        (
            element("li", element("span", class_=f"mark {name}", aria_hidden="true"), meaning)
            for name, meaning in entries
        ),
        class_="legend",
    )


def counted(count: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def percent(part: float, whole: float) -> str:
    """Return a share as text; nothing of nothing is 0 %."""
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def score(value: float) -> str:
    """Return a score or a difference of scores; what is missing is a dash."""
    return "–" if value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN


def moment(time: datetime) -> str:
    """Return a time, to the second, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
