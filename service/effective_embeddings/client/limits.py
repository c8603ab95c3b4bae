"""Sizes that the client keeps to; the service has its own limits and the last word on them."""

__all__ = [
    "MAX_BATCH",
    "MAX_CHUNK_BYTES",
    "MAX_FRAME_BYTES",
    "MAX_QUERIES",
    "MAX_REPLY_BYTES",
    "MAX_RESULTS",
    "PAGE_SIZE",
    "UNLIMITED_QUERIES",
]

# Entries of one write, and queries of one Match: the contract's limits.
MAX_BATCH = 10_000
MAX_QUERIES = 1_000
# Matches that one Match may answer, a few MiB of them; and queries of one whose limit is 0, where
# only the service knows how many matches that makes.
MAX_RESULTS = 100_000
UNLIMITED_QUERIES = 32
# A message is closed when it has grown past this: well below gRPC's default of 4 MiB, which a
# proxy on the way may keep to, and large enough that the cost of a call no longer shows.
MAX_CHUNK_BYTES = 3 * 1024 * 1024
# Largest reply that is taken.
MAX_REPLY_BYTES = 64 * 1024 * 1024
# Largest frame of a snapshot file that is believed; frames are about 1 MiB.
MAX_FRAME_BYTES = 16 * 1024 * 1024
# A page is cut at about 3 MiB by the service, so the most that it takes is right for all.
PAGE_SIZE = 1_000
