"""The requests of the methods on namespaces, and on the service as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import mapping, whole
from effective_embeddings.client.errors import AlreadyExists, DataLoss
from effective_embeddings.client.limits import PAGE_SIZE
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
from effective_embeddings.client.requests.call import Call, Pages, single
from effective_embeddings.client.requests.writes import ChangeOptions, WriteOptions, write_options
from effective_embeddings.v1 import resources_pb2, service_pb2

__all__ = [
    "check_same_settings",
    "create",
    "delete",
    "get",
    "listing",
    "service_info",
    "update",
    "verify",
    "verify_storage",
]


def create(
    actor: str,
    name: str,
    dimension: int,
    *,
    embedding_model: str,
    normalization: Normalization,
    membership: MembershipMode,
    description: str,
    labels: Mapping[str, str] | None,
    ranking: RankingMode,
    fairness: float | None,
    history_keep: HistoryKeep | None,
    options: ChangeOptions,
) -> Call[Namespace]:
    """See Client.create_namespace."""
    request = service_pb2.CreateNamespaceRequest(
        namespace=resources_pb2.Namespace(
            name=name,
            dimension=whole("dimension", dimension),
            embedding_model=embedding_model,
            normalization=messages.choice("normalization", messages.NORMALIZATIONS, normalization),
            membership=messages.choice("membership", messages.MEMBERSHIP_MODES, membership),
            description=description,
            labels=None if labels is None else mapping("labels", labels),
            ranking=messages.choice("ranking", messages.RANKING_MODES, ranking),
            fairness=fairness,
            history_keep=_keep(history_keep),
        ),
        write=write_options(actor, options)(0),
    )
    return single("CreateNamespace", request, _parse)


def check_same_settings(existing: Namespace, error: AlreadyExists, **wanted: int | str) -> None:
    """Raise ``error`` unless an existing namespace has the settings that a create asked for.

    Args:
        existing: The namespace of that name.
        error: What the service answered to the create.
        **wanted: The settings, by their names in Namespace.
    """
    different = [
        f"{name} {getattr(existing, name)!r} instead of {value!r}"
        for name, value in wanted.items()
        if getattr(existing, name) != value
    ]
    if different:
        message = f"{error.message}, with other settings: {', '.join(different)}"
        raise AlreadyExists(message, error.reason, error.metadata, code=error.code) from error


def get(name: str, *, min_revision: int) -> Call[Namespace]:
    """See Client.get_namespace."""
    request = service_pb2.GetNamespaceRequest(
        namespace=name, min_revision=whole("min_revision", min_revision, 64)
    )
    return single("GetNamespace", request, _parse)


def _keep(keep: HistoryKeep | None) -> resources_pb2.HistoryKeep | None:
    if keep is None:
        return None
    return resources_pb2.HistoryKeep(
        revisions=whole("history_keep.revisions", keep.revisions, 64),
        age_seconds=whole("history_keep.age_seconds", keep.age_seconds, 64),
    )


def listing(prefix: str, damaged: list[DamagedNamespace] | None) -> Pages[Namespace]:
    """See Client.list_namespaces."""

    def request(token: str) -> service_pb2.ListNamespacesRequest:
        return service_pb2.ListNamespacesRequest(
            prefix=prefix, page_size=PAGE_SIZE, page_token=token
        )

    def parse(reply: service_pb2.ListNamespacesResponse) -> list[Namespace]:
        found = [messages.damaged_namespace(message) for message in reply.damaged]
        if found and damaged is None:
            names = ", ".join(repr(each.name) for each in found)
            message = f"damaged: {names}: {found[0].message}"
            raise DataLoss(message, found[0].reason or "", {"namespace": found[0].name})
        if damaged is not None:
            damaged.extend(found)
        return [messages.namespace(message) for message in reply.namespaces]

    return Pages("ListNamespaces", request, parse)


def update(
    actor: str,
    name: str,
    *,
    description: str | None,
    labels: Mapping[str, str] | None,
    ranking: RankingMode | None,
    fairness: float | None,
    history_keep: HistoryKeep | None,
    options: WriteOptions,
) -> Call[Namespace]:
    """See Client.update_namespace."""
    request = service_pb2.UpdateNamespaceRequest(
        namespace=name,
        description=description,
        labels=None if labels is None else mapping("labels", labels),
        replace_labels=labels is not None,
        ranking=messages.ranking_mode(ranking),
        fairness=fairness,
        history_keep=_keep(history_keep),
        write=write_options(actor, options)(0),
    )
    return single("UpdateNamespace", request, _parse)


def delete(actor: str, name: str, *, force: bool, options: WriteOptions) -> Call[Namespace]:
    """See Client.delete_namespace."""
    request = service_pb2.DeleteNamespaceRequest(
        namespace=name, force=force, write=write_options(actor, options)(0)
    )
    return single("DeleteNamespace", request, _parse)


def verify(name: str) -> Call[VerifyReport]:
    """See Client.verify."""
    request = service_pb2.VerifyRequest(namespace=name)
    return single("Verify", request, messages.verify_report)


def verify_storage() -> Call[StorageReport]:
    """See Client.verify_storage."""
    request = service_pb2.VerifyStorageRequest()
    return single("VerifyStorage", request, messages.storage_report)


def service_info() -> Call[ServiceInfo]:
    """See Client.service_info."""
    return single("GetServiceInfo", service_pb2.GetServiceInfoRequest(), messages.service_info)


def _parse(
    reply: service_pb2.CreateNamespaceResponse
    | service_pb2.GetNamespaceResponse
    | service_pb2.UpdateNamespaceResponse
    | service_pb2.DeleteNamespaceResponse,
) -> Namespace:
    return messages.namespace(reply.namespace)
