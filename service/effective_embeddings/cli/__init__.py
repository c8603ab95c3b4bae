"""The `effemb` command: a service to run, and everything that can be asked of it."""

from effective_embeddings.cli.main import app, main

__all__ = ["app", "main"]
