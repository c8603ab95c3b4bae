"""Confidence: what a level turns away on held-out parts of real texts, and what asking costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.harness.interleave import Call, interleave
from bench.harness.measurement import Bound, Figure, Outcome, Table
from bench.in_process.learning import DATA, NOT_SHIPPED
from effective_embeddings.demo import sample_path
from effective_embeddings.evaluation.dataset import load_dataset
from effective_embeddings.evaluation.labelled import Labelled, Part
from effective_embeddings.evaluation.ordering import shuffled
from effective_embeddings.evaluation.product import COSINE, LOCAL, Dials, State, product
from effective_embeddings.evaluation.scope import take_out

__all__ = ["run"]

_SEED, _DRAWS, _QUARTERS = 1, 10, 3
_LEVELS = (0.05, 0.1, 0.2, 0.3)
#: Members a category; None: three quarters of the items.
_SIZES: tuple[int | None, ...] = (5, 10, 20, 50, None)
#: Members from which on a level is kept, and by how much it may be missed.
_ENOUGH, _MISSED = 20, 0.02
#: Members that the estimate of the review rate matches.
_SAMPLE = 1000
#: Items of a category that are held out, at least, for it to be measured.
_HELD_OUT = 4

Floats = NDArray[np.float64]


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Measure each data set."""
    outcome = Outcome()
    for path in DATA or [sample_path()]:
        dataset = load_dataset(path)
        data = Labelled.of(dataset)
        _calibration(outcome, data, _DRAWS if full else 2)
        _out_of_scope(outcome, data)
        _review_rate(outcome, data)
        _cost(outcome, data, 21 if full else 11)
        outcome.notes.append(dataset.attribution() + ".")
    if DATA:
        outcome.notes.append(NOT_SHIPPED)
    return outcome


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Items that are assigned and items that are held out, of the categories that have enough."""

    data: Labelled
    measured: Sequence[int]


def _draws(data: Labelled, size: int | None, draws: int) -> Iterator[_Drawn]:
    items = Part(
        np.concatenate([data.train.vectors, data.test.vectors]),
        np.concatenate([data.train.labels, data.test.labels]),
    )
    for number in range(draws):
        train: list[int] = []
        test: list[int] = []
        measured = []
        for label in range(len(data.categories)):
            own = np.flatnonzero(items.labels == label).tolist()
            rows = shuffled(own, f"{_SEED} {size} {number} confidence")
            count = len(rows) * 3 // 4 if size is None else min(size, len(rows) - 1)
            train += rows[:count]
            least = _ENOUGH if size is None else size
            if count >= least and len(rows) - count >= _HELD_OUT:
                measured.append(label)
                test += rows[count:]
        if measured:
            yield _Drawn(replace(data, train=items.take(train), test=items.take(test)), measured)


def _calibration(outcome: Outcome, data: Labelled, draws: int) -> None:
    """Tabulate which share of the items of a category each level turns away."""
    rows = []
    for size in _SIZES:
        shares: list[Floats] = []
        measured, held = 0, 0
        for drawn in _draws(data, size, draws):
            with product(drawn.data) as made, made.state() as state:
                state.assign(drawn.data.train)
                shares.append(_turned_away(state, drawn))
            measured, held = len(drawn.measured), len(drawn.data.test)
        if not shares:
            continue
        own, first, ten = np.mean(shares, axis=0)
        title = f"{_ENOUGH} or more" if size is None else f"{size}"
        cells = [
            f"{100 * o:.1f} / {100 * f:.1f} / {100 * t:.1f}"
            for o, f, t in zip(own, first, ten, strict=True)
        ]
        rows.append((title, f"{measured}", f"{held:,}", *cells))
        if size is None or size >= _ENOUGH:
            missed = float(np.abs(own - _LEVELS).max())
            outcome.figures.append(
                Figure(
                    what=f"{data.name}: {title} members: the level is missed by at most",
                    value=100 * missed,
                    unit="points",
                    target=100 * _MISSED,
                    bound=Bound.AT_MOST,
                    parts={
                        f"level {level:g}, %": 100 * float(share)
                        for level, share in zip(_LEVELS, own, strict=True)
                    },
                )
            )
    _table(
        outcome,
        data,
        "% of held-out items below a level: of their own category / of the first match (none of"
        f" these, limit 1) / of all of the first ten; {draws} draws",
        ("members a category", "categories", "items", *(f"level {each:g}" for each in _LEVELS)),
        rows,
    )


def _turned_away(state: State, drawn: _Drawn) -> Floats:
    """Return shares by level: of the own category, of the first match, of the first ten."""
    data = drawn.data
    own = []
    for label in drawn.measured:
        vectors = data.test.vectors[data.test.labels == label]
        results = state.match(vectors, COSINE, include=data.keys[label], confidence=True)
        sure = np.array([result.matches[0].confidence for result in results])
        own.append(_below(sure))
    sure = _confidences(state, data.test, 10)
    return np.array([np.mean(own, axis=0), _below(sure[:, 0]), _below(sure.max(axis=1))])


def _below(sure: Floats) -> list[float]:
    """Return the share of confidences below each level."""
    return [float((sure < level).mean()) for level in _LEVELS]


def _confidences(state: State, items: Part, limit: int) -> Floats:
    """Return (n, limit) confidences of the first matches; 0 where there is none."""
    sure = np.zeros((len(items), limit))
    for row, result in enumerate(state.match(items.vectors, COSINE, limit=limit, confidence=True)):
        for place, match in enumerate(result.matches):
            sure[row, place] = match.confidence or 0
    return sure


def _out_of_scope(outcome: Outcome, data: Labelled) -> None:
    """Take a quarter of the categories away, and see how many of their items are turned away."""
    runs: list[Floats] = []
    for number in range(_QUARTERS):
        count = len(data.categories)
        gone = shuffled(range(count), f"{_SEED} out of scope {number}")[: count // 4]
        part = take_out(data, gone, assigned=False)
        outside = Part(part.out_of_scope, np.zeros(len(part.out_of_scope), np.int64))
        with product(part) as made, made.state() as state:
            state.assign(part.train)
            shares = []
            for items in (part.test, outside):
                sure = _confidences(state, items, 10)
                shares += [_below(sure[:, 0]), _below(sure.max(axis=1))]
        runs.append(np.array(shares))
    inside_one, inside_ten, outside_one, outside_ten = np.mean(runs, axis=0)
    rows = [
        (title, *(f"{100 * i:.1f} / {100 * o:.1f}" for i, o in zip(inside, outside, strict=True)))
        for title, inside, outside in (
            ("limit 1", inside_one, outside_one),
            ("limit 10", inside_ten, outside_ten),
        )
    ]
    _table(
        outcome,
        data,
        "a quarter of the categories is out of scope, all other items are assigned: none of these,"
        f" % of test items in scope / out of scope; {_QUARTERS} draws",
        ("", *(f"level {each:g}" for each in _LEVELS)),
        rows,
    )


def _review_rate(outcome: Outcome, data: Labelled) -> None:
    """Compare what the members say of each level with what held-out items say."""
    rows, largest = [], 0.0
    (drawn,) = _draws(data, None, 1)
    test = drawn.data.test
    for dials in (COSINE, LOCAL):
        with product(drawn.data) as made, made.state() as state:
            state.assign(drawn.data.train)
            begin = time.perf_counter()
            found = state.review_rates(_LEVELS, dials, _SAMPLE)
            seconds = time.perf_counter() - begin
            sure = np.zeros(len(test))
            right = np.zeros(len(test), bool)
            keys = drawn.data.keys
            for row, result in enumerate(
                state.match(test.vectors, dials, limit=1, confidence=True)
            ):
                (match,) = result.matches
                sure[row] = match.confidence or 0
                right[row] = match.category == keys[test.labels[row]]
        for level, rate in zip(_LEVELS, found.rates, strict=True):
            taken = sure >= level
            review, wrong = 1 - float(taken.mean()), 1 - float(right[taken].mean())
            largest = max(largest, abs((rate.review_share or 0) - review))
            rows.append(
                (
                    f"{dials.label}, level {level:g}",
                    f"{100 * (rate.review_share or 0):.1f}",
                    f"{100 * review:.1f}",
                    f"{100 * (rate.error_share or 0):.1f}",
                    f"{100 * wrong:.1f}",
                )
            )
        if found.error_share is not None:
            rows.append(
                (
                    f"{dials.label}, nobody looks",
                    "",
                    "",
                    f"{100 * found.error_share:.1f}",
                    f"{100 * (1 - float(right.mean())):.1f}",
                )
            )
        outcome.figures.append(
            Figure(
                what=f"{data.name}, {dials.label}: estimate from {found.sample_count:,} members",
                value=1000 * seconds,
                unit="ms",
            )
        )
    outcome.figures.append(
        Figure(
            what=f"{data.name}: the share to look at is missed by at most",
            value=100 * largest,
            unit="points",
        )
    )
    _table(
        outcome,
        data,
        f"what each level leaves to a person, estimated from {_SAMPLE:,} members (or all), and of"
        f" {len(test):,} held-out items, %",
        ("", "to look at: estimate", "truth", "wrong of the rest: estimate", "truth"),
        rows,
    )


def _cost(outcome: Outcome, data: Labelled, rounds: int) -> None:
    """One query with confidence over one without, as it is and after a write to its first match.

    Each has a namespace of its own: one in which confidence is asked for keeps members in memory,
    which its writes follow.
    """
    for dials in (COSINE, LOCAL):
        with product(data) as made, made.state() as without, made.state() as with_it:
            for state in (without, with_it):
                state.assign(data.train)
            names = plain, sure, written, both = (
                "a plain Match, µs",
                "a Match with confidence, µs",
                "a write and a plain Match, µs",
                "a write and a Match with confidence, µs",
            )
            calls: dict[str, Call] = {
                plain: _asking(without, data, dials, write=False, sure=False),
                sure: _asking(with_it, data, dials, write=False, sure=True),
                written: _asking(without, data, dials, write=True, sure=False),
                both: _asking(with_it, data, dials, write=True, sure=True),
            }
            measured = interleave(calls, rounds, slice_seconds=0.05, clock=time.process_time)
        parts: dict[str, float | str] = {name: measured.median(name) * 1e6 for name in names}
        for what, over, under in (
            ("confidence over a plain Match", sure, plain),
            ("a write, then each", both, written),
        ):
            ratio, spread = measured.ratio(over, under)
            title = f"{data.name}, {len(data.train):,} items, {dials.label}: {what}"
            outcome.figures.append(Figure(what=title, value=ratio, spread=spread, parts=parts))


def _asking(state: State, data: Labelled, dials: Dials, *, write: bool, sure: bool) -> Call:
    """Ask for ten matches of a test item, after it has joined its first match."""

    def call(number: int) -> object:
        one = data.test.take([number % len(data.test)])
        if write:
            state.assign(replace(one, labels=state.predict(one.vectors, dials).labels))
        return list(state.match(one.vectors, dials, confidence=sure))

    return call


def _table(
    outcome: Outcome,
    data: Labelled,
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
) -> None:
    outcome.tables.append(Table(f"{data.name}: {title}", columns, list(rows)))
    print(f"  {title}\n", *("   " + " | ".join(row) + "\n" for row in rows), flush=True)
