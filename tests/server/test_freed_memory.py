"""Memory that was freed leaves the process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from effective_embeddings import CategoryUpdate, Client
from tests.support.process import ServerProcess

_MIB = 2**20

# Blocks too small for mappings of their own, and behind them one that stays.
_PROGRAM = """
import ctypes, time
from effective_embeddings.server.process.freed_memory import FreedMemory, anonymous_bytes

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

freed = FreedMemory(seconds=0.2)
before = anonymous_bytes()
freed.start()
blocks = [libc.malloc(65536) for _ in range(1024)]
for block in blocks:
    libc.memset(block, 1, 65536)
full = anonymous_bytes() - before
for block in blocks[:-1]:
    libc.free(block)
kept = anonymous_bytes() - before
end = time.monotonic() + 10
while anonymous_bytes() - before > 16 * 2**20 and time.monotonic() < end:
    time.sleep(0.1)
print(full, kept, anonymous_bytes() - before)
"""


def test_a_block_in_use_kept_all_freed_memory_before_it() -> None:
    command = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    full, kept, trimmed = map(int, done.stdout.split())
    assert full > 60 * _MIB
    assert kept > 60 * _MIB, "the C library gives it back without help: FreedMemory can go"
    assert trimmed < 16 * _MIB


def test_an_idle_server_kept_the_memory_of_a_bulk_load(tmp_path: Path) -> None:
    """Pages in the writer's cache, and what the C library keeps, together."""
    vectors = np.random.default_rng(7).standard_normal((500, 1024)).astype(np.float32)
    server = ServerProcess(tmp_path / "data")
    with Client(server.target) as client:
        client.create_namespace("alice", dimension=1024)
        client.put_categories("alice", [CategoryUpdate("a", base=vectors[0])])
        for batch in range(20):
            client.assign("alice", [f"{batch}-{n}" for n in range(500)], "a", vectors)
        loaded = least = _anonymous_bytes(server)
        end = time.monotonic() + 15
        while least > loaded - 12 * _MIB and time.monotonic() < end:
            time.sleep(0.2)
            least = min(least, _anonymous_bytes(server))
    assert server.terminate() == 0
    assert least <= loaded - 12 * _MIB, f"{loaded / _MIB:.1f} MiB, then {least / _MIB:.1f}"


def _anonymous_bytes(server: ServerProcess) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text("ascii").splitlines()
    (line,) = (line for line in status if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024
