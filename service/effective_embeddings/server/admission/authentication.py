"""From a call's metadata to who calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from effective_embeddings._core import Grant
from effective_embeddings.server.admission.refusals import unauthenticated
from effective_embeddings.server.auth.tokens import Identity, Tokens, read_tokens
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import Settings

__all__ = ["IdentityOf", "TokenAuthentication", "everybody", "make_authentication"]

_log = logging.getLogger("effective_embeddings.server")

# A call's metadata, as it came.
_Metadata: TypeAlias = Sequence[tuple[str, str | bytes]]
# Says who makes a call with some metadata, or raises a Refusal.
IdentityOf: TypeAlias = Callable[[_Metadata], Identity]

_SCHEME = "bearer "


def everybody() -> IdentityOf:
    """Return the answer where there are no tokens: everyone is "local" and may do everything."""
    local = Identity("local", Grant.unrestricted("local"))

    def identity_of(_metadata: _Metadata) -> Identity:
        return local

    return identity_of


class TokenAuthentication:
    """Knows callers by their tokens; the tokens can be read again while calls come in."""

    def __init__(self, entries: str, path: Path | None) -> None:
        """Read the tokens.

        Args:
            entries: Lines of a token file that are in no file.
            path: A token file.

        Raises:
            SettingsError: They cannot be used.
        """
        self._entries = entries
        self._path = path
        self._reloading = threading.Lock()
        self._tokens = self._read()

    def __len__(self) -> int:
        return len(self._tokens)

    def _read(self) -> Tokens:
        if self._path is None:
            return Tokens.parse(self._entries, "token_entries: ")
        if self._entries.strip():
            message = "tokens come from a file or from the environment, not from both"
            raise SettingsError(message)
        return read_tokens(self._path)

    def reload(self) -> bool:
        """Read the file again; where it cannot be used, keep the tokens that there are."""
        # A signal and a change may ask for it at once: what was read last counts.
        try:
            with self._reloading:
                self._tokens = self._read()
        except SettingsError as error:
            _log.error("tokens kept=true error=%r", str(error))
            return False
        _log.info("tokens loaded=%d principals=%r", len(self._tokens), self._tokens.principals)
        return True

    def __call__(self, metadata: _Metadata) -> Identity:
        """Return who makes a call; raise a Refusal if that is not known."""
        token = None
        for key, value in metadata:
            if key == "authorization":
                if token is not None:
                    raise unauthenticated()
                token = value
        if isinstance(token, str) and token[: len(_SCHEME)].lower() == _SCHEME:
            identity = self._tokens.identify(token[len(_SCHEME) :])
            if identity is not None:
                return identity
        raise unauthenticated()


def make_authentication(settings: Settings) -> TokenAuthentication | None:
    """Return how callers are known; None: they are not asked.

    Raises:
        SettingsError: The tokens cannot be used.
    """
    if not settings.authenticated:
        return None
    return TokenAuthentication(settings.token_entries, settings.tokens)
