"""The standard reflection service, for grpcurl and its like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection, reflection_pb2

from effective_embeddings.server.admission.stall_timeout import StallTimeout
from effective_embeddings.server.transport.bounded_pool import (
    BoundedHandler,
    BoundedMethod,
    BoundedPool,
)
from effective_embeddings.server.transport.reflection_symbols import Symbols

__all__ = ["MAX_REFLECTIONS", "Reflection"]

MAX_REFLECTIONS = 8


class Reflection:
    """Serves the descriptors of the services."""

    def __init__(self, names: tuple[str, ...], stall_timeout: StallTimeout) -> None:
        """Create the service.

        Args:
            names: Full names of the other services.
            stall_timeout: Cancels calls whose clients stall.
        """
        self._pool = BoundedPool("reflection_streams", MAX_REFLECTIONS, stall_timeout)
        # Reflection asks for what a pool does; its stub wants the nominal type.
        symbols = cast("DescriptorPool", Symbols())
        self._servicer: Any = reflection.ReflectionServicer(
            (*names, reflection.SERVICE_NAME), symbols
        )

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handler of the reflection service."""

        def info(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            return self._info(requests, context)

        info.experimental_thread_pool = self._pool.pool  # type: ignore[attr-defined]
        made = grpc.stream_stream_rpc_method_handler(
            info,
            reflection_pb2.ServerReflectionRequest.FromString,
            reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        methods = {"ServerReflectionInfo": BoundedMethod(self._pool, made)}
        return BoundedHandler(reflection.SERVICE_NAME, methods)

    def close(self) -> None:
        """Release the threads; the server has stopped."""
        self._pool.close()

    def _info(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        def asked() -> Iterator[Any]:
            while (request := self._pool.receive(requests, context)) is not None:
                yield request

        try:
            for reply in self._servicer.ServerReflectionInfo(asked(), context):
                yield from self._pool.send(reply, context)
        finally:
            self._pool.release()
