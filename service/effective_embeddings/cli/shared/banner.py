"""The lines of `effemb serve` at readiness: the protected and the unprotected parts."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape

from effective_embeddings.cli.shared.output import console
from effective_embeddings.server import ServerHandle, Settings

__all__ = ["banner"]


def banner(settings: Settings, handle: ServerHandle) -> None:
    """Print the address, the data directory, and which parts are protected or open."""
    lines = [
        ("listening", handle.target),
        ("data", str(settings.data.resolve())),
        ("protected", "; ".join(_protected(settings, handle))),
        (
            "open",
            "; ".join(_open(settings, handle)) or "nothing that is known of; see docs/security.md",
        ),
    ]
    if handle.metrics_target is not None:
        lines.insert(2, ("metrics", f"http://{handle.metrics_target}/metrics"))
    for name, text in lines:
        console.print(f"[bold]{name:<10}[/bold] {escape(text)}", soft_wrap=True)
    console.print(f"[dim]Try: effemb info --server {handle.target}     Stop: Ctrl-C[/dim]")


def _protected(settings: Settings, handle: ServerHandle) -> Iterator[str]:
    yield "every acknowledged write is on the disk; one process owns the directory"
    if settings.encrypted:
        yield "calls are encrypted (TLS)"
    if settings.tls_client_ca is not None:
        yield "clients need a certificate (mTLS)"
    if settings.authenticated:
        yield f"calls need one of {handle.token_count} tokens, and do what its rules allow"
    yield "messages, batches, connections and calls at once are limited (effemb limits)"
    if settings.audit_log is not None:
        yield f"writes and refusals are kept in {settings.audit_log}"


def _open(settings: Settings, handle: ServerHandle) -> Iterator[str]:
    reach = "every user of this machine" if settings.local else "anybody who reaches this address"
    if not settings.authenticated:
        what = "neither encrypted nor authenticated" if not settings.encrypted else "open"
        yield f"calls are {what}: {reach} can read and change everything"
    elif not settings.encrypted and not settings.local:
        yield "calls are not encrypted: the network can read them, tokens included"
    if settings.authenticated and settings.reflects:
        yield "every caller can read the contract (reflection)"
    if not settings.calls_per_second:
        yield "no principal's rate is limited (calls_per_second)"
    if handle.metrics_target is not None:
        yield "metrics are served without a token"
    yield "the data on the disk is not encrypted"
