"""Kill, restart, check, repeat."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from effective_embeddings import Client
from tests.durability.crash.expected_state import ExpectedState
from tests.durability.crash.kill_points import KILL_POINTS, OPTIONS, Round
from tests.durability.crash.writers import once
from tests.support.process import ServerProcess

__all__ = ["Tally", "run_rounds"]


class Tally:
    """Kills and hits by kill point.

    Attributes:
        kills: Kills by the name of their point.
        hits: Kills that hit their point.
        words: The outcomes, in words.
    """

    def __init__(self) -> None:
        self.kills: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.words: dict[str, Counter[str]] = {}

    def add(self, point: str, words: str, *, hit: bool) -> None:
        """Count a round."""
        self.kills[point] += 1
        self.hits[point] += hit
        self.words.setdefault(point, Counter())[words] += 1

    def lines(self) -> list[str]:
        """One line per kill point."""
        return [
            f"{point}: {kills} rounds, {self.hits[point]} hit it ("
            + "; ".join(f"{count} {words}" for words, count in self.words[point].most_common())
            + ")"
            for point, kills in self.kills.most_common()
        ]


def run_rounds(data: Path, folder: Path, rounds: int, *, tell: bool) -> tuple[ExpectedState, Tally]:
    """Run ``rounds`` rounds on a fresh directory, through all kill points in turn.

    Raises:
        AssertionError: A write is lost, applied twice, half applied, or wrong.
    """
    expected, tally, rng = ExpectedState(), Tally(), random.Random(rounds)
    with Client.embedded(data) as client:
        expected.create(client)
    kill_points = list(KILL_POINTS.items())
    for number in range(rounds):
        point, is_hit = kill_points[number % len(kill_points)]
        with ServerProcess(data, *OPTIONS) as process:
            _look(process, expected, rng)
            words = point(Round(str(number), process, expected, rng, folder))
        tally.add(point.__name__, words, hit=is_hit(words))
        if tell and number % 25 == 24:
            told = (
                f"{number + 1} rounds, {expected.checked} writes, {sum(tally.hits.values())} hits"
            )
            print(told, flush=True)  # noqa: T201
    with ServerProcess(data, *OPTIONS) as process:
        _look(process, expected, rng)
        assert process.terminate() == 0
    with Client.embedded(data) as client:
        expected.check(client)
    return expected, tally


def _look(process: ServerProcess, expected: ExpectedState, rng: random.Random) -> None:
    with once(process.target) as client:
        expected.settle(client)
        expected.check(client)
        expected.tidy(client, rng)
