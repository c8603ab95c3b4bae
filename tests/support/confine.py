"""Run a command under a systemd unit's restrictions: system calls, address families, W^X.

    python -m tests.support.confine UNIT COMMAND...

The test machine has no booted systemd, so this module installs the same kernel filters, with the
library that systemd itself uses. ``systemd-analyze`` provides the list of allowed calls.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

_KILL = 0x80000000
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EQUAL = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_MDWE = 65
_MDWE_REFUSE_EXEC_GAIN = 1


class _Compare(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("one", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


def directives(unit: str) -> dict[str, list[str]]:
    """The settings of a unit, by name."""
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def allowed_calls(filters: list[str]) -> set[str]:
    """The system calls that SystemCallFilter= allows."""
    allowed: set[str] = set()
    for each in filters:
        named = set[str]().union(*map(_members, each.removeprefix("~").split()))
        allowed = allowed - named if each.startswith("~") else allowed | named
    return allowed


def _members(group: str) -> set[str]:
    if not group.startswith("@"):
        return {group}
    listed = subprocess.run(  # noqa: S603 - our own command
        ["/usr/bin/env", "systemd-analyze", "--no-pager", "syscall-filter", group],
        check=True,
        capture_output=True,
        text=True,
    )
    names = [line.strip() for line in listed.stdout.splitlines()[1:]]
    return set[str]().union(*(_members(n) for n in names if n and not n.startswith("#")))


def confine(unit: str) -> None:
    """Confine this process and its children, irreversibly."""
    said = directives(unit)
    allowed = allowed_calls(said["SystemCallFilter"])
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    number = said.get("SystemCallErrorNumber")
    action = _KILL if number is None else _ERRNO | getattr(errno, number[-1])
    library = ctypes.CDLL(ctypes.util.find_library("seccomp"))
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(action)))
    # systemd-analyze lists calls of all architectures; this machine has only some.
    for name in allowed - {"socket"}:
        found = library.seccomp_syscall_resolve_name(name.encode())
        if found >= 0:
            _check(library.seccomp_rule_add(context, ctypes.c_uint32(_ALLOW), found, 0))
    opened = library.seccomp_syscall_resolve_name(b"socket")
    for family in said["RestrictAddressFamilies"][-1].split():
        is_it = _Compare(0, _EQUAL, getattr(socket, family), 0)
        _check(
            library.seccomp_rule_add_array(
                context, ctypes.c_uint32(_ALLOW), opened, 1, ctypes.byref(is_it)
            )
        )
    _check(library.seccomp_load(context))
    if said.get("MemoryDenyWriteExecute") == ["yes"]:
        # On an older kernel, a systemd of the same age would also request less.
        libc.prctl(_PR_SET_MDWE, _MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)


def _check(status: int) -> None:
    if status != 0:
        raise OSError(-status, os.strerror(-status))


if __name__ == "__main__":
    confine(Path(sys.argv[1]).read_text())
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - our own command
