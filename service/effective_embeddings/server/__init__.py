"""The gRPC server: lifecycle, limits, health and reflection around an engine that does the work.

It runs on gRPC's thread pool, not on asyncio. The engine blocks (a write waits for the disk), so
an asyncio handler must hand over to a thread anyway and pays for both. An echo of 4 KiB, client
and server in two processes on two cores (AMD EPYC, Python 3.11.7, grpcio 1.85.1; `python
bench/grpc_stacks.py`):

    stack                       1 call outstanding     16 outstanding
    thread pool                 390 us                 6200 to 6800 calls/s
    asyncio, handed over        440 us                 3800 to 4400 calls/s
    asyncio, in the loop        360 to 400 us          5100 to 5400 calls/s (may never block)
"""

from effective_embeddings.server.build import Server, build_server
from effective_embeddings.server.lifecycle import ServerHandle, serve
from effective_embeddings.server.settings import (
    DEFAULT_LISTEN,
    MAX_MESSAGE_BYTES,
    ListenError,
    Settings,
    SettingsError,
)

__all__ = [
    "DEFAULT_LISTEN",
    "MAX_MESSAGE_BYTES",
    "ListenError",
    "Server",
    "ServerHandle",
    "Settings",
    "SettingsError",
    "build_server",
    "serve",
]
