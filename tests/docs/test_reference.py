"""The reference agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path

from effective_embeddings._core import ENGINE_METRICS
from effective_embeddings.server import DEFINITIONS, Settings, all_limits
from effective_embeddings.server.observability.metric_table import SERVER_METRICS
from effective_embeddings.server.settings.sources import CLIENT_VARIABLES
from scripts import reference

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_are_current() -> None:
    text = reference.DOCUMENT.read_text("utf-8")
    assert text == reference.rendered(text), "run `make reference`"


def test_the_reference_has_every_table_with_every_row() -> None:
    text = reference.DOCUMENT.read_text("utf-8")
    named = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    kinds = {f"effemb_{name}": kind for name, kind, _ in ENGINE_METRICS}
    kinds |= {each.name: each.kind for each in SERVER_METRICS.values()}
    assert named == {
        *DEFINITIONS,
        *(each.name for each in all_limits(Settings(data=Path("unused")))),
        *(name + "_total" * (kind == "counter") for name, kind in kinds.items()),
    }


def test_metrics_and_settings_in_the_prose_exist() -> None:
    """Documents once named metrics that no longer existed."""
    metrics = {each.name for each in SERVER_METRICS.values()}
    metrics |= {f"effemb_{name}" for name, _, _ in ENGINE_METRICS}
    variables = {"EFFEMB_CONFIG", *CLIENT_VARIABLES}
    variables |= {f"EFFEMB_{name.upper()}" for name in DEFINITIONS}
    for document in sorted((ROOT / "docs").glob("*.md")):
        for name in re.findall(
            r"\b((?:effemb|grpc_server)_[a-z_]+[a-z])", document.read_text("utf-8")
        ):
            stem = name.removesuffix("_total").removesuffix("_bucket")
            assert stem in metrics or name == "effemb_data", f"{document.name}: {name}"
        for name in re.findall(r"`(EFFEMB_[A-Z_]+)`", document.read_text("utf-8")):
            assert name in variables, f"{document.name}: {name}"
