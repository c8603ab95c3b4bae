"""The descriptors that reflection serves."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from effective_embeddings.server.contract import SERVICE

__all__ = ["reflected_files"]


def reflected_files() -> list[bytes]:
    """Return the files of the service, of health and of reflection, with all that they import."""
    files: dict[str, bytes] = {}
    # The details of a status are named in it, for tools that show them.
    details = (status_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR)
    for each in (SERVICE.file, health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR, *details):
        _add(each, files)
    # v1 has the messages of v1alpha in another package.
    alpha = reflection_pb2.DESCRIPTOR.serialized_pb
    stable = FileDescriptorProto.FromString(alpha)
    stable.name = stable.name.replace("v1alpha", "v1")
    stable.package = stable.package.replace("v1alpha", "v1")
    for message in stable.message_type:
        for field in message.field:
            field.type_name = field.type_name.replace("v1alpha", "v1")
    for service in stable.service:
        for method in service.method:
            method.input_type = method.input_type.replace("v1alpha", "v1")
            method.output_type = method.output_type.replace("v1alpha", "v1")
    files[stable.name] = stable.SerializeToString()
    return list(files.values())


def _add(file: Any, files: dict[str, bytes]) -> None:
    if file.name not in files:
        files[file.name] = file.serialized_pb
        for imported in file.dependencies:
            _add(imported, files)
