"""What goes wrong on request, and what the ledger says about every request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from local_client import Client

from connector.localorg.api.app import Outcome
from connector.localorg.api.wire import make_call
from connector.localorg.faults import FOREVER, Fault
from connector.localorg.org import Org

ACCOUNT = {"attributes": {"type": "Account"}}


def send(client: Client, method: str, path: str, body: Any = None) -> Outcome:
    call = make_call(method, f"/services/data/v66.0/{path}", {"authorization": f"Bearer {client.token}"}, parsed=body)
    return client.app.answer(call, 1, "http://local")


REPLIES: dict[str, tuple[int, str]] = {
    "unauthorized": (401, "INVALID_SESSION_ID"),
    "request_limit": (403, "TotalRequests Limit exceeded."),
    "concurrent_limit": (403, "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
    "not_acceptable": (406, ""),
    "edge_page": (420, "<!DOCTYPE html>"),
    "too_many_requests": (429, "Too Many Requests"),
    "unavailable": (503, "<!DOCTYPE html>"),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_reply_of_a_fault(kind: Any, client: Client) -> None:
    client.org.faults.add(Fault(kind))
    status, text = REPLIES[kind]
    reply = client.send("GET", "limits")
    assert reply.status == status
    assert text in reply.encode().decode()
    assert client.send("GET", "limits").status == 200
    assert [e.fault for e in client.org.ledger.entries] == [kind, None]
    assert [e.api_calls for e in client.org.ledger.entries] == [0, 1]


def test_expired_session_ends_the_token_and_401_for_ever_does_not_end(client: Client) -> None:
    client.org.faults.add(Fault("expired_session"))
    assert [client.send("GET", "limits").status for _ in range(2)] == [401, 401]
    client.token = client.org.issue_token(client.user_id)
    assert client.send("GET", "limits").status == 200
    client.org.faults.add(Fault("unauthorized", times=FOREVER))
    for _ in range(3):
        client.token = client.org.issue_token(client.user_id)
        assert client.send("GET", "limits").status == 401


def test_the_nth_matching_request(client: Client) -> None:
    client.org.faults.add(Fault("unavailable", method="GET", path=r"query\?q=SELECT Id FROM User", nth=2, times=2))
    statuses = [client.query("SELECT Id FROM User").status for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert client.send("GET", "limits").status == 200


def test_random_faults_repeat_with_their_seed(client: Client) -> None:
    def run() -> list[int]:
        client.org.faults.clear()
        client.org.faults.seed(5)
        client.org.faults.add(Fault("unavailable", rate=0.5, times=FOREVER))
        return [client.send("GET", "limits").status for _ in range(20)]

    first = run()
    assert first == run()
    assert 200 in first
    assert 503 in first


def test_a_reset_before_writes_nothing_and_one_after_has_written(client: Client) -> None:
    client.org.faults.add(Fault("reset_before"))
    assert send(client, "POST", "sobjects/Account", {"Name": "A"}).spoiled == "drop"
    assert client.org.records("Account") == []
    client.org.faults.add(Fault("reset_after"))
    assert send(client, "POST", "sobjects/Account", {"Name": "A"}).spoiled == "drop"
    assert len(client.org.records("Account")) == 1
    client.org.faults.add(Fault("truncated"))
    client.org.faults.add(Fault("slow", seconds=0.5))
    assert send(client, "GET", "limits").spoiled == "truncate"
    assert send(client, "GET", "limits").delay == 0.5


def create(client: Client, *names: str) -> list[str | None]:
    body = {"records": [{**ACCOUNT, "Name": n} for n in names]}
    reply = client.send("POST", "composite/sobjects", body)
    return [r["errors"][0]["statusCode"] if r["errors"] else None for r in reply.body]


def test_a_locked_row(client: Client) -> None:
    client.org.faults.add(Fault("row_lock", row="Bolt", times=2))
    assert client.send("GET", "limits").status == 200
    assert create(client, "Acme") == [None]
    assert create(client, "Acme", "Bolt") == [None, "UNABLE_TO_LOCK_ROW"]
    assert client.send("POST", "sobjects/Account", {"Name": "Bolt"}).body[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert create(client, "Bolt") == [None]


def test_a_poison_row_takes_its_chunk_along_until_it_is_alone(client: Client) -> None:
    client.org.faults.add(Fault("apex_limit", row="poison", times=FOREVER))
    assert create(client, "A", "poison", "B") == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"] * 3
    assert create(client, "A", "B") == [None, None]
    assert create(client, "poison") == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]
    assert len(client.org.records("Account")) == 2


def test_a_validation_rule_and_maintenance(client: Client) -> None:
    client.org.faults.add(Fault("row_error", row="Bolt", message="No bolts today"))
    assert create(client, "Bolt") == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    client.org.faults.add(Fault("maintenance", times=FOREVER))
    assert create(client, "A") == ["INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"]
    assert client.query("SELECT Id FROM Account").status == 200


def test_a_quota_that_runs_out(client: Client) -> None:
    client.org.faults.quota_left = 2
    assert [client.send("GET", "limits").status for _ in range(3)] == [200, 200, 403]


def test_the_daily_limit_itself_and_its_end_a_day_later(client: Client) -> None:
    client.org.state.api_limit = 2
    replies = [client.send("GET", "limits") for _ in range(3)]
    assert [r.status for r in replies] == [200, 200, 403]
    assert replies[2].body[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    client.org.clock.advance(timedelta(hours=24))
    client.token = client.org.issue_token(client.user_id)
    assert client.send("GET", "limits").status == 200


# --- inside a composite

BASE = "/services/data/v66.0"
INNER = [
    {"method": "GET", "url": f"{BASE}/query?q=SELECT Id FROM User", "referenceId": "users"},
    {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "account", "body": {"Name": "A"}},
    {"method": "POST", "url": f"{BASE}/sobjects/Contact", "referenceId": "contact", "body": {"LastName": "C"}},
]
STRUCK: dict[str, tuple[Fault, list[int], str]] = {
    "a query that takes too long": (Fault("query_timeout"), [400, 201, 201], "QUERY_TIMEOUT"),
    "an error of the server, by path": (Fault("server_error", path="sobjects/Contact"), [200, 201, 500], "UNKNOWN_"),
    "a lock, by path": (Fault("row_lock", path="sobjects/Account"), [200, 400, 201], "UNABLE_TO_LOCK_ROW"),
    "a lock, by row": (Fault("row_lock", row='"C"'), [200, 201, 400], "UNABLE_TO_LOCK_ROW"),
    "an Apex limit, by path": (Fault("apex_limit", path="sobjects/Contact"), [200, 201, 400], "CANNOT_INSERT_UPDATE"),
    "the second request by path": (Fault("server_error", path="sobjects/", nth=2), [200, 201, 500], "UNKNOWN_"),
}


@pytest.mark.parametrize(("fault", "statuses", "code"), STRUCK.values(), ids=STRUCK)
def test_a_request_inside_a_composite_fails_by_itself(
    client: Client, fault: Fault, statuses: list[int], code: str
) -> None:
    client.org.faults.add(fault)
    answers = client.send("POST", "composite", {"compositeRequest": INNER}).body["compositeResponse"]
    assert [a["httpStatusCode"] for a in answers] == statuses
    failed = next(a["body"][0] for a in answers if a["httpStatusCode"] >= 400)
    assert failed["errorCode"].startswith(code)
    assert client.org.ledger.entries[-1].fault == fault.kind
    again = client.send("POST", "composite", {"compositeRequest": INNER}).body["compositeResponse"]
    assert [a["httpStatusCode"] for a in again] == [200, 201, 201]


def test_a_fault_inside_undoes_all_or_none(client: Client) -> None:
    client.org.faults.add(Fault("row_lock", path="sobjects/Contact"))
    body = {"allOrNone": True, "compositeRequest": INNER}
    answers = client.send("POST", "composite", body).body["compositeResponse"]
    assert [a["body"][0]["errorCode"] for a in answers] == [
        "PROCESSING_HALTED",
        "PROCESSING_HALTED",
        "UNABLE_TO_LOCK_ROW",
    ]
    assert client.org.records("Account") == []


def test_random_faults_inside_repeat_with_their_seed(client: Client) -> None:
    def run() -> list[int]:
        client.org.faults.clear()
        client.org.faults.seed(3)
        client.org.faults.add(Fault("server_error", path="sobjects/", rate=0.5, times=FOREVER))
        answers = [client.send("POST", "composite", {"compositeRequest": INNER}).body for _ in range(8)]
        return [a["httpStatusCode"] for answer in answers for a in answer["compositeResponse"]]

    first = run()
    assert first == run()
    assert {200, 201, 500} == set(first)


def test_a_batch_and_a_query_alone(client: Client) -> None:
    client.org.faults.add(Fault("query_timeout", nth=2))
    batch = {"batchRequests": [{"method": "GET", "url": "v66.0/query?q=SELECT Id FROM User"}] * 3}
    results = client.send("POST", "composite/batch", batch).body["results"]
    assert [r["statusCode"] for r in results] == [200, 400, 200]
    client.org.faults.add(Fault("query_timeout"))
    assert client.send("GET", "limits").status == 200
    assert client.query("SELECT Id FROM User").body[0]["errorCode"] == "QUERY_TIMEOUT"


def test_what_happens_on_the_way_does_not_reach_inside(client: Client) -> None:
    client.org.faults.add(Fault("unavailable", path="sobjects/Account"))
    answers = client.send("POST", "composite", {"compositeRequest": INNER}).body["compositeResponse"]
    assert [a["httpStatusCode"] for a in answers] == [200, 201, 201]
    assert client.send("POST", "sobjects/Account", {"Name": "B"}).status == 503


def test_a_poison_row_is_refused_alone_and_in_a_tree(client: Client) -> None:
    client.org.faults.add(Fault("apex_limit", row="poison", times=FOREVER))
    reply = client.send("POST", "sobjects/Account", {"Name": "poison"})
    assert (reply.status, reply.body[0]["errorCode"]) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    record = {"attributes": {"type": "Account", "referenceId": "a"}, "Name": "poison"}
    assert client.send("POST", "composite/tree/Account", {"records": [record]}).status == 400


# --- ledger


def test_ledger_tells_reads_from_writes(client: Client, org: Org) -> None:
    client.query("SELECT Id FROM User")
    client.send("POST", "composite/sobjects/User", {"ids": [client.user_id], "fields": ["Name"]})
    headers = {"sforce-auto-assign": "FALSE", "sforce-duplicate-rule-header": "allowSave=true", "accept": "x"}
    client.send("POST", "composite/sobjects", {"records": [{**ACCOUNT, "Name": "A"}, {**ACCOUNT}]}, headers=headers)
    client.send("PATCH", "sobjects/Account/001B000000002bHIAQ", {"Name": "A"})
    entries = org.ledger.entries
    assert [(e.method, e.is_write, e.rows_read, e.rows_written) for e in entries] == [
        ("GET", False, 2, 0),
        ("POST", False, 1, 0),
        ("POST", True, 0, 1),
        ("PATCH", True, 0, 0),
    ]
    assert org.ledger.writes() == entries[2:]
    assert entries[2].headers == {"sforce-auto-assign": "FALSE", "sforce-duplicate-rule-header": "allowSave=true"}
    assert {e.user_id for e in entries} == {client.user_id}


def test_clearing_the_ledger_keeps_the_api_use(client: Client) -> None:
    client.send("GET", "limits")
    client.org.ledger.clear()
    assert client.org.ledger.entries == []
    assert client.send("GET", "limits").headers["Sforce-Limit-Info"] == "api-usage=2/100000"


def test_writes_inside_a_composite_are_seen(client: Client) -> None:
    inner = {
        "method": "POST",
        "url": "/services/data/v66.0/sobjects/Account",
        "referenceId": "a",
        "body": {"Name": "A"},
    }
    client.send("POST", "composite", {"compositeRequest": [inner]})
    entry = client.org.ledger.entries[0]
    assert (entry.is_write, entry.rows_written, entry.subrequests[0].status) == (True, 1, 201)
