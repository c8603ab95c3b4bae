"""The contract's messages, generated from the protos by ``proto/generate.py``."""
