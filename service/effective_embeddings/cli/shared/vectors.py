"""Vectors on the command line: `@file.npy`, `@file.json`, or a JSON list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

__all__ = ["EMBEDDING_HELP", "EmbeddingOption", "one_vector", "read_vectors"]

Vectors = NDArray[np.float32]

EMBEDDING_HELP = "A vector: @file.npy, @file.json, or a JSON list such as '[0.1, 0.2]'."

EmbeddingOption = Annotated[
    str | None, typer.Option("--embedding", metavar="VECTOR", help=EMBEDDING_HELP)
]


def one_vector(given: str | None, option: str = "--embedding") -> Vectors | None:
    """Reads a single vector; None if none is given."""
    if given is None:
        return None
    vectors = read_vectors(given, option)
    if len(vectors) != 1:
        msg = f"holds {len(vectors)} vectors; one is needed"
        raise typer.BadParameter(msg, param_hint=option)
    single: Vectors = vectors[0]
    return single


def read_vectors(given: str, option: str = "--embedding") -> Vectors:
    """Reads one vector or many, as a matrix with one row a vector."""
    try:
        array = np.asarray(_load(given))
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}"
        raise typer.BadParameter(msg, param_hint=option) from error
    except ValueError as error:
        msg = f"is no vector ({error}). {EMBEDDING_HELP}"
        raise typer.BadParameter(msg, param_hint=option) from error
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or array.size == 0:
        msg = f"must be a list of numbers, or a list of such lists. {EMBEDDING_HELP}"
        raise typer.BadParameter(
            msg,
            param_hint=option,
        )
    with np.errstate(over="ignore"):  # what is too large for 32 bits is refused by the service
        matrix: Vectors = np.ascontiguousarray(np.atleast_2d(array), dtype=np.float32)
    return matrix


def _load(given: str) -> Any:
    if not given.startswith("@"):
        return json.loads(given)
    path = Path(given[1:])
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    return json.loads(path.read_text(encoding="utf-8"))
