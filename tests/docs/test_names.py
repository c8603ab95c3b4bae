"""Names and defaults in the documents are those of the code."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from effective_embeddings.cli import app
from effective_embeddings.v1 import errors_pb2, service_pb2

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference.md"
PROSE = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/*.md")),
    ROOT / "bench" / "README.md",
    ROOT / "examples" / "README.md",
]
# The changelog may name things of the past.
PROSE.remove(ROOT / "CHANGELOG.md")

documents = pytest.mark.parametrize("document", PROSE, ids=lambda path: path.name)


def inline_code(document: Path) -> set[str]:
    """Return the inline code of the text, without code blocks."""
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    # The table quotes sentences of the past.
    text = re.sub(r"^\| before \|.*?^$", "", text, flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", text))


def documented(section: str) -> dict[str, list[str]]:
    """Return the rows of a table of the reference, by their names."""
    _, text = REFERENCE.read_text("utf-8").split(f"\n## {section}\n")
    lines = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("| `")]
    rows = [re.split(r"\s*(?<!\\)\|\s*", line)[1:-1] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


@cache
def words_of_the_code() -> set[str]:
    """Return every word of the code, the protos and the build files."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    suffixes = {".rs", ".py", ".pyi", ".proto", ".toml", ".yml", ".yaml", ".service", ".sh", ""}
    words: set[str] = set()
    for name in listed:
        path = ROOT / name
        if path.suffix in suffixes and path.exists() and "corpus" not in path.parts:
            words.update(re.findall(r"\w+", path.read_text("utf-8", errors="ignore")))
    return words


def test_the_reference_has_every_method_and_reason() -> None:
    service = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
    assert set(documented("Methods")) == {method.name for method in service.methods}
    reasons = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()}  # noqa: SIM118
    assert set(documented("Error reasons")) == reasons - {"UNSPECIFIED"}


def test_the_readme_names_every_method() -> None:
    named = inline_code(ROOT / "README.md")
    assert set(documented("Methods")) <= named


@documents
def test_identifiers_exist_in_the_code(document: Path) -> None:
    known = words_of_the_code() | {path.stem for path in (ROOT / "bench" / "results").iterdir()}
    known |= {f"ERROR_REASON_{name}" for name in documented("Error reasons")}
    for code in inline_code(document):
        if code.startswith(("effemb_", "grpc_server_", "OTEL_")):
            continue  # test_reference.py checks metrics
        if f"ERROR_REASON_{code}" in known:
            continue
        if re.fullmatch(r"\w+(_\w+)+(\(\))?", code):
            assert code.removesuffix("()") in known, code


@documents
def test_reasons_codes_and_variables_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    known = words_of_the_code()
    for name in re.findall(r"\b[A-Z]{2,}(?:_[A-Z0-9]+)+\b", text):
        if name.startswith("EFFEMB_") and not name.startswith("EFFEMB_TEST_"):
            setting = name.removeprefix("EFFEMB_").lower()
            client = {"server", "token", "token_file", "tls", "tls_ca", "client_cert", "client_key"}
            assert setting in {*documented("Settings"), *client, "config"} or name in known, name
        elif not name.startswith("OTEL_"):
            assert name in known or f"ERROR_REASON_{name}" in known, name


@documents
def test_commands_and_flags_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    command = typer.main.get_command(app)
    flags = flags_of(command)
    for code in [*inline_code(document), *re.findall(r"^\$ (effemb .*)$", text, re.MULTILINE)]:
        called = re.match(r"effemb ((?:[a-z]+ ?)+)", code)
        if called and " is " not in code:
            assert leads_to_a_command(command, called[1].split()), code
            for flag in re.findall(r"(?<!\S)--[a-z-]+", code):
                assert flag in flags, code
        elif re.fullmatch(r"--[a-z-]+", code):
            assert code in flags or code.strip("-").replace("-", "_") in words_of_the_code(), code


def flags_of(command: Any) -> set[str]:
    """Return the flags of all commands below this one."""
    found = {opt for parameter in command.params for opt in parameter.opts}
    for name in names_of(command):
        found |= flags_of(command.get_command(None, name))
    return found | {"--help", "--version"}


def names_of(command: Any) -> list[str]:
    """Return the names of the commands of a group; a single command has none."""
    return command.list_commands(None) if hasattr(command, "list_commands") else []


def leads_to_a_command(command: Any, words: list[str]) -> bool:
    """Whether the words lead to a command; words after it are arguments."""
    for word in words:
        if not names_of(command):
            return True
        if word not in names_of(command):
            return False
        command = command.get_command(None, word)
    return True


@documents
def test_defaults_are_the_ones_of_the_code(document: Path) -> None:
    """Text such as "`workers` (16)" gives the default."""
    known = {name: row[2] for name, row in documented("Settings").items()}
    known = {name: row[0] for name, row in documented("Limits").items()} | known
    text = document.read_text("utf-8")
    for name, value in re.findall(r"`([a-z_]+)` \(([\d,.]+)\)", text):
        assert name in known, name
        assert re.fullmatch(rf"{value}( .*)?", known[name]), (name, known[name])


@documents
def test_paths_exist(document: Path) -> None:
    roots = [ROOT, ROOT / "rust_core", ROOT / "service" / "effective_embeddings", document.parent]
    for code in inline_code(document):
        for path in re.findall(r"(?<![\w/.{=-])(\w[\w./-]*/[\w./*{},-]*)", code):
            if code.startswith(("http", "/", "$", "read:", "{")) or "://" in code:
                continue
            if re.match(r"(etc|var|dev|usr|backup|dist|application)/", path):
                continue
            for each in spelled_out(path.rstrip(".")):
                # A module may be named without its ending.
                names = (each, f"{each}.rs", f"{each}.py")
                assert any(list(root.glob(name)) for root in roots for name in names), code


def spelled_out(path: str) -> list[str]:
    """Return `a/{b,c}` as `a/b` and `a/c`."""
    found = re.match(r"(.*)\{([^}]*)\}(.*)", path)
    return [found[1] + each + found[3] for each in found[2].split(",")] if found else [path]


@documents
def test_crates_and_tests_of_cargo_exist(document: Path) -> None:
    crates = {
        tomllib.loads(manifest.read_text("utf-8"))["package"]["name"]: manifest.parent
        for manifest in ROOT.glob("rust_core/*/Cargo.toml")
    }
    text = document.read_text("utf-8")
    for crate in re.findall(r"-p (ee-\w+)", text):
        assert crate in crates, crate
    targets = {path.stem for crate in crates.values() for path in crate.glob("tests/*")}
    for test in re.findall(r"--test (\w+)", text):
        assert test in targets, test
