"""The list that a person works through: projects of five messages, the surest suggestion first."""

from __future__ import annotations

from effective_embeddings.client import Client
from effective_embeddings.demo.results import ListResults, Row
from effective_embeddings.evaluation.dataset import Dataset
from effective_embeddings.evaluation.flow import (
    ListView,
    draw_projects,
    project_items,
    run_flow,
)
from effective_embeddings.evaluation.labelled import Labelled
from effective_embeddings.evaluation.product import COSINE, LOCAL, Product

__all__ = ["BY_NAMES", "work_lists"]

BY_NAMES = "names alone"

# The list is ranked anew after each row, so that its time grows with the square.
_MOST_PROJECTS = 240
_SHOWN = 5


def work_lists(client: Client, dataset: Dataset, seed: int) -> list[ListResults]:
    """Work through the same list by names alone, by COSINE and by LOCAL."""
    data = Labelled.of(dataset)
    projects = draw_projects(data, seed, 0)
    step = -(-len(projects) // _MOST_PROJECTS)
    projects = projects[::step]
    items = project_items(data, projects)
    product = Product(client, data)
    with product.state() as state:
        by_names = state.right(items, COSINE)

    def rows(view: ListView) -> list[Row]:
        return [
            Row(
                text=dataset.train.texts[projects[row][0]],
                messages=len(projects[row]),
                suggested=dataset.categories[label],
                category=dataset.categories[items.labels[row]],
                confidence=round(float(confidence), 4),
            )
            for row, label, confidence in zip(
                view.rows[:_SHOWN], view.labels, view.confidence, strict=False
            )
        ]

    results = []
    for name, dials, learns in (
        (BY_NAMES, COSINE, False),
        (COSINE.label, COSINE, True),
        (LOCAL.label, LOCAL, True),
    ):
        flow = run_flow(product, items, dials, learns=learns, last=_SHOWN)
        results.append(
            ListResults(
                ranking=name,
                projects=len(projects),
                corrections=flow.corrections,
                half_way=flow.half_way.percent,
                half_way_by_names=100 * float(by_names[flow.half_way.rows].mean()),
                first_rows=rows(flow.half_way),
                last_rows=rows(flow.last),
            )
        )
    return results
