"""A session: one series of calls of the load on one namespace."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from effective_embeddings import Client
from tests.soak.clock import Timer
from tests.soak.indeterminate import UncertainWrites
from tests.soak.tenants import Tenant
from tests.support.raw import RemoteRaw

__all__ = ["Session"]


@dataclass(frozen=True, slots=True)
class Session:
    """One session, with what its calls need.

    Attributes:
        number: The unique number of the session.
        client: A client of the server.
        raw: The contract without the client.
        tenant: The namespace.
        rng: The source of all choices.
        timed: Times the calls.
        uncertain: Collects writes of unknown outcome.
        folder: A folder for files.
    """

    number: int
    client: Client
    raw: RemoteRaw
    tenant: Tenant
    rng: random.Random
    timed: Timer
    uncertain: UncertainWrites
    folder: Path
