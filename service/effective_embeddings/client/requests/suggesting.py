"""The request of Suggest."""

from __future__ import annotations

from collections.abc import Mapping

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import Keys, key_column, mapping, text, whole
from effective_embeddings.client.models.resources import RankingMode
from effective_embeddings.client.models.suggestions import SuggestOrder, SuggestReply
from effective_embeddings.client.requests.call import Call, single
from effective_embeddings.v1 import service_pb2

__all__ = ["suggest"]


def suggest(
    namespace: str,
    *,
    order: SuggestOrder,
    page_size: int,
    page_token: str,
    group_size: int | None,
    categories: Keys,
    min_score: float | None,
    max_score: float | None,
    min_margin: float | None,
    max_margin: float | None,
    confidence: bool,
    min_confidence: float | None,
    below_confidence: float | None,
    key_prefix: str,
    metadata: Mapping[str, str] | None,
    ranking: RankingMode | None,
    fairness: float | None,
    min_revision: int,
) -> Call[SuggestReply]:
    """See Client.suggest."""
    request = service_pb2.SuggestRequest(
        namespace=namespace,
        order=messages.choice("order", messages.SUGGEST_ORDERS, order),
        page_size=whole("page_size", page_size),
        page_token=text("page_token", page_token),
        group_size=None if group_size is None else whole("group_size", group_size),
        categories=key_column("categories", categories),
        min_score=min_score,
        max_score=max_score,
        min_margin=min_margin,
        max_margin=max_margin,
        include_confidence=confidence,
        min_confidence=min_confidence,
        below_confidence=below_confidence,
        key_prefix=text("key_prefix", key_prefix),
        metadata=None if metadata is None else mapping("metadata", metadata),
        ranking=messages.ranking_mode(ranking),
        fairness=fairness,
        min_revision=whole("min_revision", min_revision, 64),
    )
    return single("Suggest", request, messages.suggest_reply)
