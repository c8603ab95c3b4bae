"""A namespace as one page to read: what it has learned, what to look at, what to do next.

The page is one HTML file without scripts and without anything to load. It is a function of the
namespace's state and history: the same revision gives the same bytes.
"""

from effective_embeddings.report.build import Report, make_report

__all__ = ["Report", "make_report"]
