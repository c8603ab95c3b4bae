"""The service of the contract: its descriptor and its full name."""

from __future__ import annotations

from effective_embeddings.v1 import service_pb2

__all__ = ["SERVICE", "SERVICE_NAME"]

SERVICE = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]
SERVICE_NAME: str = SERVICE.full_name
