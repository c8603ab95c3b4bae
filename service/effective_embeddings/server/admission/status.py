"""Refused calls as gRPC sends them: code, message and trailing metadata."""

from __future__ import annotations

import logging
from typing import NamedTuple, NoReturn, cast

import grpc

from effective_embeddings._core import Refusals, StatusError

__all__ = ["Status", "abort", "status_of"]

_log = logging.getLogger("effective_embeddings.server")

_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class Status(NamedTuple):
    """What ``abort_with_status`` takes, and the reason for the log."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]
    reason: str


def status_of(method: str, error: BaseException, request_id: str) -> Status:
    """Return the status that an error becomes.

    A StatusError is passed on as it is. Any other error is a defect: the caller gets a fixed text
    with the call's id, and the log has the error under that id.
    """
    if not isinstance(error, StatusError):
        _log.error("defect id=%s method=%s", request_id, method, exc_info=error)
        error = Refusals.internal(request_id)
    elif error.internal_detail:
        _log.error("refused id=%s method=%s %s", request_id, method, error.internal_detail)
    trailing = (("x-request-id", request_id), *error.trailing_metadata)
    return Status(_CODES[error.code], error.message, trailing, error.reason)


def abort(status: Status, context: grpc.ServicerContext) -> NoReturn:
    """End the call with a status."""
    # gRPC asks for this shape only; its stub wants the nominal type.
    context.abort_with_status(cast("grpc.Status", status))
