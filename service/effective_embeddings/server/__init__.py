"""The gRPC server: lifecycle, limits, health and reflection around an engine that does the work.

It runs on gRPC's thread pool, not on asyncio. The engine blocks (a write waits for the disk), so
an asyncio handler must hand over to a thread anyway and pays for both. An echo of 4 KiB, client
and server in two processes on two cores (AMD EPYC, Python 3.11.7, grpcio 1.85.1; `python
bench/grpc_stacks.py`):

    stack                 1 outstanding: p50, server CPU    16 outstanding: rate, server CPU
    thread pool           393-429 us, 249-290 us a call     6200-6800/s, 142-151 us a call
    asyncio, handed over  443-462 us, 335-356 us            3800-4400/s, 231-258 us
    asyncio, in the loop  363-398 us, 271-279 us            5100-5400/s, 166-173 us (never blocks)

Tried and within the noise: a leaner executor, 2 and 4 workers, registered methods, the
interpreter's switch interval, frozen garbage, gRPC's optimization target and bandwidth probe.
"""

from effective_embeddings.server.build import Server, build_server
from effective_embeddings.server.config import FIELDS, Resolved, check_files, resolve
from effective_embeddings.server.lifecycle import ServerHandle, serve
from effective_embeddings.server.limits import Limit, all_limits
from effective_embeddings.server.logs import setup_logging
from effective_embeddings.server.settings import (
    DEFAULT_LISTEN,
    MAX_MESSAGE_BYTES,
    ListenError,
    Settings,
    SettingsError,
)
from effective_embeddings.server.tokens import Tokens, new_token, read_tokens, token_line

__all__ = [
    "DEFAULT_LISTEN",
    "FIELDS",
    "MAX_MESSAGE_BYTES",
    "Limit",
    "ListenError",
    "Resolved",
    "Server",
    "ServerHandle",
    "Settings",
    "SettingsError",
    "Tokens",
    "all_limits",
    "build_server",
    "check_files",
    "new_token",
    "read_tokens",
    "resolve",
    "serve",
    "setup_logging",
    "token_line",
]
