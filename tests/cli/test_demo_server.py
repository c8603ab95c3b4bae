"""The demo's server ends with the demo, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import environment

_DEMO = """
from effective_embeddings.demo.demo_server import demo_server

with demo_server("127.0.0.1:0", None) as server:
    print(server.process.pid, server.data, flush=True)
    server.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_server_and_removes_its_data(number: signal.Signals) -> None:
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", _DEMO], stdout=subprocess.PIPE, text=True, env=environment()
    ) as demo:
        assert demo.stdout is not None
        pid, data = demo.stdout.readline().split()
        assert Path(data).is_dir()
        demo.send_signal(number)
        assert demo.wait(30) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert not Path(data).exists()
