"""The `effemb` command, run in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from effective_embeddings.cli import app

__all__ = ["Cli", "Done", "run"]


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str


def run(*arguments: str, stdin: str | None = None) -> Done:
    """Run a command."""
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    done = runner.invoke(app, arguments, input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


class Cli:
    """The command with its data location."""

    def __init__(self, where: list[str], ns: str) -> None:
        self.where = where
        self.ns = ns

    def run(self, *arguments: str, stdin: str | None = None) -> Done:
        """Run a command there."""
        return run(*arguments, *self.where, stdin=stdin)

    def text(self, *arguments: str) -> str:
        """The output for people."""
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.stdout, done.stderr)
        return done.stdout

    def lines(self, *arguments: str) -> list[Any]:
        """The output for programs, one object per line."""
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, (done.stdout, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def json(self, *arguments: str) -> Any:
        """The output for programs, one object."""
        (found,) = self.lines(*arguments)
        return found

    def refused(self, *arguments: str) -> Any:
        """The refusal as programs get it."""
        done = self.run(*arguments, "--json")
        assert done.exit_code == 1, (done.stdout, done.stderr)
        assert done.stdout == ""
        return json.loads(done.stderr.splitlines()[-1])["error"]
