"""How many connections the process's limit of open files allows."""

from __future__ import annotations

import logging
import resource

__all__ = ["connections_within"]

_log = logging.getLogger("effective_embeddings.server")

_SPARE_DESCRIPTORS = 256


def connections_within(wanted: int) -> int:
    """Return the number of connections that the process's descriptor limit allows.

    Some descriptors are kept free: the server needs them to accept connections and to open files.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = max(1, soft - _SPARE_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or wanted <= room:
        return wanted
    _log.warning("max_connections=%d instead of %d: ulimit -n is %d", room, wanted, soft)
    return room
