"""Everything that the sections of a page are about."""

from __future__ import annotations

from dataclasses import dataclass

from effective_embeddings.report.analysis.actors import Teacher
from effective_embeddings.report.analysis.centroids import Centroids
from effective_embeddings.report.analysis.confusion import Confusion
from effective_embeddings.report.analysis.drift import DriftLines
from effective_embeddings.report.analysis.learning import Learning
from effective_embeddings.report.analysis.projection import Mapped
from effective_embeddings.report.sources.changes import Changes
from effective_embeddings.report.sources.misfits import Misfits
from effective_embeddings.report.sources.reviews import Reviews
from effective_embeddings.report.sources.state import State
from effective_embeddings.report.sources.suggestions import Suggestions

__all__ = ["Figures"]


@dataclass(frozen=True, slots=True)
class Figures:
    """A namespace in figures; each part is described where it is computed.

    `last_revision` is that of the namespace after everything was read.
    """

    state: State
    changes: Changes
    learned: Centroids
    misfits: Misfits
    confusions: list[Confusion]
    reviews: Reviews
    teachers: list[Teacher]
    learning: Learning | None
    drift: DriftLines | None
    mapped: Mapped | None
    suggestions: Suggestions
    last_revision: int

    def category(self, row: int) -> str:
        """Return the key of a category."""
        return self.state.categories[row].key
