"""The asynchronous client, written here; ``scripts/unasync.py`` generates ``_sync`` from it."""
