"""64 queries in one call, next to 64 calls."""

from __future__ import annotations

from bench.harness.fixtures import check_match, fill, folder, match_request
from bench.harness.interleave import interleave
from bench.harness.load import sender
from bench.harness.measurement import Figure, Outcome
from bench.harness.processes import service
from bench.harness.vectors import unit_vectors
from effective_embeddings import Client

__all__ = ["run"]

_QUERIES = 64


def run(full: bool) -> Outcome:  # noqa: FBT001
    """Compare, one call outstanding, with 100 and 10,000 categories."""
    outcome = Outcome()
    with folder() as data, service(data) as hosted:
        channel, match = sender(hosted.target, "Match")
        for count, target in ((100, 10.0), (10_000, None)):
            name = f"bench-{count}"
            with Client(hosted.target) as client:
                bases = fill(client, name, count, 1024)
            queries = unit_vectors(_QUERIES, 1024, seed=22)
            together = match_request(name, queries)
            single = [match_request(name, query[None]) for query in queries]
            check_match(match(together), bases, queries)

            def one_by_one(_: int, single: list[bytes] = single) -> None:
                for request in single:
                    match(request)

            def at_once(_: int, together: bytes = together) -> None:
                match(together)

            measured = interleave(
                {"64 calls": one_by_one, "one call": at_once}, 25 if full else 11, 0.1
            )
            ratio, spread = measured.ratio("64 calls", "one call")
            outcome.figures.append(
                Figure(
                    what=f"{count:,} × 1024: queries/s in one call over 64 calls",
                    value=ratio,
                    target=target,
                    spread=spread,
                    parts={
                        f"{each} queries/s": _QUERIES / measured.median(each)
                        for each in ("64 calls", "one call")
                    },
                )
            )
        channel.close()
    return outcome
