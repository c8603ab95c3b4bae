"""The source of a server's tokens: a file, which can be read again, or the environment."""

from __future__ import annotations

import logging
import threading

from effective_embeddings._core import Admission, TokenTable
from effective_embeddings.server.auth.tokens import parse_tokens, read_tokens
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import Settings

__all__ = ["TokenSource", "load_tokens"]

_log = logging.getLogger("effective_embeddings.server")


def load_tokens(settings: Settings) -> TokenTable | None:
    """Return the tokens that the settings name; None: calls need no token.

    Raises:
        SettingsError: The tokens cannot be read or parsed.
    """
    if not settings.authenticated:
        return None
    if settings.tokens is None:
        return parse_tokens(settings.token_entries, "token_entries: ")
    if settings.token_entries.strip():
        message = "tokens come from a file or from the environment, not from both"
        raise SettingsError(message)
    return read_tokens(settings.tokens)


class TokenSource:
    """Reads the tokens again while calls come in.

    Attributes:
        count: Number of tokens that are known.
    """

    def __init__(self, settings: Settings, tokens: TokenTable | None) -> None:
        """Begin with tokens that were read already.

        Args:
            settings: The settings that name the tokens.
            tokens: What ``load_tokens`` returned.
        """
        self.count = 0 if tokens is None else len(tokens)
        self._settings = settings
        self._reloading = threading.Lock()

    def reload(self, admission: Admission) -> bool:
        """Replace an admission's tokens; keep them if the new ones cannot be used.

        Returns:
            Whether the tokens were replaced.
        """
        # A signal and a change of the file may arrive at the same time: the last read counts.
        with self._reloading:
            try:
                tokens = load_tokens(self._settings)
            except SettingsError as error:
                _log.error("tokens kept=true error=%r", str(error))
                return False
            if tokens is None:
                return False
            admission.replace_tokens(tokens)
            self.count = len(tokens)
        _log.info("tokens loaded=%d principals=%r", len(tokens), tokens.principals)
        return True
