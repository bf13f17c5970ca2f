"""Invalid requests get no 2xx: recorded requests of a real org with one thing broken, and the corpus of bad SOQL.

What is broken is what recorded refusals are about: names that do not exist, statements that cannot be read, records
of no type, too many of them, keys that are none.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus

import pytest
from replay import INTERACTIONS, RECORDINGS, Replayer, interactions, new_replayer, read_json, reason_of

from connector.localorg.api.wire import Reply
from connector.localorg.org import Clock, Org

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))
from corpus import read_corpus, read_refused

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
BASE = "/services/data/v66.0"
COLOURS = [{"value": v, "label": v} for v in ("red", "green", "blue")]
CUSTOM = [
    {"sobject": "Account", "name": "Ext__c", "type": "string", "length": 40, "externalId": True},
    {"sobject": "Account", "name": "Legacy__c", "type": "string", "length": 40},
    {"sobject": "Account", "name": "Tags__c", "type": "multipicklist", "picklistValues": COLOURS},
    {"sobject": "Activity", "name": "Key__c", "type": "string", "length": 255},
]
Broken = tuple[str, str, str, Any]
"""What was broken, and the request: method, address, body."""


@pytest.fixture(scope="module")
def replayer() -> Replayer:
    org = Org.create(clock=Clock(NOW))
    org.define_fields(CUSTOM)
    org.create_record("Account", {"Name": "Acme"})
    return new_replayer(org.snapshot(), Clock(NOW))


def recorded_requests() -> list[dict[str, Any]]:
    """The requests that a real org answered with 2xx, each once."""
    found: dict[str, dict[str, Any]] = {}
    for name in interactions():
        for interaction in read_json(RECORDINGS / INTERACTIONS / f"{name}.json")["interactions"]:
            if "include" not in interaction and reason_of(name, interaction) is None:
                request = interaction["request"]
                found[f"{request['method']} {unquote_plus(request['uri'])}"] = request
    return list(found.values())


# --- one thing broken

Break = Callable[[str, str, Any], Iterator[Broken]]


def break_statement(method: str, uri: str, _: Any) -> Iterator[Broken]:
    path, soql = uri.split("?q=")
    told = unquote_plus(soql)
    changes = {
        "a field that does not exist": re.sub(r"(?i)^select (\w)", r"SELECT Nope__c, \1", told, count=1),
        "an object that does not exist": re.sub(r"(?i) from (\w+)(?!.* from )", r" FROM \1x", told),
        "a condition without end": f"{told} WHERE",
        "no FROM": re.sub(r"(?i) from .*", "", told),
        "a text without end": f"{told} WHERE Name = 'x",
        "a lock": f"{told} FOR UPDATE",
        "a stray word": f"{told} GARBAGE GARBAGE",
    }
    for what, statement in changes.items():
        assert statement != told, what
        yield what, method, f"{path}?q={quote(statement)}", None


def break_record(method: str, uri: str, body: Any) -> Iterator[Broken]:
    yield "an object that does not exist", method, uri.replace("/Account", "/Acount"), body
    yield "a field that does not exist", method, uri, {**body, "Nope__c": 1}
    yield "no name", method, uri, {k: v for k, v in body.items() if k != "Name"}
    yield "a list", method, uri, [body]
    yield "no JSON", method, uri, "{"
    yield "an id", method, uri, {**body, "Id": "001000000000001AAA"}


def break_collection(method: str, uri: str, body: Any) -> Iterator[Broken]:
    records = body["records"]
    bad = [{**r, "attributes": {"type": "Acount"}} for r in records]
    yield "an object that does not exist", method, uri, {**body, "records": bad}
    yield "a field that does not exist", method, uri, {**body, "records": [{**r, "Nope__c": 1} for r in records]}
    yield "no type", method, uri, {"records": [{k: v for k, v in r.items() if k != "attributes"} for r in records]}
    yield "201 records", method, uri, {"records": (records * 201)[:201]}
    yield "no record", method, uri, {"records": []}
    yield "no list", method, uri, {"records": records[0]}
    yield "no JSON", method, uri, "{"


def break_upsert(method: str, uri: str, body: Any) -> Iterator[Broken]:
    yield from break_collection(method, uri, body)
    yield "a key that does not exist", method, uri.rsplit("/", 1)[0] + "/Nope__c", body
    yield "a field that is no key", method, uri.rsplit("/", 1)[0] + "/Description", body
    yield "records of another object", method, re.sub(r"/(\w+)/(\w+)$", r"/Campaign/Id", uri), body


def break_composite(method: str, uri: str, body: Any) -> Iterator[Broken]:
    body = json.loads(body) if isinstance(body, str) else body
    requests = body["compositeRequest"]
    yield "26 requests", method, uri, {"compositeRequest": [{**requests[0], "referenceId": f"r{n}"} for n in range(26)]}
    yield "one name twice", method, uri, {"compositeRequest": [requests[0], requests[0]]}
    yield "no name", method, uri, {"compositeRequest": [{k: v for k, v in requests[0].items() if k != "referenceId"}]}
    yield "no request", method, uri, {"compositeRequest": []}
    yield "no list", method, uri, {"compositeRequest": requests[0]}
    nowhere = [{**r, "url": "/services/data/v66.0/nowhere"} for r in requests]
    yield "addresses that do not exist", method, uri, {"compositeRequest": nowhere}


BREAKS: dict[str, Break] = {
    r"^GET .*/query/?\?q=": break_statement,
    r"^POST .*/sobjects/\w+/?$": break_record,
    r"^(POST|PATCH) .*/composite/sobjects$": break_collection,
    r"^PATCH .*/composite/sobjects/\w+/\w+$": break_upsert,
    r"^POST .*/composite$": break_composite,
}
UNBROKEN = r"^GET .*/(limits/recordCount|sobjects/Organization)"
"""Objects that do not exist are left out of counts, and the set-up record has nothing to break but its id."""


def broken_requests() -> list[Broken]:
    found: list[Broken] = []
    for request in recorded_requests() if RECORDINGS.exists() else []:
        place = f"{request['method']} {unquote_plus(request['uri'])}".replace("\n", " ")
        breaks = [b for pattern, b in BREAKS.items() if re.search(pattern, place)]
        assert breaks or re.search(UNBROKEN, place), place
        found += [broken for b in breaks for broken in b(request["method"], request["uri"], request.get("body"))]
    return found


def is_refused(reply: Reply) -> bool:
    """Whether nothing was done: by status, or record by record, or request by request."""
    match reply.body:
        case {"compositeResponse": [*answers]}:
            return bool(answers) and all(not 200 <= a["httpStatusCode"] < 300 for a in answers)
        case [*results] if results and reply.status == 200:
            return all(r.get("success") is False for r in results)
    return not 200 <= reply.status < 300


def test_recorded_requests_with_one_thing_broken(replayer: Replayer) -> None:
    broken = broken_requests()
    if not broken:
        pytest.skip(f"no recorded traffic at {RECORDINGS}")
    assert len(broken) > 150
    rows = replayer.org.query("SELECT COUNT() FROM Account").total
    for what, method, uri, body in broken:
        reply = replayer.ask(method, uri, body)
        assert is_refused(reply), (what, method, unquote_plus(uri), reply.status, reply.body)
    assert replayer.org.query("SELECT COUNT() FROM Account").total == rows


def test_the_same_requests_unbroken_are_taken(replayer: Replayer) -> None:
    """Otherwise the test above would prove nothing."""
    refused = [r["uri"] for r in recorded_requests() if is_refused(replayer.ask(r["method"], r["uri"], r.get("body")))]
    of_other_orgs = r"/(sobjects/Organization/00D|composite/sobjects$|composite/sobjects/\w+/Id$|composite$)"
    assert [uri for uri in refused if not re.search(of_other_orgs, uri)] == []


# --- the corpus, wherever a statement may stand

STATEMENTS = [*read_corpus("rejected"), *(s for s, _ in read_refused())]


def in_composite(soql: str) -> dict[str, Any]:
    request = {"method": "GET", "url": f"{BASE}/query?q={quote(soql)}", "referenceId": "a"}
    return {"compositeRequest": [request]}


def in_batch(soql: str) -> dict[str, Any]:
    return {"batchRequests": [{"method": "GET", "url": f"v66.0/query?q={quote(soql)}"}]}


PLACES: dict[str, Callable[[Replayer, str], int]] = {
    "a description of columns": lambda r, s: r.ask("GET", f"{BASE}/query?q={quote(s)}&columns=true").status,
    "a Bulk query": lambda r, s: r.ask("POST", f"{BASE}/jobs/query", {"operation": "query", "query": s}).status,
    "a composite": lambda r, s: int(
        r.ask("POST", f"{BASE}/composite", in_composite(s)).body["compositeResponse"][0]["httpStatusCode"]
    ),
    "a batch": lambda r, s: int(r.ask("POST", f"{BASE}/composite/batch", in_batch(s)).body["results"][0]["statusCode"]),
}


@pytest.mark.parametrize("place", PLACES)
def test_bad_statements_wherever_they_stand(place: str, replayer: Replayer) -> None:
    assert [s for s in STATEMENTS if PLACES[place](replayer, s) != 400] == []
