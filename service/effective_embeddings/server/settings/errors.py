"""What is raised for settings and addresses that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ListenError", "SettingsError"]


class SettingsError(ValueError):
    """Settings that cannot be used; the text names each fault.

    Attributes:
        problems: The faults, one text each.
    """

    def __init__(self, *problems: str) -> None:
        """Take one or more faults."""
        self.problems: Sequence[str] = problems
        if len(problems) == 1:
            super().__init__(problems[0])
        else:
            lines = "".join(f"\n  {each}" for each in problems)
            super().__init__(f"{len(problems)} settings cannot be used:{lines}")


class ListenError(RuntimeError):
    """The address cannot be listened on; the text says why."""
