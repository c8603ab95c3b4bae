"""The figures of an evaluation as tables of texts, for a terminal or a document."""

from __future__ import annotations

from dataclasses import dataclass

from effective_embeddings.evaluation.evaluate import NAMES, Evaluation
from effective_embeddings.evaluation.measures import Spread

__all__ = ["Table", "spread_text", "tables"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the first column is a method, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def spread_text(spread: Spread, digits: int = 1) -> str:
    """Return the mean, and half the distance between the least and the most if they differ."""
    mean = f"{spread.mean:,.{digits}f}"
    if spread.least == spread.most:
        return mean
    return f"{mean} ±{(spread.most - spread.least) / 2:,.{digits}f}"


def tables(result: Evaluation) -> list[Table]:
    """Return all tables of an evaluation."""
    found = [_corrections(result), _curve(result)]
    if result.half_taught:
        found.append(_half_taught(result))
    if result.out_of_scope:
        found.append(_out_of_scope(result))
    return found


def _corrections(result: Evaluation) -> Table:
    names = result.corrections[NAMES].mean
    orders = len(result.corrections[NAMES].runs)
    return Table(
        f"Corrections over a stream of {result.facts['train']:,} items, {_times(orders, 'order')};"
        " and where categories come into use one after another",
        ("method", "corrections", "saved", "one after another"),
        [
            (
                label,
                spread_text(each, 0),
                "" if label == NAMES else f"{1 - each.mean / names:.0%}" if names else "",
                spread_text(result.arriving[label], 0) if label in result.arriving else "",
            )
            for label, each in result.corrections.items()
        ],
    )


def _curve(result: Evaluation) -> Table:
    draws = max(len(each[0].runs) for each in result.curve.values())
    return Table(
        f"First match right, % of {result.facts['test']:,} items never assigned, by items a"
        f" category, {_times(draws, 'draw')}",
        ("method", *(f"{size}" for size in result.sizes[:-1]), "all"),
        [
            (label, *(spread_text(each) for each in values))
            for label, values in result.curve.items()
        ],
    )


def _half_taught(result: Evaluation) -> Table:
    draws = len(result.half_taught[NAMES].mean.runs)
    return Table(
        "Half of the categories have up to 20 items, half are names only: first match right, %,"
        f" {_times(draws, 'draw')}",
        ("method", "items of names only", "of the others", "harmonic mean"),
        [
            (label, spread_text(each.untaught), spread_text(each.taught), spread_text(each.mean))
            for label, each in result.half_taught.items()
        ],
    )


def _out_of_scope(result: Evaluation) -> Table:
    return Table(
        f"{result.facts['out_of_scope']:,} items out of scope told from items in scope by the"
        " confidence of the first match: area under the ROC curve",
        ("method", "AUROC"),
        [(label, f"{value:.3f}") for label, value in result.out_of_scope.items()],
    )


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
