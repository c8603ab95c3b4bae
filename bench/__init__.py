"""Benches: speed and size, next to peers on the same machine; see README.md.

python -m bench --help

lists the benches.
"""
