"""Whether a server could use the files that its settings name, asked before one is started."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from effective_embeddings.server.auth.tls import check_certificate
from effective_embeddings.server.auth.token_source import load_tokens
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import Settings

__all__ = ["check_files"]


def check_files(settings: Settings) -> int:
    """Look at what settings name, as a server would; return the number of tokens.

    Nothing is made, nor opened to be written: what a server would write is only asked for.

    Raises:
        SettingsError: Something of it cannot be used.
    """
    check_certificate(settings)
    tokens = load_tokens(settings)
    _check_writable("data", settings.data, folder=True)
    if settings.audit_log is not None:
        # The directory of the audit log is not created; that of the data is.
        if not settings.audit_log.parent.is_dir():
            message = f"audit_log: {settings.audit_log.parent} is not a directory"
            raise SettingsError(message)
        _check_writable("audit_log", settings.audit_log, folder=False)
    if settings.traces and importlib.util.find_spec("opentelemetry") is None:
        message = "traces need more: pip install 'effective-embeddings[otel]'"
        raise SettingsError(message)
    return 0 if tokens is None else len(tokens)


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
