"""A standard error that nobody reads: it holds nobody up, and what is dropped is counted."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from effective_embeddings import Client
from effective_embeddings.server.observability.logs import MAX_QUEUED_LINES, QueuedHandler
from tests.support.process import ServerProcess


def test_a_full_standard_error_holds_up_no_call(tmp_path: Path) -> None:
    """Every call and health hung once 64 KiB stood in the pipe."""
    pipe = tmp_path / "stderr"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    options = ("--log-level", "debug", "--metrics-listen", "127.0.0.1:0")
    with (
        ServerProcess(tmp_path / "data", *options, log=pipe) as process,
        Client(process.target).with_timeout(10) as client,
    ):
        url = f"http://{process.told['metrics']}/metrics"
        for calls in range(1, 20_000):
            client.service_info()
            if calls % 1000 == 0 and _dropped(url) > 100:
                break
        dropped = _dropped(url)
        assert dropped > 100
        text = b""
        end = time.monotonic() + 20
        while b"log lines dropped=" not in text:
            assert time.monotonic() < end
            try:
                text += os.read(reader, 1 << 20)
            except BlockingIOError:
                time.sleep(0.01)
                client.service_info()
    reported = sum(map(int, re.findall(rb"log lines dropped=(\d+)", text)))
    assert reported >= dropped
    os.close(reader)


def _dropped(url: str) -> float:
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - our own server
        found = re.search(rb"^effemb_log_lines_dropped_total (\S+)$", reply.read(), re.MULTILINE)
    assert found
    return float(found[1])


def test_lines_are_written_before_the_process_ends() -> None:
    code = (
        "import logging\n"
        "from effective_embeddings.server import setup_logging\n"
        "setup_logging('info', 'text')\n"
        "for number in range(500): logging.info('line %d', number)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "ignore", "-c", code], stderr=subprocess.PIPE, check=True, text=True
    )
    assert [line.rpartition(" ")[2] for line in done.stderr.splitlines()] == [
        str(number) for number in range(500)
    ]


def test_a_process_ends_although_its_standard_error_is_not_read() -> None:
    code = (
        "import logging\n"
        "from effective_embeddings.server import setup_logging\n"
        "setup_logging('info', 'text')\n"
        "for number in range(5000): logging.info('x' * 100)\n"
    )
    reader, writer = os.pipe()
    begin = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "ignore", "-c", code], stderr=writer, check=False, timeout=30
    )
    assert done.returncode == 0
    assert time.monotonic() - begin < 15
    os.close(reader)
    os.close(writer)


def test_lines_beyond_the_queue_are_dropped_and_counted() -> None:
    reader, writer = os.pipe()
    handler = QueuedHandler(writer)
    logger = logging.Logger("test")  # noqa: LOG001 - one of its own
    logger.addHandler(handler)
    count = 3 * MAX_QUEUED_LINES
    for number in range(count):
        logger.warning("%s %d", "x" * 100, number)
    assert count - 2 * MAX_QUEUED_LINES <= handler.dropped <= count - MAX_QUEUED_LINES
    kept, text = count - handler.dropped, b""
    os.set_blocking(reader, False)
    end = time.monotonic() + 10
    while text.count(b"xxx ") < kept:
        assert time.monotonic() < end
        try:
            text += os.read(reader, 1 << 20)
        except BlockingIOError:
            time.sleep(0.001)
    reported = sum(map(int, re.findall(rb"log lines dropped=(\d+)", text)))
    assert reported == handler.dropped
    os.close(reader)
