"""Test the package with the lowest and with the newest versions of what it depends on.

    python scripts/test_versions.py            # both; each in a virtual environment of its own
    python scripts/test_versions.py lowest

The lowest are the lower bounds in pyproject.toml. The extension has to be built in place.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("pytest", "hypothesis", "cryptography")
# What depends on the neighbours: messages, gRPC, arrays, formats, the command line.
TESTS = ("tests/client", "tests/formats", "tests/cli/test_common_options.py", "tests/contract")
# It needs the compiler of the protos, which has bounds of its own.
LEFT_OUT = ("--ignore=tests/client/test_public_api.py", "--ignore=tests/contract/test_grpcurl.py")


def requirements(which: str) -> list[str]:
    """Return what to install: the package's own dependencies, and those of its Parquet files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    given = [*project["dependencies"], *project["optional-dependencies"]["parquet"]]
    if which == "newest":
        return given
    return [re.sub(r">=([^,]+).*", r"==\1", each) for each in given]


def run(which: str) -> int:
    """Run the tests with the lowest or the newest versions; return the exit status."""
    folder = ROOT / ".tools" / which
    venv.create(folder, with_pip=True, clear=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--upgrade"]
    subprocess.run([*install, *requirements(which), *TOOLS], check=True)  # noqa: S603 - our own
    subprocess.run([python, "-m", "pip", "check"], check=True)  # noqa: S603
    # Old versions of one library may use what a new version of another deprecates.
    options = ["-q", "-m", "not slow", "-W", "default::DeprecationWarning", *LEFT_OUT]
    return subprocess.run(  # noqa: S603
        [python, "-m", "pytest", *options, *TESTS],
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "service")},
    ).returncode


def main() -> int:
    """Run what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("which", nargs="*", default=["lowest", "newest"])
    failed = 0
    for which in parser.parse_args().which:
        sys.stdout.write(f"the {which} versions:\n")
        sys.stdout.flush()
        failed |= run(which)
    return failed


if __name__ == "__main__":
    sys.exit(main())
