"""What a server is told: where to listen, where the data is, and its limits."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DEFAULT_LISTEN", "MAX_MESSAGE_BYTES", "ListenError", "Settings", "SettingsError"]

DEFAULT_LISTEN = "127.0.0.1:50051"
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_MAX_PORT = 65_535


class SettingsError(ValueError):
    """A setting that cannot be used; the text says which and why."""


class ListenError(RuntimeError):
    """The address cannot be listened on; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one server. Raises SettingsError if they cannot be used.

    Attributes:
        data: Directory of the data, made if it is missing. One process owns it at a time.
        listen: ``host:port``, ``[ipv6]:port`` or ``unix:/path``; port 0 picks a free one.
            Default ``127.0.0.1:50051``.
        allow_insecure: Listen on an address that other machines can reach. Default False.
        workers: Threads that serve calls, 1 to 256; default 16. A write holds one while it waits
            for the disk, and writes that wait together are committed together.
        max_concurrent_calls: Calls that are served or wait for a worker, at least ``workers``;
            one more is refused with RESOURCE_EXHAUSTED. Default 256.
        max_message_bytes: Largest request or reply, 64 KiB to 1 GiB; default 16 MiB.
        drain_seconds: How long a stopping server lets calls in flight finish, 0 to 3600;
            default 10.
        reflection: Serve the descriptors, for grpcurl and its like. Default True.
        memory_budget: Bytes for the categories of loaded namespaces; None: the core's default.
        kernel: Ranking kernel, one of ``effective_embeddings._core.kernels()``; None: the best
            that this CPU can run.
        threads: Threads of one large scan; None: as many as the CPU has.
    """

    data: Path
    listen: str = DEFAULT_LISTEN
    allow_insecure: bool = False
    workers: int = 16
    max_concurrent_calls: int = 256
    max_message_bytes: int = MAX_MESSAGE_BYTES
    drain_seconds: float = 10.0
    reflection: bool = True
    memory_budget: int | None = None
    kernel: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        _check_range("workers", self.workers, 1, 256)
        _check_range("max_concurrent_calls", self.max_concurrent_calls, self.workers, 65_536)
        _check_range("max_message_bytes", self.max_message_bytes, 64 * 1024, 2**30)
        _check_range("drain_seconds", self.drain_seconds, 0, 3600)
        if not self.allow_insecure and not _is_local(self.listen):
            message = (
                f"refused to listen on {self.listen!r}: calls are neither encrypted nor "
                "authenticated, so whoever reaches the port could read and change everything. "
                f"Listen on a loopback address (such as {DEFAULT_LISTEN}), or say that the "
                "network is trusted with --allow-insecure-listen (allow_insecure=True)."
            )
            raise SettingsError(message)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        message = f"{name} must be {low} to {high}, not {value}"
        raise SettingsError(message)


def split_listen(listen: str) -> tuple[str, int]:
    """Return the host (without brackets) and the port of ``host:port``.

    Raises:
        SettingsError: It has another form.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        message = f"listen must be host:port, [ipv6]:port or unix:/path, not {listen!r}"
        raise SettingsError(message)
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_local(listen: str) -> bool:
    if listen.startswith("unix:"):
        return True
    host, _ = split_listen(listen)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name can resolve to anything, and to something else tomorrow.
        return False
