"""The layers of the modules inside each Rust crate: printed, and held.

    python .ci/rust_layers.py [CRATE...]

Cargo keeps crates from using each other in a circle; nothing keeps modules of one crate from it.
This reads every `use` and every path that begins with `crate`, `super` or `self`, follows
re-exports to the module that defines a name, and fails

- if modules with the same parent use each other in a circle, at any depth, or
- if a module of a crate that is listed in `rust_layers.toml` uses a module of its own layer or of
  one above, or stands in no layer.

A module and its own submodules count as one, and tests (`#[cfg(test)]`, `tests.rs`, `tests/`) may
use everything. `cargo-modules` finds such circles too; it brings rust-analyzer with it, which takes
longer to build than the whole project.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES = ROOT / "rust_core"
DECLARED = Path(__file__).with_suffix(".toml")

Module = tuple[str, ...]

_NOISE = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | r(\#*)".*?"\1 | b?"(?:\\.|[^"\\])*" | b?'(?:\\.[^']*|[^'\\])'""",
    re.DOTALL | re.VERBOSE,
)
_USE = re.compile(r"\b(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);")
_PATH = re.compile(r"\b(?:crate|super|self)(?:::\w+)+")
_TEST = re.compile(
    r"""\#\[cfg\( (?:all\()? test\b [^\]]* \] \s* (?:\#\[[^\]]*\]\s*)*
    (?:pub(?:\([^)]*\))?\s+)? mod\s+ (\w+) \s* ([;{])""",
    re.VERBOSE,
)


class Crate:
    """The modules of a crate, what each defines elsewhere, and what it uses."""

    def __init__(self, directory: Path) -> None:
        self.name = directory.name
        self.sources: dict[Module, str] = {}
        source = directory / "src"
        for file in sorted(source.rglob("*.rs")):
            parts = file.relative_to(source).with_suffix("").parts
            if parts[-1] in ("mod", "lib", "main"):
                parts = parts[:-1]
            text = _NOISE.sub(" ", file.read_text("utf-8"))
            self.sources[parts] = text
        for module in list(self.sources):
            self._drop_tests(module)
        self.exports = {module: self._exports(module) for module in self.sources}

    def _drop_tests(self, module: Module) -> None:
        text = self.sources.get(module)
        while text is not None and (found := _TEST.search(text)):
            end = found.end()
            if found[2] == "{":
                end = _closing(text, end)
            else:
                test = (*module, found[1])
                for other in [m for m in self.sources if m[: len(test)] == test]:
                    del self.sources[other]
            text = text[: found.start()] + text[end:]
            self.sources[module] = text

    def _exports(self, module: Module) -> dict[str, Module]:
        """Names that a module exports from its submodules, or from elsewhere in the crate."""
        exports = {}
        for exported, tree in _USE.findall(self.sources[module]):
            if exported:
                for path in _expand(tree):
                    name = path[-1]
                    if (found := self._absolute(module, path)) is not None:
                        exports[name] = found
        return exports

    def _absolute(self, module: Module, path: tuple[str, ...]) -> Module | None:
        """A path as one from the crate's root; None: it leads out of the crate."""
        if path[0] == "crate":
            return path[1:]
        if path[0] == "self":
            return (*module, *path[1:])
        if path[0] == "super":
            up = 0
            while up < len(path) and path[up] == "super":
                up += 1
            return (*module[: len(module) - up], *path[up:])
        if (*module, path[0]) in self.sources:
            return (*module, *path)
        return None

    def owner(self, path: Module) -> Module:
        """The module that defines what a path from the crate's root names."""
        for _ in range(16):
            module: Module = ()
            for part in path:
                if (*module, part) not in self.sources:
                    break
                module = (*module, part)
            rest = path[len(module) :]
            if not rest or rest[0] not in self.exports[module]:
                return module
            path = (*self.exports[module][rest[0]], *rest[1:])
        return ()

    def uses(self) -> dict[Module, set[Module]]:
        """Which module uses which; re-exports are no uses."""
        found: dict[Module, set[Module]] = defaultdict(set)
        for module, text in self.sources.items():
            paths = []
            for exported, tree in _USE.findall(text):
                if not exported:
                    paths += _expand(tree)
            paths += [tuple(path.split("::")) for path in _PATH.findall(_USE.sub(" ", text))]
            for path in paths:
                absolute = self._absolute(module, path)
                if absolute is not None:
                    found[module].add(self.owner(absolute))
        return found

    def siblings(self) -> dict[Module, dict[str, set[str]]]:
        """For each module with submodules: which of these use which."""
        graphs: dict[Module, dict[str, set[str]]] = defaultdict(dict)
        for module in self.sources:
            if module:
                graphs[module[:-1]].setdefault(module[-1], set())
        for module, used in self.uses().items():
            for other in used:
                depth = 0
                while module[:depth] == other[:depth] and depth < min(len(module), len(other)):
                    depth += 1
                if module[:depth] != other[:depth]:
                    graphs[module[: depth - 1]][module[depth - 1]].add(other[depth - 1])
        return graphs


