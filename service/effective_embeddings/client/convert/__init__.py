"""Conversions between arrays, dataclasses and the contract's messages."""
