"""The calls of a server without a listener: what each passes, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effective_embeddings._core import Admission, AuditLog, Call, Calls, Engine, Events
from effective_embeddings.server import Settings, new_token, parse_tokens, token_line
from effective_embeddings.server.build import make_admission
from tests.support.access import bearer

__all__ = ["Served", "served_calls"]


@dataclass(frozen=True, slots=True)
class Served:
    """The calls, what admits them, and the tokens of their callers."""

    calls: Calls
    admission: Admission
    audit: AuditLog | None
    tokens: Mapping[str, str]

    def begin(self, caller: str | None, method: str = "Match") -> Call:
        """Admit a call of a caller; None: one without a token."""
        metadata = () if caller is None else bearer(self.tokens[caller])
        return self.calls.begin(method, metadata, "ipv4:127.0.0.1:1")

    def unary(self, caller: str | None, method: str, request: bytes = b"") -> Call:
        """Answer a call, whose reply the client has not taken yet."""
        call = self.begin(caller, method)
        call.unary(request)
        return call


@contextmanager
def served_calls(
    folder: Path, *, audit: Path | None = None, refuse: bool = True, **settings: Any
) -> Iterator[Served]:
    """The calls of a server with the callers one, other and third, who may do everything."""
    tokens = {name: new_token() for name in ("one", "other", "third")}
    entries = "\n".join(token_line(name, token, ["admin:*"]) for name, token in tokens.items())
    given = Settings(data=folder / "data", token_entries=entries, **settings)
    admission, events = make_admission(given, parse_tokens(entries)), Events()
    log = None if audit is None else AuditLog(audit, events, refuse)
    calls = Calls(admission, events, audit=log, debug=False, traces=False, seed=17)
    engine = Engine(given.data)
    calls.open(engine)
    try:
        yield Served(calls, admission, log, tokens)
    finally:
        calls.close()
        engine.close()
        if log is not None:
            log.close()
