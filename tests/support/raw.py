"""The contract without the client library: messages in, messages or a refusal out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from effective_embeddings._core import Engine, Grant, StatusError
from effective_embeddings.v1 import resources_pb2, service_pb2, service_pb2_grpc

__all__ = [
    "EmbeddedRaw",
    "Raw",
    "RefusedError",
    "RemoteRaw",
    "embedding",
    "of_status",
    "serialized",
    "values",
]


_SERVICE = "/effective_embeddings.v1.EffectiveEmbeddingsService/"


@dataclass(frozen=True, slots=True)
class RefusedError(Exception):
    """A refusal, as received."""

    code: str
    reason: str
    domain: str
    metadata: Mapping[str, str]
    fields: Mapping[str, str]
    message: str


class Raw(Protocol):
    """Calls a method with a message, or with arbitrary bytes."""

    def call(self, method: str, request: Message | bytes, timeout: float | None = None) -> Any:
        """Return the reply message; raise RefusedError."""

    def restore(self, requests: Iterable[Message | bytes]) -> service_pb2.RestoreResponse:
        """Send a stream of RestoreRequests."""


def embedding(vector: Any) -> resources_pb2.Embedding:
    """The vector as bytes."""
    import numpy as np  # noqa: PLC0415 - only here

    return resources_pb2.Embedding(data=np.asarray(vector, dtype="<f4").tobytes())


def values(vector: Any) -> resources_pb2.Embedding:
    """The vector as a list of numbers."""
    return resources_pb2.Embedding(values=[float(x) for x in vector])


class RemoteRaw:
    """Over gRPC, by the generated stub; bytes are sent by a raw call."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._stub: Any = service_pb2_grpc.EffectiveEmbeddingsServiceStub(channel)  # type: ignore[no-untyped-call]

    def call(self, method: str, request: Message | bytes, timeout: float | None = None) -> Any:
        """See Raw."""
        try:
            if isinstance(request, bytes):
                call: Any = self._channel.unary_unary(_SERVICE + method)
                return _reply(method, call(request, timeout=timeout))
            return getattr(self._stub, method)(request, timeout=timeout)
        except grpc.RpcError as error:
            raise _of_rpc_error(error) from None

    def begin(self, method: str, request: bytes, timeout: float | None = None) -> Any:
        """Begin a call: gRPC's future of the reply's bytes."""
        call: Any = self._channel.unary_unary(_SERVICE + method)
        return call.future(request, timeout=timeout)

    def begin_restore(self, requests: Iterable[Message | bytes]) -> Any:
        """Begin to send RestoreRequests: gRPC's future of the reply's bytes."""
        upload: Any = self._channel.stream_unary(f"{_SERVICE}Restore")
        return upload.future(map(serialized, requests))

    def restore(self, requests: Iterable[Message | bytes]) -> service_pb2.RestoreResponse:
        """See Raw."""
        try:
            return service_pb2.RestoreResponse.FromString(self.begin_restore(requests).result())
        except grpc.RpcError as error:
            raise _of_rpc_error(error) from None


class EmbeddedRaw:
    """In process."""

    def __init__(self, engine: Engine, grant: Grant | None = None) -> None:
        self._engine = engine
        self._grant = grant or Grant.unrestricted("raw")

    def call(self, method: str, request: Message | bytes, timeout: float | None = None) -> Any:
        """See Raw."""
        try:
            return _reply(
                method, self._engine.call(method, serialized(request), self._grant, timeout)
            )
        except StatusError as error:
            raise of_status(error) from None

    def restore(self, requests: Iterable[Message | bytes]) -> service_pb2.RestoreResponse:
        """See Raw."""
        try:
            restore = self._engine.client_stream("Restore", self._grant)
            for request in requests:
                restore.push(serialized(request))
            return service_pb2.RestoreResponse.FromString(restore.finish())
        except StatusError as error:
            raise of_status(error) from None


def serialized(request: Message | bytes) -> bytes:
    """The bytes of a message; bytes unchanged."""
    return request if isinstance(request, bytes) else request.SerializeToString()


def _reply(method: str, reply: bytes) -> Any:
    return getattr(service_pb2, f"{method}Response").FromString(reply)


def _of_rpc_error(error: Any) -> RefusedError:
    trailing = dict(error.trailing_metadata() or ())
    details = trailing.get("grpc-status-details-bin", b"")
    assert isinstance(details, bytes)
    return _refused(error.code().value[0], error.details() or "", details)


def of_status(error: StatusError) -> RefusedError:
    """What a StatusError says over the wire."""
    return _refused(error.code, error.message, error.details)


def _refused(code: int, message: str, details: bytes) -> RefusedError:
    names = {each.value[0]: each.name for each in grpc.StatusCode}
    status = status_pb2.Status.FromString(details)
    info = error_details_pb2.ErrorInfo()
    fields: dict[str, str] = {}
    for detail in status.details:
        bad_request = error_details_pb2.BadRequest()
        if detail.Unpack(bad_request):
            fields |= {each.field: each.description for each in bad_request.field_violations}
        else:
            detail.Unpack(info)
    if details:
        assert status.code == code, "the status and its details must agree"
    return RefusedError(names[code], info.reason, info.domain, dict(info.metadata), fields, message)
