"""Categories that learn by absorbing what people put into them.

    from effective_embeddings import Client

    with Client.embedded("./data") as client:      # or Client("127.0.0.1:50051")
        client.create_namespace("alice", dimension=384)

Client and AsyncClient call a service, which ``effective_embeddings.server`` runs;
``Client.embedded`` is the same in process; CategoryMatrix is the core without a store. The
exceptions are in ``effective_embeddings.errors``.
"""

import warnings

from effective_embeddings import client as _client
from effective_embeddings._core import RELEASE_BUILD, VERSION, CategoryMatrix, kernels
from effective_embeddings.client import *  # noqa: F403 - its __all__ is the public API

__all__ = ["CategoryMatrix", "__version__", "kernels"]
__all__ += _client.__all__

__version__ = VERSION

if not RELEASE_BUILD:
    warnings.warn(
        "effective_embeddings is running on a debug build of its core, which is many times "
        "slower; build it with `maturin develop --release`",
        RuntimeWarning,
        stacklevel=2,
    )
