"""The gRPC server: lifecycle, limits, health and reflection around an engine that does the work.

One thread brings all calls, asks for their requests, and answers what takes microseconds itself;
the rest it hands to workers, for the engine blocks (a write waits for the disk): see
``transport/raw_unary.py``. gRPC's own thread pool would hand over every call three times, and
asyncio costs more than that. An echo of 4 KiB, client and server in two processes on two cores (AMD
EPYC, Python 3.11.7, grpcio 1.85.1; `python -m bench.grpc.stacks`):

    stack                 1 outstanding: p50, server CPU    16 outstanding: rate, server CPU
    raw unary             223-282 us, 116-125 us a call     9400-10400/s, 47-52 us a call
    thread pool           279-427 us, 180-272 us            4000-6400/s, 147-242 us
    asyncio, in the loop  353-360 us, 260-270 us            3600-6100/s, 150-213 us (never blocks)
    asyncio, handed over  470-471 us, 355-373 us            3600-4500/s, 229-278 us

Tried and within the noise: 2 and 4 workers, workers at a lower priority, the interpreter's switch
interval, frozen garbage, gRPC's optimization target and bandwidth probe.
"""

from effective_embeddings.server.auth.token_file import (
    TokenEntry,
    add_token,
    list_tokens,
    revoke_token,
)
from effective_embeddings.server.auth.tokens import (
    new_token,
    parse_tokens,
    read_tokens,
    token_line,
)
from effective_embeddings.server.build import Server
from effective_embeddings.server.lifecycle import ServerHandle, serve
from effective_embeddings.server.limits_report import Limit, all_limits
from effective_embeddings.server.observability.logs import setup_logging
from effective_embeddings.server.preflight import check_files
from effective_embeddings.server.settings.definition import Definition
from effective_embeddings.server.settings.errors import ListenError, SettingsError
from effective_embeddings.server.settings.settings import (
    DEFAULT_LISTEN,
    DEFINITIONS,
    MAX_MESSAGE_BYTES,
    Settings,
)
from effective_embeddings.server.settings.sources import Resolved, resolve

__all__ = [
    "DEFAULT_LISTEN",
    "DEFINITIONS",
    "MAX_MESSAGE_BYTES",
    "Definition",
    "Limit",
    "ListenError",
    "Resolved",
    "Server",
    "ServerHandle",
    "Settings",
    "SettingsError",
    "TokenEntry",
    "add_token",
    "all_limits",
    "check_files",
    "list_tokens",
    "new_token",
    "parse_tokens",
    "read_tokens",
    "resolve",
    "revoke_token",
    "serve",
    "setup_logging",
    "token_line",
]
