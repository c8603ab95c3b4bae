"""A page as a tree, read by the parser of the standard library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Node", "parse"]

_VOID = {"br", "meta", "wbr"}


@dataclass(slots=True)
class Node:
    """An element."""

    name: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def all(self, name: str | None = None) -> Iterator[Node]:
        """The elements below this one, in order."""
        for child in self.children:
            if isinstance(child, Node):
                if name in (None, child.name):
                    yield child
                yield from child.all(name)

    def one(self, name: str) -> Node:
        (found,) = self.all(name)
        return found

    def by_id(self, key: str) -> Node:
        (found,) = (each for each in self.all() if each.attributes.get("id") == key)
        return found

    @property
    def text(self) -> str:
        return "".join(each if isinstance(each, str) else each.text for each in self.children)

    def unbroken(self) -> Iterator[str]:
        """The texts below this element, cut where a line may break."""
        for child in self.children:
            if isinstance(child, str):
                yield from child.split()
            else:
                yield from child.unbroken()

    def rows(self) -> list[list[str]]:
        """The cells of the tables below this element, heads left out."""
        return [
            [cell.text for cell in row.all("td")] for row in self.all("tr") if any(row.all("td"))
        ]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("")]
        self.declarations: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def parse(page: str) -> Node:
    """Return the root; each element must be closed where it belongs."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.declarations == ["doctype html"]
    assert len(parser.open) == 1
    return parser.open[0]
