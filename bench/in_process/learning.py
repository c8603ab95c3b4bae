"""The learning curve: real messages, assigned one after the other, as in `effemb demo`."""

from __future__ import annotations

from pathlib import Path

from bench.harness.fixtures import folder
from bench.harness.measurement import Figure, Outcome, Series
from effective_embeddings import Client
from effective_embeddings.demo.dataset import load_dataset, sample_path
from effective_embeddings.demo.reference import LEARNED, STATIC
from effective_embeddings.demo.results import Measurement
from effective_embeddings.demo.scenario import CORRECTED, run_scenario

__all__ = ["DATA", "run"]

# The folder of the full data set, if given on the command line.
DATA: list[Path] = []


class _Nobody:
    """An observer that shows nothing."""

    def stage_begins(self, title: str) -> None: ...

    def measured(self, measurement: Measurement) -> None: ...

    def stream_begins(self, messages: int, names_alone: int) -> None: ...

    def sorted(self, message: object) -> None: ...

    def stream_ends(self) -> None: ...


def run(_full: bool) -> Outcome:  # noqa: FBT001
    """Run the demo's scenario in process."""
    dataset = load_dataset(DATA[0] if DATA else sample_path())
    with folder() as data, Client.embedded(data) as client:
        results = run_scenario(client, "bench", dataset, 1, _Nobody())
    if results.problems:
        raise AssertionError(results.problems)
    outcome = Outcome()
    for stage in (STATIC, LEARNED, CORRECTED):
        measured = results.at(stage)
        outcome.figures.append(
            Figure(
                what=f"first guess right: {stage}",
                value=measured.accuracy,
                unit="%",
                parts={"assigned": measured.assigned, "tested": measured.tested},
            )
        )
    curve = [(float(each.assigned), each.accuracy) for each in results.curve()]
    outcome.series = [
        Series("categories that learn", curve),
        Series("names alone", [(x, results.at(STATIC).accuracy) for x, _ in curve]),
    ]
    outcome.notes.append(dataset.attribution() + ".")
    return outcome
