"""Bearer tokens: made here, and read from the operator's token file.

A token file has one entry per line, and comments after ``#``:

    # principal  hash of the token     permissions
    alice        sha256:5e88...        write:alice  read:shared-*
    alice        sha256:0f3c...        write:alice  read:shared-*
    operator     sha256:9b71...        admin:*  rate=1000

``effemb token new`` makes a token and its line. The core parses the file and looks tokens up
(``_core.TokenTable``, which documents the fields).
"""

from __future__ import annotations

import secrets
from pathlib import Path

from effective_embeddings._core import TokenTable, token_hash
from effective_embeddings.server.settings.errors import SettingsError

__all__ = ["new_token", "parse_tokens", "read_tokens", "token_line"]

MAX_FILE_BYTES = 1024 * 1024

_PREFIX = "effemb_"
_KEY_BYTES = 32


def new_token() -> str:
    """Return a new token: 256 random bits after a prefix that secret scanners can look for."""
    return _PREFIX + secrets.token_urlsafe(32)


def token_line(principal: str, token: str, rules: list[str]) -> str:
    """Return the line of a token file for a token.

    Args:
        principal: The principal's name.
        token: The token; the line holds its hash only.
        rules: Permissions such as ``read:*``, and at most one ``rate=N``.

    Raises:
        SettingsError: The principal or a rule is invalid.
    """
    line = " ".join([principal, token_hash(token), *rules])
    parse_tokens(line)
    return line


def parse_tokens(text: str, where: str = "") -> TokenTable:
    """Parse the text of a token file.

    Args:
        text: The text.
        where: What an error message begins with.

    Raises:
        SettingsError: A line is not an entry, or the entries exceed a limit.
    """
    try:
        return TokenTable(text, secrets.token_bytes(_KEY_BYTES))
    except ValueError as error:
        message = f"{where}{error}"
        raise SettingsError(message) from None


def read_tokens(path: Path) -> TokenTable:
    """Read a token file.

    Raises:
        SettingsError: The file cannot be read or parsed.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            message = f"{path} is larger than {MAX_FILE_BYTES:,} bytes"
            raise SettingsError(message)
        return parse_tokens(content.decode(), f"{path}: ")
    except OSError as error:
        message = f"cannot read the tokens: {path}: {error.strerror}"
        raise SettingsError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is not text"
        raise SettingsError(message) from None
