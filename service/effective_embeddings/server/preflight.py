"""Whether a server could use the files that its settings name, asked before one is started."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from effective_embeddings.server.auth.tls import check_certificate
from effective_embeddings.server.auth.token_source import load_tokens
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import Settings

__all__ = ["check_files"]

_TLS_FILES = ("tls_cert", "tls_key", "tls_client_ca")


def check_files(settings: Settings) -> int:
    """Look at what settings name, as a server would; return the number of tokens.

    Nothing is made, nor opened to be written: what a server would write is only asked for.

    Raises:
        SettingsError: Something of it cannot be used. All faults are named.
    """
    count = 0
    problems: list[str] = []

    def count_tokens() -> None:
        nonlocal count
        count = len(load_tokens(settings) or ())

    checks: list[Callable[[], None]] = [
        lambda: _check_writable("data", settings.data, folder=True),
        lambda: _check_audit_log(settings.audit_log),
        lambda: _check_traces(settings),
    ]
    unreadable = {name: _unreadable(settings, name) for name in (*_TLS_FILES, "tokens")}
    problems += filter(None, unreadable.values())
    # A file that cannot be read is reported once.
    if not any(unreadable[name] for name in _TLS_FILES):
        checks.append(lambda: check_certificate(settings))
    if not unreadable["tokens"]:
        checks.append(count_tokens)
    for check in checks:
        try:
            check()
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(*problems)
    return count


def _unreadable(settings: Settings, name: str) -> str:
    """Return why the file that a setting names cannot be read; empty: it can, or none is named."""
    path: Path | None = getattr(settings, name)
    if path is None:
        return ""
    try:
        with path.open("rb"):
            return ""
    except FileNotFoundError:
        return f"{name}: {path} does not exist"
    except OSError as error:
        return f"{name}: {path}: {error.strerror}"


def _check_audit_log(path: Path | None) -> None:
    if path is None:
        return
    # The directory of the audit log is not created; that of the data is.
    if not path.parent.is_dir():
        problem = "is not a directory" if path.parent.exists() else "does not exist"
        message = f"audit_log: the folder {path.parent} {problem}"
        raise SettingsError(message)
    _check_writable("audit_log", path, folder=False)


def _check_traces(settings: Settings) -> None:
    if settings.traces and importlib.util.find_spec("opentelemetry") is None:
        message = "traces need more: pip install 'effective-embeddings[otel]'"
        raise SettingsError(message)


def _check_writable(setting: str, path: Path, *, folder: bool) -> None:
    """Raise a SettingsError if this user cannot write to a file or folder, or make it."""
    try:
        found = next(each for each in (path, *path.absolute().parents) if each.exists())
    except OSError as error:
        message = f"{setting}: {path}: {error.strerror}"
        raise SettingsError(message) from None
    # What is to be made is made in a folder.
    if found.is_dir() != (folder or found != path):
        message = f"{setting}: {found} is not a {'file' if found.is_dir() else 'folder'}"
        raise SettingsError(message)
    if not os.access(found, os.W_OK, effective_ids=True):
        message = f"{setting}: this user cannot write to {found}"
        raise SettingsError(message)
