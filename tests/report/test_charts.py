"""Labels that do not cover each other, and scales that cover their values."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effective_embeddings.report.analysis.projection import Mapped, MappedItem
from effective_embeddings.report.charts.canvas import NARROW, WIDE, ticks
from effective_embeddings.report.charts.labels import Label, Placed, place_labels, text_width
from effective_embeddings.report.charts.lines import _apart
from effective_embeddings.report.charts.map import draw_map

_SIZE = 12.0
_WIDTH, _HEIGHT = 400.0, 300.0

labels = st.lists(
    st.builds(
        Label,
        st.text("abcW漢 ", min_size=1, max_size=20),
        st.floats(0, _WIDTH),
        st.floats(0, _HEIGHT),
    ),
    max_size=60,
)


def box(placed: Placed) -> tuple[float, float, float, float]:
    top = placed.y - 0.8 * _SIZE
    return placed.x, top, placed.x + text_width(placed.label.text) * _SIZE, top + _SIZE


@given(labels, st.integers(1, 60))
def test_labels_stay_inside_and_cover_neither_each_other_nor_points(
    given_labels: list[Label], most: int
) -> None:
    placed = place_labels(given_labels, width=_WIDTH, height=_HEIGHT, size=_SIZE, most=most)
    assert len(placed) <= most
    for one, other in itertools.combinations(map(box, placed), 2):
        assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
    for left, top, right, bottom in map(box, placed):
        assert left >= -1e-9
        assert top >= -1e-9
        assert right <= _WIDTH + 1e-9
        assert bottom <= _HEIGHT + 1e-9
        assert not any(left < p.x < right and top < p.y < bottom for p in given_labels)


def test_a_narrow_map_draws_items_from_all_of_the_order_of_keys() -> None:
    items = [
        MappedItem(row, (row % 40, row // 40), is_waiting=row >= 1000, is_elsewhere=False)
        for row in range(1200)
    ]
    for canvas, least, most in ((NARROW, 350, 500), (WIDE, 1200, 1200)):
        _, drawn = draw_map(Mapped([], items, 1.0), [], canvas)
        dots = [each.count("h0") for each in drawn]
        assert least <= sum(dots) <= most
        assert dots[0] == pytest.approx(5 * dots[1], rel=0.05)


def test_the_first_label_has_its_place_if_it_has_room() -> None:
    (placed,) = place_labels([Label("alone", 100, 100)], width=400, height=300, size=12, most=1)
    assert placed.leader is None
    assert placed.x > 100


@given(st.floats(1e-6, 1e9), st.integers(2, 6))
def test_ticks_reach_the_largest_value_in_few_round_steps(most: float, count: int) -> None:
    found = ticks(most, count)
    assert found[0] == 0
    assert found[-1] >= most * (1 - 1e-9)
    assert 2 <= len(found) <= count + 2
    steps = {round((b - a) / found[1], 6) for a, b in itertools.pairwise(found)}
    assert steps == {1}


@given(st.lists(st.floats(0, 200), min_size=1, max_size=6))
def test_names_of_lines_are_apart_and_above_the_floor(places: list[float]) -> None:
    moved = sorted(_apart(places, 200))
    assert moved[-1] <= 200
    assert all(b - a >= 14 - 1e-9 for a, b in itertools.pairwise(moved))
