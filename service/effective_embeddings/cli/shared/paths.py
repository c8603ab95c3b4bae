"""Checks of directories named on the command line, before anything is opened or created."""

from __future__ import annotations

from pathlib import Path

import typer

__all__ = ["require_data_directory", "require_folder_of"]

# A directory that has lost its database still has its watermark, and the engine reports the loss.
_FILES = ("effemb.db", "watermark")


def require_data_directory(path: Path, option: str) -> None:
    """Refuse a path that holds no data directory: opening it would create an empty one.

    Args:
        path: The path given.
        option: The option or argument that it was given as.
    """
    if not path.exists():
        problem = "it does not exist"
    elif not path.is_dir():
        problem = "it is not a directory"
    elif not any((path / name).exists() for name in _FILES):
        problem = f"it has no {_FILES[0]}"
    else:
        return
    msg = f"no data directory at {path}: {problem}"
    raise typer.BadParameter(msg, param_hint=option)


def require_folder_of(path: Path, argument: str) -> None:
    """Refuse a path to create whose folder does not exist."""
    folder = path.absolute().parent
    if not folder.is_dir():
        problem = "is not a directory" if folder.exists() else "does not exist"
        msg = f"cannot create {path}: the folder {path.parent} {problem}"
        raise typer.BadParameter(msg, param_hint=argument)
