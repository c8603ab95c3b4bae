"""What the service says about categories, about authors, and about how sure its matches are."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from effective_embeddings.client import ActorInfluence, CategoryReview, Client, ReviewRates
from effective_embeddings.client.errors import InvalidArgument
from effective_embeddings.report.caps import MOST_INFLUENCES
from effective_embeddings.report.sources.progress import OnProgress

__all__ = ["Reviews", "read_reviews"]


@dataclass(frozen=True, slots=True)
class Reviews:
    """Reviews of a namespace.

    Attributes:
        categories: The health of each category, by key. Of their members one each was reviewed.
        influences: What each author has made of each category, the largest movement first.
        rates: What levels of confidence leave to a person; None: the service does not say.
        is_cut: True: there are more influences, which were not read.
        refusal: Why the service does not review this namespace; empty: it does.
    """

    categories: Mapping[str, CategoryReview] = field(default_factory=dict)
    influences: tuple[ActorInfluence, ...] = ()
    rates: ReviewRates | None = None
    is_cut: bool = False
    refusal: str = ""


def read_reviews(client: Client, ns: str, progress: OnProgress) -> Reviews:
    """Read ReviewCategories, ReviewActors and EstimateReviewRate.

    Raises:
        NotFound: The namespace does not exist.
    """
    progress("review categories", 0, None)
    try:
        # The misfits among the members are those of ReviewMembers.
        categories = {each.category: each for each in client.review_categories(ns, members=1)}
        progress("review authors", 0, None)
        influences = tuple(itertools.islice(client.review_actors(ns), MOST_INFLUENCES + 1))
        rates = client.estimate_review_rate(ns)
    except InvalidArgument as error:
        if error.reason != "TOO_LARGE":
            raise
        return Reviews(refusal=error.message)
    is_cut = len(influences) > MOST_INFLUENCES
    return Reviews(categories, influences[:MOST_INFLUENCES], rates, is_cut)
