"""Settings: precedence of flags, environment and file, and their errors."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from effective_embeddings import Client
from effective_embeddings.server import (
    DEFINITIONS,
    Settings,
    SettingsError,
    all_limits,
    check_files,
    new_token,
    resolve,
    token_line,
)
from tests.support.process import ServerProcess, environment


def test_flags_override_the_environment_and_it_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    file.write_text('workers = 2\nlog_level = "warning"\nlisten = "127.0.0.1:1"\ndata = "d"\n')
    environment_ = {"EFFEMB_WORKERS": "3", "EFFEMB_LOG_LEVEL": "error"}
    found = resolve({"workers": 4, "log_level": None}, file, environment_)
    assert found.settings.workers == 4
    assert found.settings.log_level == "error"
    assert found.settings.listen == "127.0.0.1:1"
    assert found.settings.data == tmp_path / "d", "relative to the file"
    assert found.sources["workers"] == "flag"
    assert found.sources["log_level"] == "environment"
    assert found.sources["listen"] == "file"
    assert found.sources["threads"] == "default"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("wrokers = 2", "no setting 'wrokers'"),
        ('workers = "2"', "workers must be a whole number"),
        ("workers = true", "workers must be a whole number"),
        ("reflection = 1", "reflection must be true or false"),
        ("data = 1", "data must be a path"),
        ("workers = 0", "workers must be 1 to 256"),
        ("workers =", "not TOML"),
    ],
)
def test_an_error_in_a_file_names_its_place(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "effemb.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=told):
        resolve({}, file, {})


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("EFFEMB_WORKERS", "many", "EFFEMB_WORKERS must be a whole number"),
        ("EFFEMB_REFLECTION", "maybe", "EFFEMB_REFLECTION must be true or false"),
        ("EFFEMB_DRAIN_SECONDS", "soon", "EFFEMB_DRAIN_SECONDS must be a number"),
    ],
)
def test_an_invalid_variable_is_named(name: str, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        resolve({}, None, {name: text})


def test_a_misspelled_setting_is_found(tmp_path: Path) -> None:
    found = resolve({}, None, {"EFFEMB_LISTN": "x", "EFFEMB_TOKEN": "x", "EFFEMB_SERVER": "y"})
    assert found.unknown == ["EFFEMB_LISTN"]
    done = _effemb("config", "check", EFFEMB_LISTN="x", cwd=tmp_path)
    assert done.returncode == 1
    assert "EFFEMB_LISTN" in done.stderr


def test_tokens_can_come_from_the_environment(tmp_path: Path) -> None:
    lines = [token_line(name, new_token(), ["read:*"]) for name in "ab"]
    found = resolve({}, None, {"EFFEMB_TOKEN_ENTRIES": ";".join(lines)})
    assert found.settings.authenticated
    assert "sha256" not in json.dumps(found.shown())
    assert "sha256" not in repr(found.settings)
    done = _effemb("config", "check", "--json", EFFEMB_TOKEN_ENTRIES=";".join(lines), cwd=tmp_path)
    assert json.loads(done.stdout) == {"ok": True, "unknown": [], "tokens": 2}
    shown = _effemb("config", "show", EFFEMB_TOKEN_ENTRIES=";".join(lines), cwd=tmp_path)
    assert "redacted" in shown.stdout
    assert "sha256" not in shown.stdout


def test_tokens_of_the_wrong_type_are_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    file.write_text('token_entries = ["a sha256:5e88"]\n')
    done = _effemb("config", "check", "--config", str(file), cwd=tmp_path)
    assert done.returncode == 1
    assert "token_entries must be a text" in done.stderr
    assert "5e88" not in done.stderr + done.stdout


def test_config_check_reads_the_files_too(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    file.write_text('tokens = "missing"\n')
    done = _effemb("config", "check", "--config", str(file), cwd=tmp_path)
    assert done.returncode == 1
    assert "missing" in done.stderr


def test_config_check_names_every_file_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    names = ("tls_cert", "tls_key", "tls_client_ca", "tokens")
    lines = [f'{name} = "{name}.file"' for name in names]
    file.write_text("\n".join([*lines, 'audit_log = "nowhere/audit"']))
    told = _effemb("config", "check", "--config", str(file), cwd=tmp_path).stderr
    for name in names:
        assert told.count(f"{name}: {tmp_path}/{name}.file does not exist") == 1
    assert f"audit_log: the folder {tmp_path}/nowhere does not exist" in told


@pytest.mark.parametrize("transport", ["native", "grpcio"])
def test_a_certificate_that_is_none_is_named_with_its_setting(
    tmp_path: Path, transport: str
) -> None:
    file = tmp_path / "effemb.toml"
    for name in ("cert", "key"):
        (tmp_path / name).write_text("text")
    file.write_text(f'tls_cert = "cert"\ntls_key = "key"\ntransport = "{transport}"\n')
    told = _effemb("config", "check", "--config", str(file), cwd=tmp_path).stderr
    assert f"tls_cert: {tmp_path}/cert holds no certificate in PEM" in told
    assert f"tls_key: {tmp_path}/key holds no private key in PEM" in told


def test_a_server_that_never_served_does_not_report_that_it_stopped(tmp_path: Path) -> None:
    with Client.embedded(tmp_path / "data"):
        done = _effemb("serve", "--listen", "127.0.0.1:0", "--data", "data", cwd=tmp_path)
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "stopped" not in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('kernel = "abacus"', "kernel must be one of "),
        ('audit_log = "nowhere/audit"', "nowhere does not exist"),
        ('audit_log = "."', "is not a file"),
        ('data = "effemb.toml"', "effemb.toml is not a folder"),
        ('data = "effemb.toml/data"', "effemb.toml is not a folder"),
        ('metrics_listen = "127.0.0.1"', "metrics_listen must be host:port"),
        ('metrics_listen = "unix:/x"\nallow_remote_metrics = true', "metrics_listen must be"),
    ],
)
def test_config_check_reports_what_a_server_would(tmp_path: Path, content: str, told: str) -> None:
    """The check once accepted settings with which no server could start."""
    file = tmp_path / "effemb.toml"
    file.write_text(f'listen = "127.0.0.1:0"\n{content}\n')
    checked = _effemb("config", "check", "--config", str(file), cwd=tmp_path)
    assert checked.returncode == 1
    assert told in checked.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["effemb.toml"], "nothing is made"
    assert _effemb("serve", "--config", str(file), cwd=tmp_path).returncode in (1, 2)


def test_config_check_tests_whether_paths_are_writable() -> None:
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_files(Settings(data=folder / "a" / "b", audit_log=folder / "audit"))
        assert not list(folder.iterdir())
        folder.chmod(0o555)
        if is_root:
            os.seteuid(10001)
        try:
            for data in (folder / "a", folder / "a" / "b"):
                with pytest.raises(SettingsError, match=f"data: .* cannot write to {name}"):
                    check_files(Settings(data=data))
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_every_setting_is_a_flag_or_named_where_flags_are_listed(tmp_path: Path) -> None:
    shown = json.loads(_effemb("config", "show", "--json", cwd=tmp_path).stdout)
    assert set(shown) == set(DEFINITIONS)
    done = _effemb("serve", "--help", cwd=tmp_path, COLUMNS="200")
    flags = set(re.findall(r"--([a-z-]+)", done.stdout))
    named = {each.name.replace("_", "-") for each in DEFINITIONS.values() if each.flag}
    assert {*named, "config", "json"} <= flags
    assert set(DEFINITIONS) - {name.replace("-", "_") for name in flags} == {"token_entries"}


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    file.write_text('log_levle = "info"\nworkers = 0\nlog_format = "xml"\nreflection = 1\n')
    with pytest.raises(SettingsError) as caught:
        resolve({"listen": "0.0.0.0:1", "kernel": "abacus"}, file, {"EFFEMB_THREADS": "many"})
    told = str(caught.value)
    assert len(caught.value.problems) == 7, told
    for each in (
        "no setting 'log_levle'; did you mean log_level?",
        "workers must be 1 to 256, not 0",
        "log_format must be one of text, json, not 'xml'",
        "reflection must be true or false",
        "EFFEMB_THREADS must be a whole number, not 'many'",
        "kernel must be one of ",
        "refused to listen on '0.0.0.0:1'",
    ):
        assert each in told
    done = _effemb("config", "check", "--config", str(file), cwd=tmp_path)
    assert done.returncode == 1
    assert "log_levle" in done.stderr
    assert "log_format" in done.stderr


def test_a_rule_is_silent_where_a_setting_that_it_reads_is_at_fault(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    file.write_text('tls_cert = 1\ntls_key = "key.pem"\n')
    with pytest.raises(SettingsError) as caught:
        resolve({}, file, {})
    assert len(caught.value.problems) == 1, "nothing of a key without its certificate"


def test_an_unknown_variable_has_a_suggestion(tmp_path: Path) -> None:
    found = resolve({}, None, {"EFFEMB_LOG_LEVLE": "info", "EFFEMB_XYZ": "1"})
    assert found.hints() == [
        "EFFEMB_LOG_LEVLE: there is no such setting; did you mean EFFEMB_LOG_LEVEL?",
        "EFFEMB_XYZ: there is no such setting",
    ]
    done = _effemb("config", "check", EFFEMB_LOG_LEVLE="info", cwd=tmp_path)
    assert "did you mean EFFEMB_LOG_LEVEL?" in done.stderr


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    file.write_bytes(b"\xef\xbb\xbfworkers = 3\n")
    assert resolve({}, file, {}).settings.workers == 3


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "effemb.toml").write_text('audit_log = "~/audit"\n')
    environment_ = {"EFFEMB_TOKENS": "~/tokens", "EFFEMB_CONFIG": "~/effemb.toml"}
    settings = resolve({"data": Path("~/data")}, None, environment_).settings
    assert settings.data == tmp_path / "data"
    assert settings.tokens == tmp_path / "tokens"
    assert settings.audit_log == tmp_path / "audit"


def test_limits_fit_into_80_columns(tmp_path: Path) -> None:
    lines = _effemb("limits", cwd=tmp_path, COLUMNS="80").stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    names = [each.name for each in all_limits(resolve({}, None, {}).settings)]
    assert [line.split()[0] for line in lines[3:] if line.strip()] == names, "a line each"


def test_limits_are_listed_with_their_errors(tmp_path: Path) -> None:
    limits = all_limits(resolve({}, None, {}).settings)
    names = {each.name for each in limits}
    assert len(names) == len(limits)
    assert {"max_concurrent_calls", "calls_per_second", "batch_entries", "dimension"} <= names
    assert all(each.beyond for each in limits)
    listed = json.loads(_effemb("limits", "--json", cwd=tmp_path).stdout)
    assert {each["name"] for each in listed} == names


def test_a_server_takes_its_file_and_says_what_is_open(tmp_path: Path) -> None:
    file = tmp_path / "effemb.toml"
    file.write_text('log_format = "json"\naudit_log = "audit.jsonl"\nmetrics_listen = "[::1]:0"\n')
    with ServerProcess(tmp_path / "data", "--config", str(file)) as process:
        for line in process.log().splitlines():
            assert json.loads(line)["level"] == "info"
        assert process.terminate() == 0
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_new_token_is_printed_once_and_its_line_is_added(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    command = ("token", "new", "alice", "--allow", "write:alice", "--append", str(file))
    first, second = (_effemb(*command, cwd=tmp_path).stdout.strip() for _ in range(2))
    assert first.startswith("effemb_")
    assert len(first) >= 50
    content = file.read_text()
    assert first not in content
    assert second not in content
    assert file.stat().st_mode & 0o777 == 0o600
    third = _effemb(*command, cwd=tmp_path)
    assert third.returncode == 1
    assert "live tokens" in third.stderr
    assert file.read_text() == content
    assert "2 tokens of alice" in _effemb("token", "check", str(file), cwd=tmp_path).stdout


def test_tokens_are_listed_and_revoked_by_their_ids(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# operators\n")
    for name in ("alice", "bob"):
        options = ("--allow", f"write:{name}", "--append", str(file))
        assert _effemb("token", "new", name, *options, cwd=tmp_path).returncode == 0
    done = _effemb("token", "list", str(file), "--json", cwd=tmp_path)
    alice, bob = (json.loads(line) for line in done.stdout.splitlines())
    assert (alice["principal"], bob["principal"]) == ("alice", "bob")
    assert re.fullmatch(r"[0-9a-f]{12}", alice["id"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", alice["created"])
    assert alice["rules"] == ["write:alice"]
    assert bob["id"] in _effemb("token", "list", str(file), cwd=tmp_path).stdout
    unknown = _effemb("token", "revoke", str(file), "zz", cwd=tmp_path)
    assert unknown.returncode == 1
    assert "no token has the id 'zz'" in unknown.stderr
    done = _effemb("token", "revoke", str(file), alice["id"], cwd=tmp_path)
    assert done.stdout == f"revoked {alice['id']} of alice\n"
    assert "1 token of bob" in _effemb("token", "check", str(file), cwd=tmp_path).stdout
    assert file.read_text().startswith("# operators\n"), "comments stay"
    assert file.stat().st_mode & 0o077 == 0o044


def _effemb(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "effective_embeddings.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=cwd,
        env=environment(**variables),
    )
