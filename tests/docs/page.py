"""The commands of a page in docs/, run as a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["DOCS", "assert_prints", "told"]

_ROOT = Path(__file__).resolve().parents[2]
DOCS = _ROOT / "docs"


def told(page: str) -> list[tuple[str, str]]:
    """Each command of a page with the output below it."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts]


def assert_prints(folder: Path, command: str, output: str) -> None:
    """Run a command in a folder that also has the examples; it prints what the page says."""
    examples = folder / "examples"
    if not examples.exists():
        examples.symlink_to(_ROOT / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - a command of our own document
        ["bash", "-euo", "pipefail", "-c", command],  # noqa: S607 - its reader has bash
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (command, done.stderr)
    assert _plain(done.stdout) == _plain(output), command


def _plain(output: str) -> list[str]:
    """Lines without what differs from run to run: times, and spaces at the ends of lines."""
    output = re.sub(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", "TIME", output)
    output = re.sub(r" in \d+\.\d s:", " in SECONDS:", output)
    # The length of a page follows that of its times.
    output = re.sub(r"; \d+\.\d kB", "; SIZE", output)
    return [line.rstrip() for line in output.splitlines() if line.strip()]
