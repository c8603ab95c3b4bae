"""What happens in the demo, in order, and what must be true at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from effective_embeddings.client import CategoryUpdate, Client
from effective_embeddings.demo.dataset import Dataset
from effective_embeddings.demo.measure import Answers, ask, measure
from effective_embeddings.demo.person import Step, move_wrongly, put_right, sort_stream
from effective_embeddings.demo.reference import LEARNED, STATIC, check_figures
from effective_embeddings.demo.results import Latency, Measurement, Results, StreamFigures

__all__ = ["CORRECTED", "RESTORED", "WRONG", "Audience", "play"]

WRONG = "10 % wrong"
CORRECTED = "corrected"
RESTORED = "restored copy"

_CHECKPOINTS = (1, 2, 3, 5, 10, 20, 50)


class Audience(Protocol):
    """Whoever watches."""

    def act(self, title: str) -> None:
        """A new part begins."""

    def measured(self, measurement: Measurement) -> None:
        """The accuracy was measured."""

    def stream_begins(self, messages: int, names_alone: int) -> None:
        """The stream begins; by names alone this many of its first guesses would be wrong."""

    def step(self, step: Step) -> None:
        """A message was sorted."""

    def stream_ends(self) -> None:
        """The stream is sorted."""


def play(
    client: Client, namespace: str, dataset: Dataset, seed: int, audience: Audience
) -> Results:
    """Plays it all through and returns the figures; `problems` in them says what went wrong."""
    started = time.perf_counter()
    results = Results(
        dataset=dataset.name,
        attribution=dataset.attribution(),
        source=dataset.source,
        categories=len(dataset.categories),
        seed=seed,
    )

    def look(stage: str, assigned: int) -> Answers:
        measurement, answers = measure(client, namespace, dataset, stage, assigned)
        results.measurements.append(measurement)
        audience.measured(measurement)
        return answers

    audience.act("Categories by their names alone")
    _set_up(client, namespace, dataset)
    look(STATIC, 0)

    audience.act("A person sorts the stream")
    results.stream = _sort(client, namespace, dataset, seed, audience, look)
    total = len(dataset.train)
    learned = look(LEARNED, total)

    audience.act("A tenth of the messages is moved to wrong categories")
    moved = move_wrongly(client, namespace, dataset, seed)
    results.moved_wrongly = len(moved)
    look(WRONG, total)

    audience.act("The same messages are put right")
    put_right(client, namespace, dataset, moved)
    corrected = look(CORRECTED, total)
    if not corrected.same_bits(learned):
        results.problems.append("after the corrections the answers differ from those before")

    audience.act("Snapshot, and restore into a second namespace")
    copy = f"{namespace}-restored"
    _copy(client, namespace, copy)
    measurement, restored = measure(client, copy, dataset, RESTORED, total)
    results.measurements.append(measurement)
    audience.measured(measurement)
    if not restored.same_bits(learned):
        results.problems.append("the restored copy answers differently")

    results.problems += _check_digests(results)
    results.problems += [f"verify: {each}" for each in client.verify(namespace).findings]
    results.problems += check_figures(dataset, results)
    results.seconds = round(time.perf_counter() - started, 2)
    return results


def _set_up(client: Client, namespace: str, dataset: Dataset) -> None:
    client.create_namespace(
        namespace,
        dataset.dimension,
        embedding_model=str(dataset.source.get("embedding_model", "all-MiniLM-L6-v2"))[:256],
        description=dataset.attribution(),
    )
    client.put_categories(
        namespace,
        [
            CategoryUpdate(key, base=base, metadata={"name": name})
            for key, name, base in zip(
                dataset.categories, dataset.names, dataset.bases, strict=True
            )
        ],
        actor="demo person",
        reason="the names",
    )


def _sort(
    client: Client,
    namespace: str,
    dataset: Dataset,
    seed: int,
    audience: Audience,
    look: Callable[[str, int], Answers],
) -> StreamFigures:
    total = len(dataset.train)
    # Nothing is assigned yet, so these are the guesses of the names, which would never change.
    by_names = total - ask(client, namespace, dataset.train).right(dataset, dataset.train)
    audience.stream_begins(total, by_names)
    checkpoints = {k * len(dataset.categories): k for k in _CHECKPOINTS}
    steps: list[Step] = []
    started = time.perf_counter()
    measuring = 0.0
    for step in sort_stream(client, namespace, dataset, seed):
        steps.append(step)
        audience.step(step)
        if step.number in checkpoints and step.number < total:
            paused = time.perf_counter()
            look(f"learned, {checkpoints[step.number]} each", step.number)
            measuring += time.perf_counter() - paused
    audience.stream_ends()
    return StreamFigures(
        messages=total,
        corrections=sum(not step.right for step in steps),
        corrections_by_names_alone=by_names,
        seconds=round(time.perf_counter() - started - measuring, 2),
        match=Latency.of([step.match_seconds for step in steps]),
        assign=Latency.of([step.assign_seconds for step in steps]),
    )


def _copy(client: Client, namespace: str, copy: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{namespace}.snapshot"
        client.snapshot(namespace, file)
        client.restore(file, copy)


def _check_digests(results: Results) -> list[str]:
    before = results.at(LEARNED).digest
    problems = [
        f"the digest of the {stage} state is {results.at(stage).digest}, not {before}"
        for stage in (CORRECTED, RESTORED)
        if results.at(stage).digest != before
    ]
    if results.at(WRONG).digest == before:
        problems.append("the digest did not change with the wrong assignments")
    return problems
