"""Tokens: their file, their rotation, and what an unauthenticated caller learns."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from effective_embeddings import Client, errors
from effective_embeddings._core import ACCESS_LIMITS, token_hash
from effective_embeddings.server import (
    ServerHandle,
    Settings,
    SettingsError,
    lifecycle,
    new_token,
    parse_tokens,
    token_line,
)
from effective_embeddings.server.auth.token_source import load_tokens
from tests.support.access import Tenants, bearer, refusal, tenants, unary
from tests.support.process import ServerProcess, environment

pytestmark = pytest.mark.usefixtures("each_transport")

_MAX_TOKEN_BYTES = dict(ACCESS_LIMITS)["token_bytes"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, each_transport: str) -> Iterator[Tenants]:
    with tenants(tmp_path_factory.mktemp(f"tokens-{each_transport}")) as found:
        yield found


def test_a_token_admits_its_owner(served: Tenants) -> None:
    with Client(served.target, token=served.tokens["root"]) as client:
        client.create_namespace("ns", 2)
        assert client.get_namespace("ns").revision == 1
        client.delete_namespace("ns", force=True)


def test_unauthenticated_callers_get_the_same_answer_for_any_token(served: Tenants) -> None:
    good = served.tokens["root"]
    wrong = [
        (),
        bearer(new_token()),
        bearer(good[:-1]),
        bearer(good + "x"),
        bearer(good.upper()),
        bearer(""),
        bearer(" " + good),
        bearer("x" * (_MAX_TOKEN_BYTES + 1)),
        (("authorization", f"Basic {good}"),),
        (("authorization", good),),
        (("x-authorization", f"Bearer {good}"),),
        (("authorization-bin", f"Bearer {good}".encode()),),
        bearer(good) + bearer(good),
        bearer(token_hash(good)),
    ]
    told = set()
    with grpc.insecure_channel(served.target) as channel:
        for metadata in wrong:
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel, "GetServiceInfo")(b"", metadata=metadata, timeout=5)
            told.add(refusal(caught.value))
    assert len(told) == 1
    ((code, text, details),) = told
    assert code == "UNAUTHENTICATED"
    assert "authorization: Bearer" in text
    assert b"UNAUTHENTICATED" in details


def test_the_scheme_is_case_insensitive(served: Tenants) -> None:
    with grpc.insecure_channel(served.target) as channel:
        metadata = (("authorization", f"BEARER {served.tokens['root']}"),)
        assert unary(channel, "GetServiceInfo")(b"", metadata=metadata, timeout=5)


def test_the_client_raises_its_own_error_class(served: Tenants) -> None:
    with Client(served.target) as client, pytest.raises(errors.Unauthenticated) as caught:
        client.service_info()
    assert caught.value.reason == "UNAUTHENTICATED"
    assert caught.value.metadata == {"scheme": "Bearer"}


def test_a_principal_may_have_two_tokens_and_not_three() -> None:
    first, second, third = new_token(), new_token(), new_token()
    lines = [token_line("alice", token, ["read:*"]) for token in (first, second, third)]
    tokens = parse_tokens("\n".join(lines[:2]))
    for token in (first, second):
        assert tokens.principal_of(token) == "alice"
    assert tokens.principal_of(third) is None
    with pytest.raises(SettingsError, match="3 live tokens"):
        parse_tokens("\n".join(lines))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("alice", "must be: principal"),
        ("alice effemb_secretsecret read:*", "the hash must be"),
        ("alice sha256:00 read:*", "the hash must be"),
        ("al/ice {hash} read:*", "a principal has"),
        ("../alice {hash} read:*", "a principal has"),
        ("alice {hash}", "may do nothing"),
        ("alice {hash} read", "scope:namespace"),
        ("alice {hash} own:*", "scope"),
        ("alice {hash} read:a*b", "pattern"),
        ("alice {hash} read:", "pattern"),
        ("alice {hash} rate=5", "may do nothing"),
        ("alice {hash} read:* rate=fast", "a rate is"),
        ("alice {hash} read:* rate=nan", "a rate is"),
        ("alice {hash} read:* rate=-1", "a rate is"),
        ("effemb_secretsecret {hash} read:*", "that is a token"),
    ],
)
def test_a_malformed_line_is_refused_and_not_quoted(line: str, told: str) -> None:
    filled = line.format(hash=token_hash("x"))
    with pytest.raises(SettingsError, match=told) as caught:
        parse_tokens(f"# a comment\n\n{filled}")
    assert "line 3" in str(caught.value)
    assert "secretsecret" not in str(caught.value)


def test_a_file_takes_effect_when_it_changes_and_a_broken_one_does_not(tmp_path: Path) -> None:
    with tenants(tmp_path) as served:
        alice = served.tokens["alice"]

        def known(token: str) -> bool:
            with Client(served.target, token=token) as client:
                return _is_let_in(client)

        def becomes(token: str, *, wanted: bool) -> None:
            end = time.monotonic() + 10
            while known(token) != wanted:
                assert time.monotonic() < end
                time.sleep(0.05)

        before = served.file.read_text()
        served.file.write_text("this is no token file")
        time.sleep(1.5)
        assert known(alice)
        new = new_token()
        served.file.write_text(before + token_line("alice", new, ["read:alice"]) + "\n")
        becomes(new, wanted=True)
        assert known(alice), "the old one still lives"
        lines = [line for line in before.splitlines() if token_hash(alice) not in line]
        served.file.write_text("\n".join(lines))
        becomes(alice, wanted=False)
        becomes(new, wanted=False)


def test_a_file_that_changes_while_a_server_starts_takes_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch once began after the file was read: a token removed in between stayed valid."""
    file, token = tmp_path / "tokens", new_token()
    file.write_text(token_line("alice", token, ["read:*"]))

    def read_and_removed(settings: Settings) -> Any:
        made = load_tokens(settings)
        file.write_text("")
        return made

    monkeypatch.setattr(lifecycle, "load_tokens", read_and_removed)
    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", tokens=file)
    with ServerHandle(settings) as server, Client(server.target, token=token) as client:
        end = time.monotonic() + 10
        while _is_let_in(client):
            assert time.monotonic() < end
            time.sleep(0.05)


