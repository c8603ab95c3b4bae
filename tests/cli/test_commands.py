"""Every command, on a server and on a directory, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effective_embeddings import Client
from effective_embeddings.server import ServerHandle
from tests.support.cli import Cli, run
from tests.support.process import environment


@pytest.fixture(params=["server", "data"])
def cli(
    request: pytest.FixtureRequest, shared_server: ServerHandle, tmp_path: Path, ns: str
) -> Cli:
    """The command with its data location, and an existing namespace."""
    where = {
        "server": ["--server", shared_server.target],
        "data": ["--data", str(tmp_path / "data")],
    }[request.param]
    cli = Cli(where, ns)
    cli.json("namespace", "create", ns, "--dimension", "3", "--model", "model-1")
    return cli


@pytest.fixture
def notes(cli: Cli, tmp_path: Path) -> Cli:
    np.save(tmp_path / "gym.npy", np.array([0, 1, 0], dtype=np.float32))
    cli.json("category", "put", cli.ns, "Health", "--base", "[1, 0, 0]", "--meta", "name=Health")
    cli.json("category", "put", cli.ns, "Money", "--base", "[0, 0.6, 0.8]")
    cli.json("assign", cli.ns, "gym", "Health", "--embedding", f"@{tmp_path}/gym.npy")
    return cli


def test_a_namespace_from_creation_to_deletion(cli: Cli) -> None:
    made = cli.json("namespace", "get", cli.ns)
    assert (made["name"], made["dimension"], made["embedding_model"]) == (cli.ns, 3, "model-1")
    told = cli.json("namespace", "update", cli.ns, "--description", "mine", "--label", "owner=ann")
    assert (told["description"], told["labels"]) == ("mine", {"owner": "ann"})
    assert cli.json("namespace", "list", "--prefix", cli.ns) == told
    assert cli.json("namespace", "update", cli.ns, "--clear-labels")["labels"] == {}
    assert cli.json("namespace", "delete", cli.ns, "--dry-run")["name"] == cli.ns
    assert cli.json("namespace", "delete", cli.ns)["name"] == cli.ns
    assert cli.refused("namespace", "get", cli.ns)["reason"] == "NAMESPACE_NOT_FOUND"


def test_categories_are_put_shown_listed_reanchored_and_deleted(notes: Cli) -> None:
    health = notes.json("category", "get", notes.ns, "Health", "--embeddings")
    assert health["effective"] == [0.5, 0.5, 0]
    assert (health["member_count"], health["metadata"]) == (1, {"name": "Health"})
    assert [each["key"] for each in notes.lines("category", "list", notes.ns)] == [
        "Health",
        "Money",
    ]
    put = notes.json(
        *("category", "put", notes.ns, "Health", "--base-weight", "3", "--window", "5"),
        *("--min-base-share", "0.5", "--frozen"),
    )
    assert put["results"] == [{"key": "Health", "created": False, "changed": True}]
    health = notes.json("category", "get", notes.ns, "Health")
    settings = [health[name] for name in ("base_weight", "window", "min_base_share", "frozen")]
    assert settings == [3, 5, 0.5, True]
    notes.json("category", "put", notes.ns, "Health", "--learning", "--clear-base")
    anchored = notes.json("category", "reanchor", notes.ns, "Health")
    assert (anchored["counting_count"], anchored["member_count"]) == (0, 1)
    gone = notes.json("category", "delete", notes.ns, "Health", "nothing", "--allow-missing")
    assert (gone["deleted_count"], gone["unassigned_count"]) == (1, 1)


def test_a_category_is_renamed(notes: Cli) -> None:
    told = notes.text("category", "rename", notes.ns, "Health", "Fitness", "--dry-run")
    assert "'Health' is 'Fitness', with 1 member" in told
    assert notes.text("category", "get", notes.ns, "Health")
    renamed = notes.json("category", "rename", notes.ns, "Health", "Fitness")
    assert (renamed["changed"], renamed["category"]["key"]) == (True, "Fitness")
    assert notes.refused("category", "rename", notes.ns, "Fitness", "Money")["reason"] == (
        "CATEGORY_EXISTS"
    )
    assert "unchanged" in notes.text("category", "rename", notes.ns, "Fitness", "Fitness")
    lines = notes.text("history", notes.ns, "--category", "Fitness").splitlines()
    assert any("category renamed" in line and "Health" in line for line in lines)


def test_an_item_is_dismissed_from_a_category(notes: Cli) -> None:
    notes.json("item", "put", notes.ns, "x", "--embedding", "[1, 1, 0]")
    dismiss = ("dismiss", notes.ns, "x", "Health")
    assert "dry run, nothing is changed: dismissed: 'x'" in notes.text(*dismiss, "--dry-run")
    assert notes.json(*dismiss, "--reason", "no")["results"][0]["changed"]
    assert "unchanged: 'x' from 'Health'" in notes.text(*dismiss)
    assert "dismissed from Health" in notes.text("item", "get", notes.ns, "x")
    assert "dismissed x from Health" in notes.text("history", notes.ns)
    assert "dismissed by " in notes.text("explain", notes.ns, "--item", "x")
    assert "withdrawn: 'x' from 'Health'" in notes.text(*dismiss, "--withdraw")
    assert "dismissal ended x from Health" in notes.text("history", notes.ns)


def test_an_item_is_made_of_others(notes: Cli) -> None:
    for key, vector in (("run", "[0, 1, 0]"), ("a=b", "[0, 1, 1]")):
        notes.json("item", "put", notes.ns, key, "--embedding", vector)
    put = ("item", "put", notes.ns, "plan", "--part", "run=2", "--part", "a=b=0.5")
    assert "dry run, nothing is changed: created: item 'plan'" in notes.text(*put, "--dry-run")
    assert notes.json(*put)["results"][0]["created"]
    told = notes.text("item", "get", notes.ns, "plan")
    assert any(line.split()[:3] == ["run", "2", "80.0%"] for line in told.splitlines())
    assert max(map(len, told.splitlines())) <= 80
    item = notes.json("item", "get", notes.ns, "plan", "--embeddings")
    assert item["parts"] == [{"item": "a=b", "weight": 0.5}, {"item": "run", "weight": 2.0}]
    np.testing.assert_allclose(item["embedding"], [0, 1, 0.2], atol=1e-6)
    told = notes.text("assign", notes.ns, "plan", "Health", "--part", "run", "--part", "a=b=1")
    assert "assigned: 'plan' to 'Health'" in told
    history = notes.text("history", notes.ns)
    assert "part removed run from plan" in history
    assert "part added a=b to plan" in history
    refused = notes.refused("item", "put", notes.ns, "run", "--part", "a=b=1")
    assert refused["reason"] == "NESTED_COMPOSITE"
    for wrong in ("run=two", "run=1"):
        result = notes.run("item", "put", notes.ns, "x", "--part", "run", "--part", wrong)
        assert result.exit_code == 2
        assert "--part" in result.stderr


def test_categories_are_merged(notes: Cli) -> None:
    merge = ("category", "merge", notes.ns, "Health", "--into", "Money")
    told = notes.text(*merge, "--dry-run")
    assert "Health" in told
    assert "dry run, nothing is changed: category 'Money': " in told
    merged = notes.json(*merge)
    assert [each["category"] for each in merged["sources"]] == ["Health"]
    assert merged["category"]["key"] == "Money"
    assert [each["key"] for each in notes.lines("category", "list", notes.ns)] == ["Money"]
    assert notes.refused(*merge)["reason"] == "CATEGORY_NOT_FOUND"


def test_a_category_is_put_with_a_least_score_which_is_shown_and_taken_back(notes: Cli) -> None:
    put = ("category", "put", notes.ns, "Health")
    notes.json(*put, "--min-score", "0.75")
    assert notes.json("category", "get", notes.ns, "Health")["min_score"] == 0.75
    assert "min score 0.75" in notes.text("category", "list", notes.ns)
    query = ("match", notes.ns, "--embedding", "[0, 1, 0]")
    assert [each["category"] for each in notes.json(*query)["matches"]] == ["Money"]
    notes.json(*put, "--window", "3")
    assert notes.json("category", "get", notes.ns, "Health")["min_score"] == 0.75
    refused = notes.refused(*put, "--min-score", "1.5")
    assert "categories[0].min_score" in refused["field_violations"]
    notes.json(*put, "--min-score", "-1")
    assert notes.json("category", "get", notes.ns, "Health")["min_score"] is None
    assert "min score" not in notes.text("category", "list", notes.ns)
    assert [each["category"] for each in notes.json(*query)["matches"]] == ["Health", "Money"]


def test_a_category_caps_the_share_of_an_actor(notes: Cli) -> None:
    put = ("category", "put", notes.ns, "Health")
    new = ("x", "Health", "--embedding", "[0, 1, 0]", "--actor", "wrong")
    notes.json("assign", notes.ns, *new)
    notes.json(*put, "--max-actor-share", "0.2")
    found = notes.json("category", "get", notes.ns, "Health")
    assert found["max_actor_share"] == 0.2
    shares = {each["actor"]: each for each in found["actor_shares"]}
    assert shares["wrong"]["share"] <= 0.2 + 1e-12
    assert shares["wrong"]["scale"] < 1
    shown = notes.text("category", "get", notes.ns, "Health")
    assert "20.0%" in shown
    assert "capped: weights times" in shown
    assert "actor share 0.2" in notes.text("category", "list", notes.ns)
    assert "(cap)" in notes.text("actors", notes.ns, "--category", "Health")
    explained = notes.text("explain", notes.ns, "--item", "x", "--category", "Health")
    assert "capped: the members of wrong weigh 20.0%" in explained
    assert "; capped, weighs " in explained
    refused = notes.refused(*put, "--max-actor-share", "1.5")
    assert "categories[0].max_actor_share" in refused["field_violations"]
    notes.json(*put, "--max-actor-share", "1")
    assert notes.json("category", "get", notes.ns, "Health")["max_actor_share"] is None
    assert "actor share" not in notes.text("category", "list", notes.ns)


def test_a_query_can_be_unlike_an_item(notes: Cli) -> None:
    notes.json("item", "put", notes.ns, "x", "--embedding", "[1, 1, 0]")
    notes.json("item", "put", notes.ns, "y", "--embedding", "[0, 1, 0]")
    found = notes.json("match", notes.ns, "--item", "x", "--unlike", "y")["matches"]
    alone = notes.json("match", notes.ns, "--embedding", "[1, 0, 0]")["matches"]
    assert found == alone
    halved = notes.json("match", notes.ns, "--item", "x", "--unlike", "y", "--unlike-weight", "0.5")
    assert (
        halved["matches"] == notes.json("match", notes.ns, "--embedding", "[1, 0.5, 0]")["matches"]
    )
    refused = notes.refused("match", notes.ns, "--item", "x", "--unlike", "x")
    assert refused["reason"] == "DEGENERATE_QUERY"


def test_items_are_put_shown_listed_and_deleted(notes: Cli) -> None:
    notes.json(
        *("item", "put", notes.ns, "tax", "--embedding", "[0, 0, 1]", "--weight", "2"),
        *("--meta", "text=Pay = now", "--meta", "link="),
    )
    tax = notes.json("item", "get", notes.ns, "tax", "--embeddings")
    assert (tax["weight"], tax["embedding"], tax["memberships"]) == (2, [0, 0, 1], [])
    assert tax["metadata"] == {"text": "Pay = now", "link": ""}
    assert [each["key"] for each in notes.lines("item", "list", notes.ns)] == ["gym", "tax"]
    assert [each["key"] for each in notes.lines("item", "list", notes.ns, "--limit", "1")] == [
        "gym"
    ]
    assert notes.json("item", "list", notes.ns, "--unassigned")["key"] == "tax"
    assert notes.json("item", "list", notes.ns, "--category", "Health")["key"] == "gym"
    assert notes.json("item", "delete", notes.ns, "tax", "gym")["deleted_count"] == 2


def test_assign_and_unassign_print_their_results(notes: Cli) -> None:
    before = notes.json("namespace", "get", notes.ns)
    told = notes.json("assign", notes.ns, "gym", "Money", "--dry-run")
    assert notes.json("namespace", "get", notes.ns) == before
    done = notes.json("assign", notes.ns, "gym", "Money", "--actor", "ann", "--reason", "so")
    assert done["results"] == told["results"]
    assert done["results"][0]["previous_category"] == "Health"
    (membership,) = notes.json("item", "get", notes.ns, "gym")["memberships"]
    assert (membership["actor"], membership["reason"]) == ("ann", "so")
    left = notes.json("unassign", notes.ns, "gym")
    assert left["results"][0]["previous_categories"] == ["Money"]
    gone = notes.json("unassign", notes.ns, "gym", "--delete-item")
    assert gone["results"][0]["item_deleted"] is True


def test_assign_and_unassign_take_preconditions(notes: Cli) -> None:
    refused = notes.refused("assign", notes.ns, "gym", "Money", "--expected", "Money")
    assert (refused["reason"], refused["metadata"]["actual"]) == ("CATEGORY_MISMATCH", "Health")
    refused = notes.refused("unassign", notes.ns, "gym", "--if-revision", "1")
    assert refused["reason"] == "REVISION_MISMATCH"
    revision = notes.json("namespace", "get", notes.ns)["revision"]
    at = ("--if-revision", str(revision))
    notes.json("assign", notes.ns, "gym", "Money", "--expected", "Health", *at)
    notes.json("unassign", notes.ns, "gym", "--expected", "Money")
    notes.json("assign", notes.ns, "gym", "Money", "--expected", "")


def test_match_takes_vectors_files_items_and_means(notes: Cli, tmp_path: Path) -> None:
    np.save(tmp_path / "both.npy", np.eye(3, dtype=np.float32)[:2])
    result = notes.json("match", notes.ns, "--embedding", "[0, 1, 0]", "--limit", "1")
    assert [match["category"] for match in result["matches"]] == ["Health"]
    assert result["matches"][0]["score"] == pytest.approx(np.sqrt(0.5))
    assert len(notes.lines("match", notes.ns, "--embedding", f"@{tmp_path}/both.npy")) == 2
    assert (
        notes.json("match", notes.ns, "--item", "gym")["matches"]
        == notes.json("match", notes.ns, "--embedding", f"@{tmp_path}/gym.npy")["matches"]
    )
    mean = notes.json(
        "match",
        notes.ns,
        "--item",
        "gym",
        "--embedding",
        "[1, 0, 0]",
        "--mean",
        "--include",
        "Health",
    )
    assert mean["matches"][0]["score"] == pytest.approx(1)
    none = notes.json("match", notes.ns, "--item", "gym", "--exclude", "Health", "--min-score", "1")
    assert none["matches"] == []


def test_explain_shows_the_parts_of_a_score(notes: Cli) -> None:
    told = notes.json("explain", notes.ns, "--embedding", "[1, 1, 0]", "--limit", "1")
    (health,) = told["explanations"]
    assert (health["category"], health["rank"], health["count"]) == ("Health", 1, 1)
    assert [each["item"] for each in health["members"]] == ["gym"]
    parts = health["base"]["part"] + health["members"][0]["part"] + health["rounding"]
    assert parts == pytest.approx(health["score"], abs=1e-12)
    shown = notes.run("explain", notes.ns, "--item", "gym").stdout
    for word in ("1. Health: score", "the category's name", "gym", "█", "without the item itself"):
        assert word in shown
    changed = notes.run(
        "explain", notes.ns, "--item", "gym", "--if", "gym leaves Health", "--if", "gym weighs 2"
    ).stdout
    assert "if gym leaves Health:" in changed
    assert "if gym weighs 2:" in changed
    unknown = notes.run("explain", notes.ns, "--item", "gym", "--if", "gym flies")
    assert unknown.exit_code == 2
    assert "'ITEM leaves CATEGORY'" in unknown.stderr
    neither = notes.run("explain", notes.ns)
    assert neither.exit_code == 2
    assert "give --embedding or --item" in neither.stderr


def test_review_rate_shows_what_each_level_leaves_to_a_person(notes: Cli) -> None:
    empty = notes.text("review-rate", notes.ns, "--level", "0.1")
    assert "from 1 of 1 member" in empty, empty
    for number in range(4):
        vector = f"[1, 0.{number}, 0]"
        notes.json("assign", notes.ns, f"h{number}", "Health", "--embedding", vector)
    found = notes.json("review-rate", notes.ns, "--level", "0.1", "--level", "0.5", "--sample", "3")
    assert (found["sample_count"], found["member_count"]) == (3, 5)
    assert [each["level"] for each in found["rates"]] == [0.1, 0.5]
    shown = notes.text("review-rate", notes.ns, "--level", "0.5")
    assert "to look at" in shown
    assert "█" in shown
    refused = notes.refused("review-rate", notes.ns, "--level", "1.5")
    assert refused["reason"] == "OUT_OF_RANGE"


def test_review_lists_misfits_and_influences(notes: Cli) -> None:
    (misfit,) = notes.lines("review", notes.ns)
    assert [misfit[name] for name in ("item", "category", "score", "other_category")] == [
        *("gym", "Health", 0.0, "Money"),
    ]
    assert misfit["difference"] == pytest.approx(0.6, abs=1e-6)
    shown = notes.text("review", notes.ns)
    assert "+0.600   ████████████" in shown
    assert "no member fits another" in notes.text("review", notes.ns, "--min-difference", "1")
    notes.json("assign", notes.ns, "run", "Health", "--embedding", "[1, 0.2, 0]")
    by_influence = notes.lines("review", notes.ns, "--by", "influence")
    assert [each["item"] for each in by_influence] == ["gym", "run"]
    assert "°" in notes.text("review", notes.ns, "--by", "influence", "--category", "Health")
    assert notes.lines("review", notes.ns, "--assigned-by", "nobody") == []
    assert len(notes.lines("review", notes.ns, "--prefix", "ru", "--min-difference", "-2")) == 1
    assert notes.refused("review", notes.ns, "--category", "x")["reason"] == "CATEGORY_NOT_FOUND"


def test_reviews_of_duplicates_actors_impact_and_health(notes: Cli) -> None:
    near = ("--embedding", "[0, 1, 0.01]", "--actor", "eve")
    notes.json("assign", notes.ns, "gym too", "Money", *near)
    notes.json("assign", notes.ns, "bank", "Money", "--embedding", "[0.6, 0.6, 0.5]")
    assert notes.lines("review", notes.ns, "--by", "duplicates") == []
    (like,) = notes.lines("review", notes.ns, "--by", "duplicates", "--scope", "other")
    assert [like[name] for name in ("item", "original", "original_category")] == [
        *("gym too", "gym", "Health"),
    ]
    shown = notes.text("review", notes.ns, "--by", "duplicates", "--scope", "any")
    assert "1.0000" in shown
    assert "nearly the same" in notes.text("review", notes.ns, "--by", "duplicates")
    wrong = notes.run("review", notes.ns, "--scope", "any")
    assert wrong.exit_code == 2
    assert "is for --by duplicates" in wrong.stderr
    influences = notes.lines("actors", notes.ns)
    assert ("eve", "Money", 1) in [
        (each["actor"], each["category"], each["member_count"]) for each in influences
    ]
    (eve,) = notes.lines("actors", notes.ns, "--assigned-by", "eve")
    assert 0 < eve["weight_share"] < 1
    assert "°" in notes.text("actors", notes.ns)
    impact = notes.json("impact", notes.ns, "--by", "eve")
    assert (impact["member_count"], impact["item_count"]) == (1, 2)
    assert "1 member by eve; of 2 other items, " in notes.text("impact", notes.ns, "--by", "eve")
    health = {each["category"]: each for each in notes.lines("health", notes.ns)}
    assert health["Health"]["confused"] == [{"category": "Money", "count": 1}]
    told = notes.text("health", notes.ns)
    assert "100%  " in told
    assert "Confused most" in told
    assert notes.refused("health", notes.ns, "--category", "x")["reason"] == "CATEGORY_NOT_FOUND"


def test_health_shows_the_halves_of_a_category(notes: Cli) -> None:
    for number in range(6):
        for name, vector in (("left", "[1, 0.1, 0.{}]"), ("right", "[0.1, 1, 0.{}]")):
            own = ("--embedding", vector.format(number))
            notes.json("assign", notes.ns, f"{name}{number}", "Health", *own)
    shown = notes.text("health", notes.ns, "--category", "Health")
    assert "Most like two" in shown
    assert "Health: 0." in shown
    assert "  7 members, such as " in shown
    assert "  6 members, such as left" in shown


def test_history_lists_and_filters_changes(notes: Cli) -> None:
    notes.json("assign", notes.ns, "gym", "Money", "--actor", "ann", "--reason", "it costs")
    latest = notes.lines("history", notes.ns)[0]
    assert (latest["kind"], latest["item"], latest["actor"]) == ("assigned", "gym", "ann")
    assert (latest["from_category"], latest["to_category"]) == ("Health", "Money")
    assert latest["reason"] == "it costs"
    oldest = notes.lines("history", notes.ns, "--oldest-first", "--limit", "1")
    assert [each["kind"] for each in oldest] == ["namespace_created"]
    assert notes.lines("history", notes.ns, "--by", "ann") == [latest]
    assert notes.lines("history", notes.ns, "--since", "2000-01-01", "--by", "ann") == [latest]
    assert notes.run("history", notes.ns, "--until", "2000-01-01").stdout == "no changes\n"
    category = notes.lines("history", notes.ns, "--category", "Health", "--item", "gym")
    assert [each["kind"] for each in category] == ["assigned", "assigned"]
    shown = notes.run("history", notes.ns, "--item", "gym").stdout
    for word in ("assigned gym", "Health", "Money", "it costs", "item created gym"):
        assert word in shown


def test_undo_takes_changes_back_and_shows_them(notes: Cli) -> None:
    notes.json("assign", notes.ns, "gym", "Money", "--actor", "eve")
    moved = notes.lines("history", notes.ns)[0]["revision"]
    shown = notes.text("undo", notes.ns, "--revision", str(moved), "--dry-run")
    for word in ("unassigned", "Money", "assigned", "Health", "would take back 2 changes"):
        assert word in shown
    assert notes.lines("history", notes.ns)[0]["revision"] == moved
    undone = notes.json("undo", notes.ns, "--by", "eve", "--since", "2000-01-01")
    assert (undone["change_count"], undone["revision"]) == (2, moved + 1)
    assert notes.lines("item", "list", notes.ns, "--category", "Health")[0]["key"] == "gym"
    assert f"undo of {moved}: assigned gym" in notes.text("history", notes.ns)
    conflict = notes.refused("undo", notes.ns, "--revision", "2")
    assert conflict["reason"] == "UNDO_CONFLICT"
    left = notes.text("undo", notes.ns, "--from", "2", "--to", "2", "--skip-conflicts")
    assert "needed by revision" in left
    neither = notes.run("undo", notes.ns, "--from", "2")
    assert neither.exit_code == 2
    assert "--from and --to" in neither.stderr


def test_suggestions_are_shown_and_accepted(notes: Cli) -> None:
    for key, vector in (
        ("swim", "[1, 0.2, 0]"),
        ("bank", "[0, 0.1, 1]"),
        ("both", "[0.5, 0.6, 0.8]"),
    ):
        notes.json("item", "put", notes.ns, key, "--embedding", vector, "--meta", f"kind={key}")
    listed = notes.lines("suggest", notes.ns)
    assert [(each["item"], each["best"]["category"]) for each in listed] == [
        ("bank", "Money"),
        ("swim", "Health"),
        ("both", "Money"),
    ]
    doubtful = notes.lines("suggest", notes.ns, "--order", "most_doubtful", "--limit", "1")
    assert [each["item"] for each in doubtful] == ["both"]
    shown = notes.text("suggest", notes.ns, "--limit", "2")
    for word in ("bank", "Money", "swim", "█", "… and 1 more", "3 suggestions", "revision"):
        assert word in shown
    assert max(map(len, shown.splitlines())) <= 80
    grouped = notes.text("suggest", notes.ns, "--order", "grouped", "--group-size", "1")
    assert "Money: 2 items" in grouped
    assert "Health: 1 item" in grouped
    assert "both" not in grouped
    assert [each["count"] for each in notes.lines("suggest", notes.ns, "--order", "grouped")] == [
        2,
        1,
    ]
    sure = notes.text("suggest", notes.ns, "--confidence")
    assert "no member" in sure, "a name alone has no confidence"
    assert "100.0%" in sure
    assert max(map(len, sure.splitlines())) <= 80
    fitting = notes.lines("suggest", notes.ns, "--min-confidence", "0.1")
    others = notes.lines("suggest", notes.ns, "--below-confidence", "0.1")
    assert [each["best"]["confidence"] for each in fitting] == [1.0]
    assert [each["best"]["confidence"] for each in others] == [None, None]
    only = ("--category", "Money", "--min-margin", "0.3", "--accept")
    before = notes.lines("history", notes.ns)[0]["revision"]
    preview = notes.text("suggest", notes.ns, *only, "--dry-run")
    assert "dry run, nothing is changed: assigned 1 item" in preview
    assert notes.lines("history", notes.ns)[0]["revision"] == before
    assert "assigned 1 item" in notes.text("suggest", notes.ns, *only, "--actor", "ann")
    assert notes.lines("history", notes.ns)[0]["actor"] == "ann"
    left = notes.text("suggest", notes.ns, "--meta", "kind=swim", "--prefix", "s")
    assert "swim" in left
    assert "1 suggestion (revision" in left
    assert notes.text("suggest", notes.ns, "--prefix", "zz").startswith("no suggestions\n")
    assert notes.refused("suggest", notes.ns, "--category", "x")["reason"] == "CATEGORY_NOT_FOUND"


def test_history_follows_a_namespace(notes: Cli) -> None:
    # Deleting the namespace is what ends the command.
    ended = threading.Timer(1.0, lambda: notes.json("namespace", "delete", notes.ns, "--force"))
    if notes.where[0] == "server":
        ended.start()
        done = notes.run("history", notes.ns, "--follow", "--first-revision", "4")
        ended.join()
        assert done.exit_code == 1
        assert "assigned gym: (none) -> Health" in done.stdout
        assert "category created" not in done.stdout
    refused = notes.run("history", notes.ns, "--follow", "--last-revision", "4")
    assert refused.exit_code == 2
    assert "--last-revision and --follow exclude each other" in refused.stderr


def test_a_history_is_trimmed(notes: Cli) -> None:
    for category in ("Money", "Health") * 3:
        notes.json("assign", notes.ns, "gym", category)
    revision = notes.json("namespace", "get", notes.ns)["revision"]
    would = notes.json("trim", notes.ns, "--keep", "4", "--dry-run")
    assert (would["revision_count"], would["first_revision"]) == (revision - 4, revision - 3)
    assert len(notes.lines("history", notes.ns, "--limit", "0")) > 6
    assert notes.json("trim", notes.ns, "--keep", "4", "--reason", "privacy") == would
    listed = notes.lines("history", notes.ns, "--limit", "0")
    assert {each["revision"] for each in listed} == set(range(revision - 3, revision + 1))
    refused = notes.refused("history", notes.ns, "--first-revision", "1")
    assert refused["reason"] == "HISTORY_TRIMMED"
    said = notes.text("trim", notes.ns, "--before-revision", f"{revision - 1}")
    assert said.startswith("deleted 2 revisions, ")
    assert said.endswith(f"the first kept revision is {revision - 1}\n")
    said = notes.text("trim", notes.ns, "--before", "2000-01-01")
    assert said.startswith("deleted 0 revisions, 0 bytes")
    assert "history" in notes.text("namespace", "get", notes.ns)
    for bounds in ([], ["--keep", "1", "--before-revision", "2"]):
        wrong = notes.run("trim", notes.ns, *bounds)
        assert wrong.exit_code == 2
        assert "exactly one of --keep, --before-revision and --before" in wrong.stderr


def test_a_namespace_keeps_a_part_of_its_history(notes: Cli) -> None:
    for bounds, kept in [
        ("5000", {"revisions": 5000, "age_seconds": 0}),
        ("12h", {"revisions": 0, "age_seconds": 43_200}),
        ("90d,5000", {"revisions": 5000, "age_seconds": 7_776_000}),
        ("all", None),
    ]:
        told = notes.json("namespace", "update", notes.ns, "--history-keep", bounds)
        assert told["history_keep"] == kept
    for bounds in ("", "0", "5x", "-1", "5,6", "1d,2d", "1.5d", "d"):
        wrong = notes.run("namespace", "update", notes.ns, "--history-keep", bounds)
        assert wrong.exit_code == 2, bounds
        assert "--history-keep" in wrong.stderr
    made = notes.json(
        *("namespace", "create", f"{notes.ns}-short", "--dimension", "2"),
        *("--history-keep", "3"),
    )
    assert made["history_keep"] == {"revisions": 3, "age_seconds": 0}


def test_snapshot_restore_verify_and_info(notes: Cli, tmp_path: Path) -> None:
    file = tmp_path / "notes.snapshot"
    summary = notes.json("snapshot", notes.ns, str(file))
    assert (summary["item_count"], summary["file"]) == (1, str(file))
    copy = notes.json("restore", str(file), "--as", f"{notes.ns}-copy")
    assert copy["digest"] == summary["digest"]
    report = notes.json("verify", f"{notes.ns}-copy")
    assert (report["digest"], report["findings"]) == (summary["digest"], [])
    assert notes.json("snapshot", notes.ns, str(file), "--view", "effective")["item_count"] == 0
    assert notes.refused("restore", str(file), "--as", "again")["reason"] == "INVALID_SNAPSHOT"
    assert notes.json("info")["limits"]["batch_entries"] == 10_000
    assert notes.ns in notes.text("verify")


def test_a_snapshot_travels_through_standard_streams(notes: Cli, tmp_path: Path) -> None:
    file = tmp_path / "notes.snapshot"
    summary = notes.json("snapshot", notes.ns, str(file))
    base = [sys.executable, "-m", "effective_embeddings.cli"]
    sent = subprocess.run(  # noqa: S603 - our own command
        [*base, "snapshot", notes.ns, "-", *notes.where],
        capture_output=True,
        check=True,
        env=environment(),
        cwd=tmp_path,
    )
    assert sent.stdout
    assert not (tmp_path / "-").exists()
    for source in ("-", "/dev/stdin"):
        name = f"{notes.ns}-{source.strip('/').replace('/', '.')}x".replace("--", "-")
        taken = subprocess.run(  # noqa: S603 - our own command
            [*base, "restore", source, "--as", name, "--json", *notes.where],
            input=sent.stdout,
            capture_output=True,
            check=True,
            env=environment(),
        )
        assert json.loads(taken.stdout)["digest"] == summary["digest"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["namespace", "get", "{ns}"], "model-1"),
        (["namespace", "list"], "{ns}"),
        (["category", "list", "{ns}"], "Health"),
        (["category", "get", "{ns}", "Health"], "drift"),
        (["item", "list", "{ns}"], "gym"),
        (["item", "get", "{ns}", "gym"], "in Health"),
        (["assign", "{ns}", "gym", "Money"], "moved: 'gym' from 'Health' to 'Money'"),
        (["assign", "{ns}", "gym", "Health"], "unchanged"),
        (["unassign", "{ns}", "gym"], "unassigned: 'gym' from 'Health'"),
        (["match", "{ns}", "--item", "gym"], "margin"),
        (["match", "{ns}", "--item", "gym", "--confidence"], "100.0%"),
        (["match", "{ns}", "--item", "gym", "--confidence"], "no member to compare with"),
        (
            ["match", "{ns}", "--embedding", "[-1, 0, 0]", "--min-confidence", "0.6"],
            "none of these: no match has a confidence of 0.6 or more",
        ),
        (["verify", "{ns}"], "agrees"),
        (["info"], "batch_entries"),
        (["category", "put", "{ns}", "[x]", "--dry-run"], "dry run, nothing is changed"),
    ],
)
def test_output_for_people_is_in_words(notes: Cli, arguments: list[str], told: str) -> None:
    assert told.format(ns=notes.ns) in notes.text(*(each.format(ns=notes.ns) for each in arguments))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["item", "get", "{ns}", "nobody"], "ITEM_NOT_FOUND"),
        (["assign", "{ns}", "new", "Health"], "ITEM_NOT_FOUND"),
        (["assign", "{ns}", "new", "nowhere", "--embedding", "[1, 1, 1]"], "CATEGORY_NOT_FOUND"),
        (["assign", "{ns}", "new", "Health", "--embedding", "[1, 1]"], "DIMENSION_MISMATCH"),
        (["match", "{ns}", "--embedding", "[0, 0, 0]"], "INVALID_VECTOR"),
        (["namespace", "create", "{ns}", "--dimension", "3"], "NAMESPACE_EXISTS"),
        (["namespace", "delete", "{ns}"], "NAMESPACE_NOT_EMPTY"),
        (["item", "put", "{ns}", "gym", "--model", "other"], "MODEL_MISMATCH"),
    ],
)
def test_a_refusal_is_printed_and_exits_with_1(
    notes: Cli, arguments: list[str], reason: str
) -> None:
    filled = [each.format(ns=notes.ns) for each in arguments]
    assert notes.refused(*filled)["reason"] == reason
    done = notes.run(*filled)
    assert done.exit_code == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["match", "x"],
        ["match", "x", "--embedding", "no vector"],
        ["match", "x", "--embedding", "@/no/such/file.npy"],
        ["item", "list", "x", "--category", "a", "--unassigned"],
        ["unassign", "x", "a", "b", "--delete-item"],
        ["item", "put", "x", "a", "--meta", "no equals"],
        ["info", "--server", "127.0.0.1:1", "--data", "."],
        ["info", "--data", "/no/such/folder"],
        ["no-such-command"],
        ["namespace", "create", "x", "--dimension", "many"],
    ],
)
def test_a_usage_error_exits_with_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Usage" in done.stderr or "Error" in done.stderr


def test_an_unreachable_server_is_reported() -> None:
    done = run("namespace", "list", "--server", "127.0.0.1:1")
    assert done.exit_code == 1
    assert "Is a server running?" in done.stderr


def test_help_and_version() -> None:
    assert run("--version").stdout.strip() == "0.1.0"
    for command in ([], ["namespace"], ["category"], ["item"], ["import"], ["serve"], ["demo"]):
        done = run(*command, "--help")
        assert (done.exit_code, bool(done.stdout)) == (0, True)
    assert run().exit_code == 2


def test_the_environment_sets_the_server(
    shared_server: ServerHandle, shared_remote: Client, ns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_remote.create_namespace(ns, 3)
    monkeypatch.setenv("EFFEMB_SERVER", shared_server.target)
    done: Any = run("namespace", "get", ns, "--json")
    assert json.loads(done.stdout)["name"] == ns
