"""The container's files, as far as they can be tested without a container engine."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from effective_embeddings.server import ServerHandle, Settings
from tests.support.access import Authority
from tests.support.process import ServerProcess

_ROOT = Path(__file__).parents[2]
_COMPOSE = (_ROOT / "deploy" / "compose.yaml").read_text()
_DOCKERFILE = (_ROOT / "Dockerfile").read_text()
_UNIT = (_ROOT / "deploy" / "effemb.service").read_text()


def _health_check(text: str) -> list[str]:
    """The command of a health check, in compose's form or in the Dockerfile's."""
    found = re.search(r"^ +(?:test: )?(?:CMD )?(\[.*urllib.*\])$", text, re.MULTILINE)
    assert found
    command: list[str] = json.loads(found[1])
    return command[command.index("python") :]


def test_the_image_and_compose_have_the_same_health_check() -> None:
    assert _health_check(_DOCKERFILE) == _health_check(_COMPOSE)


def test_the_health_check_tells_a_server_that_serves_from_one_that_does_not(tmp_path: Path) -> None:
    _, *arguments = _health_check(_DOCKERFILE)

    def check(target: str) -> int:
        given = [each.replace("127.0.0.1:9464", target) for each in arguments]
        assert given != arguments
        command = [sys.executable, *given]
        return subprocess.run(command, check=False, capture_output=True).returncode  # noqa: S603

    settings = Settings(data=tmp_path / "data", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    handle = ServerHandle(settings)
    assert handle.metrics_target is not None
    assert check(handle.metrics_target) == 1, "the data is not open yet"
    with handle:
        assert check(handle.metrics_target) == 0
    assert check(handle.metrics_target) == 1


def _locked(file: Path) -> dict[str, str]:
    """The locked requirements, by name, version and marker, with their hashes."""
    entries = re.sub(r"\\\n", "", file.read_text())
    entries = re.sub(r"^ *#.*\n", "", entries, flags=re.MULTILINE)
    found = {}
    for line in entries.splitlines():
        named, *hashes = line.split(" --hash=")
        found[" ".join(named.split())] = " ".join(sorted(each.strip() for each in hashes))
    return found


def test_the_image_has_the_tested_versions() -> None:
    whole = _locked(_ROOT / "requirements.lock")
    image = _locked(_ROOT / "deploy" / "requirements.lock")
    assert image.items() <= whole.items()
    assert all("sha256:" in hashes for hashes in image.values())
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    needed = project["dependencies"] + project["optional-dependencies"]["otel"]
    names = {each.split("==")[0] for each in image}
    assert {re.split(r"[<>=]", each)[0] for each in needed} <= names
    assert "--require-hashes -r /wheels/requirements.lock" in _DOCKERFILE
    assert "--no-deps /wheels/*.whl" in _DOCKERFILE


@pytest.mark.parametrize("text", [_DOCKERFILE, _UNIT], ids=["image", "unit"])
def test_a_failed_handshake_adds_no_line_of_another_format(tmp_path: Path, text: str) -> None:
    found = re.search(r"^(?:ENV |Environment=)(GRPC_\w+=\w+)$", text, re.MULTILINE)
    assert found
    cert, key = Authority(tmp_path).sign("server")
    options = ["--log-format", "json", "--tls-cert", str(cert), "--tls-key", str(key)]
    with ServerProcess(tmp_path / "data", *options, before=["env", found[1]]) as process:
        host, _, port = process.target.rpartition(":")
        for _ in range(3):
            with socket.create_connection((host, int(port)), 5) as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                stranger.recv(1024)
        assert process.terminate() == 0
    lines = process.log().splitlines()
    assert lines
    assert all(json.loads(line)["message"] for line in lines)
