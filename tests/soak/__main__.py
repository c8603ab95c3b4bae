"""Run a soak, write soak.json and soak.png, and fail on growth, losses or wrong answers.

python -m tests.soak                  # an hour
python -m tests.soak --minutes 5
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from bench.harness.facts import facts
from bench.harness.measurement import Outcome
from bench.harness.record import RESULTS, keep, tell
from tests.soak.plot import SHOWN, draw
from tests.soak.run import Plan, run

_DESCRIPTION = "Soak: the server under a steady mixed load"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=_DESCRIPTION)
    parser.add_argument("--minutes", type=float, default=60, help="how long [60]")
    parser.add_argument("--rate", type=float, default=40, help="sessions a second [40]")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of what it writes")
    args = parser.parse_args()
    told, begin = facts(), time.perf_counter()
    result = run(Plan(seconds=args.minutes * 60, rate=args.rate))
    tell(result.figures)
    keep(
        args.out,
        "soak",
        title=_DESCRIPTION,
        command=f"python -m tests.soak --minutes {args.minutes:g} --rate {args.rate:g}",
        full=args.minutes >= 60,
        told=told,
        begin=begin,
        outcome=Outcome(result.figures, notes=result.notes),
        measured=_thinned(result.measured),
    )
    draw(result.measured, args.minutes * 60, args.out / "soak.png")
    if not result.ok:
        sys.exit("soak: something is not as it should be")


def _thinned(measured: dict[str, Any]) -> dict[str, Any]:
    """A hundred samples and the plotted latencies: enough to draw the plot again."""
    samples, intervals = measured["samples"], measured["intervals"]
    return measured | {
        "samples": samples[:: len(samples) // 100 or 1],
        "intervals": [each for each in intervals if each["kind"] in SHOWN],
    }


if __name__ == "__main__":
    main()
