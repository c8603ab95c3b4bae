"""Dataclasses that callers pass in and get back: resources, replies, queries."""
