"""What the clients raise: one class for each status code, all of them EffectiveEmbeddingsError."""

from effective_embeddings.client import errors as _errors
from effective_embeddings.client.errors import *  # noqa: F403 - its __all__ is the public one

__all__: list[str] = []
__all__ += _errors.__all__
