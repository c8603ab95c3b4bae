"""Errors of calls: one exception type for each status code, made from google.rpc.Status.

EffectiveEmbeddingsError
    InvalidArgument     NotFound            AlreadyExists       FailedPrecondition
    PermissionDenied    Unauthenticated     ResourceExhausted   Unimplemented
    Unavailable         DeadlineExceeded    Cancelled           DataLoss
    Internal            Unknown
    ClientUnusable      (a FailedPrecondition: the client is closed, or belongs elsewhere)
SnapshotFileError       (a ValueError: a file is not a snapshot, or is truncated)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

__all__ = [
    "AlreadyExists",
    "Cancelled",
    "ClientUnusable",
    "Code",
    "DataLoss",
    "DeadlineExceeded",
    "EffectiveEmbeddingsError",
    "FailedPrecondition",
    "FieldViolation",
    "Internal",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "ResourceExhausted",
    "SnapshotFileError",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Unknown",
    "error_from_status",
]


class Code(IntEnum):
    """The gRPC status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that is invalid.

    Attributes:
        field: Its path, such as ``assignments[3].embedding``. The number is the place in the
            batch that the method was given, even if the client sent it in parts.
        description: What is wrong with it.
        reason: The name of the contract's ErrorReason, such as ``"INVALID_VECTOR"``.
    """

    field: str
    description: str
    reason: str = ""


class EffectiveEmbeddingsError(Exception):
    """A call that failed. A request that was refused changed nothing.

    Attributes:
        code: The status code.
        reason: The name of the contract's ErrorReason, such as ``"NAMESPACE_NOT_FOUND"``; empty
            if the network failed.
        message: What happened.
        metadata: The reason's details, such as ``{"namespace": "alice"}``.
        field_violations: The invalid fields, if any: at most 32. ``metadata["violations"]`` is
            their number if the request has more than one.
        retry_after: Seconds after which the service asks to retry; None: it does not say.
    """

    retry_after: float | None = None
    default_code: ClassVar[Code] = Code.UNKNOWN

    def __init__(
        self,
        message: str,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        field_violations: Sequence[FieldViolation] = (),
        code: Code | None = None,
    ) -> None:
        self.code = self.default_code if code is None else code
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.field_violations = tuple(field_violations)
        # All arguments, as plain values, so that the error survives pickling.
        super().__init__(message, reason, self.metadata, self.field_violations, self.code)

    def __str__(self) -> str:
        return f"{self.message} [{self.reason or self.code.name}]"

    def shifted(self, entries: str, offset: int) -> Self:
        """Return the error with ``entries[i]`` as ``entries[i + offset]`` in all texts."""
        pattern = re.compile(rf"\b{re.escape(entries)}\[(\d+)\]")

        def shift(text: str) -> str:
            return pattern.sub(lambda found: f"{entries}[{int(found[1]) + offset}]", text)

        return type(self)(
            shift(self.message),
            self.reason,
            {key: shift(value) for key, value in self.metadata.items()},
            [
                FieldViolation(
                    shift(violation.field), shift(violation.description), violation.reason
                )
                for violation in self.field_violations
            ],
            self.code,
        )


class InvalidArgument(EffectiveEmbeddingsError):
    """The request is invalid in every state of the service; see ``field_violations``."""

    default_code = Code.INVALID_ARGUMENT


class NotFound(EffectiveEmbeddingsError):
    """A namespace, category or item that the request names does not exist."""

    default_code = Code.NOT_FOUND


class AlreadyExists(EffectiveEmbeddingsError):
    """A namespace has this name already."""

    default_code = Code.ALREADY_EXISTS


class FailedPrecondition(EffectiveEmbeddingsError):
    """The request is valid, but the state of the service does not allow it now."""

    default_code = Code.FAILED_PRECONDITION


class ClientUnusable(FailedPrecondition):
    """The client cannot be used here: it is closed, or is another event loop's or process's.

    Raised by the client itself, before anything is sent.
    """


class PermissionDenied(EffectiveEmbeddingsError):
    """The caller's grant does not cover the call."""

    default_code = Code.PERMISSION_DENIED


class Unauthenticated(EffectiveEmbeddingsError):
    """The service does not know the caller."""

    default_code = Code.UNAUTHENTICATED


class ResourceExhausted(EffectiveEmbeddingsError):
    """A message is larger than the limit, or the service is overloaded."""

    default_code = Code.RESOURCE_EXHAUSTED


class Unimplemented(EffectiveEmbeddingsError):
    """The service has no such method; it is older than this client."""

    default_code = Code.UNIMPLEMENTED


class Unavailable(EffectiveEmbeddingsError):
    """The service cannot be reached, is starting or stopping, or its store has failed."""

    default_code = Code.UNAVAILABLE


class DeadlineExceeded(EffectiveEmbeddingsError):
    """Time ran out. Over gRPC a write may have happened; repeat it with its request_id."""

    default_code = Code.DEADLINE_EXCEEDED


class Cancelled(EffectiveEmbeddingsError):
    """The call was cancelled, such as by closing the client."""

    default_code = Code.CANCELLED


class DataLoss(EffectiveEmbeddingsError):
    """Stored data does not match its checksum."""

    default_code = Code.DATA_LOSS


class Internal(EffectiveEmbeddingsError):
    """A defect of the service."""

    default_code = Code.INTERNAL


class Unknown(EffectiveEmbeddingsError):
    """A status that the contract does not use; ``code`` says which."""


class SnapshotFileError(ValueError):
    """A file is not a snapshot, or is truncated."""


_CODES = frozenset(int(code) for code in Code)
_TYPES: dict[int, Callable[..., EffectiveEmbeddingsError]] = {
    int(kind.default_code): kind
    for kind in EffectiveEmbeddingsError.__subclasses__()
    if kind is not Unknown
}


def error_from_status(code: int, message: str, details: bytes) -> EffectiveEmbeddingsError:
    """Return the error that a status stands for.

    Args:
        code: The gRPC status code.
        message: Its text.
        details: A serialized google.rpc.Status; empty: no details.
    """
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    retry_after: float | None = None
    violations: list[FieldViolation] = []
    try:
        status = status_pb2.Status.FromString(details)
        for detail in status.details:
            bad_request = error_details_pb2.BadRequest()
            if detail.Unpack(retry):
                retry_after = retry.retry_delay.ToMilliseconds() / 1000
            elif detail.Unpack(bad_request):
                violations += (
                    FieldViolation(violation.field, violation.description, violation.reason)
                    for violation in bad_request.field_violations
                )
            else:
                detail.Unpack(info)
    except DecodeError:
        # A proxy may have made the details; the code and the message are still valid.
        info.Clear()
    known = Code(code) if code in _CODES else Code.UNKNOWN
    error = _TYPES.get(code, Unknown)(message, info.reason, info.metadata, violations, known)
    if retry_after is not None:
        error.retry_after = retry_after
    return error
