"""How a failure is told: one clear message on the standard error, and an exit code of 1."""

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
    """Tells of a failure and gives the exception to raise."""
    if as_json:
        sys.stderr.write(json.dumps({"error": {"message": message, **more}}) + "\n")
    else:
        errors.print(f"[bold red]effemb:[/bold red] {escape(message)}", soft_wrap=True)
    return typer.Exit(1)


@contextmanager
def telling_failures(*, as_json: bool) -> Iterator[None]:
    """Tells of what the service or a file refuses, without a traceback."""
    try:
        yield
    except EffectiveEmbeddingsError as error:
        raise _refused(error, as_json=as_json) from error
    except (FormatError, SnapshotFileError) as error:
        raise fail(str(error), as_json=as_json) from error
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
    told = f"{error.message} ({error.reason or code})"
    # The message often says it all; a field is added where it does not name it.
    told += "".join(
        f"\n  {field}: {text}" for field, text in violations.items() if field not in error.message
    )
    if code == "UNAVAILABLE" and not error.reason:
        told += "\n  Is a server running? `effemb serve` starts one; --data DIR needs none."
    return fail(told)
