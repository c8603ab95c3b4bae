"""Vectors on the command line: `@file.npy`, `@file.json`, `@-`, or a JSON list."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

__all__ = ["EMBEDDING_HELP", "EmbeddingOption", "one_vector", "read_vectors"]

Vectors = NDArray[np.float32]

EMBEDDING_HELP = (
    "A vector: @file.npy, @file.json, @- (JSON from standard input), or a JSON list such as"
    " '[0.1, 0.2]'."
)

EmbeddingOption = Annotated[
    str | None, typer.Option("--embedding", metavar="VECTOR", help=EMBEDDING_HELP)
]


def one_vector(given: str | None, option: str = "--embedding") -> Vectors | None:
    """Return the one vector given; None if the option is absent."""
    if given is None:
        return None
    vectors = read_vectors(given, option)
    if len(vectors) != 1:
        msg = f"has {len(vectors)} vectors; exactly one is needed"
        raise typer.BadParameter(msg, param_hint=option)
    single: Vectors = vectors[0]
    return single


def read_vectors(given: str, option: str = "--embedding") -> Vectors:
    """Return the vectors given as an (n, d) float32 matrix."""
    try:
        array = np.asarray(_load(given))
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}"
        raise typer.BadParameter(msg, param_hint=option) from error
    except (ValueError, OverflowError, RecursionError, EOFError) as error:
        msg = f"is not a vector ({error}). {EMBEDDING_HELP}"
        raise typer.BadParameter(msg, param_hint=option) from error
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or array.size == 0:
        msg = f"must be a list of numbers, or a list of such lists. {EMBEDDING_HELP}"
        raise typer.BadParameter(msg, param_hint=option)
    with np.errstate(over="ignore"):  # the service refuses infinities
        matrix: Vectors = np.ascontiguousarray(np.atleast_2d(array), dtype=np.float32)
    return matrix


def _load(given: str) -> Any:
    if not given.startswith("@"):
        return json.loads(given)
    if given == "@-":
        return json.loads(sys.stdin.buffer.read())
    path = Path(given[1:])
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    return json.loads(path.read_text(encoding="utf-8"))
