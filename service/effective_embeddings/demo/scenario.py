"""The scenario of the demo: its stages in order, and the checks at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from effective_embeddings.client import CategoryUpdate, Client
from effective_embeddings.demo.evaluation import Predictions, measure, predict
from effective_embeddings.demo.reference import LEARNED, STATIC, check_results
from effective_embeddings.demo.results import (
    Latency,
    ListResults,
    Measurement,
    Results,
    StreamResults,
)
from effective_embeddings.demo.simulated_user import SortedMessage, correct, misassign, sort_stream
from effective_embeddings.demo.story import rankings, tell_story
from effective_embeddings.demo.suggestion_list import work_lists
from effective_embeddings.evaluation.dataset import Dataset
from effective_embeddings.evaluation.product import COSINE, LOCAL

__all__ = ["CORRECTED", "RESTORED", "WRONG", "Observer", "run_scenario"]

WRONG = "10 % wrong"
CORRECTED = "corrected"
RESTORED = "restored copy"

_CHECKPOINTS = (1, 2, 3, 5, 10, 20, 50)


class Observer(Protocol):
    """Is notified of the progress."""

    def stage_begins(self, title: str) -> None:
        """A stage begins."""

    def measured(self, measurement: Measurement) -> None:
        """The accuracy was measured."""

    def stream_begins(self, messages: int, names_alone: int) -> None:
        """The stream begins; by names alone, ``names_alone`` first matches would be wrong."""

    def sorted(self, message: SortedMessage) -> None:
        """A message was sorted."""

    def stream_ends(self) -> None:
        """All messages are sorted."""

    def lists_worked(self, lists: list[ListResults]) -> None:
        """The lists of suggestions are done."""


def run_scenario(
    client: Client, namespace: str, dataset: Dataset, seed: int, observer: Observer
) -> Results:
    """Run all stages; return the results, whose `problems` lists failed checks."""
    started = time.perf_counter()
    results = Results(
        dataset=dataset.name,
        attribution=dataset.attribution(),
        source=dataset.source,
        categories=len(dataset.categories),
        seed=seed,
    )

    def evaluate(stage: str, assigned: int) -> Predictions:
        measurement, answers = measure(client, namespace, dataset, stage, assigned)
        results.measurements.append(measurement)
        observer.measured(measurement)
        return answers

    observer.stage_begins("Categories by their names alone")
    _set_up(client, namespace, dataset)
    evaluate(STATIC, 0)
    before = rankings(client, namespace, dataset, COSINE)

    observer.stage_begins("A simulated user sorts the stream")
    results.stream = _sort(client, namespace, dataset, seed, observer, evaluate)
    total = len(dataset.train)
    learned = evaluate(LEARNED, total)
    after = rankings(client, namespace, dataset, LOCAL)
    results.story = tell_story(client, namespace, dataset, before, after)

    observer.stage_begins("One list of suggestions, worked from the top")
    results.lists = work_lists(client, dataset, seed)
    observer.lists_worked(results.lists)

    observer.stage_begins("A tenth of the messages is moved to wrong categories")
    moved = misassign(client, namespace, dataset, seed)
    results.moved_wrongly = len(moved)
    evaluate(WRONG, total)

    observer.stage_begins("The same messages are corrected")
    correct(client, namespace, dataset, moved)
    corrected = evaluate(CORRECTED, total)
    if not corrected.equals(learned):
        results.problems.append("after the corrections the matches differ from those before")

    observer.stage_begins("Snapshot, and restore into a second namespace")
    copy = f"{namespace}-restored"
    _copy(client, namespace, copy)
    measurement, restored = measure(client, copy, dataset, RESTORED, total)
    results.measurements.append(measurement)
    observer.measured(measurement)
    if not restored.equals(learned):
        results.problems.append("the restored copy has other matches")

    results.problems += _check_digests(results)
    results.problems += [f"verify: {each}" for each in client.verify(namespace).findings]
    results.problems += check_results(dataset, results)
    results.seconds = round(time.perf_counter() - started, 2)
    return results


def _set_up(client: Client, namespace: str, dataset: Dataset) -> None:
    client.create_namespace(
        namespace,
        dataset.dimension,
        embedding_model=str(dataset.source.get("embedding_model", "all-MiniLM-L6-v2"))[:256],
        description=dataset.attribution(),
        # Members are then in memory from the start; each Match of the demo names its ranking.
        ranking="local",
    )
    client.put_categories(
        namespace,
        [
            CategoryUpdate(key, base=base, metadata={"name": name})
            for key, name, base in zip(
                dataset.categories, dataset.names, dataset.bases, strict=True
            )
        ],
        actor="simulated user",
        reason="the names",
    )


def _sort(
    client: Client,
    namespace: str,
    dataset: Dataset,
    seed: int,
    observer: Observer,
    evaluate: Callable[[str, int], Predictions],
) -> StreamResults:
    total = len(dataset.train)
    # Nothing is assigned yet, so these are the matches by names alone.
    by_names = total - predict(client, namespace, dataset.train).right(dataset, dataset.train)
    observer.stream_begins(total, by_names)
    checkpoints = {k * len(dataset.categories): k for k in _CHECKPOINTS}
    messages: list[SortedMessage] = []
    started = time.perf_counter()
    measuring = 0.0
    for message in sort_stream(client, namespace, dataset, seed):
        messages.append(message)
        observer.sorted(message)
        if message.number in checkpoints and message.number < total:
            paused = time.perf_counter()
            evaluate(f"learned, {checkpoints[message.number]} each", message.number)
            measuring += time.perf_counter() - paused
    observer.stream_ends()
    return StreamResults(
        messages=total,
        corrections=sum(not message.right for message in messages),
        corrections_local=sum(not message.right_local for message in messages),
        corrections_by_names_alone=by_names,
        seconds=round(time.perf_counter() - started - measuring, 2),
        match=Latency.of([message.match_seconds for message in messages]),
        assign=Latency.of([message.assign_seconds for message in messages]),
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
