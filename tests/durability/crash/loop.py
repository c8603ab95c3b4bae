"""Kill, restart, check, repeat."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from effective_embeddings import Client
from tests.durability.crash.expected_state import World
from tests.durability.crash.kill_points import MOMENTS, OPTIONS, Round
from tests.durability.crash.writers import once
from tests.support.process import ServerProcess

__all__ = ["Tally", "go_round"]


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

    def add(self, moment: str, words: str, *, hit: bool) -> None:
        """Count a round."""
        self.kills[moment] += 1
        self.hits[moment] += hit
        self.words.setdefault(moment, Counter())[words] += 1

    def lines(self) -> list[str]:
        """One line per kill point."""
        return [
            f"{moment}: {kills} rounds, {self.hits[moment]} hit it ("
            + "; ".join(f"{count} {words}" for words, count in self.words[moment].most_common())
            + ")"
            for moment, kills in self.kills.most_common()
        ]


def go_round(data: Path, folder: Path, rounds: int, *, tell: bool) -> tuple[World, Tally]:
    """Run ``rounds`` rounds on a fresh directory, through all kill points in turn.

    Raises:
        AssertionError: A write is lost, applied twice, half applied, or wrong.
    """
    world, tally, rng = World(), Tally(), random.Random(rounds)
    with Client.embedded(data) as client:
        world.create(client)
    moments = list(MOMENTS.items())
    for number in range(rounds):
        moment, is_hit = moments[number % len(moments)]
        with ServerProcess(data, *OPTIONS) as process:
            _look(process, world, rng)
            words = moment(Round(str(number), process, world, rng, folder))
        tally.add(moment.__name__, words, hit=is_hit(words))
        if tell and number % 25 == 24:
            told = f"{number + 1} rounds, {world.checked} writes, {sum(tally.hits.values())} hits"
            print(told, flush=True)  # noqa: T201
    with ServerProcess(data, *OPTIONS) as process:
        _look(process, world, rng)
        assert process.terminate() == 0
    with Client.embedded(data) as client:
        world.check(client)
    return world, tally


def _look(process: ServerProcess, world: World, rng: random.Random) -> None:
    with once(process.target) as client:
        world.settle(client)
        world.check(client)
        world.tidy(client, rng)
