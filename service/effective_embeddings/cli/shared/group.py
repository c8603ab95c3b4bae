"""The root of the commands: the end of the process, and the encoding of its output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

from effective_embeddings.cli.shared.bad_values import reworded

__all__ = ["Group"]

# The base of all complaints about a command line; Typer has it from Click, or from its own copy.
_CommandLineError: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


class Group(TyperGroup):
    """Ends quietly if the reader of its output has gone, and complains in JSON if asked to."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - as the base has it
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> Any:
        """Run the command, and end the process."""
        arguments = sys.argv[1:] if args is None else list(args)
        for stream in (sys.stdout, sys.stderr):
            # A terminal may have no character for a key; a file name may not be text at all.
            with suppress(AttributeError):
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        run = partial(
            super().main,
            arguments,
            prog_name,
            complete_var,
            windows_expand_args=windows_expand_args,
            **extra,
        )
        if "--json" not in arguments or not standalone_mode:
            return run(standalone_mode=standalone_mode)
        try:
            code = run(standalone_mode=False)
        except _CommandLineError as error:
            context: Any = getattr(error, "ctx", None)
            usage = {} if context is None else {"usage": context.get_usage()}
            message = error.format_message()  # type: ignore[attr-defined]
            sys.stderr.write(json.dumps({"error": {"message": message, **usage}}) + "\n")
            sys.exit(error.exit_code)  # type: ignore[attr-defined]
        except typer.Abort:
            sys.exit(1)
        sys.exit(code or 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see ``main``."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except typer.BadParameter as error:
            raise reworded(error) from error.__cause__
        except BrokenPipeError:
            # `effemb ... | head` has read enough: no failure. The rest of the buffer is dropped.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
