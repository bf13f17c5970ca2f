"""What changed since when, tokens that are refreshed, columns, collated composites, graphs and trees."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from local_client import Client

from connector.localorg.api.wire import Reply, make_call
from connector.localorg.org import Clock, Org

WINDOW = {"start": "2026-09-01T07:00:00Z", "end": "2026-09-01T09:00:00+00:00"}
BASE = "/services/data/v66.0"


def code(reply: Any) -> str:
    return str(reply.body[0]["errorCode"])


# --- updated and deleted (2.4)


def test_updated_lists_ids_by_stamp_and_says_how_far_it_is_complete(client: Client, account: str) -> None:
    client.org.clock.advance(timedelta(minutes=10))
    reply = client.send("GET", "sobjects/Account/updated", **WINDOW)
    assert reply.body == {"ids": [account], "latestDateCovered": "2026-09-01T08:10:00.000+0000"}
    later = {"start": "2026-09-01T08:01:00Z", "end": "2026-09-01T08:05:00Z"}
    assert client.send("GET", "sobjects/Account/updated", **later).body == {
        "ids": [],
        "latestDateCovered": "2026-09-01T08:05:00.000+0000",
    }


def test_deleted_reads_the_delete_log(client: Client, account: str) -> None:
    other = client.org.create_record("Account", {"Name": "Stays"})
    client.org.clock.advance(timedelta(minutes=1))
    client.org.delete_record("Account", account)
    reply = client.send("GET", "sobjects/Account/deleted", **WINDOW)
    assert reply.body["deletedRecords"] == [{"id": account, "deletedDate": "2026-09-01T08:01:00.000+0000"}]
    assert reply.body["earliestDateAvailable"] == "2026-08-17T08:01:00.000+0000"
    assert client.send("GET", "sobjects/Account/updated", **WINDOW).body["ids"] == [other]


def test_what_comes_back_leaves_the_delete_log(client: Client, account: str) -> None:
    client.org.delete_record("Account", account)
    client.org.undelete_record("Account", account)
    assert client.send("GET", "sobjects/Account/deleted", **WINDOW).body["deletedRecords"] == []


@pytest.mark.parametrize("logged", [True, False], ids=["logged", "not logged"])
def test_hard_deletes_are_logged_or_not(client: Client, logged: bool) -> None:
    org = client.org
    org.set_switches(hard_deletes_logged=logged)
    campaign = org.create_record("Campaign", {"Name": "C"})
    contact = org.create_record("Contact", {"LastName": "Doe"})
    member = org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact})
    org.delete_record("CampaignMember", member)
    found = client.send("GET", "sobjects/CampaignMember/deleted", **WINDOW).body["deletedRecords"]
    assert [r["id"] for r in found] == ([member] if logged else [])


REFUSED_WINDOWS: dict[str, tuple[str, dict[str, str], str]] = {
    "no end": ("updated", {"start": "2026-09-01T07:00:00Z"}, "MISSING_ARGUMENT"),
    "no date": ("updated", {**WINDOW, "start": "yesterday"}, "INVALID_DATE_FORMAT"),
    "an end before its start": ("deleted", {**WINDOW, "end": "2026-08-01T00:00:00Z"}, "INVALID_REPLICATION_DATE"),
    "within one minute": ("updated", {**WINDOW, "end": "2026-09-01T07:00:59Z"}, "INVALID_REPLICATION_DATE"),
    "updates of 31 days ago": ("updated", {**WINDOW, "start": "2026-08-01T00:00:00Z"}, "INVALID_REPLICATION_DATE"),
    "deletions of 16 days ago": ("deleted", {**WINDOW, "start": "2026-08-16T00:00:00Z"}, "INVALID_REPLICATION_DATE"),
}


@pytest.mark.parametrize(("resource", "window", "wanted"), REFUSED_WINDOWS.values(), ids=REFUSED_WINDOWS)
def test_windows_that_are_refused(client: Client, resource: str, window: dict[str, str], wanted: str) -> None:
    reply = client.send("GET", f"sobjects/Account/{resource}", **window)
    assert (reply.status, code(reply)) == (400, wanted)


# --- refresh tokens (1.3)


def ask(client: Client, **form: str) -> Reply:
    call = make_call("POST", "/services/oauth2/token", {}, urlencode(form).encode())
    return client.app.answer(call, 1, "http://local").reply


@pytest.mark.parametrize("rotates", [False, True], ids=["stays", "rotates"])
def test_a_refresh_token_gives_an_access_token(client: Client, rotates: bool) -> None:
    client.org.add_client("app", "secret", client.user_id, rotates_refresh_token=rotates)
    first = client.org.issue_refresh_token("app", client.user_id)
    form = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "secret", "refresh_token": first}
    reply = ask(client, **form)
    assert reply.status == 200
    assert ("refresh_token" in reply.body) is rotates
    client.token = reply.body["access_token"]
    assert client.send("GET", "limits").status == 200
    again = ask(client, **form)
    assert (again.status, again.body.get("error")) == ((400, "invalid_grant") if rotates else (200, None))
    if rotates:
        assert ask(client, **{**form, "refresh_token": reply.body["refresh_token"]}).status == 200


def test_a_refresh_token_of_another_application_is_refused(client: Client) -> None:
    for key in ("app", "other"):
        client.org.add_client(key, "secret", client.user_id)
    token = client.org.issue_refresh_token("app", client.user_id)
    reply = ask(client, grant_type="refresh_token", client_id="other", client_secret="secret", refresh_token=token)
    assert reply.body == {"error": "invalid_grant", "error_description": "expired access/refresh token"}


def test_refresh_tokens_travel_with_a_snapshot(client: Client) -> None:
    token = client.org.issue_refresh_token("app", client.user_id)
    copy = Org.restore(client.org.snapshot(), clock=Clock(client.org.clock.now()))
    assert copy.state.grants[token].user_id == client.user_id


# --- columns (fixtures plugin-data)


def columns(client: Client, soql: str) -> Any:
    reply = client.send("GET", "query", q=soql, columns="true")
    assert reply.status == 200, reply.body
    return reply.body


def test_columns_describe_a_statement_without_running_it(client: Client) -> None:
    told = columns(client, "SELECT Id, Name, Owner.Name, (SELECT LastName FROM Contacts) FROM Account")
    assert [c["columnName"] for c in told["columnMetadata"]] == ["Id", "Name", "Owner", "Contacts"]
    assert (told["entityName"], told["idSelected"], told["keyPrefix"]) == ("Account", True, "001")
    owner, contacts = told["columnMetadata"][2:]
    assert (owner["foreignKeyName"], owner["joinColumns"][0]["columnName"]) == ("OwnerId", "Name")
    assert (contacts["aggregate"], contacts["joinColumns"][0]["columnName"]) == (True, "LastName")


def test_columns_of_a_grouped_statement(client: Client) -> None:
    told = columns(client, "SELECT CampaignId, AVG(Amount) FROM Opportunity GROUP BY CampaignId")
    assert [(c["columnName"], c["displayName"]) for c in told["columnMetadata"]] == [
        ("CampaignId", "CampaignId"),
        ("expr0", "avg(Amount)"),
    ]


def test_columns_of_a_bad_statement_are_refused(client: Client) -> None:
    assert code(client.send("GET", "query", q="SELECT Nope FROM Account", columns="true")) == "INVALID_FIELD"


# --- composite (4.3)


def subrequest(reference: str, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {"method": method, "url": f"{BASE}/{path}", "referenceId": reference, "body": body, **more}


MIXED = [
    subrequest("a", "POST", "sobjects/Account", {"Name": "A"}),
    subrequest("c", "POST", "sobjects/Contact", {"LastName": "C", "AccountId": "@{a.id}"}),
    subrequest("b", "POST", "sobjects/Account", {"Name": "B"}),
]
COLLATED: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "collated by default": ({}, "v66.0", ["Account", "Account", "Contact"]),
    "not when asked": ({"collateSubrequests": False}, "v66.0", ["Account", "Contact", "Account"]),
    "not before 49.0": ({}, "v48.0", ["Account", "Contact", "Account"]),
}


@pytest.mark.parametrize(("options", "version", "order"), COLLATED.values(), ids=COLLATED)
def test_collation_changes_the_order_of_execution_but_not_of_answers(
    client: Client, options: dict[str, Any], version: str, order: list[str]
) -> None:
    client.version = version
    reply = client.send("POST", "composite", {"compositeRequest": MIXED, **options})
    assert [a["referenceId"] for a in reply.body["compositeResponse"]] == ["a", "c", "b"]
    assert all(a["httpStatusCode"] == 201 for a in reply.body["compositeResponse"])
    entry = client.org.ledger.entries[-1]
    assert [s.path.rsplit("/", 1)[1] for s in entry.subrequests] == order


def test_headers_of_a_subrequest_switch_collation_off(client: Client) -> None:
    requests = [*MIXED[:2], {**MIXED[2], "httpHeaders": {"Sforce-Auto-Assign": "FALSE"}}]
    client.send("POST", "composite", {"compositeRequest": requests})
    entry = client.org.ledger.entries[-1]
    assert [s.path.rsplit("/", 1)[1] for s in entry.subrequests] == ["Account", "Contact", "Account"]


def test_each_graph_is_all_or_nothing(client: Client) -> None:
    bad = subrequest("x", "POST", "sobjects/Account", {})
    graphs = [{"graphId": "1", "compositeRequest": MIXED}, {"graphId": "2", "compositeRequest": [MIXED[0], bad]}]
    reply = client.send("POST", "composite/graph", {"graphs": graphs})
    assert [(g["graphId"], g["isSuccessful"]) for g in reply.body["graphs"]] == [("1", True), ("2", False)]
    assert sorted(r["Name"] for r in client.org.records("Account")) == ["A", "B"]
    second = reply.body["graphs"][1]["graphResponse"]["compositeResponse"]
    assert [a["body"][0]["errorCode"] for a in second] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]


def tree(*contacts: dict[str, Any]) -> dict[str, Any]:
    children = [
        {"attributes": {"type": "Contact", "referenceId": f"c{n}"}, **fields} for n, fields in enumerate(contacts)
    ]
    account = {"attributes": {"type": "Account", "referenceId": "a"}, "Name": "Tree", "Contacts": {"records": children}}
    return {"records": [account]}


def test_a_tree_is_created_with_its_children(client: Client) -> None:
    reply = client.send("POST", "composite/tree/Account", tree({"LastName": "One"}, {"LastName": "Two"}))
    assert (reply.status, reply.body["hasErrors"]) == (201, False)
    made = {r["referenceId"]: r["id"] for r in reply.body["results"]}
    assert [c["AccountId"] for c in client.org.records("Contact")] == [made["a"], made["a"]]


def test_a_tree_with_one_bad_leaf_leaves_nothing(client: Client) -> None:
    reply = client.send("POST", "composite/tree/Account", tree({"LastName": "One"}, {"FirstName": "Nobody"}))
    assert (reply.status, reply.body["results"][0]["referenceId"]) == (400, "c1")
    assert reply.body["results"][0]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert client.org.records("Account") == []


def test_records_of_a_tree_need_references_of_their_own(client: Client) -> None:
    body = json.loads(json.dumps(tree({"LastName": "One"})).replace('"c0"', '"a"'))
    assert code(client.send("POST", "composite/tree/Account", body)) == "INVALID_INPUT"
