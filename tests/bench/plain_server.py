"""What the machine can do at best, for benches: a socket that answers every request at once with the same bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_READ = 1 << 16


@contextmanager
def serve_bytes(body: bytes) -> Iterator[str]:
    """The URL of a server in a thread that reads a request and sends a reply, nothing else."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n"
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listening, head.encode() + body), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()


def _accept(listening: socket.socket, reply: bytes) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer, args=(connection, reply), daemon=True).start()


def _answer(connection: socket.socket, reply: bytes) -> None:
    with connection:
        while _read_request(connection):
            connection.sendall(reply)


def _read_request(connection: socket.socket) -> bool:
    """Read one request with its body; False when the client has gone."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        more = connection.recv(_READ)
        if not more:
            return False
        raw += more
    head, _, body = raw.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(_READ)
    return True
