"""The exceptions of the clients, under a short name; ``client.errors`` describes each."""

from effective_embeddings.client import errors as _errors
from effective_embeddings.client.errors import *  # noqa: F403 - its __all__ is the public one

# The same text as the module that this name stands for in ``from effective_embeddings import``.
__doc__ = _errors.__doc__
__all__: list[str] = []
__all__ += _errors.__all__
