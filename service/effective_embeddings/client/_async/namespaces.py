"""The async client's calls on namespaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Unpack

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.models.replies import ServiceInfo, VerifyReport
from effective_embeddings.client.models.resources import MembershipMode, Namespace, Normalization
from effective_embeddings.client.requests import namespaces
from effective_embeddings.client.requests.writes import ChangeOptions, WriteOptions

__all__ = ["AsyncNamespaceCalls"]


class AsyncNamespaceCalls(AsyncClientBase):
    """Namespaces, and the service as a whole."""

    async def create_namespace(
        self,
        name: str,
        dimension: int,
        *,
        embedding_model: str = "",
        normalization: Normalization = "raw",
        membership: MembershipMode = "single",
        description: str = "",
        labels: Mapping[str, str] | None = None,
        **write: Unpack[ChangeOptions],
    ) -> Namespace:
        """Create an empty namespace; see Client.create_namespace."""
        return await self._run(
            namespaces.create(
                self._actor,
                name,
                dimension,
                embedding_model=embedding_model,
                normalization=normalization,
                membership=membership,
                description=description,
                labels=labels,
                options=write,
            )
        )

    async def get_namespace(self, name: str, *, min_revision: int = 0) -> Namespace:
        """Return a namespace; see Client.get_namespace."""
        return await self._run(namespaces.get(name, min_revision=min_revision))

    def list_namespaces(self, prefix: str = "") -> AsyncIterator[Namespace]:
        """Return namespaces ordered by name; see Client.list_namespaces."""
        return self._pages(namespaces.listing(prefix))

    async def update_namespace(
        self,
        name: str,
        *,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        **write: Unpack[WriteOptions],
    ) -> Namespace:
        """Change a namespace's description and labels; see Client.update_namespace."""
        return await self._run(
            namespaces.update(
                self._actor, name, description=description, labels=labels, options=write
            )
        )

    async def delete_namespace(
        self, name: str, *, force: bool = False, **write: Unpack[WriteOptions]
    ) -> Namespace:
        """Delete a namespace and all that it holds; see Client.delete_namespace."""
        return await self._run(namespaces.delete(self._actor, name, force=force, options=write))

    async def verify(self, ns: str) -> VerifyReport:
        """Rebuild every sum and compare; see Client.verify."""
        return await self._run(namespaces.verify(ns), bulk=True)

    async def verify_files(self) -> VerifyReport:
        """Verify the files below all namespaces; see Client.verify_files."""
        return await self._run(namespaces.verify_files(), bulk=True)

    async def service_info(self) -> ServiceInfo:
        """Return the service's version, kernel and limits."""
        return await self._run(namespaces.service_info())
