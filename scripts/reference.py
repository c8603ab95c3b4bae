"""Writes the tables of docs/reference.md from the code; --check says whether they are current.

python scripts/reference.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from effective_embeddings._core import ENGINE_METRICS
from effective_embeddings.server import DEFINITIONS, Settings, all_limits
from effective_embeddings.server.observability.metric_table import SERVER_METRICS

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
_SECTION = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _settings() -> str:
    return _table(
        ("setting", "what it sets", "allowed", "default"),
        (
            (f"`{name}`", each.help, each.range_text, each.default_text)
            for name, each in DEFINITIONS.items()
        ),
    )


def _limits() -> str:
    return _table(
        ("limit", "value", "beyond it"),
        (
            (
                f"`{each.name}`",
                f"{each.value:,.12g} {each.unit}".rstrip() if each.value else "none",
                each.beyond,
            )
            for each in all_limits(Settings(data=Path("effemb-data")))
        ),
    )


def _metrics() -> str:
    rows = [(each.name, each.kind, each.labels, each.help) for each in SERVER_METRICS.values()]
    rows += [(f"effemb_{name}", kind, (), text) for name, kind, text in ENGINE_METRICS]
    return _table(
        ("metric", "kind", "labels", "meaning"),
        (
            (
                f"`{name}{'_total' if kind == 'counter' else ''}`",
                kind,
                ", ".join(f"`{label}`" for label in labels),
                text,
            )
            for name, kind, labels, text in rows
        ),
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "limits": _limits,
    "metrics": _metrics,
}


def rendered(text: str) -> str:
    """Return the document with current tables.

    Raises:
        KeyError: The document has a section that this script does not know.
    """
    return _SECTION.sub(lambda found: found[1] + SECTIONS[found[2]]() + found[3], text)


def main() -> int:
    """Write the document, or check it."""
    before = DOCUMENT.read_text("utf-8")
    after = rendered(before)
    if "--check" in sys.argv[1:]:
        if before != after:
            sys.stderr.write("docs/reference.md is not current: make reference\n")
        return int(before != after)
    DOCUMENT.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
