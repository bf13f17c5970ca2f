"""Ends the client at the other end of a connection, for crash tests of clients that are not ours. Called by server.py.

Only a process of this machine that is connected to the org can be ended, and never the org's own. Linux tells which
one it is; elsewhere the connection is cut and the client lives.
"""

import logging
import os
import signal
import socket
from pathlib import Path

_log = logging.getLogger(__name__)
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def kill_peer(connection: socket.socket) -> bool:
    """Kill the process that holds the other end; False when it cannot be found."""
    pid = find_peer(connection)
    if pid is None:
        _log.warning("the client of %s could not be found, so it was not killed", connection.getpeername())
        return False
    os.kill(pid, signal.SIGKILL)
    return True


def find_peer(connection: socket.socket) -> int | None:
    """The process that holds the other end of a loopback connection, unless it is this one."""
    inode = _find_inode(int(connection.getpeername()[1]), int(connection.getsockname()[1]))
    link = f"socket:[{inode}]"
    for folder in Path("/proc").glob("[0-9]*/fd") if inode is not None else ():
        pid = int(folder.parent.name)
        if pid != os.getpid() and _holds(folder, link):
            return pid
    return None


def _find_inode(local_port: int, remote_port: int) -> str | None:
    """The socket that goes from one port to another, as the kernel numbers it."""
    for table in _TABLES:
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            columns = line.split()
            if (_port(columns[1]), _port(columns[2])) == (local_port, remote_port):
                return columns[9]
    return None


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _holds(folder: Path, link: str) -> bool:
    try:
        return any(os.readlink(entry) == link for entry in folder.iterdir())
    except OSError:
        return False
