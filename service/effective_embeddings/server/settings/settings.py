"""The settings of a server: addresses, data, security, limits, observability, engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effective_embeddings._core import kernels
from effective_embeddings.server.settings.addresses import is_local
from effective_embeddings.server.settings.definition import Definition, definitions, setting
from effective_embeddings.server.settings.errors import SettingsError

__all__ = [
    "ARRIVING_FOR_EACH_PLACE",
    "DEFAULT_LISTEN",
    "DEFAULT_METRICS_LISTEN",
    "DEFINITIONS",
    "MAX_MESSAGE_BYTES",
    "Settings",
]

DEFAULT_LISTEN = "127.0.0.1:50051"
DEFAULT_METRICS_LISTEN = "127.0.0.1:9464"
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
ARRIVING_FOR_EACH_PLACE = 4
_UNREAD_MESSAGES = 16

_ADDRESS = "Address and data"
_SECURITY = "Security"
_LIMITS = "Limits"
_OBSERVABILITY = "Metrics and logs"
_ENGINE = "Engine"

_YEAR = 31_536_000
_OVERLOADED = "OVERLOADED"
_RATE_LIMITED = "RATE_LIMITED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one server.

    Closed by default: an address that other machines can reach is refused unless calls to it are
    encrypted (``tls_cert``, ``tls_key``) and authenticated (``tokens``).

    Raises:
        SettingsError: The settings cannot be used; all faults are named.
    """

    data: Path = setting(
        help="The data directory; created if it is missing. One process owns it at a time.",
        panel=_ADDRESS,
        metavar="DIR",
        served=Path("effemb-data"),
    )
    listen: str = setting(
        DEFAULT_LISTEN,
        help="The address to listen on: host:port, [ipv6]:port or unix:/path. Port 0 picks a free"
        " port.",
        panel=_ADDRESS,
        metavar="HOST:PORT",
    )
    transport: str = setting(
        "native",
        help="What serves gRPC: native is the listener in Rust, grpcio the gRPC library for"
        " Python.",
        panel=_ADDRESS,
        choices=("native", "grpcio"),
    )
    drain_seconds: float = setting(
        10.0,
        help="How long a stopping server lets calls in flight finish.",
        panel=_ADDRESS,
        low=0,
        high=3600,
        unit="seconds",
        beyond="calls are cancelled",
    )
    tokens: Path | None = setting(
        None,
        help="A file of token hashes (`effemb token new`); with it every call needs a token.",
        panel=_SECURITY,
        metavar="FILE",
        unset="calls need no token",
    )
    token_entries: str = setting(
        "",
        help="The lines of a token file, for deployments that keep them in the environment."
        " Semicolons separate lines there.",
        panel=_SECURITY,
        flag=False,
        secret=True,
    )
    tls_cert: Path | None = setting(
        None,
        help="The server's certificate chain, PEM; needs tls_key. A replaced file is read at the"
        " next handshake.",
        panel=_SECURITY,
        metavar="FILE",
        unset="calls are not encrypted",
    )
    tls_key: Path | None = setting(
        None,
        help="The private key of tls_cert, PEM, not encrypted.",
        panel=_SECURITY,
        metavar="FILE",
    )
    tls_client_ca: Path | None = setting(
        None,
        help="Certificate authorities, PEM; with them every client needs a certificate (mTLS).",
        panel=_SECURITY,
        metavar="FILE",
        unset="clients need no certificate",
    )
    allow_insecure_listen: bool = setting(
        default=False,
        help="Listen on an address that other machines can reach although calls are not encrypted"
        " or not authenticated: anybody who reaches the port can then read the traffic, or read"
        " and change everything.",
        panel=_SECURITY,
    )
    reflection: bool | None = setting(
        None,
        help="Serve the contract's descriptors without a token, for tools such as grpcurl.",
        panel=_SECURITY,
        unset="true without tokens, false with them",
        effective="reflects",
    )
    workers: int = setting(
        16,
        help="Threads for unary calls that take longer than microseconds. A write that shares"
        " its commit with others holds none, nor does one of a client that has a thread of"
        " connections to itself, unless there is an audit log.",
        panel=_LIMITS,
        low=1,
        high=256,
        unit="threads",
        beyond="more calls wait",
    )
    max_concurrent_calls: int = setting(
        64,
        help="Calls that are served or wait for a worker; at least `workers`. Four times as many"
        " may wait for their requests.",
        panel=_LIMITS,
        low=1,
        high=4096,
        unit="calls",
        beyond=_OVERLOADED,
    )
    max_calls_per_principal: int = setting(
        0,
        help="How many of max_concurrent_calls one principal may hold, and at most half of what"
        " the others leave; 0: half of them with tokens, all without.",
        panel=_LIMITS,
        low=0,
        high=4096,
        unit="calls",
        beyond=_OVERLOADED,
        effective="share",
    )
    max_streaming_calls: int = setting(
        16,
        help="How many of max_concurrent_calls may be snapshots, restores and watches, which last"
        " as long as their clients like.",
        panel=_LIMITS,
        low=1,
        high=4096,
        unit="calls",
        beyond=_OVERLOADED,
    )
    max_connections: int = setting(
        4096,
        help="Connections at the same time.",
        panel=_LIMITS,
        low=1,
        high=1_000_000,
        unit="connections",
        beyond="closed at once",
    )
    max_streams_per_connection: int = setting(
        64,
        help="Calls in flight on one connection.",
        panel=_LIMITS,
        low=1,
        high=65_536,
        unit="calls",
        beyond="more wait in the client",
    )
    max_message_bytes: int = setting(
        MAX_MESSAGE_BYTES,
        help="The largest request or reply.",
        panel=_LIMITS,
        low=64 * 1024,
        high=2**30,
        unit="bytes",
        beyond="REPLY_TOO_LARGE (gRPC)",
    )
    calls_per_second: float = setting(
        0.0,
        help="Calls per second with one token, on average; a token's own rate overrides it. 0: not"
        " limited.",
        panel=_LIMITS,
        low=0,
        high=1_000_000,
        unit="calls/s",
        beyond=_RATE_LIMITED,
    )
    burst_calls: int = setting(
        0,
        help="Calls with one token at once; 0: those of one second.",
        panel=_LIMITS,
        low=0,
        high=1_000_000,
        unit="calls",
        beyond=_RATE_LIMITED,
        effective="burst",
    )
    client_stall_timeout_seconds: float = setting(
        30.0,
        help="How long a call waits for its client to send or to take the next message.",
        panel=_LIMITS,
        low=0.1,
        high=3600,
        unit="seconds",
        beyond="CANCELLED",
    )
    max_connection_idle_seconds: float = setting(
        3600.0,
        help="How long a connection without calls stays open.",
        panel=_LIMITS,
        low=1,
        high=_YEAR,
        unit="seconds",
        beyond="connection closed",
    )
    max_connection_age_seconds: float = setting(
        3600.0,
        help="The age at which a connection is closed, once its calls are finished: clients spread"
        " over servers and meet new certificates.",
        panel=_LIMITS,
        low=1,
        high=_YEAR,
        unit="seconds",
        beyond="closed after its calls",
    )
    max_namespaces: int = setting(
        1_000_000,
        help="Namespaces in the data directory.",
        panel=_LIMITS,
        low=1,
        high=1_000_000_000,
        unit="namespaces",
        beyond="TOO_MANY_NAMESPACES",
    )
    memory_budget: int | None = setting(
        None,
        help="Bytes of memory for the categories of loaded namespaces; 0: not limited.",
        panel=_ENGINE,
        metavar="BYTES",
        low=0,
        high=2**60,
        unset="the engine's own",
        unit="bytes",
        beyond="namespaces are unloaded",
    )
    kernel: str | None = setting(
        None,
        help="The ranking kernel.",
        panel=_ENGINE,
        unset="the best one that this CPU can run",
    )
    threads: int | None = setting(
        None,
        help="Threads of one large scan.",
        panel=_ENGINE,
        low=1,
        high=1024,
        unset="as many as the CPU has",
    )
    idle_poll_us: int = setting(
        500,
        help="How long a thread of connections, or a worker, polls for the next call before it"
        " sleeps, if calls come that quickly and a core is spare: waking takes longer than a short"
        " Match. 0: never, for the least CPU.",
        panel=_ENGINE,
        low=0,
        high=10_000,
        unit="microseconds",
    )
    metrics_listen: str | None = setting(
        None,
        help="The address at which Prometheus finds the metrics, over plain HTTP; off: nowhere.",
        panel=_OBSERVABILITY,
        metavar="HOST:PORT",
        served=DEFAULT_METRICS_LISTEN,
        unset="nowhere, if another server has it",
    )
    allow_remote_metrics: bool = setting(
        default=False,
        help="Serve metrics on an address that other machines can reach. Metrics name methods and"
        " status codes, never namespaces, keys or principals.",
        panel=_OBSERVABILITY,
    )
    log_level: str = setting(
        "info",
        help="The least level that is logged to the standard error; debug has a line for each"
        " call.",
        panel=_OBSERVABILITY,
        choices=("debug", "info", "warning", "error"),
    )
    log_format: str = setting(
        "text",
        help="The form of log lines; json is one object a line.",
        panel=_OBSERVABILITY,
        choices=("text", "json"),
    )
    audit_log: Path | None = setting(
        None,
        help="A file that gets a JSON line for each write and for each refusal.",
        panel=_OBSERVABILITY,
        metavar="FILE",
        unset="no audit log",
    )
    audit_failure: str = setting(
        "refuse",
        help="What happens while the audit log cannot be written: refuse writes, or continue and"
        " count the lost lines. Reads go on in both cases.",
        panel=_OBSERVABILITY,
        choices=("refuse", "continue"),
    )
    traces: bool = setting(
        default=False,
        help="Send a span of each admitted call to OpenTelemetry, as the OTEL_* variables say;"
        " needs the extra `otel`.",
        panel=_OBSERVABILITY,
    )

    def __post_init__(self) -> None:
        problems = self._problems(frozenset())
        if problems:
            raise SettingsError(*problems)

    @classmethod
    def problems_of(cls, values: Mapping[str, Any], faulty: Collection[str]) -> list[str]:
        """Return every fault of some values; the settings need not be usable.

        Args:
            values: By name; a missing setting has its default.
            faulty: Settings whose faults are known already. Rules that need them are left out.
        """
        draft = object.__new__(cls)
        for each in dataclasses.fields(cls):
            object.__setattr__(draft, each.name, values.get(each.name, each.default))
        return draft._problems(faulty)

    def _problems(self, faulty: Collection[str]) -> list[str]:
        bad = set(faulty)
        problems = []
        for name, each in DEFINITIONS.items():
            problem = None if name in bad else each.problem(getattr(self, name))
            if problem is not None:
                problems.append(problem)
                bad.add(name)
        for names, rule in _RULES:
            if bad.isdisjoint(names):
                try:
                    problem = rule(self)
                except SettingsError as error:
                    problem = str(error)
                if problem is not None:
                    problems.append(problem)
                    bad.update(names)
        return problems

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
    def burst(self) -> float:
        """Calls with one token at once; 0: not limited."""
        return self.burst_calls or self.calls_per_second

    @property
    def arriving_calls(self) -> int:
        """Calls that may wait for their requests at the same time."""
        return self.max_concurrent_calls * ARRIVING_FOR_EACH_PLACE

    @property
    def arriving_share(self) -> int:
        """Calls of one principal that may wait for their requests at the same time."""
        return self.share * ARRIVING_FOR_EACH_PLACE

    @property
    def streaming_share(self) -> int:
        """Streaming calls that one principal may have: the same part as of all calls."""
        return self._share_of(self.max_streaming_calls)

    @property
    def unread_reply_bytes(self) -> int:
        """Bytes of replies that clients have not taken yet; beyond it they hold their calls."""
        return self.max_message_bytes * _UNREAD_MESSAGES

    @property
    def unread_reply_share(self) -> int:
        """Such bytes of one principal: the same part as of all calls."""
        return self._share_of(self.unread_reply_bytes)

    def _share_of(self, whole: int) -> int:
        part = -(-whole * self.share // self.max_concurrent_calls)
        return max(1, min(whole, part))


DEFINITIONS: Mapping[str, Definition] = definitions(Settings)
"""The definitions of all settings, by name."""


def _enough_places(settings: Settings) -> str | None:
    if settings.max_concurrent_calls >= settings.workers:
        return None
    return (
        f"max_concurrent_calls must be at least workers, {settings.workers}, not "
        f"{settings.max_concurrent_calls}"
    )


def _known_kernel(settings: Settings) -> str | None:
    if settings.kernel is None or settings.kernel in kernels():
        return None
    return f"kernel must be one of {', '.join(kernels())} on this CPU, not {settings.kernel!r}"


def _whole_certificate(settings: Settings) -> str | None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        return "tls_cert and tls_key go together: a certificate is of no use without its key"
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        return "tls_client_ca needs tls_cert and tls_key"
    if settings.encrypted and settings.listen.startswith("unix:"):
        return "a unix socket needs no TLS: its folder's permissions say who can reach it"
    return None


def _protected_listen(settings: Settings) -> str | None:
    if settings.local or settings.allow_insecure_listen:
        return None
    if settings.encrypted and settings.authenticated:
        return None
    if not settings.encrypted and not settings.authenticated:
        lack = (
            "calls are neither encrypted nor authenticated (give --tls-cert, --tls-key and "
            "--tokens)"
        )
    elif not settings.encrypted:
        lack = "calls are not encrypted (give --tls-cert and --tls-key)"
    else:
        lack = "callers are not authenticated (give --tokens)"
    exposed = "tokens and vectors" if settings.authenticated else "and change everything"
    return (
        f"refused to listen on {settings.listen!r}, which other machines can reach: {lack}. Or "
        f"listen on a loopback address (such as {DEFAULT_LISTEN}). --allow-insecure-listen listens "
        f"all the same: anybody who reaches the port can then read {exposed}."
    )


def _protected_metrics(settings: Settings) -> str | None:
    listen = settings.metrics_listen
    if listen is None:
        return None
    if listen.startswith("unix:"):
        return "metrics_listen must be host:port: Prometheus speaks HTTP over TCP"
    if is_local(listen, "metrics_listen") or settings.allow_remote_metrics:
        return None
    return (
        f"refused to serve metrics on {listen!r}, which other machines can reach: they are neither "
        "encrypted nor authenticated. --allow-remote-metrics serves them there all the same."
    )


# The settings that a rule reads, and the rule: it returns what is wrong.
_RULES: tuple[tuple[frozenset[str], Callable[[Settings], str | None]], ...] = (
    (frozenset({"workers", "max_concurrent_calls"}), _enough_places),
    (frozenset({"kernel"}), _known_kernel),
    (frozenset({"listen", "tls_cert", "tls_key", "tls_client_ca"}), _whole_certificate),
    (
        frozenset(
            {"listen", "allow_insecure_listen", "tls_cert", "tls_key", "tokens", "token_entries"}
        ),
        _protected_listen,
    ),
    (frozenset({"metrics_listen", "allow_remote_metrics"}), _protected_metrics),
)

Settings.__doc__ = f"{Settings.__doc__}\n    Attributes:\n" + "".join(
    f"        {name}: {each.documented}\n" for name, each in DEFINITIONS.items()
)
