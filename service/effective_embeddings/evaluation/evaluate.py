"""The whole evaluation: streams, learning curve, half-taught test, items out of scope, advice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from effective_embeddings.evaluation import baselines
from effective_embeddings.evaluation.advice import GRID, Advice, advise
from effective_embeddings.evaluation.baselines import (
    LOGISTIC_REGRESSION,
    NEIGHBOURS,
    neighbours_label,
)
from effective_embeddings.evaluation.curve import draw_order, percent, run_draw, sizes
from effective_embeddings.evaluation.half_taught import draw_halves, halves_of, run_halves
from effective_embeddings.evaluation.labelled import Labelled, Part
from effective_embeddings.evaluation.measures import Spread, auroc
from effective_embeddings.evaluation.product import COSINE, LOCAL, Dials, Product, product
from effective_embeddings.evaluation.stream import (
    arriving_order,
    cumulative_corrections,
    run_stream,
    stream_order,
)

__all__ = ["NAMES", "Evaluation", "HalfTaughtSpread", "Observer", "evaluate"]

#: The names as embedded, which learn nothing.
NAMES = "names alone"

# Logistic regression is trained again about this often in a stream, less often on large data: the
# cost of one training is about items x categories x dimension.
_TRAININGS = 10
_LEAST_TRAININGS = 3
_FULL_WORK = 75e6
_MOST_WORK = 400e6


Order = Callable[[Labelled, int, int], Part]


class Observer(Protocol):
    """Is notified of the progress."""

    def stage(self, title: str, steps: int) -> None:
        """A stage of so many steps begins."""

    def tick(self) -> None:
        """A step of the stage is done."""


@dataclass(frozen=True, slots=True)
class HalfTaughtSpread:
    """Accuracy in percent on items of the untaught and the taught half, and their harmonic mean."""

    untaught: Spread
    taught: Spread
    mean: Spread


@dataclass(slots=True)
class Evaluation:
    """All figures of one evaluation; accuracies are in percent.

    Attributes:
        name: What the data is called.
        facts: Numbers of categories, items, and components.
        notes: Sentences on what was drawn or left out, and why.
        seed: Seed of all orders and draws.
        corrections: By method, wrong first matches over a stream of all items; one run an order.
        arriving: The same where categories come into use one after another; not of logistic
            regression, whose trainings take most of the time.
        progress: By method, (items, corrections so far) of the first order.
        sizes: Items a category of the learning curve; the last takes all.
        curve: By method, accuracy at each size; one run a draw. Of names alone: one for all.
        half_taught: By method; empty where a category has no name's embedding.
        out_of_scope: By method, the area under the ROC curve of its confidence; empty without
            such items.
        advice: The recommended dials.
        seconds: How long it took.
    """

    name: str
    facts: dict[str, int]
    notes: list[str]
    seed: int
    corrections: dict[str, Spread] = field(default_factory=dict)
    arriving: dict[str, Spread] = field(default_factory=dict)
    progress: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    curve: dict[str, list[Spread]] = field(default_factory=dict)
    half_taught: dict[str, HalfTaughtSpread] = field(default_factory=dict)
    out_of_scope: dict[str, float] = field(default_factory=dict)
    advice: Advice | None = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return asdict(self)


def evaluate(
    data: Labelled, *, seed: int, orders: int, draws: int, observer: Observer
) -> Evaluation:
    """Evaluate the product and the alternatives on labelled data.

    Args:
        data: The data.
        seed: Decides every order and draw.
        orders: Number of orders of the stream.
        draws: Number of draws of the learning curve and of the half-taught test.
        observer: Is notified of the progress.
    """
    started = time.perf_counter()
    facts = {
        "categories": len(data.categories),
        "train": len(data.train),
        "test": len(data.test),
        "out_of_scope": len(data.out_of_scope),
        "dimension": data.dimension,
    }
    result = Evaluation(data.name, facts, list(data.notes), seed)
    with product(data) as made:
        run = _Run(made, data, seed, observer, _trainings(data, result.notes), result)
        result.corrections, result.progress = run.streams(
            "streams", stream_order, orders, trainings=run.trainings
        )
        result.arriving, _ = run.streams("streams of late categories", arriving_order, orders)
        run.curve(draws)
        halves = run.half_taught(draws)
        run.out_of_scope()
    result.advice = advise(_of_dials(result.corrections), _of_dials(result.arriving), halves)
    result.seconds = round(time.perf_counter() - started, 2)
    return result


def _of_dials(found: dict[str, Spread]) -> dict[Dials, Spread]:
    return {dials: found[dials.label] for dials in GRID}


def _trainings(data: Labelled, notes: list[str]) -> int:
    """How often logistic regression is trained in a stream; 0: never."""
    if not baselines.has_scikit_learn():
        notes.append(
            "Logistic regression is left out: scikit-learn is not installed"
            " (pip install 'effective-embeddings[evaluate]')."
        )
        return 0
    work = len(data.train) * len(data.categories) * data.dimension
    if work > _MOST_WORK:
        notes.append(
            f"Logistic regression is left out: {len(data.train):,} items in"
            f" {len(data.categories):,} categories take minutes to train."
        )
        return 0
    return min(_TRAININGS, max(_LEAST_TRAININGS, round(_TRAININGS * _FULL_WORK / work)))


@dataclass(slots=True)
class _Run:
    product: Product
    data: Labelled
    seed: int
    observer: Observer
    trainings: int
    result: Evaluation

    def streams(
        self, title: str, order: Order, orders: int, *, trainings: int = 0
    ) -> tuple[dict[str, Spread], dict[str, list[tuple[int, int]]]]:
        """Corrections over streams by method, and their course over the first one."""
        self.observer.stage(title, orders * len(self.data.train))
        wrong: dict[str, list[float]] = {}
        course: dict[str, list[tuple[int, int]]] = {}
        for number in range(orders):
            items = order(self.data, self.seed, number)
            right = {NAMES: self._names_right(items.vectors) == items.labels}
            for dials, hits in run_stream(self.product, items, GRID, self.observer.tick).items():
                right[dials.label] = hits
            for count in NEIGHBOURS:
                right[neighbours_label(count)] = baselines.nearest_stream(items, count)
            if trainings:
                step = -(-len(items) // trainings)
                hits = baselines.regression_stream(self.data, items, step)
                right[LOGISTIC_REGRESSION] = hits
            for label, hits in right.items():
                wrong.setdefault(label, []).append(float((~hits).sum()))
                if number == 0:
                    course[label] = cumulative_corrections(hits)
        return {label: Spread.of(runs) for label, runs in wrong.items()}, course

    def _names_right(self, vectors: Any) -> Any:
        with self.product.state() as state:
            return state.predict(vectors, COSINE).labels

    def curve(self, draws: int) -> None:
        """The learning curve."""
        at = sizes(self.data)
        self.observer.stage("learning curve", draws * len(at))
        runs: dict[str, list[list[float]]] = {}
        for number in range(draws):
            drawn = run_draw(
                self.product,
                self.data,
                draw_order(self.data, self.seed, number),
                at,
                (COSINE, LOCAL),
                with_regression=self.trainings > 0,
                tick=self.observer.tick,
            )
            for label, values in drawn.items():
                runs.setdefault(label, []).append(values)
        names = percent(self._names_right(self.data.test.vectors), self.data.test.labels)
        self.result.sizes = at
        self.result.curve[NAMES] = [Spread.of([names])] * len(at)
        for label, drawn_values in runs.items():
            self.result.curve[label] = [Spread.of(each) for each in zip(*drawn_values, strict=True)]

    def half_taught(self, draws: int) -> dict[Dials, Spread]:
        """The half-taught test."""
        if not self.data.has_names:
            self.result.notes.append(
                "The half-taught test is left out: a category without the embedding of its name"
                " cannot match before its first item."
            )
            return {}
        self.observer.stage("half-taught test", draws)
        runs: dict[str, list[Any]] = {}
        names = self._names_right(self.data.test.vectors)
        for number in range(draws):
            draw = draw_halves(self.data, self.seed, number)
            right = self.data.test.labels
            halves = {NAMES: halves_of(names, right, draw.taught)}
            halves |= run_halves(self.product, self.data, draw, GRID)
            if self.trainings:
                found = baselines.regression(self.data, draw.items, self.data.test.vectors)
                halves[LOGISTIC_REGRESSION] = halves_of(found.labels, right, draw.taught)
            for label, each in halves.items():
                runs.setdefault(label, []).append(each)
            self.observer.tick()
        for label, drawn in runs.items():
            self.result.half_taught[label] = HalfTaughtSpread(
                Spread.of([each.untaught for each in drawn]),
                Spread.of([each.taught for each in drawn]),
                Spread.of([each.mean for each in drawn]),
            )
        return {dials: self.result.half_taught[dials.label].mean for dials in GRID}

    def out_of_scope(self) -> None:
        """How well the confidence tells test items from items out of scope."""
        data = self.data
        if not len(data.out_of_scope):
            return
        self.observer.stage("items out of scope", 1)
        both = np.concatenate([data.test.vectors, data.out_of_scope])
        found: dict[str, Any] = {}
        with self.product.state() as state:
            found[NAMES] = state.predict(both, COSINE)
            state.assign(data.train)
            for dials in GRID:
                found[dials.label] = state.predict(both, dials)
        for count in NEIGHBOURS[:1]:
            found[neighbours_label(count)] = baselines.nearest(data.train, both, count)
        if self.trainings:
            found[LOGISTIC_REGRESSION] = baselines.regression(data, data.train, both)
        inside = len(data.test)
        self.result.out_of_scope = {
            label: auroc(each.confidence[:inside], each.confidence[inside:])
            for label, each in found.items()
        }
        self.observer.tick()
