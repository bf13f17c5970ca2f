"""The corpus of statements as requests: what is good is answered, what is not gets no 2xx, whatever the resource."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.api.wire import Reply, make_call
from connector.localorg.org import Clock, Org

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))
from corpus import read_corpus, read_refused

ACCEPTED, REJECTED, REFUSED = read_corpus("accepted"), read_corpus("rejected"), dict(read_refused())
COLOURS = [{"value": v, "label": v} for v in ("red", "green", "blue")]
CUSTOM = [
    {"sobject": "Account", "name": "Ext__c", "type": "string", "length": 40, "externalId": True},
    {"sobject": "Account", "name": "Legacy__c", "type": "string", "length": 40},
    {"sobject": "Account", "name": "Tags__c", "type": "multipicklist", "picklistValues": COLOURS},
    {"sobject": "Activity", "name": "Key__c", "type": "string", "length": 255},
]
Ask = Callable[..., Reply]


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Send a request to an org without a socket."""
    org = Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))
    org.define_fields(CUSTOM)
    token = org.issue_token(org.add_user("integration@example.com"))
    account = org.create_record("Account", {"Name": "Acme", "Industry": "Energy"})
    org.create_record("Contact", {"LastName": "Doe", "AccountId": account})
    app = LocalOrgApp(org)

    def send(path: str, statement: str) -> Reply:
        target = f"/services/data/v66.0/{path}?q={quote(statement)}"
        call = make_call("GET", target, {"authorization": f"Bearer {token}"}, b"")
        return app.answer(call, 1, "http://local").reply

    return send


@pytest.mark.parametrize("statement", ACCEPTED)
def test_answered(statement: str, ask: Ask) -> None:
    reply = ask("query", statement)
    assert reply.status == 200, reply.body


@pytest.mark.parametrize("path", ["query", "queryAll"])
@pytest.mark.parametrize("statement", REJECTED)
def test_bad_grammar_is_refused_with_its_place(statement: str, path: str, ask: Ask) -> None:
    reply = ask(path, statement)
    assert reply.status == 400
    assert reply.body[0]["errorCode"] == "MALFORMED_QUERY"
    assert "\nERROR at Row:1:Column:" in reply.body[0]["message"]


@pytest.mark.parametrize("statement", REFUSED)
def test_bad_meaning_is_refused_with_its_code(statement: str, ask: Ask) -> None:
    reply = ask("query", statement)
    assert (reply.status, reply.body[0]["errorCode"]) == (400, REFUSED[statement])


def test_all_rows_is_for_query_all(ask: Ask) -> None:
    assert ask("queryAll", "SELECT Id FROM Account ALL ROWS").status == 200


RECORDED = {
    "select count() from XYZZY": "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
    "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object, be sure to append the '__c'"
    " after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
}


@pytest.mark.parametrize("statement", RECORDED)
def test_wording_is_the_recorded_one(statement: str, ask: Ask) -> None:
    assert ask("query", statement).body == [{"message": RECORDED[statement], "errorCode": "INVALID_TYPE"}]
