"""How a command reports a failure: one message on standard error, and exit status 1."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
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


@contextmanager
def telling_failures(*, as_json: bool) -> Iterator[None]:
    """Report refusals of a service and faults of files without a traceback."""
    try:
        yield
    except EffectiveEmbeddingsError as error:
        raise _refused(error, as_json=as_json) from error
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


def _refused(error: EffectiveEmbeddingsError, *, as_json: bool) -> typer.Exit:
    violations = {each.field: each.description for each in error.field_violations}
    code = error.code.name
    if as_json:
        return fail(
            error.message,
            as_json=True,
            code=code,
            reason=error.reason,
            metadata=dict(error.metadata),
            field_violations=violations,
        )
    text = f"{error.message} ({error.reason or code})"
    # Most messages name the field; it is added to those that do not.
    text += "".join(
        f"\n  {field}: {problem}"
        for field, problem in violations.items()
        if field not in error.message
    )
    if code == "UNAVAILABLE" and not error.reason:
        text += "\n  Is a server running? `effemb serve` starts one; --data DIR needs none."
    return fail(text)
