"""The sync client's calls on namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Unpack

from effective_embeddings.client._sync.base import ClientBase
from effective_embeddings.client.models.replies import ServiceInfo, VerifyReport
from effective_embeddings.client.models.resources import MembershipMode, Namespace, Normalization
from effective_embeddings.client.requests import namespaces
from effective_embeddings.client.requests.writes import ChangeOptions, WriteOptions

__all__ = ["NamespaceCalls"]


class NamespaceCalls(ClientBase):
    """Namespaces, and the service as a whole."""

    def create_namespace(
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
        """Create an empty namespace. All but description and labels is fixed from then on.

        Args:
            name: 1 to 128 characters of ``A-Za-z0-9._:-``, beginning with a letter or digit.
            dimension: Number of components of each of its vectors, 1 to 16384.
            embedding_model: A free tag of the model that they come from, at most 256 bytes. A
                write that names another one is refused.
            normalization: ``"raw"``: vectors are used as given, a longer one teaches more;
                ``"unit"``: each is scaled to length 1 first.
            membership: ``"single"``: an item is in at most one category, an assign moves it;
                ``"multiple"``: in any number, an assign adds one.
            description: What it is for, at most 4096 bytes.
            labels: At most 64 entries and 16 KiB in all.
            **write: See ChangeOptions.

        Raises:
            AlreadyExists: A namespace has this name.
            InvalidArgument: A setting is out of its range.
        """
        return self._run(
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

    def get_namespace(self, name: str, *, min_revision: int = 0) -> Namespace:
        """Return a namespace with its counts, revision and digest.

        Args:
            name: Its name.
            min_revision: Wait for this revision, at most 5 seconds; 0: whatever is current.

        Raises:
            NotFound: There is none of this name.
            FailedPrecondition: The revision was not reached in time.
        """
        return self._run(namespaces.get(name, min_revision=min_revision))

    def list_namespaces(self, prefix: str = "") -> Iterator[Namespace]:
        """Return namespaces ordered by name, fetched as they are taken.

        Args:
            prefix: Only names that begin so; empty: all.
        """
        return self._pages(namespaces.listing(prefix))

    def update_namespace(
        self,
        name: str,
        *,
        description: str | None = None,
        labels: Mapping[str, str] | None = None,
        **write: Unpack[WriteOptions],
    ) -> Namespace:
        """Change a namespace's description and labels.

        Args:
            name: Its name.
            description: None: stays.
            labels: Takes the place of the old ones; None: they stay.
            **write: See WriteOptions.

        Raises:
            NotFound: There is none of this name.
        """
        return self._run(
            namespaces.update(
                self._actor, name, description=description, labels=labels, options=write
            )
        )

    def delete_namespace(
        self, name: str, *, force: bool = False, **write: Unpack[WriteOptions]
    ) -> Namespace:
        """Delete a namespace and all that it holds; return it as it was.

        Args:
            name: Its name.
            force: True: even if it holds categories or items.
            **write: See WriteOptions.

        Raises:
            NotFound: There is none of this name.
            FailedPrecondition: It is not empty, and ``force`` is False.
        """
        return self._run(namespaces.delete(self._actor, name, force=force, options=write))

    def verify(self, ns: str) -> VerifyReport:
        """Rebuild every sum from the items and compare; read every checksum. No deadline.

        A difference is reported in ``findings``, not raised.

        Raises:
            NotFound: There is no such namespace.
        """
        return self._run(namespaces.verify(ns), bulk=True)

    def verify_files(self) -> VerifyReport:
        """Verify every page of the files below all namespaces, and indexes against tables.

        Takes as long as reading the whole file, and has no deadline. Of the report only
        ``page_count`` and ``findings`` are set.

        Raises:
            PermissionDenied: The caller may not read all namespaces.
        """
        return self._run(namespaces.verify_files(), bulk=True)

    def service_info(self) -> ServiceInfo:
        """Return the service's version, kernel and limits."""
        return self._run(namespaces.service_info())
