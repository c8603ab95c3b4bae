"""Sizes that the client keeps to; the service has its own limits and the last word on them."""

__all__ = [
    "MAX_BATCH",
    "MAX_CHUNK_BYTES",
    "MAX_FRAME_BYTES",
    "MAX_QUERIES",
    "MAX_REPLY_BYTES",
    "PAGE_SIZE",
    "PAGE_SIZE_WITH_EMBEDDINGS",
]

# Entries of one write, and queries of one Match: the contract's limits.
MAX_BATCH = 10_000
MAX_QUERIES = 1_000
# A message is closed when it has grown past this: well below gRPC's default of 4 MiB, which a
# proxy on the way may keep to, and large enough that the cost of a call no longer shows.
MAX_CHUNK_BYTES = 3 * 1024 * 1024
# Largest reply that is taken.
MAX_REPLY_BYTES = 64 * 1024 * 1024
# Largest frame of a snapshot file that is believed; frames are about 1 MiB.
MAX_FRAME_BYTES = 16 * 1024 * 1024
PAGE_SIZE = 1_000
# 100 embeddings of the largest dimension are 6.25 MiB.
PAGE_SIZE_WITH_EMBEDDINGS = 100
