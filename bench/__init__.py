"""The harness: how fast, how large, compared with what; see README.md.

python -m bench --help

tells what there is to measure.
"""
