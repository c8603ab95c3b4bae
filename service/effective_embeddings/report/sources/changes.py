"""The history of a namespace up to one revision."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from effective_embeddings.client import Client, HistoryChange
from effective_embeddings.client.errors import FailedPrecondition
from effective_embeddings.report.caps import MOST_CHANGES
from effective_embeddings.report.sources.progress import OnProgress

__all__ = ["Changes", "read_changes"]

_STEP = 1_000


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of a namespace.

    Attributes:
        changes: The oldest first.
        first_revision: The first revision that the service keeps; 1: nothing was trimmed.
        is_cut: True: there are older ones, which were not read.
    """

    changes: list[HistoryChange]
    first_revision: int
    is_cut: bool


def read_changes(client: Client, ns: str, revision: int, progress: OnProgress) -> Changes:
    """Read the newest changes of the history up to a revision.

    Raises:
        NotFound: The namespace does not exist.
    """
    newest: list[HistoryChange] = []
    is_cut = False
    try:
        for change in itertools.islice(
            client.history(ns, last_revision=revision), MOST_CHANGES + 1
        ):
            newest.append(change)
            if len(newest) % _STEP == 0:
                progress("read history", len(newest), None)
        is_cut = len(newest) > MOST_CHANGES
    except FailedPrecondition as error:
        # Retention has deleted the rest meanwhile.
        if error.reason != "HISTORY_TRIMMED":
            raise
        is_partial = True
    else:
        is_partial = is_cut
    if is_partial and newest:
        # A revision that was read in part would look like another one.
        last = newest[-1].revision
        newest = [change for change in newest if change.revision > last]
    newest.reverse()
    return Changes(newest, client.history_size(ns).first_revision, is_cut)
