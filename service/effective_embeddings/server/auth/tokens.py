"""Who a caller is: bearer tokens, kept as hashes, each with what it allows.

A token file has one entry a line, and comments after ``#``:

    # principal  hash of the token     what it may do
    alice        sha256:5e88...        write:alice  read:shared-*
    alice        sha256:0f3c...        write:alice  read:shared-*
    operator     sha256:9b71...        admin:*  rate=1000

The scopes are read, write and admin, each with those before it; a namespace is named, or meant by
a prefix and ``*``. What no rule allows is refused. ``rate`` is how many calls a second may be made
with this token, instead of what the settings say; 0: as many as one likes. A principal may have two
live tokens, so that one can replace the other without a gap. ``effemb token new`` makes a token and
its line.

Tokens have 256 random bits, so a plain SHA-256 keeps them: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from effective_embeddings._core import Grant
from effective_embeddings.server.settings.errors import SettingsError

__all__ = ["MAX_ENTRIES", "Identity", "Tokens", "hash_of", "new_token", "read_tokens", "token_line"]

MAX_ENTRIES = 1024
MAX_FILE_BYTES = 1024 * 1024
MAX_TOKENS_OF_A_PRINCIPAL = 2
# Longer than any token; what is longer is not even hashed.
MAX_TOKEN_BYTES = 512

MAX_RATE = 1_000_000

_PREFIX = "effemb_"
_RATE = "rate="
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A known caller.

    Attributes:
        principal: Its name.
        grant: What it may do.
        token: The hash of its token; empty where there are none.
        calls_per_second: The token's own rate; 0: none; None: as the settings say.
    """

    principal: str
    grant: Grant
    token: bytes = b""
    calls_per_second: float | None = None


def new_token() -> str:
    """Return a new token: 256 random bits, with a beginning that secret scanners can look for."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return a token's entry in a token file."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def token_line(principal: str, token: str, rules: list[str]) -> str:
    """Return the line of a token file for a token.

    Raises:
        SettingsError: The principal or a rule is none.
    """
    line = " ".join([principal, hash_of(token), *rules])
    Tokens.parse(line)
    return line


class Tokens:
    """The tokens of one file, as they were when it was read. Immutable."""

    def __init__(self, entries: list[tuple[bytes, Identity]]) -> None:
        self._entries = entries
        self._key = secrets.token_bytes(32)
        self._by_tag = {self._tag(digest): identity for digest, identity in entries}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def principals(self) -> list[str]:
        """Who has a token."""
        return sorted({identity.principal for _, identity in self._entries})

    @classmethod
    def parse(cls, text: str, where: str = "") -> Tokens:
        """Read the lines of a token file.

        Raises:
            SettingsError: A line is not an entry. The text names the line, and never repeats it:
                somebody may have put a token there.
        """
        entries: list[tuple[bytes, Identity]] = []
        for number, line in enumerate(text.splitlines(), start=1):
            fields = line.partition("#")[0].split()
            if fields:
                try:
                    entries.append(_entry(fields))
                except ValueError as error:
                    message = f"{where}line {number}: {error}"
                    raise SettingsError(message) from None
        if len(entries) > MAX_ENTRIES:
            message = f"{where}there are {len(entries)} tokens, and at most {MAX_ENTRIES}"
            raise SettingsError(message)
        if len({digest for digest, _ in entries}) < len(entries):
            message = f"{where}a token is listed twice"
            raise SettingsError(message)
        counts = Counter(identity.principal for _, identity in entries)
        for principal, count in counts.items():
            if count > MAX_TOKENS_OF_A_PRINCIPAL:
                message = (
                    f"{where}{principal} has {count} live tokens, and at most "
                    f"{MAX_TOKENS_OF_A_PRINCIPAL}: remove the oldest"
                )
                raise SettingsError(message)
        return cls(entries)

    def identify(self, token: str | bytes) -> Identity | None:
        """Return whose token it is, or None; takes as long whatever is right about it."""
        given = token.encode() if isinstance(token, str) else token
        if len(given) > MAX_TOKEN_BYTES:
            return None
        return self._by_tag.get(self._tag(hashlib.sha256(given).digest()))

    def _tag(self, digest: bytes) -> bytes:
        """Return what a hash is looked up by: a MAC, of which nobody outside can know a bit.

        So the time that a lookup takes tells nothing about which token was nearly right, and it
        does not grow with their number. In the manner of the double HMAC comparison.
        """
        return hmac.digest(self._key, digest, "sha256")


def _entry(fields: list[str]) -> tuple[bytes, Identity]:
    if len(fields) < 2:  # noqa: PLR2004 - a name and a hash
        message = "must be: principal sha256:HEX scope:namespace..."
        raise ValueError(message)
    principal, hashed, *rules = fields
    if not _PRINCIPAL.fullmatch(principal):
        message = "a principal has 1 to 64 letters, digits, '.', '_', '@' or '-'"
        raise ValueError(message)
    if principal.startswith(_PREFIX):
        message = f"a principal does not begin with {_PREFIX}: that is a token, and secret"
        raise ValueError(message)
    matched = _HASH.fullmatch(hashed)
    if matched is None:
        message = "the hash must be sha256: and 64 hexadecimal digits (`effemb token new`)"
        raise ValueError(message)
    pairs = []
    rate = None
    for rule in rules:
        if rule.startswith(_RATE):
            rate = _rate(rule.removeprefix(_RATE))
            continue
        scope, colon, pattern = rule.partition(":")
        if not colon:
            message = "a rule must be scope:namespace, such as read:* or write:alice"
            raise ValueError(message)
        pairs.append((scope, pattern))
    if not pairs:
        message = f"{principal} may do nothing: add rules such as read:* or write:alice"
        raise ValueError(message)
    digest = bytes.fromhex(matched[1])
    return digest, Identity(principal, Grant(principal, pairs), digest, rate)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    # Not a number fails too.
    if not 0 <= rate <= MAX_RATE:
        message = f"a rate is rate= and 0 to {MAX_RATE:,} calls a second, such as rate=100"
        raise ValueError(message)
    return rate


def read_tokens(path: Path) -> Tokens:
    """Read a token file.

    Raises:
        SettingsError: It cannot be read, or has a line that is no entry.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            message = f"{path} is larger than {MAX_FILE_BYTES:,} bytes"
            raise SettingsError(message)
        return Tokens.parse(content.decode(), f"{path}: ")
    except OSError as error:
        message = f"cannot read the tokens: {path}: {error.strerror}"
        raise SettingsError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is not text"
        raise SettingsError(message) from None
