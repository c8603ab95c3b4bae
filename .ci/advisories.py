"""Check the locked dependencies against advisory databases; report databases out of reach.

    python .ci/advisories.py PIP_AUDIT [--require]

Fails on a finding; with --require also if a database cannot be queried. The tools themselves do not
always distinguish "no finding" from "not queried".
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

__all__: list[str] = []

ROOT = Path(__file__).parents[1]
UNASKED = "NOT CHECKED"


def wheels(pip_audit: str) -> str:
    """Report the advisories of the wheels."""
    command = [pip_audit, "--disable-pip", "--require-hashes", "-f", "json"]
    done = _run(*command, "-r", "requirements.lock")
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return f"{UNASKED}: {done.stderr.strip()[-200:]}"
    bad = [f"{each['name']} {each['version']}" for each in found if each.get("vulns")]
    unasked = sum("skip_reason" in each for each in found)
    if bad:
        return f"FOUND: {', '.join(bad)}"
    return f"{UNASKED}: {unasked} of {len(found)}" if unasked else f"nothing known of {len(found)}"


def crates() -> str:
    """Report the advisories of the crates."""
    if shutil.which("cargo-deny") is None:
        return f"{UNASKED}: cargo-deny is not installed (cargo install --locked cargo-deny)"
    fetched = _run("cargo", "deny", "--locked", "fetch", "db")
    if fetched.returncode:
        return f"{UNASKED}: {fetched.stderr.strip().splitlines()[-1]}"
    done = _run("cargo", "deny", "--locked", "check", "advisories")
    return "nothing known" if done.returncode == 0 else f"FOUND: {done.stderr[-2000:]}"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)  # noqa: S603


def main() -> int:
    """Check everything; return 1 on a finding."""
    failures = ("FOUND", UNASKED) if "--require" in sys.argv else ("FOUND",)
    answers = {"advisories of crates": crates(), "advisories of wheels": wheels(sys.argv[1])}
    for name, answer in answers.items():
        sys.stdout.write(f"{name}: {answer}\n")
    return 1 if any(answer.startswith(failures) for answer in answers.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
