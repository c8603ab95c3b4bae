"""`effemb evaluate` on a part of the shipped sample, through the real engine."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import CategoryUpdate
from effective_embeddings.demo import sample_path
from effective_embeddings.evaluation import baselines
from effective_embeddings.evaluation.advice import GRID
from effective_embeddings.formats import AssignmentRow, CategoryRow, Kind, open_writer
from tests.evaluation.data import (
    SAMPLE,
    labelled,
    write_assignments,
    write_categories,
    write_items,
)
from tests.support.cli import run

LABELS = list(range(12))
QUICK = ("--orders", "2", "--draws", "2")


def _evaluate(*arguments: str) -> Any:
    done = run("evaluate", *arguments, *QUICK, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files; two of the categories are out of scope."""
    folder = tmp_path_factory.mktemp("files")
    write_assignments(folder / "assignments.jsonl", LABELS)
    write_categories(folder / "categories.jsonl", LABELS)
    return folder


@pytest.fixture(scope="module")
def found(files: Path) -> Any:
    """One evaluation of the folder."""
    return _evaluate(str(files), "--out-of-scope", SAMPLE.categories[0])


def test_every_method_has_every_figure(found: Any) -> None:
    dials = {each.label for each in GRID}
    others = {"names alone", "1-NN", "logistic regression"}
    assert set(found["corrections"]) == dials | others | {"5-NN"}
    assert set(found["arriving"]) == set(found["corrections"]) - {"logistic regression"}
    assert set(found["curve"]) == {"COSINE", "LOCAL 0.5", "5-NN"} | others
    assert set(found["half_taught"]) == dials | others - {"1-NN"}
    assert set(found["out_of_scope"]) == dials | others
    assert found["facts"] == {
        "categories": 11,
        "train": 132,
        "test": 44,
        "out_of_scope": 16,
        "dimension": 384,
    }
    assert [len(each["runs"]) for each in found["corrections"].values()] == [2] * 10
    assert found["sizes"] == [1, 2, 5, 12]


def test_learning_saves_corrections_and_the_advice_says_why(found: Any) -> None:
    corrections = {label: each["mean"] for label, each in found["corrections"].items()}
    assert corrections["COSINE"] < corrections["names alone"]
    assert corrections["LOCAL 0.5"] < corrections["1-NN"]
    names = found["curve"]["names alone"]
    assert {each["mean"] for each in names} == {names[0]["mean"]}
    assert found["curve"]["COSINE"][-1]["mean"] > names[-1]["mean"]
    advice = found["advice"]
    assert advice["ranking"] in ("cosine", "local")
    best = min(corrections[label] for label in ("LOCAL", "LOCAL 0.5", "LOCAL 0.75"))
    assert f"{best:,.0f} corrections with LOCAL" in advice["reasons"][0]
    assert f"Fairness {advice['fairness']:g} has the best" in advice["reasons"][1]


def test_fairness_helps_categories_that_are_names_only(found: Any) -> None:
    halves = found["half_taught"]
    untaught = {label: each["untaught"]["mean"] for label, each in halves.items()}
    assert untaught["LOCAL"] <= untaught["LOCAL 0.5"] <= untaught["LOCAL 0.75"]
    assert untaught["logistic regression"] < untaught["COSINE"]


def test_confidence_tells_items_out_of_scope(found: Any) -> None:
    assert all(0.5 < value <= 1 for value in found["out_of_scope"].values())


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(
    files: Path, found: Any
) -> None:
    arguments = (str(files), "--out-of-scope", SAMPLE.categories[0])
    again = _evaluate(*arguments)
    again["seconds"] = found["seconds"]
    assert again == found
    other = _evaluate(*arguments, "--seed", "2")
    assert other["corrections"]["LOCAL"]["runs"] != found["corrections"]["LOCAL"]["runs"]


def test_a_single_file_without_names(tmp_path: Path) -> None:
    file = write_assignments(tmp_path / "a.jsonl", LABELS)
    found = _evaluate(str(file))
    assert found["half_taught"] == {}
    assert any("half-taught test is left out" in note for note in found["notes"])
    # Without names nothing matches before the first item, and a category's first item never does.
    assert found["corrections"]["names alone"]["mean"] == found["facts"]["train"]
    assert found["corrections"]["COSINE"]["least"] >= len(LABELS)


