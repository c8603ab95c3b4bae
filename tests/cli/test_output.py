"""Output for people: whole rows in a pipe, lists that say where they end, one form of times."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from effective_embeddings import CategoryUpdate, Client
from effective_embeddings.cli.shared.output import print_table, size, table
from tests.support.cli import Cli

_LONG = "a key of many words that people do use, " * 6 + "and its end"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    data = tmp_path / "data"
    with Client.embedded(data) as client:
        client.create_namespace("ns", 2)
        client.create_namespace("empty", 2)
        bases = {_LONG: [1, 0], "taught": [0, 1], "a name": [1, 1]}
        client.put_categories("ns", [CategoryUpdate(key, base=b) for key, b in bases.items()])
        client.assign("ns", ["one", "two", "three"], "taught", [[1, 2], [1, 3], [2, 1]])
    return Cli(["--data", str(data)], "ns")


def test_no_key_is_broken_in_a_pipe(cli: Cli) -> None:
    for command in (["category", "list", "ns"], ["match", "ns", "--item", "one"]):
        assert _LONG in cli.text(*command)


def test_a_terminal_keeps_keys_whole_and_breaks_free_text() -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=60, color_system=None)
    rows = table("key", "note", whole=("key",))
    rows.add_row("a key of twenty-eight letters", "free text " * 8)
    print_table(rows, empty="", terminal=terminal)
    lines = screen.getvalue().splitlines()
    assert any("a key of twenty-eight letters" in line for line in lines)
    assert max(map(len, lines)) <= 60
    assert sum("free" in line for line in lines) > 1


def test_keys_wider_than_the_terminal_are_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=60)
    rows = table("key", "count", numbers=("count",), whole=("key",))
    rows.add_row(_LONG, "4711")
    print_table(rows, empty="", terminal=terminal)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if _LONG in line]
    assert "4711" in line


def test_a_list_that_the_limit_cuts_says_so(cli: Cli) -> None:
    for command in (["history", "ns"], ["item", "list", "ns"]):
        assert "--limit 2 ends the list" in cli.run(*command, "--limit", "2").stderr
        assert cli.run(*command, "--limit", "0").stderr == ""
    assert cli.run("item", "list", "ns", "--limit", "3").stderr == ""


@pytest.mark.parametrize("option", [["--limit", "50"], ["--limit", "0"], ["--oldest-first"]])
def test_follow_takes_no_option_of_a_list(cli: Cli, option: list[str]) -> None:
    done = cli.run("history", "ns", "--follow", *option)
    assert done.exit_code == 2
    assert f"{option[0]} and --follow exclude each other" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["history", "ns"],
        ["item", "get", "ns", "one"],
        ["category", "get", "ns", "taught"],
        ["namespace", "get", "ns"],
        ["explain", "ns", "--item", "one"],
    ],
)
def test_times_have_one_form(cli: Cli, command: list[str]) -> None:
    shown = cli.text(*command)
    assert re.search(_TIME, shown)
    assert not re.search(r"\d\d:\d\d", re.sub(_TIME, "", shown))


def test_explain_marks_the_query_and_tells_names_from_taught_categories(cli: Cli) -> None:
    shown = cli.text("explain", "ns", "--item", "one", "--ranking", "local")
    assert re.search(r"^ near: one \(the query itself\) ", shown, re.MULTILINE)
    assert "expected with a name alone" in shown
    assert "expected with 3 counting members" in shown
    assert "score without this member" in shown


def test_an_empty_namespace_has_no_categories_to_explain(cli: Cli) -> None:
    assert cli.text("explain", "empty", "--embedding", "[1, 0]") == "no categories\n"


def test_unassigning_what_is_not_assigned_changes_nothing_and_says_so(cli: Cli) -> None:
    told = cli.text("unassign", "ns", "one", "a name")
    assert told.startswith("unchanged: 'one' is not in 'a name'")
    cli.text("unassign", "ns", "one")
    assert cli.text("unassign", "ns", "one").startswith("unchanged: 'one' is in no category")


def test_the_fairness_in_force_is_shown(cli: Cli) -> None:
    assert "0 (the default with cosine)" in cli.text("namespace", "get", "ns")
    local = cli.text("namespace", "update", "ns", "--ranking", "local")
    assert "0.5 (the default with local)" in local
    given = cli.text("namespace", "update", "ns", "--fairness", "0.25")
    assert re.search(r"fairness +0\.25\n", given)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["history", "ns", "--limit", "few"], "must be a whole number, not 'few'"),
        (["match", "ns", "--min-score", "low"], "must be a number, not 'low'"),
        (["match", "ns", "--ranking", "best"], "'best' is not one of 'cosine', 'local'"),
    ],
)
def test_a_value_of_another_type_is_refused_in_plain_words(
    cli: Cli, command: list[str], told: str
) -> None:
    for done in (cli.run(*command), cli.run(*command, "--json")):
        assert done.exit_code == 2
        assert told in done.stderr
        assert "Value error" not in done.stderr
        assert "Input should" not in done.stderr


@pytest.mark.parametrize(
    ("count", "shown"), [(1, "1 byte"), (999, "999 bytes"), (9_300, "9.3 kB"), (2.5e6, "2.5 MB")]
)
def test_sizes_have_a_unit_that_shows_them(count: float, shown: str) -> None:
    assert size(count) == shown
