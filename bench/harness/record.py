"""Run a bench and store its result."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.catalog import Entry
from bench.harness.facts import facts
from bench.harness.measurement import Figure, Outcome

__all__ = ["RESULTS", "keep", "measure", "tell"]

RESULTS = Path(__file__).resolve().parents[1] / "results"


def measure(name: str, entry: Entry, folder: Path, *, full: bool) -> bool:
    """Run a bench, print its figures, and write NAME.json; return whether it succeeded."""
    print(f"\n{entry.title}", flush=True)
    told = facts()
    begin = time.perf_counter()
    try:
        outcome = entry.run(full)
    except Exception:  # noqa: BLE001 - the others are measured all the same
        traceback.print_exc()
        return False
    tell(outcome.figures)
    keep(
        folder,
        name,
        title=entry.title,
        command=f"python -m bench {'--full ' if full else ''}--only {name}",
        full=full,
        told=told,
        begin=begin,
        outcome=outcome,
    )
    return True


def tell(figures: Sequence[Figure]) -> None:
    """Print the figures, one per line."""
    for figure in figures:
        print(f"  {_line(figure)}", flush=True)


def keep(
    folder: Path,
    name: str,
    *,
    title: str,
    command: str,
    full: bool,
    told: dict[str, Any],
    begin: float,
    outcome: Outcome,
    **more: Any,
) -> None:
    """Write NAME.json.

    Args:
        folder: The folder of results.
        name: The name of the result.
        title: The question that the bench answers.
        command: The command that reproduces it.
        full: Whether it ran in full length.
        told: The facts of the machine before the run.
        begin: The start of the run, by ``time.perf_counter``.
        outcome: The figures, series and notes.
        **more: Further measurements, stored unchanged.
    """
    told = told | {
        "load_after": round(os.getloadavg()[0], 2),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    result: dict[str, Any] = {
        "name": name,
        "title": title,
        "full": full,
        "command": command,
        "facts": told,
        "figures": [figure.to_json() for figure in outcome.figures],
        "series": [asdict(series) for series in outcome.series],
        "tables": [asdict(table) for table in outcome.tables],
        "notes": outcome.notes,
        **more,
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_rounded(result), indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", "utf-8")


def _line(figure: Figure) -> str:
    target = f" ({figure.bound} {figure.target:g})" if figure.target is not None else ""
    word = {True: "met", False: "MISSED", None: ""}[figure.met]
    return f"{figure.what}: {figure.value:.3g} {figure.unit}{target} {word}".rstrip()


def _rounded(value: Any) -> Any:
    """Round to five digits, more than any clock here resolves."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(each) for each in value]
    return value
