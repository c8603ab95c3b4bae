"""The options of writes."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import TypedDict

from effective_embeddings.client.convert.columns import whole
from effective_embeddings.client.limits import MAX_REQUEST_ID_BYTES
from effective_embeddings.v1 import service_pb2

__all__ = ["ChangeOptions", "WriteOptions", "write_options"]


class ChangeOptions(TypedDict, total=False):
    """Keyword arguments that every write takes.

    actor: The author of the change, stored with it; at most 256 bytes. None: the client's actor.
    reason: The reason for the change, stored with it; at most 1024 bytes. Default empty.
    request_id: Makes a repeated write return the first answer, for 24 hours; at most 128 bytes.
        None: a new id, so that the client's own retries are safe. To repeat a write yourself
        (after DeadlineExceeded), choose an id and repeat the same call with it.
    validate_only: True: answer as the write would, but write nothing. Default False.
    """

    actor: str | None
    reason: str
    request_id: str | None
    validate_only: bool


class WriteOptions(ChangeOptions, total=False):
    """Keyword arguments that every write to a namespace takes: those of ChangeOptions, and two.

    embedding_model: The model of the vectors; refused if the namespace has another. Default empty:
        not checked.
    if_revision: Write only if the namespace is at this revision; otherwise FailedPrecondition. Not
        for a batch that is sent in parts. Default 0: at any revision.
    """

    embedding_model: str
    if_revision: int


def _fresh_id() -> str:
    """Return a unique id: 64 bits of time, and 64 random bits.

    Successive ids are neighbours in the store, which then writes one page for many of them.
    """
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"


def _derived(request_id: str, number: int) -> str:
    derived = f"{request_id}-{number}"
    if len(derived.encode()) <= MAX_REQUEST_ID_BYTES:
        return derived
    return f"{hashlib.sha256(request_id.encode()).hexdigest()}-{number}"


def write_options(
    default_actor: str, options: ChangeOptions | WriteOptions
) -> Callable[[int], service_pb2.WriteOptions]:
    """Return a function from a chunk's number, from 0, to the options of its request.

    The first chunk has the request id itself, the others ``{id}-{number}``, or, where that would be
    too long, the same of the id's hash. A repeated call is cut in the same places, so each chunk
    finds its own first answer.
    """
    actor = options.get("actor")
    request_id = options.get("request_id")
    validate_only = options.get("validate_only", False)
    embedding_model = str(options.get("embedding_model", ""))
    if_revision = whole("if_revision", options.get("if_revision", 0), 64)
    if request_id is None:
        # A call that writes nothing can be repeated without an id.
        request_id = "" if validate_only else _fresh_id()

    def of_chunk(number: int) -> service_pb2.WriteOptions:
        if number and if_revision:
            message = "if_revision: the batch is too large for one request"
            raise ValueError(message)
        return service_pb2.WriteOptions(
            request_id=_derived(request_id, number) if number and request_id else request_id,
            validate_only=validate_only,
            actor=default_actor if actor is None else actor,
            reason=options.get("reason", ""),
            embedding_model=embedding_model,
            if_revision=if_revision,
        )

    return of_chunk
