"""The requests of reviews."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import text, whole
from effective_embeddings.client.limits import PAGE_SIZE
from effective_embeddings.client.models.resources import RankingMode
from effective_embeddings.client.models.review import (
    ActorInfluence,
    CategoryReview,
    Duplicate,
    DuplicateScope,
    ImpactReview,
    MemberReview,
    ReviewedMembers,
    ReviewOrder,
    ReviewRates,
)
from effective_embeddings.client.requests.call import Call, Pages, single
from effective_embeddings.client.requests.history import stamp
from effective_embeddings.v1 import service_pb2

__all__ = ["actors", "categories", "duplicates", "impact", "member_filter", "members", "rates"]

_ORDERS: dict[ReviewOrder, service_pb2.ReviewOrder] = {
    "misfit": service_pb2.REVIEW_ORDER_MISFIT,
    "influence": service_pb2.REVIEW_ORDER_INFLUENCE,
}
_SCOPES: dict[DuplicateScope, service_pb2.DuplicateScope] = {
    "same": service_pb2.DUPLICATE_SCOPE_SAME_CATEGORY,
    "other": service_pb2.DUPLICATE_SCOPE_OTHER_CATEGORY,
    "any": service_pb2.DUPLICATE_SCOPE_ANY_CATEGORY,
}


def member_filter(
    *,
    category: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
    key_prefix: str,
) -> service_pb2.MemberFilter:
    """Return the filter of Client.review_members."""
    keys = {"category": category, "actor": actor}
    return service_pb2.MemberFilter(
        **{name: text(name, key) for name, key in keys.items() if key is not None},
        start_time=stamp("since", since),
        end_time=stamp("until", until),
        key_prefix=text("key_prefix", key_prefix),
    )


def members(
    namespace: str,
    order: ReviewOrder,
    wanted: service_pb2.MemberFilter,
    *,
    min_difference: float | None,
    page_size: int,
    min_revision: int,
) -> tuple[Pages[MemberReview], list[ReviewedMembers]]:
    """See Client.review_members; the second gets what each page says of all members."""
    chosen = messages.choice("order", _ORDERS, order)
    revision = whole("min_revision", min_revision, 64)
    size = min(whole("page_size", page_size) or PAGE_SIZE, PAGE_SIZE)

    def request(token: str) -> service_pb2.ReviewMembersRequest:
        return service_pb2.ReviewMembersRequest(
            namespace=namespace,
            order=chosen,
            filter=wanted,
            min_difference=min_difference,
            page_size=size,
            page_token=token,
            min_revision=revision,
        )

    reviewed: list[ReviewedMembers] = []

    def parse(reply: service_pb2.ReviewMembersResponse) -> list[MemberReview]:
        reviewed[:] = [ReviewedMembers(reply.member_count, reply.listed_count, reply.revision)]
        return [messages.member_review(message) for message in reply.members]

    return Pages("ReviewMembers", request, parse), reviewed


def rates(
    namespace: str,
    levels: Iterable[float],
    *,
    sample: int,
    ranking: RankingMode | None,
    fairness: float | None,
    min_revision: int,
) -> Call[ReviewRates]:
    """See Client.estimate_review_rate."""
    request = service_pb2.EstimateReviewRateRequest(
        namespace=namespace,
        levels=levels,
        sample_size=whole("sample", sample),
        ranking=messages.ranking_mode(ranking),
        fairness=fairness,
        min_revision=whole("min_revision", min_revision, 64),
    )
    return single("EstimateReviewRate", request, messages.review_rates)


def duplicates(
    namespace: str,
    scope: DuplicateScope,
    wanted: service_pb2.MemberFilter,
    *,
    min_similarity: float | None,
    min_revision: int,
) -> Pages[Duplicate]:
    """See Client.review_duplicates."""
    chosen = messages.choice("scope", _SCOPES, scope)
    revision = whole("min_revision", min_revision, 64)

    def request(token: str) -> service_pb2.ReviewDuplicatesRequest:
        return service_pb2.ReviewDuplicatesRequest(
            namespace=namespace,
            filter=wanted,
            scope=chosen,
            min_similarity=min_similarity,
            page_size=PAGE_SIZE,
            page_token=token,
            min_revision=revision,
        )

    def parse(reply: service_pb2.ReviewDuplicatesResponse) -> list[Duplicate]:
        return [messages.duplicate(message) for message in reply.duplicates]

    return Pages("ReviewDuplicates", request, parse)


def actors(
    namespace: str, wanted: service_pb2.MemberFilter, *, min_revision: int
) -> Pages[ActorInfluence]:
    """See Client.review_actors."""
    revision = whole("min_revision", min_revision, 64)

    def request(token: str) -> service_pb2.ReviewActorsRequest:
        return service_pb2.ReviewActorsRequest(
            namespace=namespace,
            filter=wanted,
            page_size=PAGE_SIZE,
            page_token=token,
            min_revision=revision,
        )

    def parse(reply: service_pb2.ReviewActorsResponse) -> list[ActorInfluence]:
        return [messages.actor_influence(message) for message in reply.influences]

    return Pages("ReviewActors", request, parse)


def categories(
    namespace: str,
    category: str | None,
    *,
    since: datetime | int | None,
    members: int | None,
    min_revision: int,
) -> Pages[CategoryReview]:
    """See Client.review_categories."""
    at = whole("since", since, 64) if isinstance(since, int) else None
    time = None if isinstance(since, int) else stamp("since", since)
    key = None if category is None else text("category", category)
    limit = None if members is None else whole("members", members)
    revision = whole("min_revision", min_revision, 64)

    def request(token: str) -> service_pb2.ReviewCategoriesRequest:
        return service_pb2.ReviewCategoriesRequest(
            namespace=namespace,
            category=key,
            member_limit=limit,
            since_revision=at,
            since_time=time,
            page_size=PAGE_SIZE,
            page_token=token,
            min_revision=revision,
        )

    def parse(reply: service_pb2.ReviewCategoriesResponse) -> list[CategoryReview]:
        return [messages.category_review(message) for message in reply.categories]

    return Pages("ReviewCategories", request, parse)


def impact(
    namespace: str,
    wanted: service_pb2.MemberFilter,
    *,
    items: int | None,
    changes: int | None,
    min_revision: int,
) -> Call[ImpactReview]:
    """See Client.review_impact."""
    request = service_pb2.ReviewImpactRequest(
        namespace=namespace,
        filter=wanted,
        item_limit=None if items is None else whole("items", items),
        change_limit=None if changes is None else whole("changes", changes),
        min_revision=whole("min_revision", min_revision, 64),
    )
    return single("ReviewImpact", request, messages.impact_review)
