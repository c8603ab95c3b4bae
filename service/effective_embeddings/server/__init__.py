"""The server: a listener around an engine, with its settings, lifecycle, logs and metrics.

The listener is native (``transport/native_server.py``) or of the gRPC library for Python
(``transport/grpcio_server.py``); the calls of both are the core's.
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