def _closing(text: str, start: int) -> int:
    depth = 1
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return end + 1
    return len(text)


def _expand(tree: str) -> list[tuple[str, ...]]:
    """The paths of a use tree: `a::{b, c::d}` are `a::b` and `a::c::d`."""
    tree = re.sub(r"\s+as\s+\w+", "", tree).strip()
    head, brace, inner = tree.partition("{")
    prefix = tuple(part for part in head.strip().split("::") if part)
    if not brace:
        return [prefix] if prefix else []
    paths, depth, part = [], 0, ""
    for char in inner[: inner.rfind("}")]:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            paths.append(part)
            part = ""
        else:
            part += char
    paths.append(part)
    found = []
    for part in filter(None, (part.strip() for part in paths)):
        paths_of = _expand(part)
        found += [prefix if path == ("self",) else (*prefix, *path) for path in paths_of]
    return found


def _layers(graph: dict[str, set[str]]) -> list[list[str]]:
    """The modules, lowest first: each uses only modules of the layers before its own."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    layers = []
    while sorter.is_active():
        layers.append(sorted(sorter.get_ready()))
        sorter.done(*layers[-1])
    return layers


def _check_declared(crate: str, graph: dict[str, set[str]], declared: list[str]) -> list[str]:
    level = {
        module.strip(): number
        for number, layer in enumerate(declared)
        for module in layer.split("|")
    }
    faults = [f"{crate}: {module} stands in no layer" for module in graph if module not in level]
    faults += [f"{crate}: there is no module {module}" for module in level if module not in graph]
    for module, used in sorted(graph.items()):
        for other in sorted(used):
            if level.get(module, -1) <= level.get(other, -1):
                faults.append(f"{crate}: {module} uses {other}, which is not in a layer below it")
    return faults


def main() -> None:
    """Print the layers of each crate; exit with 1 if one has a circle or breaks its layers."""
    declared = tomllib.loads(DECLARED.read_text("utf-8"))
    faults: list[str] = []
    crates = sorted(path.parent.parent for path in CRATES.glob("*/src/lib.rs"))
    for directory in crates:
        if sys.argv[1:] and directory.name not in sys.argv[1:]:
            continue
        crate = Crate(directory)
        for parent, graph in sorted(crate.siblings().items()):
            name = "::".join((crate.name, *parent))
            try:
                layers = _layers(graph)
            except CycleError as error:
                faults.append(f"{name}: circle {' -> '.join(reversed(error.args[1]))}")
                continue
            if not parent:
                print(f"{name}: " + "  <  ".join(" ".join(layer) for layer in layers))  # noqa: T201
                if crate.name in declared:
                    layers_of = declared[crate.name]["layers"]
                    faults += _check_declared(crate.name, graph, layers_of)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
