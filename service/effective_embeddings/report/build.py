"""From a namespace to its page."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from effective_embeddings.client import Client, Namespace
from effective_embeddings.report.analysis.actors import teachers
from effective_embeddings.report.analysis.centroids import centroids
from effective_embeddings.report.analysis.confusion import confusions
from effective_embeddings.report.analysis.drift import drift_lines
from effective_embeddings.report.analysis.learning import learning
from effective_embeddings.report.analysis.projection import project
from effective_embeddings.report.page.document import document
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.sources.changes import read_changes
from effective_embeddings.report.sources.misfits import read_misfits
from effective_embeddings.report.sources.progress import OnProgress
from effective_embeddings.report.sources.reviews import read_reviews
from effective_embeddings.report.sources.state import read_state
from effective_embeddings.report.sources.suggestions import read_suggestions

__all__ = ["Report", "make_report"]


@dataclass(frozen=True, slots=True)
class Report:
    """A page, and the figures that it begins with.

    Attributes:
        html: The page.
        namespace: The namespace at the revision that the page is about.
        misfits: Members that fit another category better than their own.
        confused_pairs: Pairs of categories of which a member fits the other better.
        assignments: Assignments in the history that was read.
        corrected: How many of these were corrected later.
        waiting: Items in the inbox.
    """

    html: str
    namespace: Namespace
    misfits: int
    confused_pairs: int
    assignments: int
    corrected: int
    waiting: int


def make_report(client: Client, ns: str, progress: OnProgress = lambda *_: None) -> Report:
    """Read a namespace and return its report.

    State and history are those of one revision. Members and categories are reviewed and the inbox
    is matched after that: the page says so if the namespace was written to meanwhile.

    Args:
        client: Reads the namespace; needs no right to write.
        ns: Its name.
        progress: Called with a stage, the steps done, and all of its steps or None.

    Raises:
        NotFound: The namespace does not exist.
        DataLoss: Stored data does not match its checksum.
        OSError: The directory for temporary files has too little room.
    """
    with tempfile.TemporaryDirectory(prefix="effemb-report-") as folder:
        figures = _figures(client, ns, Path(folder), progress)
        page = document(figures)
    found = figures.learning
    return Report(
        html=page,
        namespace=figures.state.namespace,
        misfits=len(figures.misfits.found),
        confused_pairs=len(figures.confusions),
        assignments=found.total if found else 0,
        corrected=found.fates["corrected"] if found else 0,
        waiting=len(figures.state.inbox),
    )


def _figures(client: Client, ns: str, folder: Path, progress: OnProgress) -> Figures:
    state = read_state(client, ns, folder, progress)
    misfits = read_misfits(client, ns, progress)
    suggestions = read_suggestions(client, ns, progress)
    reviews = read_reviews(client, ns, progress)
    changes = read_changes(client, ns, state.namespace.revision, progress)
    learned = centroids(state)
    return Figures(
        state=state,
        changes=changes,
        learned=learned,
        misfits=misfits,
        confusions=confusions(state, learned, misfits.found),
        reviews=reviews,
        teachers=teachers(reviews.influences, misfits.found),
        learning=learning(changes.changes, single=state.namespace.membership == "single"),
        drift=drift_lines(state, learned),
        mapped=project(state, learned, misfits.found),
        suggestions=suggestions,
        last_revision=client.get_namespace(ns).revision,
    )
