"""kill -9 at any moment: acknowledged writes are present once, and no write is half applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durability.crash.kill_points import KILL_POINTS
from tests.durability.crash.loop import run_rounds

pytestmark = pytest.mark.slow

#: With fewer rounds a kill point may be missed: some last milliseconds.
_MANY = 100


def test_nothing_acknowledged_is_lost_to_kill_9(
    data_dir: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    rounds: int = pytestconfig.getoption("--crash-rounds")
    files = tmp_path / "files"
    files.mkdir()
    expected, tally = run_rounds(data_dir, files, rounds, tell=rounds >= _MANY)
    print(f"{rounds} rounds: {expected.checked} writes were acknowledged and are there, once")  # noqa: T201
    print(f"not answered: {expected.done} had been done, {expected.not_done} had not")  # noqa: T201
    print("\n".join(tally.lines()))  # noqa: T201
    assert expected.checked > rounds, "writes must have been under way"
    assert tally.hits["writing"] == tally.kills["writing"]
    if rounds >= _MANY:
        assert all(tally.hits[point.__name__] > rounds / 100 for point in KILL_POINTS)
