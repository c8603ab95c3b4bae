"""One real message: its first match before the sorting and after, and what it rests on."""

from __future__ import annotations

from effective_embeddings.client import Client, MatchResult
from effective_embeddings.demo.results import Candidate, Pull, Reasons, Story
from effective_embeddings.demo.simulated_user import item_key
from effective_embeddings.evaluation.dataset import Dataset
from effective_embeddings.evaluation.product import LOCAL, Dials

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
    client: Client,
    namespace: str,
    dataset: Dataset,
    before: list[MatchResult],
    after: list[MatchResult],
) -> Story | None:
    """Return the message that learning turned from the surest mistake into a right match.

    None if it turned none. The state must be the one of `after`, whose matches are by LOCAL.
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
        reasons=_reasons(client, namespace, dataset, row),
    )


def _reasons(client: Client, namespace: str, dataset: Dataset, row: int) -> Reasons:
    reply = client.explain(
        namespace,
        dataset.test.vectors[row],
        limit=1,
        members=0,
        ranking=LOCAL.ranking,
        fairness=LOCAL.fairness,
    )
    (first,) = reply.explanations
    if first.score is None:
        msg = f"{first.category} is a match without a score"
        raise AssertionError(msg)
    pulls = sorted(first.neighbours, key=lambda each: -abs(each.pull))
    name = f"its name: {dataset.names[dataset.categories.index(first.category)]}"
    texts = {item_key(number): text for number, text in enumerate(dataset.train.texts)}
    return Reasons(
        cosine=first.score,
        fairness=first.fairness,
        neighbours=[
            Pull(name if each.item is None else texts[each.item], each.similarity, each.pull)
            for each in pulls[:_SHOWN]
        ],
        other_neighbours=sum(each.pull for each in pulls[_SHOWN:]),
        other_neighbour_count=len(pulls[_SHOWN:]),
    )


def _right(dataset: Dataset, row: int) -> str:
    return dataset.categories[int(dataset.test.labels[row])]


def _candidates(result: MatchResult) -> list[Candidate]:
    return [
        Candidate(each.category, each.score, each.rank_score, each.count) for each in result.matches
    ]
