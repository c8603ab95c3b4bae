"""Sizes that the client keeps to; the service enforces its own limits."""

__all__ = [
    "MAX_BATCH",
    "MAX_CHUNK_BYTES",
    "MAX_FRAME_BYTES",
    "MAX_PARTS",
    "MAX_QUERIES",
    "MAX_REPLY_BYTES",
    "MAX_REQUEST_ID_BYTES",
    "MAX_RESULTS",
    "PAGE_SIZE",
    "PART_BYTES",
    "UNLIMITED_QUERIES",
]

# Limits of the contract: entries of one write, queries of one Match and parts of these queries,
# bytes of a request id.
MAX_BATCH = 10_000
MAX_QUERIES = 1_000
MAX_PARTS = 10_000
MAX_REQUEST_ID_BYTES = 128
# Most matches of one Match, a few MiB; and queries of a Match whose limit is 0, to begin with:
# only the service knows how many matches these have.
MAX_RESULTS = 100_000
UNLIMITED_QUERIES = 32
# A message takes no more entries once it is larger than this: well below gRPC's default limit of
# 4 MiB, which a proxy may have, and large enough to make the cost of a call negligible.
MAX_CHUNK_BYTES = 3 * 1024 * 1024
# A part of a composite item counts as so many bytes at least, so that a batch has about 16,000 of
# them: a request can have 20,000.
PART_BYTES = MAX_CHUNK_BYTES // 16_000
# Largest reply accepted.
MAX_REPLY_BYTES = 64 * 1024 * 1024
# Largest frame of a snapshot file accepted; frames are about 1 MiB.
MAX_FRAME_BYTES = 16 * 1024 * 1024
# The service cuts pages at about 3 MiB, so its largest page size suits all listings.
PAGE_SIZE = 1_000
