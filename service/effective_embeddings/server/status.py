"""Refusals on the wire: code, message, and a google.rpc.Status with the reason in the details."""

from __future__ import annotations

import logging
import uuid
from typing import NamedTuple, NoReturn, cast

import grpc
from google.rpc import error_details_pb2, status_pb2

from effective_embeddings._core import StatusError

__all__ = ["StartingError", "abort"]

_log = logging.getLogger("effective_embeddings.server")

_DOMAIN = "effective-embeddings"
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
# A client that uses gRPC's defaults takes 8 KiB of trailing metadata in all. Details travel in
# base64, beside the message, which is percent-encoded.
_MAX_DETAILS_BYTES = 4096


class StartingError(Exception):
    """The data is not open yet."""


class _Status(NamedTuple):
    """What ``abort_with_status`` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


def abort(method: str, error: BaseException, context: grpc.ServicerContext) -> NoReturn:
    """End the call with what ``error`` means to its caller.

    A StatusError is passed on as it is. Anything else is a defect: the caller gets a fixed text
    and an id, and the log gets the rest under that id.
    """
    if isinstance(error, StatusError):
        _log.debug("refused method=%s code=%d message=%r", method, error.code, error.message)
        status = _Status(
            _CODES.get(error.code, grpc.StatusCode.UNKNOWN),
            error.message,
            _trailing(error.details),
        )
    elif isinstance(error, StartingError):
        status = _own_status(
            grpc.StatusCode.UNAVAILABLE,
            "the service is starting: it is opening its data; try again shortly",
            "STARTING",
        )
    else:
        identity = uuid.uuid4().hex[:12]
        _log.error("defect id=%s method=%s", identity, method, exc_info=error)
        status = _own_status(
            grpc.StatusCode.INTERNAL,
            f"internal error; the service's log says more under the id {identity}",
            "INTERNAL",
            id=identity,
        )
    # gRPC asks for this shape only; its stub wants the nominal type.
    context.abort_with_status(cast("grpc.Status", status))


def _own_status(code: grpc.StatusCode, message: str, reason: str, **metadata: str) -> _Status:
    info = error_details_pb2.ErrorInfo(reason=reason, domain=_DOMAIN, metadata=metadata)
    details = status_pb2.Status(code=code.value[0], message=message)
    details.details.add().Pack(info)
    return _Status(code, message, _trailing(details.SerializeToString()))


def _trailing(details: bytes) -> tuple[tuple[str, bytes], ...]:
    if len(details) > _MAX_DETAILS_BYTES:
        details = _shorten(details)
    return (("grpc-status-details-bin", details),)


def _shorten(details: bytes) -> bytes:
    """Keep the reason; leave out what would make the client drop all of it."""
    full = status_pb2.Status.FromString(details)
    short = status_pb2.Status(code=full.code)
    for detail in full.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            if info.ByteSize() > _MAX_DETAILS_BYTES:
                info.metadata.clear()
            short.details.add().Pack(info)
    shortened: bytes = short.SerializeToString()
    return shortened
