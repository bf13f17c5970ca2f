"""Bodies that break off in ways that only a real socket shows: chunks, framing, silence in the middle."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import pytest

from connector.errors import RetryLater
from connector.salesforce import OrgClient, connect
from connector.settings import HttpSettings, OrgSettings

ROWS = b"".join(b'"001%012dAAA","a ""quoted"" name, and a line\nmore %d"\n' % (n, n * 7919) for n in range(20_000))
CSV = b'"Id","Name"\n' + ROWS
PACKED = gzip.compress(CSV, 1)
STEP = 8192

Send = Callable[["_Wire"], None]


class _Wire(BaseHTTPRequestHandler):
    """One connection to an org that has a token and one page of results, sent as the test says."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self._read()
        body = json.dumps({"access_token": "t", "instance_url": "http://127.0.0.1"}).encode()
        self.begin(**{"Content-Type": "application/json", "Content-Length": str(len(body))})
        self.wfile.write(body)

    def do_GET(self) -> None:
        asked = self.server.asked
        self.server.asked += 1
        self.server.sends[min(asked, len(self.server.sends) - 1)](self)

    def _read(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def begin(self, **headers: str) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def page(self, **framing: str) -> BinaryIO:
        self.begin(
            **{"Content-Type": "text/csv", "Sforce-Locator": "null", "Sforce-NumberOfRecords": "20000"}, **framing
        )
        return self.wfile  # type: ignore[return-value]

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Requests are counted, not printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Wire)
        self.sends: list[Send] = []
        self.asked = 0
        self.over = threading.Event()


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


def client_of(server: _Server, **http: float) -> OrgClient:
    url = f"http://127.0.0.1:{server.server_address[1]}"
    org = OrgSettings(instance_url=url, client_id="key", client_secret="secret")
    return connect(org, HttpSettings.model_validate({"attempts": 3, **http}), sleep=lambda _: None)


# --- ways to send a page ---------------------------------------------------------------------------------------


def _chunks(out: BinaryIO, body: bytes) -> None:
    for start in range(0, len(body), STEP):
        piece = body[start : start + STEP]
        out.write(b"%x\r\n%s\r\n" % (len(piece), piece))


def whole(wire: _Wire) -> None:
    out = wire.page(**{"Content-Encoding": "gzip", "Transfer-Encoding": "chunked"})
    _chunks(out, PACKED)
    out.write(b"0\r\n\r\n")


def whole_and_plain(wire: _Wire) -> None:
    out = wire.page(**{"Transfer-Encoding": "chunked"})
    _chunks(out, CSV)
    out.write(b"0\r\n\r\n")


def packed_until_the_end(wire: _Wire) -> None:
    wire.page(**{"Content-Encoding": "gzip", "Connection": "close"}).write(PACKED)
    wire.hang_up()


def cut_at_a_chunk_and_ended_properly(wire: _Wire) -> None:
    out = wire.page(**{"Content-Encoding": "gzip", "Transfer-Encoding": "chunked"})
    _chunks(out, PACKED[: STEP * 5])
    out.write(b"0\r\n\r\n")


def no_last_chunk(wire: _Wire) -> None:
    _chunks(wire.page(**{"Transfer-Encoding": "chunked"}), CSV)
    wire.hang_up()


def cut_inside_a_chunk(wire: _Wire) -> None:
    out = wire.page(**{"Transfer-Encoding": "chunked"})
    _chunks(out, CSV[: STEP * 3])
    out.write(b"2000\r\n" + CSV[:100])
    wire.hang_up()


def nonsense_for_a_chunk_size(wire: _Wire) -> None:
    out = wire.page(**{"Transfer-Encoding": "chunked"})
    _chunks(out, CSV[: STEP * 3])
    out.write(b"<html>\r\n")
    wire.hang_up()


def shorter_than_promised(wire: _Wire) -> None:
    wire.page(**{"Content-Length": str(len(CSV))}).write(CSV[: len(CSV) // 2])
    wire.hang_up()


def packed_and_cut_where_nobody_said_how_long(wire: _Wire) -> None:
    wire.page(**{"Content-Encoding": "gzip", "Connection": "close"}).write(PACKED[: len(PACKED) // 2])
    wire.hang_up()


def silent_in_the_middle(wire: _Wire) -> None:
    out = wire.page(**{"Content-Length": str(len(CSV))})
    out.write(CSV[: len(CSV) // 2])
    out.flush()
    wire.server.over.wait(10)
    wire.hang_up()


def an_error_that_breaks_off(wire: _Wire) -> None:
    wire.send_response(500)
    wire.send_header("Content-Length", "500")
    wire.end_headers()
    wire.wfile.write(b'[{"errorCode":')
    wire.hang_up()


BROKEN = [
    cut_at_a_chunk_and_ended_properly, no_last_chunk, cut_inside_a_chunk, nonsense_for_a_chunk_size,
    shorter_than_promised, packed_and_cut_where_nobody_said_how_long, silent_in_the_middle, an_error_that_breaks_off,
]  # fmt: skip


@pytest.mark.parametrize("send", BROKEN, ids=lambda send: send.__name__.replace("_", " "))
def test_a_body_that_breaks_off_is_asked_for_again(server: _Server, tmp_path: Path, send: Send) -> None:
    server.sends = [send, whole]
    page = client_of(server, read_timeout=0.5).bulk.page("750000000000001AAA", "", tmp_path, max_records=20_000)
    assert page.file.read_bytes() == PACKED
    assert page.records == 20_000
    assert list(tmp_path.iterdir()) == [page.file]
    assert server.asked == 2


@pytest.mark.parametrize("send", BROKEN, ids=lambda send: send.__name__.replace("_", " "))
def test_one_that_always_breaks_off_is_never_taken(server: _Server, tmp_path: Path, send: Send) -> None:
    server.sends = [send]
    with pytest.raises(RetryLater, match="2 attempts"):
        client_of(server, read_timeout=0.3, attempts=2).bulk.page("750000000000001AAA", "", tmp_path, max_records=9)
    assert list(tmp_path.iterdir()) == []
    assert server.asked == 2


WHOLE = {"in chunks": (whole, PACKED), "plain": (whole_and_plain, CSV), "to the end": (packed_until_the_end, PACKED)}


@pytest.mark.parametrize(("send", "stored"), WHOLE.values(), ids=WHOLE.keys())
def test_what_is_whole_is_stored_as_it_came(server: _Server, tmp_path: Path, send: Send, stored: bytes) -> None:
    server.sends = [send]
    page = client_of(server).bulk.page("750000000000001AAA", "", tmp_path, max_records=20_000)
    assert page.file.read_bytes() == stored
    assert server.asked == 1
