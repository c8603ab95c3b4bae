"""Programs that benches build: the load generators, and an earlier build of the package."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path

__all__ = ["earlier", "go_client", "load_generator"]

_ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def load_generator() -> Path:
    """Build ``bench/load``, the load generator; return its path."""
    _run("cargo", "build", "--release", "--locked", "--quiet", "-p", "ee-load", folder=_ROOT)
    return _target() / "release" / "load"


@functools.cache
def go_client() -> Path | None:
    """Build the client in Go; return its path, or None where Go or its modules are missing."""
    program = _target() / "bench" / "go_client"
    if shutil.which("go") is None:
        return None
    try:
        _run("go", "build", "-o", str(program), ".", folder=_ROOT / "bench" / "load" / "go")
    except subprocess.CalledProcessError:
        return None
    return program


@functools.cache
def earlier(commit: str) -> Path:
    """Build the package of a commit in ``target/bench``; return the folder to import it from."""
    name = _run("git", "rev-parse", "--short=12", f"{commit}^{{commit}}", folder=_ROOT).strip()
    folder = _target() / "bench" / name
    package = folder / "service"
    extension = package / "effective_embeddings" / "_core.abi3.so"
    if not extension.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        archive = folder / "source.tar"
        _run("git", "archive", "--output", str(archive), name, folder=_ROOT)
        _run("tar", "-xf", str(archive), folder=folder)
        _run("cargo", "build", "--release", "--locked", "--quiet", "-p", "ee-python", folder=folder)
        shutil.copy(folder / "target" / "release" / "lib_core.so", extension)
        shutil.rmtree(folder / "target")
    return package


@functools.cache
def _target() -> Path:
    """The folder of Cargo's results."""
    command = ("cargo", "metadata", "--format-version", "1", "--no-deps", "--locked")
    return Path(json.loads(_run(*command, folder=_ROOT))["target_directory"])


def _run(*command: str, folder: Path) -> str:
    done = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout
