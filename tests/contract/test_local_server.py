"""The local org on a socket: keep-alive, odd bodies, cut connections, boundaries, admin endpoints, killed clients."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.localorg.faults import Fault
from connector.localorg.org import Clock, Org
from connector.localorg.server import BoundaryEvent, DropConnectionError, LocalOrgServer


@pytest.fixture
def server(local: Any) -> LocalOrgServer:
    """A second server on the same org, so that a test has it in its hands."""
    return LocalOrgServer(local.org)


def test_a_connection_is_kept(local: Any) -> None:
    for _ in range(5):
        local.send("GET", "limits")
    pools = local.http.get_adapter(local.url).poolmanager.pools
    assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118 - no ordinary mapping


def test_bodies_in_chunks_and_compressed(local: Any) -> None:
    headers = {"Content-Type": "application/json"}
    assert (
        local.send("POST", "sobjects/Account", data=iter([b'{"Na', b'me": "A"}']), headers=headers).status_code == 201
    )
    packed = gzip.compress(b'{"Name": "B"}')
    reply = local.send("POST", "sobjects/Account", data=packed, headers={**headers, "Content-Encoding": "gzip"})
    assert reply.status_code == 201
    assert [r["Name"] for r in local.org.records("Account")] == ["A", "B"]
    assert (
        local.send("POST", "sobjects/Account", data=b"{", headers=headers).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    )
    assert local.send("HEAD", "sobjects/Account").text == ""


def test_cut_connections(local: Any) -> None:
    local.org.faults.add(Fault("reset_before", path="sobjects/Account"))
    with pytest.raises(requests.ConnectionError):
        local.send("POST", "sobjects/Account", json={"Name": "A"})
    assert local.org.records("Account") == []
    local.org.faults.add(Fault("reset_after", path="sobjects/Account"))
    with pytest.raises(requests.ConnectionError):
        local.send("POST", "sobjects/Account", json={"Name": "A"})
    assert len(local.org.records("Account")) == 1
    local.org.faults.add(Fault("truncated"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        local.send("GET", "sobjects")
    assert local.send("GET", "limits").status_code == 200


def test_boundaries_come_in_order_and_may_cut(local: Any) -> None:
    seen: list[BoundaryEvent] = []
    with LocalOrgServer(local.org) as server:
        told = threading.Event()

        def note(event: BoundaryEvent) -> None:
            seen.append(event)
            told.set() if event.when == "after_reply" else None

        server.on_boundary = note
        session = requests.Session()
        session.headers.update(local.http.headers)
        url = f"{server.url}/services/data/v66.0/limits"
        session.get(url, timeout=10)
        requests.get(f"{server.url}/__local__/clock", timeout=10)
        assert told.wait(10)
        assert [(e.n, e.when, e.method) for e in seen][:2] == [(1, "before_request", "GET"), (1, "before_reply", "GET")]

        def cut(event: BoundaryEvent) -> None:
            if (event.n, event.when) == (2, "before_reply"):
                raise DropConnectionError

        server.on_boundary = cut
        with pytest.raises(requests.ConnectionError):
            requests.post(
                f"{server.url}/services/data/v66.0/sobjects/Account",
                json={"Name": "A"},
                headers=dict(session.headers),
                timeout=10,
            )
    assert {e.when for e in seen} == {"before_request", "before_reply", "after_reply"}
    assert {e.n for e in seen} == {1}
    assert len(local.org.records("Account")) == 1


CLIENT = """
import sys, requests
url, token = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = "Bearer " + token
for n in range(3):
    session.post(url + "/services/data/v66.0/sobjects/Account", json={"Name": f"A{n}"}, timeout=10)
