"""The parts of an evaluation, against plain definitions and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from effective_embeddings.evaluation.advice import GRID, advise
from effective_embeddings.evaluation.baselines import nearest, nearest_stream
from effective_embeddings.evaluation.flow import draw_projects, project_items, run_flow
from effective_embeddings.evaluation.half_taught import draw_halves
from effective_embeddings.evaluation.labelled import Part, held_out
from effective_embeddings.evaluation.measures import Spread, auroc, harmonic_mean
from effective_embeddings.evaluation.product import COSINE, LOCAL, Dials, product
from effective_embeddings.evaluation.scope import take_out
from effective_embeddings.evaluation.stream import (
    arriving_order,
    cumulative_corrections,
    run_stream,
    stream_order,
)
from tests.evaluation.data import labelled


def test_auroc_is_scikit_learns_with_ties() -> None:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - slow to load

    random = np.random.default_rng(1)
    inside = random.integers(0, 9, 300).astype(float)
    outside = random.integers(0, 6, 200).astype(float)
    truth = np.repeat([1, 0], [300, 200])
    expected = roc_auc_score(truth, np.concatenate([inside, outside]))
    assert auroc(inside, outside) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [1, 5])
def test_nearest_neighbours_are_scikit_learns(count: int) -> None:
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - slow to load

    data = labelled(12)
    model = KNeighborsClassifier(count, metric="cosine", algorithm="brute")
    model.fit(data.train.vectors, data.train.labels)
    votes = model.predict_proba(data.test.vectors)
    found = nearest(data.train, data.test.vectors, count).labels
    # A tie goes to the label with the nearest item here, and to the first label there.
    chosen = np.take_along_axis(votes, found[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(chosen, votes.max(axis=1))


@pytest.mark.parametrize("count", [1, 5])
def test_a_stream_of_nearest_neighbours_sees_earlier_items_only(count: int) -> None:
    items = stream_order(labelled(12), 1, 0)
    expected = [False]
    for row in range(1, len(items)):
        found = nearest(items.take(range(row)), items.vectors[row : row + 1], count)
        expected.append(bool(found.labels[0] == items.labels[row]))
    assert nearest_stream(items, count).tolist() == expected


def test_a_stream_is_what_a_person_does() -> None:
    data = labelled(6)
    items = stream_order(data, 1, 0)
    with product(data) as made:
        found = run_stream(made, items, (COSINE, LOCAL))
        for dials, right in found.items():
            with made.state() as state:
                for row in range(len(items)):
                    one = items.take([row])
                    assert state.right(one, dials)[0] == right[row]
                    state.assign(one)
    corrections = cumulative_corrections(found[COSINE])
    assert corrections[-1] == (len(items), int((~found[COSINE]).sum()))


def test_categories_come_into_use_one_after_another() -> None:
    data = labelled(8)
    labels = arriving_order(data, 1, 0).labels
    assert sorted(labels) == sorted(data.train.labels)
    firsts = np.sort([int(np.flatnonzero(labels == label)[0]) for label in range(8)])
    at_random = stream_order(data, 1, 0).labels
    random_firsts = np.sort([int(np.flatnonzero(at_random == label)[0]) for label in range(8)])
    assert np.median(firsts) > 2 * np.median(random_firsts)
    assert firsts[-1] > len(labels) / 2


def test_items_of_categories_that_are_taken_out_are_out_of_scope() -> None:
    data = labelled(6)
    before = len(data.out_of_scope)
    part = take_out(data, [1, 4])
    assert part.keys == [key for number, key in enumerate(data.keys) if number not in (1, 4)]
    for old, new in ((data.train, part.train), (data.test, part.test)):
        kept = np.flatnonzero(~np.isin(old.labels, [1, 4]))
        np.testing.assert_array_equal(new.vectors, old.vectors[kept])
        assert [part.keys[label] for label in new.labels] == [
            data.keys[label] for label in old.labels[kept]
        ]
    assert len(part.out_of_scope) == before + 2 * (16 + 6)
    assert len(take_out(data, [1, 4], assigned=False).out_of_scope) == before + 2 * 6


def test_held_out_items_are_a_quarter_of_each_category_and_never_all() -> None:
    labels = np.array([0] * 8 + [1] * 2 + [2])
    train, test = held_out(labels, "1")
    assert sorted(train + test) == list(range(len(labels)))
    assert np.bincount(labels[test], minlength=3).tolist() == [2, 1, 0]


def test_halves_have_members_in_half_of_the_categories() -> None:
    data = labelled(9)
    draw = draw_halves(data, 1, 0, members=5)
    assert draw.taught.sum() == 4
    counts = np.bincount(draw.items.labels, minlength=9)
    assert counts[draw.taught].tolist() == [5] * 4
    assert not counts[~draw.taught].any()
    assert draw_halves(data, 1, 1).taught.tolist() != draw.taught.tolist()


def test_projects_are_means_of_five_and_the_list_shrinks_from_the_top() -> None:
    data = labelled(6)
    rows = draw_projects(data, 1, 0)
    projects = project_items(data, rows)
    # Sixteen items a category: three projects, and one item left over.
    assert np.bincount(projects.labels).tolist() == [3] * 6
    assert {len(some) for some in rows} == {5}
    mean = data.train.vectors[rows[0]].mean(axis=0)
    np.testing.assert_allclose(projects.vectors[0], mean, atol=1e-7)
    with product(data) as made:
        flow = run_flow(made, projects, Dials("local", 0.5), last=4)
        names = run_flow(made, projects, COSINE, learns=False)
        with made.state() as state:
            expected = (~state.right(projects, COSINE)).sum()
    assert len(flow.half_way.rows) == 9
    assert len(flow.last.rows) == 4
    assert set(flow.last.rows) <= set(flow.half_way.rows)
    assert np.all(np.diff(flow.half_way.confidence) <= 0)
    assert names.corrections == expected
    assert 0 <= flow.corrections <= len(projects)


def test_the_advice_weighs_corrections_against_the_half_taught_state() -> None:
    def figures(*means: float) -> dict[Dials, Spread]:
        return {dials: Spread.of([mean, mean]) for dials, mean in zip(GRID, means, strict=True)}

    same = figures(*[50] * 6)
    late = figures(*[100] * 6)
    halves = figures(50, 60, 70, 50, 60, 70)
    local = advise(figures(100, 100, 100, 80, 80, 80), late, halves)
    assert (local.ranking, local.fairness) == ("local", 0.75)
    costly = advise(
        figures(100, 100, 100, 80, 80, 80), figures(100, 110, 140, 100, 105, 140), halves
    )
    assert (costly.ranking, costly.fairness) == ("local", 0.5)
    assert "0.75 costs 22%" in costly.reasons[1]
    cosine = advise(figures(100, 102, 110, 99, 99, 99), figures(100, 105, 130, 1, 1, 1), halves)
    assert (cosine.ranking, cosine.fairness) == ("cosine", 0.5)
    assert advise(figures(100, 90, 95, 99, 99, 99), late, {}).fairness == 0.5
    nothing_wrong = advise(figures(*[0] * 6), figures(*[0] * 6), same)
    assert (nothing_wrong.ranking, nothing_wrong.fairness) == ("cosine", 0)
    uneven = dict(figures(100, 100, 100, 80, 80, 80))
    uneven.update({each: Spread.of([101, 50]) for each in GRID if each.ranking == "local"})
    assert advise(uneven, late, same).ranking == "cosine"


def test_spread_and_harmonic_mean() -> None:
    assert Spread.of([1, 4]) == Spread(2.5, 1, 4, (1, 4))
    assert harmonic_mean(0, 50) == 0
    assert harmonic_mean(50, 50) == 50


def test_weights_of_items_teach() -> None:
    data = labelled(3)
    heavy = np.where(np.arange(len(data.train)) == 0, 1000.0, 1.0)
    with product(data) as made, made.state() as light, made.state() as weighted:
        light.assign(data.train)
        weighted.assign(Part(data.train.vectors, data.train.labels, heavy))
        own = data.train.vectors[:1]
        before = light.predict(own, COSINE).confidence
        after = weighted.predict(own, COSINE).confidence
    assert after[0] > before[0]
    assert after[0] == pytest.approx(1, abs=1e-3)
