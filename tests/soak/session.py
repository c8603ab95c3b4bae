"""What a call may use: one visit of the load to one namespace."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from effective_embeddings import Client
from tests.soak.clock import Timer
from tests.soak.indeterminate import Unsure
from tests.soak.tenants import Tenant
from tests.support.raw import RemoteRaw

__all__ = ["Visit"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit.

    Attributes:
        number: Of the visit; no other has it.
        client: Calls the server.
        raw: Calls it without the client.
        tenant: Whom to visit.
        rng: Decides.
        timed: Times what is called.
        unsure: Takes what was not answered.
        folder: For files.
    """

    number: int
    client: Client
    raw: RemoteRaw
    tenant: Tenant
    rng: random.Random
    timed: Timer
    unsure: Unsure
    folder: Path
