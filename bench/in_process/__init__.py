"""Benches of the library in one process."""
