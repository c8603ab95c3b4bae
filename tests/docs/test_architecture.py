"""ARCHITECTURE.md: its map has every part, and its counts of files are those of the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
MAP = TEXT.split("## The parts")[1].split("```")[1]
# A row of "Where does it go?" with a count and the name of an example.
COUNTED = re.findall(r"\| (?:at most )?(\d+) \(`(\w+)`\) \|$", TEXT, re.MULTILINE)


def product_files() -> list[Path]:
    """Return the hand-written files of the product: no tests, no generated code, no documents."""
    package = ROOT / "service" / "effective_embeddings"
    files = [
        *ROOT.glob("proto/**/*.proto"),
        *ROOT.glob("rust_core/*/src/**/*.rs"),
        *package.rglob("*.py"),
    ]
    for_tests = {"fuzz", "store_testing", "tests", "v1", "_sync"}
    return [
        path
        for path in files
        if path.name != "tests.rs"
        and (path.suffix == ".proto" or for_tests.isdisjoint(path.relative_to(ROOT).parts))
    ]


def product_code(path: Path) -> str:
    """Return a file's code without the unit tests at its end."""
    return path.read_text("utf-8").split("\n#[cfg(test)]\nmod tests {")[0]


def files_that_name(name: str) -> list[str]:
    """Return the files with a name, in any of the languages' ways to write it."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    camel = "".join(word.capitalize() for word in snake.split("_"))
    pattern = re.compile(rf"\b({snake}|{snake.upper()}|{camel})(Request|Response)?\b")
    found = [path for path in product_files() if pattern.search(product_code(path))]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def test_the_map_has_every_crate_and_every_folder() -> None:
    members = tomllib.loads((ROOT / "Cargo.toml").read_text("utf-8"))["workspace"]["members"]
    package = ROOT / "service" / "effective_embeddings"
    folders = [path.name for path in package.iterdir() if (path / "__init__.py").exists()]
    folders += [path.name for path in (package / "server").iterdir() if path.is_dir()]
    tests = [path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()]
    named = set(re.findall(r"[\w.]+", MAP))
    for name in [Path(member).name for member in members] + folders + tests:
        assert name in named | {"v1", "__pycache__"}, name


@pytest.mark.parametrize(("most", "name"), COUNTED, ids=lambda value: value)
def test_an_addition_touches_no_more_files_than_the_table_says(most: str, name: str) -> None:
    files = files_that_name(name)
    assert len(files) > 1, "the example is not in the code"
    assert len(files) <= int(most), files


def test_the_table_counts_a_field_a_setting_a_limit_and_an_rpc() -> None:
    assert {"min_base_share", "audit_failure", "match_parts", "Reanchor"} <= {
        name for _, name in COUNTED
    }
