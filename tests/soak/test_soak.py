"""The soak of `make soak` for seconds; slow growth needs the long form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.plot import draw
from tests.soak.run import Plan, run

pytestmark = pytest.mark.slow


def test_a_short_soak_loses_and_leaks_nothing(tmp_path: Path) -> None:
    plan = Plan(seconds=8, tenants=6, items=60, memory_budget=150_000, intervals=8)
    result = run(plan)
    missed = [figure for figure in result.figures if figure.met is False]
    assert result.ok, missed
    assert sum(result.measured["sessions"].values()) > plan.seconds * plan.rate * 0.9
    pytest.importorskip("matplotlib")
    draw(result.measured, plan.seconds, tmp_path / "soak.png")
    assert (tmp_path / "soak.png").stat().st_size > 0
