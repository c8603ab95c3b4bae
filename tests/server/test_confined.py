"""The server under confinement as in a container: unprivileged user, read-only root.

The test machine has no container engine, so the test builds the confinement itself: a mount
namespace with everything read-only except the data.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path

import pytest

from effective_embeddings import CategoryUpdate, Client, Tls
from effective_embeddings.server import all_limits, new_token, resolve, token_line
from tests.support import confine
from tests.support.access import Authority
from tests.support.process import ServerProcess, environment

DEPLOY = Path(__file__).parents[2] / "deploy"
UID = "10001"
# $1: the data folder; $2: the folder of the interpreter; the rest: the command. A home that only
# its owner can enter is replaced by one that contains only the interpreter.
CONFINE = f"""
set -e
data=$1 python=$2; shift 2
mount --make-rprivate /
home=$(echo "$python" | cut -d/ -f1,2)
if [ "$home" = /root ]; then
  mkdir "$data/python"; mount --bind "$python" "$data/python"
  mount -t tmpfs -o mode=755 none "$home"
  mkdir -p "$python"; mount --bind "$data/python" "$python"
fi
mkdir "$data/data"; mount -t tmpfs -o mode=700,uid={UID},gid={UID} none "$data/data"
mount -o remount,bind,ro /
exec setpriv --reuid {UID} --regid {UID} --clear-groups --no-new-privs --bounding-set=-all \\
  --inh-caps=-all "$@"
"""


def _confined(folder: Path, *command: str) -> list[str]:
    confine = ["unshare", "--mount", "sh", "-c", CONFINE, "confine", str(folder), sys.base_prefix]
    return [*confine, *command]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder; those of pytest can only be entered by their owner."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv"))):
        pytest.skip("only root can confine somebody")
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    try:
        command = _confined(path, sys.executable, "-c", "import effective_embeddings")
        tried = subprocess.run(  # noqa: S603 - our own command
            command, check=False, capture_output=True, env=environment()
        )
        if tried.returncode:
            pytest.skip(f"cannot confine here: {tried.stderr.decode().strip()[-200:]}")
        shutil.rmtree(path)
        path.mkdir(mode=0o755)
        yield path
    finally:
        shutil.rmtree(path)


def test_an_unprivileged_user_serves_from_a_read_only_root(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"effemb-{folder.name}"
        manager.bind(f"\0{name}")
        manager.settimeout(30)
        serve = [sys.executable, "-m", "effective_embeddings.cli", "serve", "--json"]
        serve += ["--listen", "127.0.0.1:0", "--data", str(folder / "data" / "data")]
        with subprocess.Popen(  # noqa: S603 - our own command
            _confined(folder, *serve),
            env=environment(NOTIFY_SOCKET=f"@{name}", PYTHONDONTWRITEBYTECODE="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                assert b"READY=1" in manager.recv(1000)
                status = Path(f"/proc/{process.pid}/status").read_text()
                fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
                assert fields["Uid"].split() == [UID] * 4
                assert int(fields["CapEff"], 16) == 0
                assert fields["NoNewPrivs"] == "1"
                mounts = Path(f"/proc/{process.pid}/mounts").read_text().splitlines()
                root = next(line.split() for line in mounts if line.split()[1] == "/")
                assert "ro" in root[3].split(",")
                assert process.stdout is not None
                with Client(json.loads(process.stdout.readline())["listening"]) as client:
                    client.create_namespace("ns", 2)
                    client.put_categories("ns", [CategoryUpdate("c", base=[1, 0])])
                    client.assign("ns", "i", "c", [1, 1])
                    assert client.verify("ns").ok
                process.terminate()
                assert b"STOPPING=1" in manager.recv(1000)
                assert process.wait(20) == 0
            finally:
                process.kill()


_UNIT = DEPLOY / "effemb.service"
_AS_THE_UNIT = (sys.executable, confine.__file__, str(_UNIT))

can_confine = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or find_library("seccomp") is None,
    reason="there is no systemd",
)


@can_confine
def test_the_units_permissions_are_sufficient(tmp_path: Path) -> None:
    """The server was once killed at start, at the first system call that the unit forbids."""
    audit, authority = tmp_path / "audit", Authority(tmp_path)
    cert, key = authority.sign("server")
    token = new_token()
    tokens = tmp_path / "tokens"
    tokens.write_text(token_line("root", token, ["admin:*"]))
    options = ["--tokens", str(tokens), "--tls-cert", str(cert), "--tls-key", str(key)]
    options += ["--audit-log", str(audit), "--metrics-listen", "127.0.0.1:0", "--traces"]
    with ServerProcess(tmp_path / "data", *options, before=_AS_THE_UNIT) as process:
        with Client(process.target, tls=Tls(ca=authority.ca), token=token) as client:
            client.create_namespace("ns", 64)
            keys = [f"c{number}" for number in range(2000)]
            client.put_categories("ns", [CategoryUpdate(key, base=[1.0] * 64) for key in keys])
            client.assign("ns", keys, "c1", [[1.0] * 64] * len(keys))
            assert client.match("ns", [1.0] * 64)[0].matches
            client.snapshot("ns", tmp_path / "snapshot")
            client.restore(tmp_path / "snapshot", "copy")
            assert client.verify("copy").ok
            client.delete_namespace("copy", force=True)
        url = f"http://{process.told['metrics']}/metrics"
        with urllib.request.urlopen(url, timeout=5) as reply:
            assert b"effemb_serving 1.0" in reply.read()
        process.process.send_signal(signal.SIGHUP)
        process.wait_for_log("tokens loaded=1")
        assert process.terminate() == 0
    assert "OK" in audit.read_text()
    # A start on an existing directory works too.
    with ServerProcess(tmp_path / "data", before=_AS_THE_UNIT) as process:
        assert process.terminate() == 0


@can_confine
@pytest.mark.parametrize(
    "refused",
    [
        "import os; os.sched_setaffinity(0, {0})",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "import os; os.chroot('/')",
    ],
)
def test_the_unit_forbids_everything_else(refused: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [*_AS_THE_UNIT, sys.executable, "-c", refused], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "PermissionError" in done.stderr


def test_the_units_settings_can_be_used() -> None:
    found = resolve({}, DEPLOY / "config.toml", {})
    assert not found.settings.local
    assert found.settings.encrypted
    assert found.settings.authenticated
    assert all_limits(found.settings)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_analyze_accepts_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "effemb.service").read_text()
    assert "/opt/effemb/bin/effemb" in unit
    copy = tmp_path / "effemb.service"
    copy.write_text(unit.replace("/opt/effemb/bin/effemb", "/bin/true"))
    verified = _analyze("verify", str(copy))
    assert (verified.returncode, verified.stderr) == (0, "")
    # In tenths: 100 is fully exposed, 0 not at all.
    judged = _analyze("security", "--offline=true", "--threshold=20", str(copy))
    assert judged.returncode == 0, judged.stdout[-300:]


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        ["/usr/bin/env", "systemd-analyze", *arguments], check=False, capture_output=True, text=True
    )
