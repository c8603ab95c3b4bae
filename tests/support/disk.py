"""A real file system of limited size, which can fill up and become read-only."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.process import ServerProcess

__all__ = ["CannotMountError", "SmallDisk"]

# As root of a user namespace, if the kernel allows that.
_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private")
_ENTER = ("--user", "--mount", "--preserve-credentials")


class CannotMountError(Exception):
    """This machine allows mounts for root only."""


class SmallDisk:
    """A tmpfs that only its own processes see; a context manager.

    Attributes:
        folder: Its path, for processes started through ``before``.
        before: The command prefix that starts another command in the disk's mount namespace.
    """

    def __init__(self, folder: Path, size: int) -> None:
        """Mount ``size`` bytes in a folder.

        Raises:
            CannotMountError: The kernel forbids it.
        """
        self.folder = folder
        script = f"mount -t tmpfs -o size={size} tmpfs '{folder}' && echo mounted && exec sleep 600"
        try:
            self._keeper = subprocess.Popen(  # noqa: S603 - our own command
                [*_UNSHARE, "sh", "-c", script],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise CannotMountError(str(error)) from error
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != "mounted\n":
            _, told = self._keeper.communicate(timeout=10)
            raise CannotMountError(told.strip() or "unshare failed")
        self.before = ("nsenter", "--target", str(self._keeper.pid), *_ENTER)

    def server(self, *options: str, wait: bool = True) -> ServerProcess:
        """Start a server whose directory is on the disk, and whose log is not."""
        log = self.folder.with_name("server.log")
        data = self.folder / "data"
        return ServerProcess(data, *options, log=log, wait=wait, before=self.before)

    def run(self, *command: str) -> str:
        """Run a command there; return its output."""
        done = subprocess.run(  # noqa: S603 - our own command
            [*self.before, *command], check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def remount(self, option: str) -> None:
        """Remount: ``size=…`` in bytes, ``ro`` or ``rw``.

        ``ro`` needs that no process has a file open for writing.
        """
        self.run("mount", "-o", f"remount,{option}", str(self.folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._keeper.kill()
        self._keeper.communicate()
