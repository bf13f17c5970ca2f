"""The org on a socket: threads, keep-alive, dropped connections. Started by the command, the demo and tests.

A handler of our own on werkzeug's threaded server, because werkzeug closes every connection and Python's
default writes unbuffered (45 ms per keep-alive request). Boundaries: a test may be told before a request is
handled, before its reply is sent, and after it.
"""

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

from werkzeug.serving import DechunkedInput, ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request

from connector.localorg import pages
from connector.localorg.api.app import LocalOrgApp
from connector.localorg.api.wire import Call, Reply, make_call
from connector.localorg.org import Org
from connector.localorg.peers import kill_peer
from connector.localorg.tls import Tls

When = Literal["before_request", "before_reply", "after_reply"]


@dataclass(frozen=True, slots=True)
class BoundaryEvent:
    """A moment in the life of the nth client request, counted from 1 since the server was made."""

    n: int
    when: When
    method: str
    path: str


_WORTH_PACKING = 2048
Boundary = Callable[[BoundaryEvent], None]


class DropConnectionError(Exception):
    """Raise it from a boundary hook to cut the connection without another byte."""


class LocalOrgServer:
    """Serves one org on loopback, over TLS when given a certificate; `on_boundary` may be set at any time."""

    def __init__(self, org: Org, host: str = "127.0.0.1", port: int = 0, *, tls: Tls | None = None) -> None:
        self.org = org
        self.tls = tls
        self.app = LocalOrgApp(org)
        self.on_boundary: Boundary | None = None
        self.host = host
        self._server = _Server(host, port, _refuse_wsgi, handler=_Handler)
        self._server.local = self
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The instance URL for clients."""
        return self.url_of(f"{self.host}:{self.port}")

    def url_of(self, address: str) -> str:
        """The instance URL under the address by which a client reached it."""
        return f"{'https' if self.tls else 'http'}://{address}"

    def start(self) -> None:
        """Serve in a thread of its own until stop."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="localorg")
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; open connections are cut."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> "LocalOrgServer":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def tell(self, n: int, when: When, call: Call) -> None:
        """Tell the boundary hook, if there is one."""
        if self.on_boundary is not None:
            self.on_boundary(BoundaryEvent(n, when, call.method, call.path))


def serve_in_thread(org: Org, host: str = "127.0.0.1", port: int = 0, *, tls: Tls | None = None) -> LocalOrgServer:
    """Make a server and start it."""
    server = LocalOrgServer(org, host, port, tls=tls)
    server.start()
    return server


def _refuse_wsgi(_environ: Any, _start_response: Any) -> Any:
    raise RuntimeError("requests are answered by the handler")


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    local: LocalOrgServer

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in its own thread, the handshake included: a silent client holds up nobody."""
        if self.local.tls is None:
            super().finish_request(request, client_address)
            return
        try:
            secured = self.local.tls.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        with secured:
            super().finish_request(secured, client_address)


class _Handler(WSGIRequestHandler):
    """Reads a request, has it answered, writes the answer in one piece and keeps the connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def run_wsgi(self) -> None:
        try:
            if self.headers.get("Expect", "").lower().strip() == "100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.wfile.flush()
            self._answer(self._read_call())
        except DropConnectionError:
            self._drop()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _read_call(self) -> Call:
        headers = {k.lower(): v for k, v in self.headers.items()}
        return make_call(self.command, self.path, headers, self._read_body(headers))

    def _read_body(self, headers: dict[str, str]) -> bytes:
        """The body, whole: a connection that is kept must be read to its end."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            raw = DechunkedInput(cast("IO[bytes]", self.rfile)).read()
        else:
            raw = self.rfile.read(int(headers.get("content-length") or 0))
        return gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else bytes(raw)

    def _answer(self, call: Call) -> None:
        local = self.server.local
        if local.app.is_recorded(call):
            self._answer_client(local, call)
        elif call.parts[:1] == ("__local__",):
            self._send(local.app.answer_other(call))
        else:
            self._send(self._show_page(local) or local.app.answer_other(call))

    def _answer_client(self, local: LocalOrgServer, call: Call) -> None:
        n = next(local.app.numbers)
        local.tell(n, "before_request", call)
        outcome = local.app.answer(call, n, self._instance_url(local))
        if outcome.delay:
            time.sleep(outcome.delay)
        local.tell(n, "before_reply", call)
        if outcome.spoiled == "kill":
            kill_peer(self.connection)
        if outcome.spoiled in ("drop", "kill"):
            raise DropConnectionError
        self._send(outcome.reply, truncate=outcome.spoiled == "truncate")
        local.tell(n, "after_reply", call)
        if outcome.spoiled == "kill_after":
            kill_peer(self.connection)

    def _instance_url(self, local: LocalOrgServer) -> str:
        host = self.headers.get("Host")
        return local.url_of(host) if host else local.url

    def _show_page(self, local: LocalOrgServer) -> Reply | None:
        page = pages.handle(local.org, Request(self.make_environ()))
        if page is None:
            return None
        headers = {k: v for k, v in page.headers.items() if k.lower() not in ("content-type", "content-length")}
        return Reply(page.status_code, page.get_data(), headers, page.content_type or "text/html")

    def _send(self, reply: Reply, *, truncate: bool = False) -> None:
        """Write an answer; a truncated one promises more than it sends and ends the connection."""
        body = self._pack(reply)
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Date" not in reply.headers:
            self.send_header("Date", self.date_time_string())
        if body or reply.status not in (204, 304):
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if truncate else body)
        self.wfile.flush()
        if truncate:
            self._drop()

    def _pack(self, reply: Reply) -> bytes:
        """The body, compressed when the client asks for it and it is long enough to gain by it (reference 4.4)."""
        body = reply.encode()
        asked = "gzip" in self.headers.get("Accept-Encoding", "").lower()
        if not asked or len(body) < _WORTH_PACKING or "Content-Encoding" in reply.headers:
            return body
        reply.headers["Content-Encoding"] = "gzip"
        return gzip.compress(body, compresslevel=1, mtime=0)

    def _drop(self) -> None:
        """Cut the connection so that the client sees a reset."""
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        except OSError:
            return

    def finish(self) -> None:
        """End a connection that may have been cut already."""
        try:
            super().finish()
        except (OSError, ValueError):
            return

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are in the ledger, not on the terminal."""
