"""grpcurl, built once by Go where Go is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_VERSION = "v1.9.3"
_BIN = Path(__file__).resolve().parent.parent.parent / ".tools" / "bin"


def build_grpcurl() -> Path:
    """Return the path of grpcurl; skip the test if it cannot be built."""
    program = _BIN / "grpcurl"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        pytest.skip("grpcurl is a Go program, and Go is not installed")
    _BIN.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(  # noqa: S603 - Go, with a fixed version
            [go, "install", f"github.com/fullstorydev/grpcurl/cmd/grpcurl@{_VERSION}"],
            env=os.environ | {"GOBIN": str(_BIN), "GOFLAGS": "-trimpath"},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("Go did not build grpcurl in time; what it has fetched is kept for next time")
    if done.returncode:
        pytest.skip(f"Go could not build grpcurl: {done.stderr.strip()[-500:]}")
    return program
