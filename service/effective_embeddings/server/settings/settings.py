"""What a server is told: where to listen, where the data is, who may call, and its limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from effective_embeddings._core import kernels
from effective_embeddings.server.settings.addresses import (
    ListenError,
    SettingsError,
    is_local,
    split_listen,
)

__all__ = [
    "DEFAULT_LISTEN",
    "MAX_MESSAGE_BYTES",
    "ListenError",
    "Settings",
    "SettingsError",
    "split_listen",
]

DEFAULT_LISTEN = "127.0.0.1:50051"
DEFAULT_METRICS_LISTEN = "127.0.0.1:9464"
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
ARRIVING_FOR_EACH_PLACE = 4
_PENDING_CALLS = 512


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the largest value of a number, and what the error is called, if there is one.

    Attributes:
        low: The least value that is taken.
        high: The largest.
    """

    low: float
    high: float


def _number(default: float | None, low: float, high: float) -> Any:
    return field(default=default, metadata={"bounds": Bounds(low, high)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one server. Raises SettingsError if they cannot be used.

    Closed by default: an address that other machines can reach is refused unless calls to it are
    encrypted (``tls_cert``, ``tls_key``) and authenticated (``tokens``).

    Attributes:
        data: Directory of the data, made if it is missing. One process owns it at a time.
        listen: ``host:port``, ``[ipv6]:port`` or ``unix:/path``; port 0 picks a free one.
            Default ``127.0.0.1:50051``.
        allow_insecure: Listen on an address that other machines can reach although calls are not
            encrypted, or not authenticated, or neither. Default False.
        tokens: File of token hashes (see ``tokens``); with it a call needs a token. None: the
            entries in ``token_entries``, and without any, everybody who can connect may do
            everything.
        token_entries: The lines of such a file, for those who have them in the environment.
        tls_cert: Certificate chain of the server in PEM; needs ``tls_key``.
        tls_key: Its private key in PEM.
        tls_client_ca: Certificates in PEM that a client's certificate must come from; with it a
            client needs one (mTLS). None: clients need no certificate.
        workers: Threads for unary calls, 1 to 256; default 16. A write holds one while it waits
            for the disk, and writes that wait together are committed together. A Match that takes
            microseconds needs none.
        max_concurrent_calls: Calls that are served or wait for a worker, at least ``workers``;
            one more is refused with RESOURCE_EXHAUSTED (OVERLOADED). Default 64. Four times as
            many may wait for their requests.
        max_calls_per_principal: How many of these places one principal may have, 0 to 4096, so
            that one tenant cannot take them all; 0, the default: half of them where there are
            tokens, otherwise all.
        max_streaming_calls: How many of these may be snapshots and restores, 1 to 4096;
            default 16. They last as long as their clients like.
        max_connections: Connections at the same time, 1 to 1,000,000; one more is closed at
            once. Default 4096.
        max_streams_per_connection: Calls in flight on one connection, 1 to 65,536; more wait
            in the client. Default 64.
        max_message_bytes: Largest request or reply, 64 KiB to 1 GiB; default 16 MiB.
        calls_per_second: Calls that may be made with one token a second, on average; more are
            refused with RESOURCE_EXHAUSTED (RATE_LIMITED). A token's line can say another rate.
            0, the default: as many as it likes.
        burst_calls: How many of them at once; 0, the default: those of one second.
        client_patience_seconds: How long a call waits for its client to send the next message,
            or to take one, 0.1 to 3600; default 30. Then it is cancelled.
        max_connection_idle_seconds: After how long without a call a connection is closed,
            1 to 31,536,000; default 3600.
        max_connection_age_seconds: After how long a connection is closed once its calls are
            finished, so that clients spread and meet new certificates; default 3600.
        drain_seconds: How long a stopping server lets calls in flight finish, 0 to 3600;
            default 10.
        reflection: Serve the descriptors, for grpcurl and its like, without a token. None, the
            default: where there are no tokens.
        max_namespaces: Namespaces that there may be, 1 to 1,000,000,000; one more is refused with
            RESOURCE_EXHAUSTED (TOO_MANY_NAMESPACES). Default 1,000,000.
        memory_budget: Bytes for the categories of loaded namespaces; None: the core's default.
        kernel: Ranking kernel, one of ``effective_embeddings._core.kernels()``; None: the best
            that this CPU can run.
        threads: Threads of one large scan; None: as many as the CPU has.
        metrics_listen: ``host:port`` for Prometheus, over plain HTTP; None, the default here:
            none. `effemb serve` takes 127.0.0.1:9464, unless another server has it.
        allow_remote_metrics: Let that be an address that other machines can reach. The figures
            name methods and codes, never namespaces, keys or principals. Default False.
        log_level: ``debug`` (a line for each call), ``info`` (the default), ``warning``, ``error``.
        log_format: ``text`` (the default) or ``json``, one object a line.
        audit_log: File that gets a JSON line for each write and each refusal; None: none.
        traces: Send a span of each call that is let in to OpenTelemetry, as the standard OTEL_*
            variables say (OTLP, to localhost:4317 unless they name another place); needs the
            extra ``otel``. Default False.
    """

    data: Path
    listen: str = DEFAULT_LISTEN
    allow_insecure: bool = False
    tokens: Path | None = None
    token_entries: str = field(default="", repr=False)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    workers: int = _number(16, 1, 256)
    max_concurrent_calls: int = _number(64, 1, 4096)
    max_calls_per_principal: int = _number(0, 0, 4096)
    max_streaming_calls: int = _number(16, 1, 4096)
    max_connections: int = _number(4096, 1, 1_000_000)
    max_streams_per_connection: int = _number(64, 1, 65_536)
    max_message_bytes: int = _number(MAX_MESSAGE_BYTES, 64 * 1024, 2**30)
    calls_per_second: float = _number(0.0, 0, 1_000_000)
    burst_calls: int = _number(0, 0, 1_000_000)
    client_patience_seconds: float = _number(30.0, 0.1, 3600)
    max_connection_idle_seconds: float = _number(3600.0, 1, 31_536_000)
    max_connection_age_seconds: float = _number(3600.0, 1, 31_536_000)
    drain_seconds: float = _number(10.0, 0, 3600)
    reflection: bool | None = None
    max_namespaces: int = _number(1_000_000, 1, 1_000_000_000)
    memory_budget: int | None = _number(None, 0, 2**60)
    kernel: str | None = None
    threads: int | None = _number(None, 1, 1024)
    metrics_listen: str | None = None
    allow_remote_metrics: bool = False
    log_level: str = "info"
    log_format: str = "text"
    audit_log: Path | None = None
    traces: bool = False

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            bounds = each.metadata.get("bounds")
            if bounds is not None:
                _check_range(each.name, getattr(self, each.name), bounds)
        _check_range("max_concurrent_calls", self.max_concurrent_calls, Bounds(self.workers, 4096))
        if self.kernel is not None:
            _check_one_of("kernel", self.kernel, kernels())
        _check_one_of("log_level", self.log_level, LOG_LEVELS)
        _check_one_of("log_format", self.log_format, LOG_FORMATS)
        if (self.tls_cert is None) != (self.tls_key is None):
            message = "tls_cert and tls_key go together: a certificate is of no use without its key"
            raise SettingsError(message)
        if self.tls_client_ca is not None and self.tls_cert is None:
            message = "tls_client_ca needs tls_cert and tls_key"
            raise SettingsError(message)
        if self.encrypted and self.listen.startswith("unix:"):
            message = "a unix socket needs no TLS: its folder's permissions say who can reach it"
            raise SettingsError(message)
        self._check_listen()
        self._check_metrics()

    @property
    def encrypted(self) -> bool:
        """Whether calls are encrypted."""
        return self.tls_cert is not None

    @property
    def authenticated(self) -> bool:
        """Whether a call needs a token."""
        return self.tokens is not None or bool(self.token_entries.strip())

    @property
    def local(self) -> bool:
        """Whether only this machine can connect."""
        return is_local(self.listen)

    @property
    def reflects(self) -> bool:
        """Whether the descriptors are served."""
        return not self.authenticated if self.reflection is None else self.reflection

    @property
    def share(self) -> int:
        """Calls in flight that one principal may have."""
        if self.max_calls_per_principal:
            return self.max_calls_per_principal
        everything = self.max_concurrent_calls
        return max(1, everything // 2) if self.authenticated else everything

    @property
    def arriving_calls(self) -> int:
        """Calls that may wait for their requests at the same time."""
        return self.max_concurrent_calls * ARRIVING_FOR_EACH_PLACE

    @property
    def pending_calls(self) -> int:
        """Calls of a method that may wait to be looked at: beyond it gRPC ends some, CANCELLED.

        Beyond twice it all of them. Far more than ever wait while calls can be turned away as fast
        as they come.
        """
        return max(self.max_streams_per_connection, self.max_concurrent_calls, _PENDING_CALLS)

    def _check_listen(self) -> None:
        if self.local or self.allow_insecure or (self.encrypted and self.authenticated):
            return
        if not self.encrypted and not self.authenticated:
            lack = (
                "calls are neither encrypted nor authenticated (give --tls-cert, --tls-key and "
                "--tokens)"
            )
        elif not self.encrypted:
            lack = "calls are not encrypted (give --tls-cert and --tls-key)"
        else:
            lack = "callers are not authenticated (give --tokens)"
        message = (
            f"refused to listen on {self.listen!r}, which other machines can reach: "
            f"{lack}. Or listen on a loopback address (such as {DEFAULT_LISTEN}). "
            "--allow-insecure-listen listens all the same: whoever reaches the port can then read "
            f"{'and change everything' if not self.authenticated else 'tokens and vectors'}."
        )
        raise SettingsError(message)

    def _check_metrics(self) -> None:
        if self.metrics_listen is None:
            return
        if self.metrics_listen.startswith("unix:"):
            message = "metrics_listen must be host:port: Prometheus speaks HTTP over TCP"
            raise SettingsError(message)
        local = is_local(self.metrics_listen, "metrics_listen")
        if not local and not self.allow_remote_metrics:
            message = (
                f"refused to serve metrics on {self.metrics_listen!r}, which other machines can "
                "reach: they are neither encrypted nor authenticated. --allow-remote-metrics "
                "serves them there all the same."
            )
            raise SettingsError(message)


def _check_range(name: str, value: Any, bounds: Bounds) -> None:
    if value is None:
        return
    # The type is checked too: a file may say "16" or true.
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not bounds.low <= value <= bounds.high:
        message = f"{name} must be {bounds.low:,} to {bounds.high:,}, not {value!r}"
        raise SettingsError(message)


def _check_one_of(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        noun = name.replace("_", " ")
        message = f"{value!r} is no {noun}: there are {', '.join(choices)}"
        raise SettingsError(message)
