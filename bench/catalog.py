"""Every bench by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import (
    grpc_assign,
    grpc_batch,
    grpc_match,
    grpc_reads_under_writes,
    grpc_sharing,
    in_process,
    in_process_batch,
    in_process_cores,
    in_process_worst,
    learning,
    memory,
    namespaces,
    opening,
    write_cost,
    writes,
)
from bench.figures import Outcome

__all__ = ["CATALOG", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A bench: what it asks, and how to run it (told whether to take its time)."""

    title: str
    run: Callable[[bool], Outcome]


CATALOG = {
    "in_process": Entry("In process: one query, one thread, the best 10", in_process.run),
    "in_process_batch": Entry("In process: 64 queries at once", in_process_batch.run),
    "in_process_cores": Entry("In process: two cores", in_process_cores.run),
    "in_process_worst": Entry("In process: data that defeats the sketches", in_process_worst.run),
    "grpc_match": Entry("gRPC: Match next to an empty echo", grpc_match.run),
    "grpc_assign": Entry("gRPC: Assign next to an empty echo", grpc_assign.run),
    "grpc_batch": Entry("gRPC: 64 queries in one call", grpc_batch.run),
    "grpc_sharing": Entry("gRPC: single Matches that share scans", grpc_sharing.run),
    "grpc_reads_under_writes": Entry(
        "gRPC: Match while others assign", grpc_reads_under_writes.run
    ),
    "writes": Entry("Writes: Assign next to bare SQLite", writes.run),
    "write_cost": Entry("Writes: what an Assign costs as data grows", write_cost.run),
    "memory": Entry("Size: memory for each category, and for items", memory.run),
    "opening": Entry("Size: from start to the first Match", opening.run),
    "namespaces": Entry("Size: many namespaces under a memory budget", namespaces.run),
    "learning": Entry("Learning: a person sorts real messages", learning.run),
}
