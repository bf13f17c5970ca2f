"""Who this process is, and whether another one on the same machine is still alive.

Called by the ledger, to see at once that a run was killed. Says "unknown" where it cannot know (another machine,
another container): then only the lease's end decides.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path


def identity(pid: int | None = None) -> str:
    """`host|boot|pid namespace|pid|start`; the last ones are blank where the system has no /proc."""
    pid = os.getpid() if pid is None else pid
    return "|".join((*_machine(), str(pid), _start(pid)))


def is_gone(other: str) -> bool | None:
    """Whether the process called `other` has ended; None when that cannot be seen from here."""
    *machine, pid, start = other.split("|")
    if tuple(machine) != _machine():
        return None
    return not _runs(int(pid)) or start != _start(int(pid))


def _machine() -> tuple[str, str, str]:
    return socket.gethostname(), _read("/proc/sys/kernel/random/boot_id"), _namespace()


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _start(pid: int) -> str:
    """Clock tick at which the process started: pids are used again, starts are not."""
    stat = _stat(pid)
    return stat[19] if len(stat) > 19 else ""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it exists, but is another user's
    return _stat(pid)[:1] != ["Z"]  # killed, and its parent has not looked yet


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; the name before them may hold blanks and brackets."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
