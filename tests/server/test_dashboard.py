"""The dashboard: its queries name existing metrics and suit their types."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from effective_embeddings import CategoryUpdate, Client, errors
from effective_embeddings.server import ServerHandle, Settings

PANELS: list[Any] = json.loads((Path(__file__).parents[2] / "deploy" / "grafana.json").read_text())[
    "panels"
]
EXPRESSIONS = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
_NAME = re.compile(r"\b(?:effemb|grpc_server|process)_[a-z_]+")
_RATED = re.compile(r"rate\(([a-z_]+)")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The metrics of a server after a call of each kind: samples with their family's type."""
    settings = Settings(
        data=tmp_path_factory.mktemp("dashboard"),
        listen="127.0.0.1:0",
        metrics_listen="127.0.0.1:0",
    )
    with ServerHandle(settings) as server, Client(server.target) as client:
        client.create_namespace("ns", 2)
        client.put_categories("ns", [CategoryUpdate("a", base=[1, 0])])
        client.assign("ns", "1", "a", [1, 0])
        client.match("ns", [1, 0])
        with pytest.raises(errors.NotFound):
            client.get_namespace("nobody")
        url = f"http://{server.metrics_target}/metrics"
        with urllib.request.urlopen(url, timeout=5) as reply:
            text = reply.read().decode()
    families = text_string_to_metric_families(text)
    return {sample.name: family.type for family in families for sample in family.samples}


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_every_panel_queries_existing_metrics(
    kinds: dict[str, str], title: str, expression: str
) -> None:
    names = _NAME.findall(expression)
    assert names, title
    rated = set(_RATED.findall(expression))
    for name in names:
        assert name in kinds, (title, name)
        grows = kinds[name] in ("counter", "histogram")
        assert (name in rated) == grows, (
            f"{title}: a rate is of what grows, {name} is {kinds[name]}"
        )
    if "histogram_quantile" in expression:
        assert all(name.endswith("_bucket") for name in names), title
    assert expression.count("(") == expression.count(")")


def test_each_own_metric_has_a_panel(kinds: dict[str, str]) -> None:
    asked = {name for _, expression in EXPRESSIONS for name in _NAME.findall(expression)}
    stems = {re.sub(r"_(bucket|sum|count|total|created)$", "", name) for name in asked}
    ours = {
        re.sub(r"_(bucket|sum|count|total|created)$", "", n)
        for n in kinds
        if n.startswith("effemb_")
    }
    # Batches, and what the others are parts of.
    assert ours - stems <= {
        "effemb_matches",
        "effemb_unassignments",
        "effemb_namespaces_loads",
    }


def test_panels_do_not_overlap() -> None:
    seen: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & seen, panel["title"]
        assert max(x for x, _ in cells) < 24
        seen |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
