"""What all commands share: where the data is, JSON, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from effective_embeddings import Client
from effective_embeddings.server import ServerHandle
from tests.support.cli import run
from tests.support.process import environment

_COMMAND = [sys.executable, "-m", "effective_embeddings.cli"]


@pytest.fixture
def target(shared_server: ServerHandle, shared_remote: Client, ns: str) -> str:
    shared_remote.create_namespace(ns, 3)
    return shared_server.target


@pytest.mark.parametrize("before", [True, False])
def test_options_are_taken_before_and_after_the_command(
    target: str, ns: str, tmp_path: Path, *, before: bool
) -> None:
    (tmp_path / "token").write_text("some-token")
    where = ["--server", target, "--token-file", str(tmp_path / "token")]
    command = ["namespace", "get", ns, "--json"]
    done = run(*where, *command) if before else run(*command, *where)
    assert json.loads(done.stdout)["name"] == ns


def test_an_option_after_the_command_wins(target: str, ns: str) -> None:
    done = run("--server", "127.0.0.1:1", "namespace", "get", ns, "--server", target, "--json")
    assert json.loads(done.stdout)["name"] == ns


def test_a_variable_does_not_win_over_an_option_before_the_command(
    target: str, ns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("some-token")
    monkeypatch.setenv("EFFEMB_TOKEN_FILE", str(tmp_path / "absent"))
    done = run(
        *("--server", target, "--token-file", str(tmp_path / "token")),
        *("namespace", "get", ns, "--json"),
    )
    assert done.exit_code == 0, done.stderr
    assert run("--server", target, "namespace", "get", ns, "--json").exit_code == 1


def test_tls_ca_is_read_before_and_after_the_command(target: str, tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.pem")
    for arguments in (
        ["--tls-ca", absent, "info", "--server", target],
        ["info", "--tls-ca", absent, "--server", target],
    ):
        done = run(*arguments)
        assert done.exit_code == 1
        assert "absent.pem" in done.stderr


@pytest.mark.parametrize("command", ["serve", "backup", "limits"])
def test_an_option_before_a_command_that_calls_no_service_is_refused(command: str) -> None:
    done = run("--server", "127.0.0.1:1", command)
    assert done.exit_code == 2
    assert command in done.stderr


def test_both_places_at_once_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    done = run("--server", "127.0.0.1:1", "info", "--data", str(tmp_path))
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["namespace", "create", "x", "--dimension", "many"],
        ["info", "--no-such-option"],
        ["info", "--data", "/no/such/folder"],
        ["no-such-command"],
        ["unassign", "x", "a", "b", "--delete-item"],
    ],
)
def test_an_error_of_usage_is_json_if_json_is_requested(arguments: list[str]) -> None:
    done = run(*arguments, "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"]["message"]


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_reader_that_has_enough_ends_the_command_quietly(
    target: str, ns: str, shared_remote: Client, *, json_lines: bool
) -> None:
    keys = [f"{'k' * 200} {number}" for number in range(2000)]
    shared_remote.put_items(ns, keys, [[1.0, 2.0, 3.0]] * 2000)
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*_COMMAND, "item", "list", ns, "--server", target, *(["--json"] if json_lines else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    told = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == 0
    assert told == ""


def test_a_terminal_without_unicode_shows_escapes(
    target: str, ns: str, shared_remote: Client
) -> None:
    shared_remote.put_items(ns, "první “ž”", [1, 2, 3])
    env = environment() | {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    for more in ([], ["--json"]):
        done = subprocess.run(  # noqa: S603 - our own command
            [*_COMMAND, "item", "list", ns, "--server", target, *more],
            capture_output=True,
            check=False,
            env=env,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert rb"prvn\x" in done.stdout or json.loads(done.stdout)["key"] == "první “ž”"


def test_a_file_name_that_is_not_utf8_is_reported() -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [*_COMMAND, "snapshot", "x", os.fsdecode(b"/no/such/\xff"), "--server", "127.0.0.1:1"],
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["category", "put", "{ns}", "c", "--window", "-1"],
        ["category", "put", "{ns}", "c", "--window", "99999999999999"],
        ["category", "reanchor", "{ns}", "c", "--keep-last", "-1"],
        ["item", "put", "{ns}", "\udcff", "--embedding", "[1, 2, 3]"],
        ["item", "put", "{ns}", "k", "--embedding", "[1" + "0" * 400 + ", 2, 3]"],
        ["item", "put", "{ns}", "k", "--embedding", "[" * 100_000],
        ["item", "put", "{ns}", "k", "--embedding", "[" + "1" * 5000 + "]"],
        ["item", "put", "{ns}", "k", "--meta", "a=1", "--meta", "a=2"],
        ["namespace", "create", "x", "--dimension", "-1"],
    ],
)
def test_a_value_that_cannot_be_sent_is_refused_without_a_traceback(
    target: str, ns: str, arguments: list[str]
) -> None:
    done = run(*(each.format(ns=ns) for each in arguments), "--server", target, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stderr)["error"]["message"]


def test_standard_input_gives_a_vector_and_a_token(
    target: str, ns: str, shared_remote: Client
) -> None:
    done = run("item", "put", ns, "k", "--embedding", "@-", "--server", target, stdin="[1, 2, 3]")
    assert done.exit_code == 0, done.stderr
    assert shared_remote.get_item(ns, "k").key == "k"
    done = run("info", "--server", target, "--token-file", "-", "--json", stdin="some-token\n")
    assert done.exit_code == 0, done.stderr


def test_a_failed_command_prints_only_its_own_error(target: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [*_COMMAND, "info", "--server", target, "--tls", "--json"],
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1
    assert "does not speak TLS" in json.loads(done.stderr)["error"]["message"]
