"""The oracle of ranking: fairness and LOCAL, in numpy and 64 bits, straight from the formulas.

With unit members, S_c = sum of w_i x_i over the n_c counting members of category c, W_c the sum of
their weights, b_c its unit base, w_c the weight of the base in the centroid, E_c = S_c + w_c b_c:

    base_c(x) = cos(x, effective_c) - fairness * own(n_c)
    own(n)    = name + (full - name) * n / (n + 2)       expected score of a category's own item
    name      = mean over the members of their cosine with their category's name
    loo_c     = (a_c - u_c) / sqrt(|E_c|^2 - 2 u_c a_c + u_c^2)
                a_c = S_c.E_c / W_c,  u_c = W_c / n_c
    full      = name + sum of t_c (loo_c - name) / sum of t_c n_c / (n_c + 2)
                t_c = min(n_c, 20),  over categories of n_c >= 2

LOCAL ranks the best 8 categories again, by kernel ridge regression on the 48 nearest members and
the 8 names. What the formulas leave open is decided here:

- **Unit copies.** Fairness and rows are about directions, whatever the normalization: a RAW
  vector is scaled to length 1 for them, and only for them.
- **Weights.** A category's weights matter within it, as in its centroid: its mean cosines are
  weighted means, and n_c counts members. Scaling all weights of a category, its base weight
  included, changes nothing. In LOCAL a row's noise is lambda over its weight, so a member of
  weight 2 is what two equal members are; the weight of a name is that of the base in the centroid
  (1 where nothing counts, and the floor of `min_base_share` included). No row is trusted more
  than 1,024 equal members of weight 1.
- **No base.** A category without a base has no part in `name`, and no name row. Nor has one whose
  base weighs nothing a name row: its noise would be infinite. Without named members `name` is 0;
  without a category of two members `full` is `name`.
- **Nowhere.** Where leaving a member out leaves nothing (the root is 0), loo_c is 0. It is never
  outside of [-1, 1].
- **What counts.** Windows, anchors and `frozen` decide which members count; the others neither
  count in n_c nor are neighbours. Of more than 1,024 counting members of a category the newest
  1,024 can be neighbours.
- **Equal members** of a category (unit copies with the same components) are one row: its weight is
  the sum of theirs (for kernel ridge that is exactly what that many rows are), its key the first
  of their keys. So rows of different content, not copies, fill the places of the nearest.
- **Order.** Categories compare by key and rows by (category, key), each in order of bytes; rows
  stand in this order, names last. Where rows are equally near, the first in this order is nearer.
- **Gate.** The base ranking is the answer where its first is ahead of its second by more than
  0.15, where fewer than two categories compete, and where no row is a member.
- **Who competes.** Only categories that the filter keeps are among the best 8; fairness is a
  function of the state and knows no filter.
- **The rest.** Categories that are not ranked again follow in base order. Their rank score is
  that of the base, or that of the last that was ranked again if it is less: rank scores never rise
  down the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Learned",
    "Ranked",
    "expected_own_scores",
    "local_fit",
    "own_score",
    "rank",
    "unit_copy",
]

Real = NDArray[np.float64]

HALF_LIFE = 2.0
EVIDENCE_CAP = 20.0
GATE = 0.15
TOP_CATEGORIES = 8
NEAREST_PER_CATEGORY = 20
NEAREST_ROWS = 48
GAMMA = 1.0
NOISE = 0.05
STRENGTH = 0.7
STRENGTH_HALF = 10.0
OWN_FIT_UNKNOWN = 0.6
NEIGHBOUR_LIMIT = 1024
# A vector whose norm is this near to 1 is its own unit copy.
_UNIT_TOLERANCE = 2.0**-22


@dataclass(frozen=True)
class Learned:
    """A category as ranking sees it."""

    key: str
    #: Numerator of the effective embedding.
    numerator: Real
    #: Base embedding, if it has one.
    base: Real | None
    #: Weight of the base in the centroid.
    base_weight: float
    #: Key, embedding and weight of each counting member, the earliest assigned first.
    members: Sequence[tuple[str, Real, float]] = ()


@dataclass
class Ranked:
    """A category in a ranking."""

    key: str
    score: float
    rank_score: float
    #: Parts of the rank score besides the cosine: fairness, and pulls by row (None: the name).
    fairness: float = 0.0
    pulls: dict[str | None, float] = field(default_factory=dict)


def unit_copy(vector: Real) -> Real:
    """The vector in length 1, with the precision of 32 bits."""
    norm = float(np.linalg.norm(vector))
    if abs(norm - 1) <= _UNIT_TOLERANCE:
        return vector
    return (vector / norm).astype(np.float32).astype(np.float64)


def own_score(expected: tuple[float, float], count: float) -> float:
    """Expected score of an own item in a category of so many counting members."""
    name, full = expected
    return name + (full - name) * count / (count + HALF_LIFE)


def expected_own_scores(
    counts: Real, weights: Real, base_weights: Real, named: Real, s_b: Real, s_s: Real
) -> tuple[float, float]:
    """`name` and `full`, from n_c, W_c, w_c, whether there is a base, S_c.b_c and S_c.S_c."""
    with_name = named.astype(bool) & (counts > 0)
    members = counts[with_name].sum()
    cosines = s_b[with_name] / weights[with_name]
    name = float((counts[with_name] * cosines).sum() / members) if members else 0.0
    several = counts >= 2
    if not several.any():
        return name, name
    n, mean_weight = counts[several], weights[several] / counts[several]
    own, base = base_weights[several], np.where(named, s_b, 0.0)[several]
    s_e = s_s[several] + own * base
    e_e = s_s[several] + 2 * own * base + own * own * named[several]
    a = s_e / weights[several]
    rest = e_e - 2 * mean_weight * a + mean_weight * mean_weight
    somewhere = rest > 1e-12 * (e_e + mean_weight * mean_weight)
    root = np.sqrt(np.where(somewhere, rest, 1.0))
    loo = np.where(somewhere, np.clip((a - mean_weight) / root, -1, 1), 0.0)
    t = np.minimum(n, EVIDENCE_CAP)
    return name, float(name + (t * (loo - name)).sum() / (t * n / (n + HALF_LIFE)).sum())


def local_fit(
    rows: Real, noise: Real, owners: NDArray[np.int64], members: int, query: Real, count: int
) -> tuple[Real, float]:
    """What each row pulls by, before it is scaled, and the mean fit of an own member.

    The first `members` rows are members, the others names; `owners` are numbers of categories,
    less than `count`.
    """
    kernel = np.exp(2 * GAMMA * (rows @ rows.T - 1))
    kernel[np.diag_indices(len(rows))] = 1 + noise
    inverse = np.linalg.inv(kernel)
    pulls = inverse @ np.exp(2 * GAMMA * (rows @ query - 1))
    several = np.bincount(owners[:members], minlength=count)[owners[:members]] >= 2
    if not several.any():
        return pulls, OWN_FIT_UNKNOWN
    targets = np.eye(count)[owners]
    at = np.arange(members)
    fits = 1 - (inverse @ targets)[at, owners[:members]] / np.diag(inverse)[:members]
    return pulls, float(fits[several].mean())


def rank(
    categories: Sequence[Learned],
    query: Real,
    *,
    local: bool,
    fairness: float,
    keep: frozenset[str] | None = None,
) -> list[Ranked]:
    """All categories that compete, best first."""
    direction = query / np.linalg.norm(query)
    expected = _expected(categories)
    ranked = []
    for each in categories:
        if keep is not None and each.key not in keep:
            continue
        cosine = float(direction @ each.numerator / np.linalg.norm(each.numerator))
        own = own_score(expected, len(each.members))
        part = -fairness * own
        ranked.append(Ranked(each.key, cosine, cosine + part, part))
    ranked.sort(key=_order)
    gate = len(ranked) < 2 or ranked[0].rank_score - ranked[1].rank_score > GATE
    if not local or gate:
        return ranked
    best, rest = ranked[:TOP_CATEGORIES], ranked[TOP_CATEGORIES:]
    known = {each.key: each for each in categories}
    if not _rank_again([(each, known[each.key]) for each in best], direction, fairness):
        return ranked
    best.sort(key=_order)
    for other in rest:
        other.rank_score = min(other.rank_score, best[-1].rank_score)
    return best + rest


def _order(each: Ranked) -> tuple[float, bytes]:
    return -each.rank_score, each.key.encode()


def _expected(categories: Sequence[Learned]) -> tuple[float, float]:
    dimension = len(categories[0].numerator) if categories else 1
    sums = [
        sum((w * unit_copy(x) for _, x, w in each.members), start=np.zeros(dimension))
        for each in categories
    ]
    bases = [
        np.zeros(dimension) if each.base is None else unit_copy(each.base) for each in categories
    ]
    return expected_own_scores(
        np.array([float(len(each.members)) for each in categories]),
        np.array([sum((w for *_, w in each.members), start=0.0) for each in categories]),
        np.array([each.base_weight for each in categories]),
        np.array([each.base is not None for each in categories]),
        np.array([s @ b for s, b in zip(sums, bases, strict=True)]),
        np.array([s @ s for s in sums]),
    )


def _member_rows(category: Learned, query: Real) -> list[tuple[float, bytes, str, Real, float]]:
    """The nearest rows of a category: (minus nearness, key in bytes, key, row, weight)."""
    rows: dict[bytes, tuple[str, Real, float]] = {}
    for key, vector, weight in category.members[-NEIGHBOUR_LIMIT:]:
        row = unit_copy(vector)
        first, _, before = rows.get(row.tobytes(), (key, row, 0.0))
        rows[row.tobytes()] = (min(first, key, key=str.encode), row, before + weight)
    near = [(-float(row @ query), key.encode(), key, row, w) for key, row, w in rows.values()]
    return sorted(near, key=lambda row: row[:2])[:NEAREST_PER_CATEGORY]


def _rank_again(best: list[tuple[Ranked, Learned]], query: Real, fairness: float) -> bool:
    """Change the rank scores of the best categories; return whether there was a reason to."""
    best = sorted(best, key=lambda each: each[0].key.encode())
    near = [
        (minus, owner, key, name, row, weight)
        for owner, (_, category) in enumerate(best)
        for minus, key, name, row, weight in _member_rows(category, query)
    ]
    near = sorted(near, key=lambda row: row[:3])[:NEAREST_ROWS]
    near.sort(key=lambda row: row[1:3])
    if not near:
        return False
    named = [
        (owner, category)
        for owner, (_, category) in enumerate(best)
        if category.base is not None and category.base_weight > 0
    ]
    owners = [row[1] for row in near] + [owner for owner, _ in named]
    keys = [row[3] for row in near] + [None for _ in named]
    rows = [row[4] for row in near] + [unit_copy(c.base) for _, c in named if c.base is not None]
    weights = [row[5] for row in near] + [category.base_weight for _, category in named]
    noise = NOISE / np.minimum(np.array(weights), NEIGHBOUR_LIMIT)
    count = len(near)
    fit = local_fit(np.stack(rows), noise, np.array(owners), count, query, len(best))
    strength = STRENGTH * count / (count + STRENGTH_HALF)
    for owner, (ranked, category) in enumerate(best):
        n = len(category.members)
        ranked.fairness -= strength * fairness * fit[1] * n / (n + HALF_LIFE)
        ranked.pulls = {
            key: strength * float(pull)
            for key, of, pull in zip(keys, owners, fit[0], strict=True)
            if of == owner
        }
        ranked.rank_score = ranked.score + ranked.fairness + sum(ranked.pulls.values())
    return True
