"""docs/story.md: each command runs, in order, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from effective_embeddings import Client
from effective_embeddings.demo import load_dataset, sample_path
from tests.docs.page import DOCS, assert_prints, told
from tests.report.pages import parse

STORY = (DOCS / "story.md").read_text("utf-8")


def right(folder: Path, ns: str) -> int:
    """How many messages of the inbox have the right first match."""
    data = load_dataset(sample_path())
    with Client.embedded(folder / "bank") as client:
        found = client.match(ns, data.test.vectors, limit=1)
    truths = [data.categories[label] for label in data.test.labels]
    return sum(each.matches[0].category == truth for each, truth in zip(found, truths, strict=True))


@pytest.mark.slow
def test_the_commands_of_the_story_print_what_it_says(tmp_path: Path) -> None:
    commands = told(STORY)
    counts = []
    for command, output in commands:
        if "--dry-run" in command:
            counts.append(right(tmp_path, "bank"))
        assert_prints(tmp_path, command, output)
    counts += [right(tmp_path, "bank"), right(tmp_path, "never")]
    assert counts == [380, 389, 389]
    assert "right for 380 with Carl's work, and for 389 without it" in " ".join(STORY.split())
    digests = {output for command, output in commands if command.endswith("| grep digest")}
    assert len(digests) == 1
    authors = parse((tmp_path / "bank.html").read_text("utf-8")).by_id("teachers").rows()
    assert {row[0]: row[4].split(" (")[0] for row in authors} == {
        "carl": "64 %",
        "ben": "19 %",
        "ann": "16 %",
    }
    shown = "64 % of carl's 33 members fit another category better, 19 % of ben's, 16 % of ann's"
    assert shown in STORY
