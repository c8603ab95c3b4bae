"""The demo on the shipped sample: categories learn, and forget without a trace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings.demo import load_dataset, sample_path
from effective_embeddings.evaluation.dataset import DatasetError
from tests.support.process import environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, str]:
    """One run: its results, its folder, and its output."""
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "effective_embeddings.cli", "demo", "--json"),
            *("--out", str(out), "--seed", "11"),
        ],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results, out, done.stderr


def _stage(results: dict[str, Any], stage: str) -> dict[str, Any]:
    (found,) = (each for each in results["measurements"] if each["stage"] == stage)
    return dict(found)


def test_the_categories_learn_and_mistakes_are_unlearned(
    demo: tuple[dict[str, Any], Path, str],
) -> None:
    results, _, _ = demo
    assert results["problems"] == []
    stages = ("names alone", "learned, all", "10 % wrong")
    names, learned, wrong = (_stage(results, stage)["accuracy"] for stage in stages)
    assert 50 < names < 75
    assert learned > names + 10
    assert wrong < learned
    assert results["moved_wrongly"] == results["stream"]["messages"] // 10


def test_corrections_and_a_restored_copy_return_to_the_same_bits(
    demo: tuple[dict[str, Any], Path, str],
) -> None:
    results, _, _ = demo
    digest = _stage(results, "learned, all")["digest"]
    assert _stage(results, "corrected")["digest"] == digest
    assert _stage(results, "restored copy")["digest"] == digest
    assert _stage(results, "10 % wrong")["digest"] != digest


def test_learning_reduces_corrections(demo: tuple[dict[str, Any], Path, str]) -> None:
    results, _, _ = demo
    stream = results["stream"]
    assert stream["corrections"] < stream["corrections_by_names_alone"]
    assert stream["match"]["calls"] == stream["assign"]["calls"] == stream["messages"]


def test_local_needs_fewer_corrections_and_gets_more_right(
    demo: tuple[dict[str, Any], Path, str],
) -> None:
    results, _, _ = demo
    stream = results["stream"]
    assert stream["corrections_local"] < stream["corrections"]
    learned = _stage(results, "learned, all")
    assert learned["accuracy_local"] > learned["accuracy"]
    # Without members there is nothing to be near to.
    names = _stage(results, "names alone")
    assert names["accuracy_local"] == names["accuracy"]


def test_one_list_is_worked_by_names_by_cosine_and_by_local(
    demo: tuple[dict[str, Any], Path, str],
) -> None:
    results, _, told = demo
    names, cosine, local = results["lists"]
    assert [each["ranking"] for each in results["lists"]] == ["names alone", "COSINE", "LOCAL 0.5"]
    assert len({each["projects"] for each in results["lists"]}) == 1
    assert local["corrections"] < cosine["corrections"] < names["corrections"]
    assert names["half_way"] == names["half_way_by_names"]
    assert local["half_way"] > cosine["half_way"]
    for each in results["lists"]:
        assert len(each["first_rows"]) == len(each["last_rows"]) == 5
        confidences = [row["confidence"] for row in each["first_rows"]]
        assert confidences == sorted(confidences, reverse=True)
        assert f"{each['ranking']}: the last rows" in told


def test_one_message_is_told_before_and_after(demo: tuple[dict[str, Any], Path, str]) -> None:
    results, _, told = demo
    story = results["story"]
    assert story["before"][0]["category"] != story["category"]
    assert story["after"][0]["category"] == story["category"]
    assert story["before"][0]["count"] == 0 < story["after"][0]["count"]
    assert story["text"] in told
    reasons = story["reasons"]
    parts = [reasons["cosine"], reasons["fairness"], reasons["other_neighbours"]]
    parts += [each["pull"] for each in reasons["neighbours"]]
    assert sum(parts) == pytest.approx(story["after"][0]["rank_score"], abs=1e-9)
    assert reasons["cosine"] == story["after"][0]["score"]
    assert reasons["fairness"] < 0 < reasons["neighbours"][0]["pull"]
    texts = load_dataset(sample_path()).train.texts
    assert reasons["neighbours"][0]["text"] in texts


def test_the_demo_writes_results_and_a_plot_and_suggests_commands(
    demo: tuple[dict[str, Any], Path, str],
) -> None:
    results, out, told = demo
    assert json.loads((out / "results.json").read_text(encoding="utf-8")) == results
    (picture,) = out.glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "grpcurl" in told
    assert "CC-BY-4.0" in told


def test_the_sample_is_complete_and_names_its_source() -> None:
    dataset = load_dataset(sample_path())
    assert dataset.is_sample
    assert len(dataset.categories) == len(dataset.bases) == 77
    assert set(dataset.train.labels) == set(dataset.test.labels) == set(range(77))
    np.testing.assert_allclose(np.linalg.norm(dataset.train.vectors, axis=1), 1, atol=1e-5)
    assert "CC-BY-4.0" in dataset.attribution()
    assert "Casanueva" in dataset.attribution()


def test_an_invalid_data_set_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        load_dataset(tmp_path)
