"""Output files: complete or absent, with modes, links and devices left as they are."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from effective_embeddings.client.output_file import OutputFile


def _write(path: Path | str, content: bytes = b"new") -> None:
    with OutputFile(path) as output:
        output.file.write(content)
        output.commit()


def test_a_new_file_has_the_mode_that_any_new_file_has(tmp_path: Path) -> None:
    _write(tmp_path / "out")
    (tmp_path / "plain").touch()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode


def _fail_half_way(output: OutputFile) -> None:
    output.file.write(b"half")
    raise RuntimeError


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"old")
    out.chmod(mode)
    _write(out)
    assert (out.read_bytes(), stat.S_IMODE(out.stat().st_mode)) == (b"new", mode)


def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "file", tmp_path / "link"
    file.write_bytes(b"old")
    link.symlink_to(file)
    _write(link)
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert os.listdir(tmp_path / "there") == ["file"]  # noqa: PTH208 - hidden ones too


def test_a_link_to_nowhere_is_filled(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    _write(tmp_path / "link")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_pipe_is_written_into_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    _write(pipe)
    reader.join(10)
    assert got == [b"new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_into_and_stays() -> None:
    before = os.stat("/dev/null")  # noqa: PTH116
    _write("/dev/null")
    assert os.stat("/dev/null").st_rdev == before.st_rdev  # noqa: PTH116


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        OutputFile(tmp_path)


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(RuntimeError), OutputFile(tmp_path / "out") as output:
        _fail_half_way(output)
    assert (tmp_path / "out").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]  # noqa: PTH208 - hidden ones too


def test_temporary_files_of_dead_processes_are_removed_and_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "import os, sys; from effective_embeddings.client.output_file import OutputFile;"
        " OutputFile(sys.argv[1]).file.write(b'half'); os._exit(9)"
    )
    subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "ignore", "-c", code, str(out)], check=False, timeout=60
    )
    (dead,) = tmp_path.iterdir()
    with OutputFile(out) as alive:
        assert not dead.exists()
        _write(out, b"other")
        alive.file.write(b"last")
        alive.commit()
    assert out.read_bytes() == b"last"
    assert os.listdir(tmp_path) == ["out"]  # noqa: PTH208 - hidden ones too
