"""Refusals on the wire: code, message, and a google.rpc.Status with the reason in the details."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, NoReturn, cast

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from effective_embeddings._core import StatusError
from effective_embeddings.server.admission.refusals import Refusal

__all__ = ["Status", "abort", "status_of"]

_log = logging.getLogger("effective_embeddings.server")

_DOMAIN = "effective-embeddings"
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
# A client that uses gRPC's defaults takes 8 KiB of trailing metadata in all. Details travel in
# base64, beside the message, which is percent-encoded.
_MAX_DETAILS_BYTES = 4096


class Status(NamedTuple):
    """What ``abort_with_status`` takes, and the reason for the log."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]
    reason: str


def status_of(method: str, error: BaseException, request_id: str) -> Status:
    """Return what ``error`` means to the caller.

    A StatusError or a Refusal is passed on as it is. Anything else is a defect: the caller gets a
    fixed text and the call's id, and the log gets the rest under that id.
    """
    if isinstance(error, Refusal):
        return _own_status(request_id, error)
    if isinstance(error, StatusError):
        code = _CODES.get(error.code, grpc.StatusCode.UNKNOWN)
        internal = getattr(error, "internal_detail", None)
        if internal:
            _log.error("refused id=%s method=%s %s", request_id, method, internal)
        return Status(
            code,
            error.message,
            _trailing(request_id, error.details),
            _reason(error.details) or code.name,
        )
    _log.error("defect id=%s method=%s", request_id, method, exc_info=error)
    message = f"internal error; the service's log says more under the id {request_id}"
    refusal = Refusal(grpc.StatusCode.INTERNAL, "INTERNAL", message, {"id": request_id})
    return _own_status(request_id, refusal)


def abort(status: Status, context: grpc.ServicerContext) -> NoReturn:
    """End the call with a status."""
    # gRPC asks for this shape only; its stub wants the nominal type.
    context.abort_with_status(cast("grpc.Status", status))


def _own_status(request_id: str, refusal: Refusal) -> Status:
    details = _own_details(
        refusal.code.value[0],
        refusal.message,
        refusal.reason,
        tuple(refusal.metadata.items()),
        refusal.retry_seconds,
    )
    return Status(refusal.code, refusal.message, _trailing(request_id, details), refusal.reason)


# Those who are refused under overload are all told the same few things.
@lru_cache(maxsize=256)
def _own_details(
    code: int,
    message: str,
    reason: str,
    metadata: tuple[tuple[str, str], ...],
    retry_seconds: float | None,
) -> bytes:
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(_info(reason, dict(metadata)))
    if retry_seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(max(1, round(retry_seconds * 1000)))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    serialized: bytes = status.SerializeToString()
    return serialized


def _info(reason: str, metadata: Mapping[str, str]) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain=_DOMAIN, metadata=dict(metadata))


def _trailing(request_id: str, details: bytes) -> tuple[tuple[str, str | bytes], ...]:
    if len(details) > _MAX_DETAILS_BYTES:
        details = _shorten(details)
    return (("x-request-id", request_id), ("grpc-status-details-bin", details))


def _reason(details: bytes) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(details).details:
        if detail.Unpack(info):
            reason: str = info.reason
            return reason
    return ""


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
