"""The whole page."""

from __future__ import annotations

from importlib.resources import files

from effective_embeddings.report.markup import Markup, element
from effective_embeddings.report.page.category_section import category_section
from effective_embeddings.report.page.confusion_section import confusion_section
from effective_embeddings.report.page.figures import Figures
from effective_embeddings.report.page.header import glance, header
from effective_embeddings.report.page.learning_section import learning_section
from effective_embeddings.report.page.map_section import map_section
from effective_embeddings.report.page.review_section import review_section
from effective_embeddings.report.page.suggestion_section import suggestion_section
from effective_embeddings.report.page.teacher_section import teacher_section

__all__ = ["document"]

# Nothing is loaded and nothing runs, whatever a key or a text should contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_SECTIONS = (
    ("map", "Map", map_section),
    ("learning", "Learning", learning_section),
    ("categories", "Categories", category_section),
    ("confusion", "Confusion", confusion_section),
    ("review", "Review", review_section),
    ("teachers", "Authors", teacher_section),
    ("suggestions", "Suggestions", suggestion_section),
)


def document(figures: Figures) -> str:
    """Return the page of these figures."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{figures.state.namespace.name}: report"),
        element("style", Markup(_style())),
    )
    navigation = element(
        "nav",
        element(
            "ul",
            (element("li", element("a", title, href=f"#{name}")) for name, title, _ in _SECTIONS),
        ),
        aria_label="Sections",
    )
    body = element(
        "body",
        header(figures),
        navigation,
        element("main", glance(figures), (make(figures) for _, _, make in _SECTIONS)),
        element(
            "footer",
            element(
                "p",
                "Made by ",
                element("code", "effemb report"),
                ". Scores are cosines with effective embeddings; the page holds texts of items.",
            ),
        ),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _style() -> str:
    return files("effective_embeddings.report.page").joinpath("style.css").read_text("utf-8")
