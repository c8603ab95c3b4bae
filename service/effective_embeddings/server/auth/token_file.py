"""The lines of a token file: listed by the ids of their tokens, added and removed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from effective_embeddings.server.auth.tokens import parse_tokens, read_tokens
from effective_embeddings.server.settings.errors import SettingsError

__all__ = ["TokenEntry", "add_token", "list_tokens", "revoke_token"]

_HASH = "sha256:"
_ID_DIGITS = 12
_CREATED = "created="


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """An entry of a token file.

    Attributes:
        id: The first 12 hexadecimal digits of the token's hash.
        principal: The principal's name.
        rules: Permissions such as ``read:*``, and ``rate=N``.
        created: The date that the entry's comment names, such as 2026-01-31; empty: unknown.
    """

    id: str
    principal: str
    rules: Sequence[str]
    created: str


def list_tokens(path: Path) -> list[TokenEntry]:
    """Return the entries of a token file, in their order.

    Raises:
        SettingsError: The file cannot be read or parsed.
    """
    read_tokens(path)
    lines = path.read_text("utf-8").splitlines()
    return [entry for entry in map(_entry, lines) if entry is not None]


def add_token(path: Path, line: str, created: str) -> None:
    """Add an entry to a token file; a missing file is created, for its owner alone.

    Args:
        path: The file.
        line: The entry, from ``token_line``.
        created: The date of the token, kept as a comment.

    Raises:
        SettingsError: The file would not be a token file.
        OSError: The file cannot be written.
    """
    # A symbolic link, such as that of a mounted secret, stays one.
    path = path.resolve()
    before = path.read_text("utf-8") if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    _replace(path, f"{before}{line}  # {_CREATED}{created}\n")


def revoke_token(path: Path, token: str) -> TokenEntry:
    """Remove an entry from a token file, and return it.

    Args:
        path: The file.
        token: The id of the entry, or its first digits.

    Raises:
        SettingsError: No entry, or more than one, has this id.
        OSError: The file cannot be read or written.
    """
    path = path.resolve()
    lines = path.read_text("utf-8").splitlines(keepends=True)
    found = [
        (number, entry)
        for number, entry in enumerate(map(_entry, lines))
        if entry is not None and token and entry.id.startswith(token)
    ]
    if len(found) != 1:
        how_many = "no token has" if not found else f"{len(found)} tokens have"
        message = f"{path}: {how_many} the id {token!r}; `effemb token list` shows the ids"
        raise SettingsError(message)
    ((number, entry),) = found
    _replace(path, "".join(lines[:number] + lines[number + 1 :]))
    return entry


def _entry(line: str) -> TokenEntry | None:
    entry, _, comment = line.partition("#")
    fields = entry.split()
    if not fields:
        return None
    principal, hashed, *rules = fields
    dates = [each.removeprefix(_CREATED) for each in comment.split() if each.startswith(_CREATED)]
    token = hashed.removeprefix(_HASH)[:_ID_DIGITS]
    return TokenEntry(token, principal, tuple(rules), dates[0] if dates else "")


def _replace(path: Path, text: str) -> None:
    """Write a token file beside and move it: a server never reads half of it."""
    parse_tokens(text, f"{path}: ")
    path.touch(mode=0o600)
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    beside.write_text(text, "utf-8")
    found = path.stat()
    beside.chmod(found.st_mode & 0o777)
    # Root edits the file of a server that runs as another user.
    if (found.st_uid, found.st_gid) != (beside.stat().st_uid, beside.stat().st_gid):
        os.chown(beside, found.st_uid, found.st_gid)
    beside.replace(path)
