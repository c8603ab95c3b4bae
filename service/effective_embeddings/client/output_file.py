"""Output files that appear under their name when they are complete, and not before."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias

__all__ = ["FilePath", "OutputFile"]

FilePath: TypeAlias = str | os.PathLike[str]


class OutputFile:
    """Writes a file beside its place, and renames it there when it is complete and on disk.

    Only a regular file is replaced, and the new file has the mode, and where allowed the owner,
    of the old. A symbolic link stays: the file that it points to is replaced. A device, a pipe or
    a socket, and anything below ``/dev`` and ``/proc``, is written into as it is.

    Attributes:
        file: The open file to write to.
    """

    def __init__(self, path: FilePath) -> None:
        """Open the file.

        Raises:
            OSError: The file cannot be written.
        """
        self.file: BinaryIO
        self._partial: Path | None = None
        self._final = Path(path)
        if _written_in_place(self._final):
            self.file = self._final.open("wb")
            return
        self._final = Path(os.path.realpath(self._final))
        _require_folder(self._final, path)
        _remove_leftovers(self._final)
        self._partial, self.file = _create_locked(self._final)
        try:
            _adopt_mode(self.file, self._final)
        except BaseException:
            self.discard()
            raise

    def commit(self) -> None:
        """Complete the file and give it its name. Discards it if that fails."""
        try:
            self.file.flush()
            if self._partial is None:
                self.file.close()
                return
            os.fsync(self.file.fileno())
            self._partial.replace(self._final)
            self._partial = None
            self.file.close()
            folder = os.open(self._final.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave nothing behind; idempotent."""
        with suppress(OSError):  # a closed pipe discards the rest anyway
            self.file.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)
            self._partial = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.discard()


def _written_in_place(path: Path) -> bool:
    if path.is_absolute() and path.parts[1:2] in (("dev",), ("proc",)):
        return True
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return not stat.S_ISREG(mode)


def _require_folder(final: Path, given: FilePath) -> None:
    """Name the file that the caller knows, and not the partial one, if its folder is missing."""
    if not final.parent.is_dir():
        code = errno.ENOTDIR if final.parent.exists() else errno.ENOENT
        problem = "is not a directory" if code == errno.ENOTDIR else "does not exist"
        raise OSError(code, f"the folder {final.parent} {problem}", os.fspath(given))


def _create_locked(final: Path) -> tuple[Path, BinaryIO]:
    """Create a file beside ``final``, locked while it is open: a lock shows that its writer lives.

    Where the file system has no locks, the file is created all the same, and leftovers stay.
    """
    while True:
        path = final.with_name(f".{final.name[:200]}.{secrets.token_hex(4)}.part")
        file = path.open("xb")
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        # Before it was locked, another writer may have removed it as a leftover.
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(file.fileno())):
                return path, file
        file.close()


def _remove_leftovers(final: Path) -> None:
    """Remove the partial files of writers that died."""
    for leftover in final.parent.glob(f".{glob.escape(final.name[:200])}.*.part"):
        with suppress(OSError), leftover.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()


def _adopt_mode(file: BinaryIO, final: Path) -> None:
    try:
        old = final.stat()
    except FileNotFoundError:
        return
    with suppress(PermissionError):
        os.fchown(file.fileno(), old.st_uid, old.st_gid)
    os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
