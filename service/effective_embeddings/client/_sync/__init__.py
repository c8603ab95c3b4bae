"""The client for threads: one file for each kind of thing, put together in ``client``."""
