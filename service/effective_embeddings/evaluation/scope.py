"""Items out of scope: those of categories that are taken out of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from effective_embeddings.evaluation.labelled import Labelled

__all__ = ["take_out"]


def take_out(data: Labelled, gone: Sequence[int], *, assigned: bool = True) -> Labelled:
    """Return the data without some categories, whose items are out of scope.

    Args:
        data: The data.
        gone: The indices of the categories.
        assigned: True: the items to assign are out of scope too; False: the test items only.
    """
    keep = [number for number in range(len(data.categories)) if number not in set(gone)]
    renumbered = np.full(len(data.categories), -1, np.int64)
    renumbered[keep] = np.arange(len(keep))
    outside = [data.out_of_scope]
    parts = []
    for part in (data.train, data.test):
        new = renumbered[part.labels]
        if assigned or part is data.test:
            outside.append(part.vectors[new < 0])
        parts.append(replace(part.take(np.flatnonzero(new >= 0)), labels=new[new >= 0]))
    return replace(
        data,
        categories=tuple(data.categories[number] for number in keep),
        train=parts[0],
        test=parts[1],
        out_of_scope=np.concatenate(outside),
    )
