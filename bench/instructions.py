"""Instructions of the hot paths, counted by callgrind: independent of the machine's load.

    python -m bench.instructions

writes results/instructions.json. Valgrind has no AVX-512, so the counts are those of the AVX2
kernels and everything around them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness.facts import facts
from bench.harness.record import RESULTS

__all__ = ["main"]

_ROOT = Path(__file__).resolve().parent.parent
_HOT = "hot"
# By path: the argument of the benchmark, and the number of calls.
_PATHS = {
    "top 10 of 100 × 1024": ("100x1024", 1_000),
    "top 10 of 1,000 × 1024": ("1000x1024", 200),
    "top 10 of 10,000 × 1024": ("10000x1024", 20),
    "new query of 1024": ("query", 2_000),
    "new row of 1024": ("row", 2_000),
    "an item of 1024 joins a sum and leaves it": ("add", 2_000),
    **{
        f"{name}, 77 categories × {dimension}": (f"{way}-{dimension}", 200)
        for dimension in (384, 1024)
        for way, name in (
            ("cosine", "a query by COSINE"),
            ("fair", "by COSINE with fairness"),
            ("gated", "by LOCAL, the first clearly ahead"),
            ("local", "by LOCAL, ranked again"),
            ("assign", "an item joins a category and leaves it"),
            ("assign_local", "the same where LOCAL has its members in memory"),
        )
    },
}


def main() -> None:
    """Count, and store the counts."""
    binary = _build()
    counts = {name: _count(binary, path, calls) for name, (path, calls) in _PATHS.items()}
    told = facts()
    kept = {
        "about": "Instructions of one call, in the AVX2 kernel: callgrind has no AVX-512.",
        "command": "python -m bench.instructions",
        "commit": told["commit"],
        "time": told["time"],
        "instructions": counts,
    }
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    (RESULTS / "instructions.json").write_text(text + "\n", "utf-8")
    print(text)


def _build() -> str:
    command = ["cargo", "bench", "--locked", "-p", "ee-core", "--bench", _HOT, "--no-run"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT)  # noqa: S603
    found = re.search(r"Executable.*\((.*)\)", done.stderr)
    if found is None:
        sys.exit(done.stderr)
    return str(_ROOT / found[1])


def _count(binary: str, path: str, calls: int) -> int:
    """Instructions per call: those of many calls minus those of zero calls, the set-up."""
    return round((_run(binary, path, calls) - _run(binary, path, 0)) / calls)


def _run(binary: str, path: str, calls: int) -> int:
    with tempfile.NamedTemporaryFile() as out:
        command = [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={out.name}",
            binary,
            path,
            str(calls),
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        sys.exit(done.stderr)
    return int(found[1])


if __name__ == "__main__":
    main()
