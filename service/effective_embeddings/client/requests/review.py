"""The requests of reviews."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import text, whole
from effective_embeddings.client.limits import PAGE_SIZE
from effective_embeddings.client.models.resources import RankingMode
from effective_embeddings.client.models.review import MemberReview, ReviewOrder, ReviewRates
from effective_embeddings.client.requests.call import Call, Pages, single
from effective_embeddings.client.requests.history import stamp
from effective_embeddings.v1 import service_pb2

__all__ = ["member_filter", "members", "rates"]

_ORDERS: dict[ReviewOrder, service_pb2.ReviewOrder] = {
    "misfit": service_pb2.REVIEW_ORDER_MISFIT,
    "influence": service_pb2.REVIEW_ORDER_INFLUENCE,
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
) -> Pages[MemberReview]:
    """See Client.review_members."""
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

    def parse(reply: service_pb2.ReviewMembersResponse) -> list[MemberReview]:
        return [messages.member_review(message) for message in reply.members]

    return Pages("ReviewMembers", request, parse)


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