def _is_let_in(client: Client) -> bool:
    try:
        client.service_info()
    except errors.Unauthenticated:
        return False
    return True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_appending_a_token_as_root_keeps_the_files_owner(tmp_path: Path) -> None:
    """The file once became root's, and the server could no longer read it."""
    real, link = tmp_path / "real", tmp_path / "tokens"
    real.write_text("# whose\n")
    real.chmod(0o640)
    os.chown(real, 10001, 10002)
    link.symlink_to(real)
    done = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "effective_embeddings.cli", "token", "new", "alice"),
            *("--allow", "read:*", "--append", str(link)),
        ],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("effemb_")
    assert "alice sha256:" in real.read_text()
    assert link.is_symlink()
    found = real.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (10001, 10002, 0o640)


def test_sighup_reads_the_tokens_again(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    old, new = new_token(), new_token()
    file.write_text(token_line("root", old, ["admin:*"]))
    with ServerProcess(tmp_path / "data", "--tokens", str(file)) as process:
        stat = file.stat()
        file.write_text(token_line("root", new, ["admin:*"]))
        # The file's signature is restored, so that only the signal triggers the reload.
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        process.process.send_signal(signal.SIGHUP)
        process.wait_for_log("tokens loaded=1")
        with Client(process.target, token=new) as client:
            client.service_info()
        with Client(process.target, token=old) as client, pytest.raises(errors.Unauthenticated):
            client.service_info()
        assert old not in process.log()
        assert new not in process.log()
        assert process.terminate() == 0


def test_the_time_of_a_comparison_does_not_depend_on_the_token() -> None:
    tokens_ = [new_token() for _ in range(64)]
    lines = [token_line(f"p{n}", token, ["read:*"]) for n, token in enumerate(tokens_)]
    tokens = parse_tokens("\n".join(lines))
    candidates = {
        "first": tokens_[0],
        "last": tokens_[-1],
        "near": tokens_[0][:-1] + ("A" if tokens_[0][-1] != "A" else "B"),
        "far": new_token(),
    }
    rounds = int(os.environ.get("EFFEMB_TEST_TIMING_ROUNDS", "400"))
    took: dict[str, list[int]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, token in candidates.items():
            begin = time.perf_counter_ns()
            tokens.principal_of(token)
            took[name].append(time.perf_counter_ns() - begin)
    medians = {name: statistics.median(times) for name, times in took.items()}
    # A comparison that stopped early would differ between first and last by a factor of 64.
    assert max(medians.values()) < 2 * min(medians.values()), medians


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("192.0.2.1:50051", "unencrypted"),
        ("example.org:50051", "unencrypted"),
        ("0.0.0.0:1", "unencrypted"),
        ("::1:8080", r"has no port: write \[::1\]:8080, or \[::1:8080\]:50051"),
        ("[::2]:1", "unencrypted"),
    ],
)
def test_the_client_sends_no_token_unencrypted_to_another_machine(target: str, error: str) -> None:
    token = new_token()
    with pytest.raises(ValueError, match=error) as caught:
        Client(target, token=token)
    assert token not in str(caught.value)
    with pytest.raises(ValueError, match="printable"):
        Client("127.0.0.1:1", token="two\nlines")  # noqa: S106
    Client("[::1]:1", token=token).close()
