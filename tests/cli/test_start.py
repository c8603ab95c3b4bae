"""The start of a command imports that command alone: all of them together took half a second."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys
from effective_embeddings.cli import app
app(sys.argv[1:], standalone_mode=False)
commands = "effective_embeddings.cli.commands."
print(*(name.removeprefix(commands) for name in sys.modules if name.startswith(commands)))
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--version"], ""),
        (["match", "--help"], "match"),
        (["token", "--help"], "token"),
        (["unassign", "--help"], "assign"),
    ],
)
def test_a_command_imports_no_other(arguments: list[str], imported: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", _PROGRAM, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == imported
