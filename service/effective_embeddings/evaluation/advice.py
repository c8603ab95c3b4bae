"""Which dials suit some data, from its figures, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from effective_embeddings.client import RankingMode
from effective_embeddings.evaluation.measures import Spread
from effective_embeddings.evaluation.product import Dials

__all__ = ["FAIRNESSES", "GRID", "Advice", "advise"]

FAIRNESSES = (0.0, 0.5, 0.75)
_RANKINGS: tuple[RankingMode, ...] = ("cosine", "local")
#: The dials that are compared.
GRID = tuple(Dials(ranking, fairness) for ranking in _RANKINGS for fairness in FAIRNESSES)

# LOCAL costs memory and time: it must save this share of the corrections, in every order.
_WORTH = 0.02
# Fairness helps categories that are still names, and costs where they are not about to be used: it
# may cost this share of the corrections of both kinds of stream together.
_AFFORDABLE = 0.05


@dataclass(frozen=True, slots=True)
class Advice:
    """The recommended dials, and the reasons in sentences."""

    ranking: RankingMode
    fairness: float
    reasons: tuple[str, ...]

    @property
    def dials(self) -> Dials:
        """The dials of this advice."""
        return Dials(self.ranking, self.fairness)


def advise(
    corrections: Mapping[Dials, Spread],
    arriving: Mapping[Dials, Spread],
    half_taught: Mapping[Dials, Spread],
) -> Advice:
    """Return the dials to use.

    LOCAL is recommended where it needs fewer corrections than COSINE in every order and at least
    2 % fewer on average, each ranking with its best fairness. Of the fairnesses that cost at most
    5 % more corrections over both kinds of stream than the best one, the one with the best
    half-taught mean is recommended.

    Args:
        corrections: Corrections over the streams, for all dials of GRID.
        arriving: The same where categories come into use one after another.
        half_taught: The half-taught mean for the same dials; empty where it was not measured.
    """
    best = {
        ranking: min(
            (each for each in GRID if each.ranking == ranking),
            key=lambda each: corrections[each].mean,
        )
        for ranking in _RANKINGS
    }
    cosine, local = (corrections[best[ranking]] for ranking in _RANKINGS)
    always = all(ours < theirs for ours, theirs in zip(local.runs, cosine.runs, strict=True))
    saved = 1 - local.mean / cosine.mean if cosine.mean else 0.0
    ranking: RankingMode = "local" if always and saved >= _WORTH else "cosine"
    figures = f"{local.mean:,.0f} corrections with LOCAL, {cosine.mean:,.0f} with COSINE"
    if ranking == "local":
        reason = f"LOCAL saves {saved:.0%} of the corrections ({figures}), in every order."
    else:
        reason = f"LOCAL does not save 2 % of the corrections in every order ({figures})."
    costs = {
        each: corrections[each].mean + arriving[each].mean
        for each in GRID
        if each.ranking == ranking
    }
    fairness, why = _fairness(costs, half_taught)
    return Advice(ranking, fairness, (reason, why))


def _fairness(
    costs: Mapping[Dials, float], half_taught: Mapping[Dials, Spread]
) -> tuple[float, str]:
    least = min(costs.values())
    if not half_taught:
        chosen = min(costs, key=costs.__getitem__)
        return chosen.fairness, (
            f"Fairness {chosen.fairness:g} needs the fewest corrections over both kinds of stream;"
            " the half-taught test was left out."
        )
    affordable = [each for each in costs if costs[each] <= (1 + _AFFORDABLE) * least]
    chosen = max(affordable, key=lambda each: half_taught[each].mean)
    more = costs[chosen] / least - 1 if least else 0.0
    others = "".join(
        f", {each.fairness:g} costs {cost / least - 1:.0%}"
        for each, cost in costs.items()
        if each not in affordable
    )
    return chosen.fairness, (
        f"Fairness {chosen.fairness:g} has the best half-taught mean"
        f" ({half_taught[chosen].mean:.1f} %) of those that cost at most 5 % more corrections over"
        f" both kinds of stream: it costs {more:.1%}{others}."
    )
