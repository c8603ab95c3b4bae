"""The commands in the order of the help.

Each is imported once it is needed: the imports and parsers of all took most of a command's start.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer

__all__ = ["COMMANDS", "RICH_MARKUP_MODE", "Entry"]

RICH_MARKUP_MODE: Final = "markdown"

_RUN, _KEEP, _ASK, _MOVE = "Run", "Manage", "Assign and match", "Move data"


@dataclass(frozen=True, slots=True)
class Entry:
    """A single command, or a group of them.

    Attributes:
        panel: Its part of the help.
        module: The file in ``cli.commands``.
        name: What in the file: a function, or ``app``, a group.
    """

    panel: str
    module: str
    name: str

    def load(self, command: str) -> Any:
        """Import it, and return its parser, with this name."""
        module = import_module(f"effective_embeddings.cli.commands.{self.module}")
        found = getattr(module, self.name)
        parent = typer.Typer(rich_markup_mode=RICH_MARKUP_MODE, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=command, rich_help_panel=self.panel)
        else:
            text = getattr(module, "HELP", None)
            parent.command(command, help=text, rich_help_panel=self.panel)(found)
        return typer.main.get_group(parent).commands[command]


COMMANDS = {
    "serve": Entry(_RUN, "serve", "serve"),
    "demo": Entry(_RUN, "demo", "demo"),
    "evaluate": Entry(_RUN, "evaluate", "evaluate"),
    "token": Entry(_RUN, "token", "app"),
    "config": Entry(_RUN, "config", "app"),
    "limits": Entry(_RUN, "config", "limits"),
    "info": Entry(_RUN, "info", "info"),
    "verify": Entry(_RUN, "info", "verify"),
    "repair": Entry(_RUN, "repair", "repair"),
    "namespace": Entry(_KEEP, "namespace", "app"),
    "category": Entry(_KEEP, "category", "app"),
    "item": Entry(_KEEP, "item", "app"),
    "assign": Entry(_ASK, "assign", "assign"),
    "unassign": Entry(_ASK, "assign", "unassign"),
    "dismiss": Entry(_ASK, "dismiss", "dismiss"),
    "match": Entry(_ASK, "match", "match"),
    "explain": Entry(_ASK, "explain", "explain"),
    "review": Entry(_ASK, "review", "review"),
    "review-rate": Entry(_ASK, "review_rate", "review_rate"),
    "suggest": Entry(_ASK, "suggest", "suggest"),
    "actors": Entry(_ASK, "actors", "actors"),
    "impact": Entry(_ASK, "impact", "impact"),
    "health": Entry(_ASK, "health", "health"),
    "history": Entry(_ASK, "history", "history"),
    "report": Entry(_ASK, "report", "report"),
    "trim": Entry(_ASK, "history", "trim"),
    "undo": Entry(_ASK, "undo", "undo"),
    "import": Entry(_MOVE, "importing", "import_"),
    "export": Entry(_MOVE, "exporting", "export"),
    "snapshot": Entry(_MOVE, "snapshot", "snapshot"),
    "restore": Entry(_MOVE, "snapshot", "restore"),
    "backup": Entry(_MOVE, "backup", "backup"),
}
