"""Which machine, build and versions a result is of."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from effective_embeddings import _core

__all__ = ["facts"]

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("grpcio", "numpy", "faiss-cpu", "usearch", "numkong", "protobuf")


def facts() -> dict[str, Any]:
    """Return the facts that may explain different results of another run."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "changed_since_commit": bool(_git("status", "--porcelain", "--", "rust_core", "service")),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "kernel": _core.kernels()[0],
        "build": "release" if _core.RELEASE_BUILD else "debug",
        "numpy_kernel": numpy_kernel(),
        "version": _core.VERSION,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def numpy_kernel() -> str:
    """The CPU that numpy's OpenBLAS has detected, which its environment can override."""
    libraries = Path(np.__file__).parent.parent / "numpy.libs"
    for library in libraries.glob("*openblas*"):
        name = getattr(ctypes.CDLL(str(library)), "scipy_openblas_get_corename64_", None)
        if name is not None:
            name.restype = ctypes.c_char_p
            found: bytes = name()
            return found.decode()
    return "unknown"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = dict(line.split(":", 1) for line in lines if ":" in line)
    values = {key.strip(): value.strip() for key, value in named.items()}
    numbers = f"family {values.get('cpu family', '?')} model {values.get('model', '?')}"
    return f"{values.get('model name', platform.processor())} ({numbers})"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(_ROOT), *arguments]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
