"""Why a call failed: one exception type for each status code, made from google.rpc.Status.

EffectiveEmbeddingsError
    InvalidArgument     NotFound            AlreadyExists       FailedPrecondition
    PermissionDenied    Unauthenticated     ResourceExhausted   Unimplemented
    Unavailable         DeadlineExceeded    Cancelled           DataLoss
    Internal            Unknown
SnapshotFileError       (a ValueError: a snapshot file is cut short or none at all)
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
    """A field of the request that is at fault.

    Attributes:
        field: Its path, such as ``assignments[3].embedding``. The number counts in the whole
            batch that the method was given, even where the client sent it in parts.
        description: What is wrong with it.
    """

    field: str
    description: str


class EffectiveEmbeddingsError(Exception):
    """A call that failed. Nothing was changed by the request that was refused.

    Attributes:
        code: The status code.
        reason: The name of the contract's ErrorReason, such as ``"NAMESPACE_NOT_FOUND"``; empty
            where the failure is the network's.
        message: What happened, in words.
        metadata: The reason's details, such as ``{"namespace": "alice"}``.
        field_violations: The fields at fault, where there are any.
        retry_after: Seconds after which the service says to try again; None: it says nothing.
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
        # All of them, and as plain as they are kept, so that the error survives pickling.
        super().__init__(message, reason, self.metadata, self.field_violations, self.code)

    def __str__(self) -> str:
        return f"{self.message} [{self.reason or self.code.name}]"

    def shifted(self, entries: str, offset: int) -> Self:
        """Return the error with ``entries[i]`` as ``entries[i + offset]`` wherever it is named."""
        pattern = re.compile(rf"\b{re.escape(entries)}\[(\d+)\]")

        def shift(text: str) -> str:
            return pattern.sub(lambda found: f"{entries}[{int(found[1]) + offset}]", text)

        return type(self)(
            shift(self.message),
            self.reason,
            {key: shift(value) for key, value in self.metadata.items()},
            [
                FieldViolation(shift(violation.field), shift(violation.description))
                for violation in self.field_violations
            ],
            self.code,
        )


class InvalidArgument(EffectiveEmbeddingsError):
    """The request is not right, whatever the service holds; see ``field_violations``."""

    default_code = Code.INVALID_ARGUMENT


class NotFound(EffectiveEmbeddingsError):
    """A namespace, category or item that the request names is not there."""

    default_code = Code.NOT_FOUND


class AlreadyExists(EffectiveEmbeddingsError):
    """A namespace has this name already."""

    default_code = Code.ALREADY_EXISTS


class FailedPrecondition(EffectiveEmbeddingsError):
    """The request is right, and what the service holds does not allow it now."""

    default_code = Code.FAILED_PRECONDITION


class PermissionDenied(EffectiveEmbeddingsError):
    """The caller's grant does not cover the call."""

    default_code = Code.PERMISSION_DENIED


class Unauthenticated(EffectiveEmbeddingsError):
    """The service does not know the caller."""

    default_code = Code.UNAUTHENTICATED


class ResourceExhausted(EffectiveEmbeddingsError):
    """A message is larger than the transport takes, or too many calls are waiting."""

    default_code = Code.RESOURCE_EXHAUSTED


class Unimplemented(EffectiveEmbeddingsError):
    """The service has no such method; it is older than this client."""

    default_code = Code.UNIMPLEMENTED


class Unavailable(EffectiveEmbeddingsError):
    """The service cannot be reached, is starting or stopping, or its store has failed."""

    default_code = Code.UNAVAILABLE


class DeadlineExceeded(EffectiveEmbeddingsError):
    """Time ran out. Over gRPC a write may have been done; repeat it with its request_id."""

    default_code = Code.DEADLINE_EXCEEDED


class Cancelled(EffectiveEmbeddingsError):
    """The call was cancelled, such as by closing the client."""

    default_code = Code.CANCELLED


class DataLoss(EffectiveEmbeddingsError):
    """Stored data does not agree with its checksum."""

    default_code = Code.DATA_LOSS


class Internal(EffectiveEmbeddingsError):
    """A defect of the service."""

    default_code = Code.INTERNAL


class Unknown(EffectiveEmbeddingsError):
    """A status that the contract does not use; ``code`` says which."""


class SnapshotFileError(ValueError):
    """A file is not a snapshot, or is cut short."""


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
        details: A serialized google.rpc.Status; empty where there is none.
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
                    FieldViolation(violation.field, violation.description)
                    for violation in bad_request.field_violations
                )
            else:
                detail.Unpack(info)
    except DecodeError:
        # A proxy on the way may have made them; the code and the message still stand.
        info.Clear()
    known = Code(code) if code in _CODES else Code.UNKNOWN
    error = _TYPES.get(code, Unknown)(message, info.reason, info.metadata, violations, known)
    if retry_after is not None:
        error.retry_after = retry_after
    return error
