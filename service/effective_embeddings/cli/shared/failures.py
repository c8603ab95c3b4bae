"""How a command reports a failure: one message on standard error, and exit status 1."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.markup import escape

from effective_embeddings.cli.shared.output import errors
from effective_embeddings.client import EffectiveEmbeddingsError, SnapshotFileError
from effective_embeddings.formats import FormatError

__all__ = ["fail", "telling_failures"]


def fail(message: str, *, as_json: bool = False, **more: Any) -> typer.Exit:
    """Report a failure; return the exception to raise."""
    if as_json:
        sys.stderr.write(json.dumps({"error": {"message": message, **more}}) + "\n")
    else:
        errors.print(f"[bold red]effemb:[/bold red] {escape(message)}", soft_wrap=True)
    return typer.Exit(1)


# By reason: what the user can do next.
_NEXT_STEPS = {
    "DATA_CORRUPTED": (
        "`effemb verify` lists the damage. `effemb repair DAMAGED NEW` recovers what can be read;"
        " if it cannot open the files, go back to a backup."
    ),
    "NAMESPACE_NOT_EMPTY": "--force deletes it with everything in it.",
}


@contextmanager
def telling_failures(
    *, as_json: bool, next_steps: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Report refusals of a service and faults of files without a traceback.

    Args:
        as_json: True: the report is JSON.
        next_steps: By reason, what the user of this command can do next; beside those that every
            command has.
    """
    try:
        yield
    except EffectiveEmbeddingsError as error:
        steps = {**_NEXT_STEPS, **(next_steps or {})}
        raise _refused(error, steps.get(error.reason, ""), as_json=as_json) from error
    except (FormatError, SnapshotFileError) as error:
        raise fail(str(error), as_json=as_json) from error
    except ValueError as error:
        # The client refuses an argument before it sends anything, and names it.
        raise typer.BadParameter(str(error)) from error
    except BrokenPipeError:
        raise  # the reader of the output has gone: see Group
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        msg = f"{place}{error.strerror or error}"
        raise fail(msg, as_json=as_json) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _refused(error: EffectiveEmbeddingsError, next_step: str, *, as_json: bool) -> typer.Exit:
    violations = {each.field: each.description for each in error.field_violations}
    code = error.code.name
    if code == "UNAVAILABLE" and not error.reason:
        next_step = "Is a server running? `effemb serve` starts one; --data DIR needs none."
    if as_json:
        return fail(
            error.message,
            as_json=True,
            code=code,
            reason=error.reason,
            metadata=dict(error.metadata),
            field_violations=violations,
            **({"next_step": next_step} if next_step else {}),
        )
    text = f"{error.message} ({error.reason or code})"
    # Most messages name the field; it is added to those that do not.
    text += "".join(
        f"\n  {field}: {problem}"
        for field, problem in violations.items()
        if field not in error.message
    )
    return fail(f"{text}\n  {next_step}" if next_step else text)
