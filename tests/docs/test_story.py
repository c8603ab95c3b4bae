"""docs/story.md: each command runs, in order, and prints what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from effective_embeddings import Client
from effective_embeddings.demo import load_dataset, sample_path
from tests.report.pages import parse

ROOT = Path(__file__).resolve().parents[2]
STORY = (ROOT / "docs" / "story.md").read_text("utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", STORY, re.MULTILINE | re.DOTALL)


def told() -> list[tuple[str, str]]:
    """Each command of the page with the output below it."""
    found = [part for block in BLOCKS for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in found]


def plain(output: str) -> list[str]:
    """Lines without what differs from run to run: times, and spaces at the ends of lines."""
    output = re.sub(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", "TIME", output)
    output = re.sub(r" in \d+\.\d s:", " in SECONDS:", output)
    # The length of a page follows that of its times.
    output = re.sub(r"; \d+\.\d kB", "; SIZE", output)
    return [line.rstrip() for line in output.splitlines() if line.strip()]


def right(folder: Path, ns: str) -> int:
    """How many messages of the inbox have the right first match."""
    data = load_dataset(sample_path())
    with Client.embedded(folder / "bank") as client:
        found = client.match(ns, data.test.vectors, limit=1)
    truths = [data.categories[label] for label in data.test.labels]
    return sum(each.matches[0].category == truth for each, truth in zip(found, truths, strict=True))


@pytest.mark.slow
def test_the_commands_of_the_story_print_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    counts = []
    for command, output in told():
        if "--dry-run" in command:
            counts.append(right(tmp_path, "bank"))
        done = subprocess.run(  # noqa: S603 - a command of our own document
            ["bash", "-euo", "pipefail", "-c", command],  # noqa: S607 - its reader has bash
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
        assert plain(done.stdout) == plain(output), command
    counts += [right(tmp_path, "bank"), right(tmp_path, "never")]
    assert counts == [380, 389, 389]
    assert "right for 380 with Carl's work, and for 389 without it" in " ".join(STORY.split())
    digests = {output for command, output in told() if command.endswith("| grep digest")}
    assert len(digests) == 1
    authors = parse((tmp_path / "bank.html").read_text("utf-8")).by_id("teachers").rows()
    assert {row[0]: row[4].split(" (")[0] for row in authors} == {
        "carl": "64 %",
        "ben": "19 %",
        "ann": "16 %",
    }
    shown = "64 % of carl's 33 members fit another category better, 19 % of ben's, 16 % of ann's"
    assert shown in STORY
