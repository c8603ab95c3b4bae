"""Commands, code and links in the documents work as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from effective_embeddings.server import ServerHandle, Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str, document: str = README) -> list[str]:
    return [body for found, body in FENCE.findall(document) if found == language]


def commands(document: str = README) -> Iterator[str]:
    """Each command of each console block, its continued lines included."""
    for block in blocks("console", document):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            yield command.split("  #")[0].strip()


def run(command: str, folder: Path, *tools: Path) -> str:
    scripts = Path(sys.executable).parent
    path = os.pathsep.join([*map(str, (scripts, *tools)), os.environ["PATH"]])
    done = subprocess.run(  # noqa: S603 - a command of our own document
        ["bash", "-c", command],  # noqa: S607 - its reader has bash
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_ten_lines_of_python_are_the_example_that_is_run() -> None:
    (code,) = blocks("python")
    assert code == (ROOT / "examples" / "ten_lines.py").read_text("utf-8")


def test_the_commands_of_effemb_work_in_order(tmp_path: Path) -> None:
    effemb = [
        command
        for command in commands()
        if command.startswith("effemb") and not command.startswith("effemb serve")
    ]
    assert len(effemb) >= 5
    for command in effemb:
        output = run(command, tmp_path)
        if " match " in command:
            assert "health" in output


def test_the_inbox_is_worked_through_as_its_document_shows(tmp_path: Path) -> None:
    document = (ROOT / "docs" / "suggest.md").read_text("utf-8")
    outputs = {command: run(command, tmp_path) for command in commands(document)}
    suggested = [output for command, output in outputs.items() if " suggest " in command]
    assert "3 suggestions" in suggested[0]
    assert "both" in suggested[1]
    assert "health: 2 items" in suggested[2]
    assert "dry run, nothing is changed: assigned 1 item" in suggested[3]
    assert "assigned 1 item (revision" in suggested[4]


def test_a_category_is_split_as_its_document_shows(tmp_path: Path) -> None:
    document = (ROOT / "docs" / "categories.md").read_text("utf-8")
    outputs = [run(command, tmp_path) for command in commands(document)]
    assert "2 members, such as" in outputs[6]
    assert "dry run, nothing is changed: 2 assignments" in outputs[-3]
    assert "2 assignments" in outputs[-2]
    assert "dry run" not in outputs[-2]
    rows = [line.split()[:2] for line in outputs[-1].splitlines()]
    assert ["sports", "2"] in rows
    assert ["swimming", "2"] in rows
    assert "Most like two" not in outputs[-1]


def test_the_grpcurl_commands_work_in_order(tmp_path: Path, grpcurl: Path) -> None:
    calls = [command for command in commands() if command.startswith("grpcurl")]
    assert len(calls) >= 4
    with ServerHandle(Settings(listen="127.0.0.1:0", data=tmp_path / "data")) as server:
        answers = [
            run(call.replace("127.0.0.1:50051", server.target), tmp_path, grpcurl.parent)
            for call in calls
        ]
    assert '"category": "health"' in answers[-1]


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for document in [
        ROOT / "README.md",
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("docs/*.md")),
    ]:
        named = re.findall(
            r"`make ([a-z-]+)|^\$ make ([a-z-]+)", document.read_text("utf-8"), re.MULTILINE
        )
        for pair in named:
            assert set(filter(None, pair)) <= targets, document.name


def test_every_make_target_is_named() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    text = "\n".join(
        path.read_text("utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    )
    assert {target for target in described if not re.search(rf"\bmake {target}\b", text)} == set()


def test_every_link_to_a_file_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"
