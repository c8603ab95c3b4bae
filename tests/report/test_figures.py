"""The figures of a report are those of the service, and of a plain model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effective_embeddings import Client
from effective_embeddings.report import build
from effective_embeddings.report.analysis.centroids import unit
from effective_embeddings.report.page.figures import Figures
from tests.report.namespaces import fill_with_everything, fill_with_tags
from tests.support.vectors import present


@pytest.fixture(params=["everything", "tags"])
def figures(request: pytest.FixtureRequest, client: Client, ns: str, tmp_path: Path) -> Figures:
    {"everything": fill_with_everything, "tags": fill_with_tags}[request.param](client, ns)
    return build._figures(client, ns, tmp_path, lambda *_: None)


def test_embeddings_counts_and_drifts_are_those_of_the_service(
    figures: Figures, client: Client, ns: str
) -> None:
    learned = figures.learned
    counting = np.bincount(
        figures.state.memberships.category[learned.counting],
        minlength=len(figures.state.categories),
    )
    categories = list(client.list_categories(ns, include_embeddings=True))
    assert [each.key for each in categories] == [each.key for each in figures.state.categories]
    for row, category in enumerate(categories):
        assert learned.member_counts[row] == category.member_count
        assert counting[row] == category.counting_count
        assert learned.weights[row] == pytest.approx(category.counting_weight)
        assert learned.has_embedding[row] == (category.effective is not None)
        if category.effective is not None:
            mine, theirs = unit(learned.numerators[row]), unit(present(category.effective))
            assert mine @ theirs == pytest.approx(1, abs=1e-7)
        if category.drift is None:
            assert np.isnan(learned.drifts[row])
        else:
            assert learned.drifts[row] == pytest.approx(category.drift, abs=1e-6)


def test_confusions_and_authors_count_the_members_of_a_review(
    figures: Figures, client: Client, ns: str
) -> None:
    members = list(client.review_members(ns))
    assert len(members) > 3
    assert [(each.item, each.own, each.other, each.lead) for each in figures.misfits.found] == [
        (each.item, each.category, each.other_category, each.difference) for each in members
    ]
    pairs = [(each.category, each.other_category) for each in members]
    assert sum(each.count for each in figures.confusions) == len(pairs)
    for pair in figures.confusions:
        first, second = figures.category(pair.first), figures.category(pair.second)
        assert pair.moved == pairs.count((first, second)) >= pair.back
        assert pair.back == pairs.count((second, first))
        assert pair.of_first == client.get_category(ns, first).member_count
        assert pair.of_second == client.get_category(ns, second).member_count
    counts = [each.count for each in figures.confusions]
    assert counts == sorted(counts, reverse=True)
    items = list(client.list_items(ns))
    for teacher in figures.teachers:
        own = [m for item in items for m in item.memberships if m.actor == teacher.actor]
        leads = [m.difference or 0 for m in members if m.actor == teacher.actor]
        assert (teacher.members, teacher.elsewhere) == (len(own), len(leads))
        assert teacher.categories == len({each.category for each in own})
        assert teacher.lead == pytest.approx(np.mean(leads) if leads else 0)
        most = next(iter(client.review_actors(ns, actor=teacher.actor)))
        assert (teacher.moved, teacher.movement) == (most.category, most.movement)
    assert (
        sum(each.members for each in figures.teachers) == figures.state.namespace.membership_count
    )


def test_the_author_whose_members_fit_elsewhere_comes_first(
    client: Client, ns: str, tmp_path: Path
) -> None:
    fill_with_everything(client, ns)
    first = build._figures(client, ns, tmp_path, lambda *_: None).teachers[0]
    assert (first.actor, first.members, first.elsewhere, first.categories) == ("carl", 3, 3, 1)


def test_nearest_others_are_those_of_the_matrix_of_cosines(figures: Figures) -> None:
    directions = unit(figures.learned.numerators)
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -2)
    cosines[:, ~figures.learned.has_embedding] = -2
    for place, category in enumerate(figures.state.categories):
        # What scores less is none of its matches.
        if category.HasField("min_score"):
            cosines[cosines[:, place] < category.min_score, place] = -2
    for row in np.flatnonzero(figures.learned.has_embedding):
        review = figures.reviews.categories[figures.category(int(row))]
        assert review.nearest_category == figures.category(int(cosines[row].argmax()))
        assert review.nearest_similarity == pytest.approx(cosines[row].max(), abs=1e-6)


def test_the_last_point_of_a_drift_line_is_the_drift(figures: Figures) -> None:
    assert figures.drift is not None
    drifts = figures.learned.drifts
    for row, values in figures.drift.drifts:
        assert values[-1] == pytest.approx(drifts[row])
    shown = [drifts[row] for row, _ in figures.drift.drifts]
    assert shown == sorted(shown, reverse=True)


def test_the_map_has_the_principal_components_of_the_categories(figures: Figures) -> None:
    assert figures.mapped is not None
    rows = [each.row for each in figures.mapped.categories]
    directions = unit(figures.learned.numerators[rows])
    centred = directions - directions.mean(axis=0)
    places = np.array([each.effective for each in figures.mapped.categories])
    # Distances in the plane do not depend on the signs of the axes.
    values, axes = np.linalg.eigh(centred.T @ centred)
    expected = centred @ axes[:, -2:]
    assert places @ places.T == pytest.approx(expected @ expected.T, abs=1e-9)
    assert figures.mapped.shown == pytest.approx(values[-2:].sum() / values.sum())
    assert len(figures.mapped.items) == figures.state.namespace.item_count


def test_suggestions_are_the_matches_of_the_inbox(client: Client, ns: str, tmp_path: Path) -> None:
    fill_with_everything(client, ns)
    client.update_namespace(ns, ranking="local")
    found = build._figures(client, ns, tmp_path, lambda *_: None)
    keys = [each.key for each in client.list_items(ns, unassigned=True)]
    matched = dict(zip(keys, client.match(ns, keys, confidence=True), strict=True))
    order = sorted(keys, key=lambda key: -(matched[key].margin or 0))
    shown = [*found.suggestions.surest, *reversed(found.suggestions.doubtful)]
    assert [each.item for each in shown] == order
    assert len(found.suggestions.surest) == len(found.suggestions.doubtful) == 3
    for each in shown:
        first, second, *_ = matched[each.item].matches
        assert (each.best, each.runner_up, each.margin) == (
            first,
            second,
            matched[each.item].margin,
        )
    firsts = [each.matches[0].category for each in matched.values()]
    groups = {each.category: each.count for each in found.suggestions.groups}
    assert groups == {category: firsts.count(category) for category in firsts}
