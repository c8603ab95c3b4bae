"""The asynchronous client's methods on namespaces, and on the service as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Unpack

from effective_embeddings.client._async.base import AsyncClientBase
from effective_embeddings.client.errors import AlreadyExists
from effective_embeddings.client.models.replies import (
    DamagedNamespace,
    ServiceInfo,
    StorageReport,
    VerifyReport,
)
from effective_embeddings.client.models.resources import (
    HistoryKeep,
    MembershipMode,
    Namespace,
    Normalization,
    RankingMode,
)
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
        ranking: RankingMode = "cosine",
        fairness: float | None = None,
        history_keep: HistoryKeep | None = None,
        exist_ok: bool = False,
        **write: Unpack[ChangeOptions],
    ) -> Namespace:
        """Create an empty namespace. Description, labels and ranking can change later.

        Args:
            name: 1 to 128 characters of ``A-Za-z0-9._:-``, beginning with a letter or digit.
            dimension: Number of components of each vector, 1 to 16384.
            embedding_model: A free tag of the model of the vectors, at most 256 bytes. A write
                that names another model is refused.
            normalization: ``"raw"``: vectors are used as given, a longer vector teaches more;
                ``"unit"``: each vector is scaled to length 1 first.
            membership: ``"single"``: an item is in at most one category, and assign moves it;
                ``"multiple"``: in any number of categories, and assign adds one.
            description: What the namespace is for, at most 4096 bytes.
            labels: At most 64 entries and 16 KiB in all.
            ranking: ``"cosine"``: categories are ordered by their score; ``"local"``: the best of
                them are ranked again by their members nearest to the query, which is right more
                often once there are several members, and needs them in memory.
            fairness: How much of what a category is expected to score for its own items is taken
                off its score, 0 to 1, so that categories with members do not swallow those
                without; None: 0 with ``"cosine"``, 0.5 with ``"local"``.
            history_keep: How much of the history to keep; None: everything.
            exist_ok: True: if the namespace exists with the same dimension, model, normalization
                and membership, return it unchanged, with its own description, labels and ranking.
            **write: See ChangeOptions.

        Raises:
            AlreadyExists: The namespace exists; with ``exist_ok``: with other settings.
            InvalidArgument: A setting is out of range.
        """
        call = namespaces.create(
            self._actor,
            name,
            dimension,
            embedding_model=embedding_model,
            normalization=normalization,
            membership=membership,
            description=description,
            labels=labels,
            ranking=ranking,
            fairness=fairness,
            history_keep=history_keep,
            options=write,
        )
        try:
            return await self._run(call)
        except AlreadyExists as error:
            if not exist_ok:
                raise
            existing = await self.get_namespace(name)
            namespaces.check_same_settings(
                existing,
                error,
                dimension=dimension,
                embedding_model=embedding_model,
                normalization=normalization,
                membership=membership,
            )
            return existing

    async def get_namespace(self, name: str, *, min_revision: int = 0) -> Namespace:
        """Return a namespace with its counts, revision and digest.

        Args:
            name: Its name.
            min_revision: Wait until the namespace has this revision, at most 5 seconds; 0: do
                not wait. A revision that this client got before the data was replaced by a backup,
                or the namespace created again, is refused at once.

        Raises:
            NotFound: The namespace does not exist.
            FailedPrecondition: The revision was not reached in time, or is of another epoch.
        """
        return await self._run(namespaces.get(name, min_revision=min_revision))

    def list_namespaces(
        self, prefix: str = "", *, damaged: list[DamagedNamespace] | None = None
    ) -> AsyncIterator[Namespace]:
        """Iterate over namespaces, ordered by name; pages are fetched on demand.

        Args:
            prefix: Only names that begin with it; empty: all.
            damaged: Gets the namespaces whose stored rows are damaged; the others are listed.

        Raises:
            DataLoss: A namespace is damaged, and ``damaged`` is None.
        """
        return self._pages(namespaces.listing(prefix, damaged))

    async def update_namespace(
        self,
        name: str,
        *,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        ranking: RankingMode | None = None,
        fairness: float | None = None,
        history_keep: HistoryKeep | None = None,
        **write: Unpack[WriteOptions],
    ) -> Namespace:
        """Change a namespace's description, labels, ranking and retention.

        Args:
            name: Its name.
            description: The new description; None keeps the old.
            labels: The new labels, which replace the old; None keeps the old.
            ranking: The new ranking, with its own default of fairness; None keeps the old. It
                changes no sum, so it can be changed at any time.
            fairness: The new fairness, 0 to 1; None keeps the old, unless ``ranking`` is given.
            history_keep: How much of the history to keep from now on; None keeps the setting;
                ``HistoryKeep()``: everything. What was deleted does not come back.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace does not exist.
        """
        return await self._run(
            namespaces.update(
                self._actor,
                name,
                description=description,
                labels=labels,
                ranking=ranking,
                fairness=fairness,
                history_keep=history_keep,
                options=write,
            )
        )

    async def delete_namespace(
        self, name: str, *, force: bool = False, **write: Unpack[WriteOptions]
    ) -> Namespace:
        """Delete a namespace with everything in it; return the namespace as it was.

        Args:
            name: Its name.
            force: True: even if it holds categories or items.
            **write: See WriteOptions.

        Raises:
            NotFound: The namespace does not exist.
            FailedPrecondition: The namespace is not empty, and ``force`` is False.
        """
        return await self._run(namespaces.delete(self._actor, name, force=force, options=write))

    async def verify(self, ns: str) -> VerifyReport:
        """Rebuild every sum from the items and compare; read every checksum. No deadline.

        Differences are reported in ``findings``, not raised.

        Raises:
            NotFound: The namespace does not exist.
        """
        return await self._run(namespaces.verify(ns), bulk=True)

    async def verify_storage(self) -> StorageReport:
        """Verify the storage below all namespaces: every page, and every index against its table.

        Takes as long as reading all data, and has no deadline. Damage is reported in
        ``findings``, not raised.

        Raises:
            PermissionDenied: The caller's grant does not cover all namespaces.
        """
        return await self._run(namespaces.verify_storage(), bulk=True)

    async def service_info(self) -> ServiceInfo:
        """Return the service's version, kernel, limits and write state."""
        return await self._run(namespaces.service_info())