"""
KILLED: dict[tuple[int, str], int] = {
    (1, "before_request"): 0,
    (1, "before_reply"): 1,
    (2, "before_request"): 1,
    (3, "before_reply"): 3,
}


@pytest.mark.parametrize("boundary", KILLED)
def test_a_client_killed_at_a_boundary(boundary: tuple[int, str], local: Any) -> None:
    token = local.http.headers["Authorization"].removeprefix("Bearer ")
    started = threading.Event()
    with LocalOrgServer(local.org) as server:

        def kill(event: BoundaryEvent) -> None:
            started.wait(10)
            if (event.n, event.when) == boundary:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                if event.when == "before_request":
                    raise DropConnectionError

        server.on_boundary = kill
        process = subprocess.Popen([sys.executable, "-c", CLIENT, server.url, token])
        started.set()
        assert process.wait(20) == -signal.SIGKILL
    assert len(local.org.records("Account")) == KILLED[boundary]


BY_ADMIN: dict[str, tuple[int, int]] = {
    "kill_before_request": (2, 1),
    "kill_before_reply": (2, 2),
    "kill_after_reply": (3, 3),
}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who holds a connection")
@pytest.mark.parametrize("kind", BY_ADMIN)
def test_a_client_killed_by_the_admin_endpoint(kind: str, local: Any) -> None:
    """For crash tests of clients in any language: the process at the other end of the nth request is killed."""
    nth, written = BY_ADMIN[kind]
    fault = {"kind": kind, "nth": nth, "method": "POST"}
    requests.post(f"{local.url}/__local__/faults", json=fault, timeout=10).raise_for_status()
    token = local.http.headers["Authorization"].removeprefix("Bearer ")
    process = subprocess.Popen([sys.executable, "-c", CLIENT + "import time; time.sleep(30)", local.url, token])
    assert process.wait(20) == -signal.SIGKILL
    assert len(local.org.records("Account")) == written
    assert local.org.ledger.entries[-1].fault == kind
    assert local.send("GET", "limits").status_code == 200


def test_the_org_does_not_kill_itself(local: Any) -> None:
    """A client in the org's own process is cut off instead."""
    local.org.faults.add(Fault("kill_before_reply", method="POST"))
    with pytest.raises(requests.ConnectionError):
        local.send("POST", "sobjects/Account", json={"Name": "A"})
    assert len(local.org.records("Account")) == 1


def test_admin_endpoints(local: Any) -> None:
    def admin(method: str, path: str, body: Any = None) -> Any:
        reply = requests.request(method, f"{local.url}/__local__/{path}", json=body, timeout=10)
        return reply.status_code, reply.json()

    local.send("GET", "limits")
    assert admin("GET", "ledger")[1]["entries"][-1]["path"] == "/services/data/v66.0/limits"
    assert admin("POST", "ledger/clear") == (200, {"entries": []})
    assert admin("POST", "clock", {"advance_seconds": 3600}) == (200, {"now": "2026-09-01T09:00:00+00:00"})
    assert admin("POST", "clock", {"set": "2026-10-01T08:00:00+00:00"})[1] == admin("GET", "clock")[1]
    account = admin("POST", "person", {"sobject": "Account", "fields": {"Name": "A"}})[1]["id"]
    admin("POST", "person", {"sobject": "Account", "id": account, "fields": {"Name": "B"}})
    assert local.org.records("Account")[0]["Name"] == "B"
    admin("POST", "person", {"sobject": "Account", "id": account})
    assert local.org.records("Account") == []
    local.log_in()
    assert admin("POST", "faults", {"kind": "unavailable"})[1]["faults"][0]["kind"] == "unavailable"
    assert local.send("GET", "limits").status_code == 503
    assert admin("DELETE", "faults") == (200, {"faults": [], "quota": None})
    assert admin("POST", "sessions/expire") == (200, {"sessions": 0})
    assert local.send("GET", "limits").status_code == 401
    for refused in (
        admin("GET", "nonsense")[0],
        admin("PUT", "clock")[0],
        admin("POST", "clock", {})[0],
        admin("POST", "faults", {"kind": "x", "y": 1})[0],
    ):
        assert refused in (400, 404, 405)


def test_pages_are_shown_and_leave_no_trace(local: Any) -> None:
    local.org.create_record("Account", {"Name": "<Acme>"})
    before = len(local.org.ledger.entries)
    page = requests.get(local.url + "/", timeout=10)
    assert page.status_code == 200
    assert "&lt;Acme&gt;" in page.text
    assert requests.get(local.url + "/nonsense", timeout=10).status_code == 404
    assert len(local.org.ledger.entries) == before


def test_two_orgs_do_not_know_each_other(local: Any) -> None:
    other = Org.create(clock=Clock(), seed=2)
    with LocalOrgServer(other) as server:
        headers = dict(local.http.headers)
        assert requests.get(f"{server.url}/services/data/v66.0/limits", headers=headers, timeout=10).status_code == 401


def test_days_pass_on_request(local: Any) -> None:
    local.org.create_record("Account", {"Name": "Acme"})
    body = requests.post(f"{local.url}/__local__/tick?days=2", json={}, timeout=30).json()
    assert body["now"] == "2026-09-03T08:00:00+00:00"
    assert all(count > 0 for count in body["happened"].values())
    assert local.org.clock.now().day == 3