@pytest.mark.parametrize("suffix", ["csv", "npz", "parquet"])
def test_every_format_gives_the_same_figures(files: Path, tmp_path: Path, suffix: str) -> None:
    arguments = ("--max-items", "60", "--orders", "1", "--draws", "1", "--json")
    data = labelled(len(LABELS))
    for kind in (Kind.CATEGORIES, Kind.ASSIGNMENTS):
        writer = open_writer(str(tmp_path / f"{kind}.{suffix}"), kind)
        if kind is Kind.CATEGORIES:
            for each in data.categories:
                writer.write(CategoryRow(each.key, base=_base(each)))
        else:
            for line in (files / "assignments.jsonl").read_text("utf-8").splitlines():
                row = json.loads(line)
                vector = np.array(row["embedding"], np.float32)
                writer.write(AssignmentRow(row["item"], row["category"], vector))
        writer.close()
    told = []
    for folder in (files, tmp_path):
        done = run("evaluate", str(folder), *arguments)
        assert done.exit_code == 0, done.stderr
        told.append(json.loads(done.stdout) | {"name": "", "seconds": 0})
    assert told[0] == told[1]


def _base(category: CategoryUpdate) -> Any:
    return category.base


def test_a_test_file_items_and_items_out_of_scope_by_files(tmp_path: Path) -> None:
    train = write_assignments(tmp_path / "train.jsonl", LABELS, embeddings=False)
    lines = train.read_text("utf-8").splitlines(keepends=True)
    test = tmp_path / "test.jsonl"
    test.write_text("".join(lines[::4]), "utf-8")
    train.write_text("".join(line for row, line in enumerate(lines) if row % 4), "utf-8")
    found = _evaluate(
        str(train),
        *("--test", str(test), "--items", str(write_items(tmp_path / "items.jsonl", LABELS))),
        *("--out-of-scope", str(write_items(tmp_path / "none.jsonl", [70, 71]))),
        *("--categories", str(write_categories(tmp_path / "categories.jsonl", LABELS))),
    )
    assert found["facts"]["test"] == len(lines[::4])
    assert found["facts"]["train"] == len(lines) - len(lines[::4])
    assert found["facts"]["out_of_scope"] == 32
    assert found["notes"] == []


def test_large_data_is_sampled_and_it_says_so(files: Path) -> None:
    found = _evaluate(str(files), "--max-items", "40")
    assert (found["facts"]["train"], found["facts"]["test"]) == (40, 20)
    assert "A sample of the 192 items, drawn by hashes of their keys." in found["notes"]
    assert re.search(r"40 of the \d+ items to assign are drawn", " ".join(found["notes"]))


def test_a_folder_of_a_data_set_has_its_own_split() -> None:
    arguments = ("--max-items", "60", "--orders", "1", "--draws", "1", "--json")
    done = run("evaluate", str(sample_path()), *arguments)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["facts"]["categories"] == 77
    assert any("competes" in note or "compete " in note for note in found["notes"])


def test_the_table_for_people_and_the_picture(files: Path, tmp_path: Path) -> None:
    picture = tmp_path / "new" / "out.png"
    done = run("evaluate", str(files), *QUICK, "--max-items", "60", "--picture", str(picture))
    assert done.exit_code == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    for word in ("Corrections", "LOCAL 0.75", "harmonic mean", "Recommended: --ranking"):
        assert word in done.stdout
    assert str(picture) in done.stderr


def test_without_scikit_learn_its_rows_are_left_out_with_the_way_to_install_it(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert not baselines.has_scikit_learn()
    found = _evaluate(str(files), "--max-items", "40")
    assert "logistic regression" not in found["corrections"] | found["curve"]
    assert any("effective-embeddings[evaluate]" in note for note in found["notes"])


def test_the_help_explains_source_and_figures() -> None:
    done = run("evaluate", "--help")
    for word in ("SOURCE", "half-taught", "corrections", "recommended settings", "Example"):
        assert word in done.stdout
