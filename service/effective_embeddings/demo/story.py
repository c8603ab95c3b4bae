"""One real message: its first match before the sorting and after, and what it rests on."""

from __future__ import annotations

from effective_embeddings.client import Client, MatchResult
from effective_embeddings.demo.results import Candidate, Story
from effective_embeddings.evaluation.dataset import Dataset
from effective_embeddings.evaluation.product import Dials

__all__ = ["rankings", "tell_story"]

_SHOWN = 3
_PER_CALL = 500


def rankings(client: Client, namespace: str, dataset: Dataset, dials: Dials) -> list[MatchResult]:
    """Return the best categories of every test message."""
    vectors = dataset.test.vectors
    return [
        result
        for start in range(0, len(vectors), _PER_CALL)
        for result in client.match(
            namespace,
            vectors[start : start + _PER_CALL],
            limit=_SHOWN,
            ranking=dials.ranking,
            fairness=dials.fairness,
        )
    ]


def tell_story(
    dataset: Dataset, before: list[MatchResult], after: list[MatchResult]
) -> Story | None:
    """Return the message that learning turned from the surest mistake into a right match.

    None if it turned none.
    """
    turned = [
        (-(was.margin or 0.0), row)
        for row, (was, now) in enumerate(zip(before, after, strict=True))
        if was.matches[0].category != _right(dataset, row) == now.matches[0].category
    ]
    if not turned:
        return None
    _, row = min(turned)
    return Story(
        text=dataset.test.texts[row],
        category=_right(dataset, row),
        before=_candidates(before[row]),
        after=_candidates(after[row]),
    )


def _right(dataset: Dataset, row: int) -> str:
    return dataset.categories[int(dataset.test.labels[row])]


def _candidates(result: MatchResult) -> list[Candidate]:
    return [
        Candidate(each.category, each.score, each.rank_score, each.count) for each in result.matches
    ]
