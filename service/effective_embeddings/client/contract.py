"""The methods of the service, read from its descriptor."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf import message_factory
from google.protobuf.message import Message

from effective_embeddings.v1 import service_pb2

__all__ = ["METHODS", "Method"]


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its path on the wire, the class of its reply, and whether it writes."""

    path: str
    reply: type[Message]
    writes: bool
    client_streaming: bool
    server_streaming: bool


def _read_methods() -> dict[str, Method]:
    service = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
    return {
        method.name: Method(
            path=f"/{service.full_name}/{method.name}",
            reply=message_factory.GetMessageClass(method.output_type),
            # Every write, and no read, takes WriteOptions.
            writes="write" in method.input_type.fields_by_name,
            client_streaming=method.client_streaming,
            server_streaming=method.server_streaming,
        )
        for method in service.methods
    }


METHODS: dict[str, Method] = _read_methods()
