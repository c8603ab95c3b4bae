"""Every bench by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.grpc import (
    assign,
    commits,
    hostile,
    memory,
    native,
    opening,
    reads_under_writes,
    scan_sharing,
)
from bench.grpc import batch as grpc_batch
from bench.grpc import match as grpc_match
from bench.grpc import ranking_modes as grpc_ranking_modes
from bench.harness.measurement import Outcome
from bench.in_process import (
    batch,
    confidence,
    cores,
    learning,
    match,
    namespaces,
    ranking_modes,
    suggest,
    worst_case,
    write_cost,
    writes,
)

__all__ = ["CATALOG", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A bench: its question, and the function that runs it (argument: whether in full length)."""

    title: str
    run: Callable[[bool], Outcome]


CATALOG = {
    "in_process": Entry("In process: one query, one thread, the best 10", match.run),
    "in_process_batch": Entry("In process: 64 queries at once", batch.run),
    "in_process_cores": Entry("In process: two cores", cores.run),
    "in_process_worst": Entry("In process: data that defeats the sketches", worst_case.run),
    "grpc_native": Entry(
        "gRPC: the native listener next to an empty echo, under native load", native.run
    ),
    "grpc_commits": Entry("gRPC: durable Assign next to PostgreSQL", commits.run),
    "grpc_hostile": Entry("gRPC: a good client beside attacks", hostile.run),
    "grpc_match": Entry("gRPC: Match next to an empty echo", grpc_match.run),
    "grpc_assign": Entry("gRPC: Assign next to an empty echo", assign.run),
    "grpc_batch": Entry("gRPC: 64 queries in one call", grpc_batch.run),
    "grpc_sharing": Entry("gRPC: single Matches that share scans", scan_sharing.run),
    "grpc_reads_under_writes": Entry("gRPC: Match while others assign", reads_under_writes.run),
    "grpc_ranking_modes": Entry(
        "gRPC: Match and Assign by COSINE and by LOCAL", grpc_ranking_modes.run
    ),
    "writes": Entry("Writes: Assign next to bare SQLite", writes.run),
    "write_cost": Entry("Writes: what an Assign costs as data grows", write_cost.run),
    "memory": Entry("Size: memory for each category, and for items", memory.run),
    "opening": Entry("Size: from start to the first Match", opening.run),
    "namespaces": Entry("Size: many namespaces under a memory budget", namespaces.run),
    "ranking_modes": Entry(
        "In process: COSINE and LOCAL next to scikit-learn, one query", ranking_modes.run
    ),
    "confidence": Entry("Confidence: calibration on real texts, and its cost", confidence.run),
    "suggest": Entry("In process: an inbox against all categories", suggest.run),
    "learning": Entry("Learning: quality on real texts", learning.run),
}
