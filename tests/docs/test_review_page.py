"""docs/review.md: each command runs, in order, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import DOCS, assert_prints, told


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    commands = told((DOCS / "review.md").read_text("utf-8"))
    assert len(commands) >= 13
    for command, output in commands:
        assert_prints(tmp_path, command, output)
