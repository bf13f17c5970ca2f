"""What this project relies on in the REST API: statuses, codes, shapes and headers, on every org at hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import pytest

Shape = Callable[[Any], Any]
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000\Z")
ACCOUNT = {"attributes": {"type": "Account"}}


def refusal(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()[0]["errorCode"]


# --- coming in


def test_token(target: Any) -> None:
    body = target.ask_token(target.client_id, target.client_secret).json()
    assert {"access_token", "instance_url", "id", "token_type", "issued_at", "signature"} <= set(body)
    assert body["token_type"] == "Bearer"
    assert "expires_in" not in body


def test_refused_token(target: Any, recording: Any, shape: Shape) -> None:
    reply = target.ask_token(target.client_id, "wrong")
    assert reply.status_code in (400, 401)
    assert shape(reply.json()) == shape(recording("restforce/auth_error_response.json"))


def test_versions(target: Any, recording: Any, shape: Shape) -> None:
    reply = target.send("GET", "/services/data/")
    assert shape(reply.json()) == shape(recording("restforce/services_data_success_response.json"))
    assert "66.0" in {v["version"] for v in reply.json()}


def test_expired_session(target: Any, recording: Any) -> None:
    reply = target.send("GET", "limits", headers={"Authorization": "Bearer 00D000000000001!nonsense"})
    assert reply.status_code == 401
    assert reply.json() == recording("restforce/expired_session_response.json")


def test_every_reply_tells_time_and_api_use(target: Any) -> None:
    reply = target.send("GET", "limits")
    assert re.match(r"api-usage=\d+/\d+", reply.headers["Sforce-Limit-Info"])
    now = parsedate_to_datetime(reply.headers["Date"])
    expected = target.org.clock.now() if target.org else datetime.now(UTC)
    assert abs((now - expected).total_seconds()) < 120
    assert reply.json()["DailyApiRequests"].keys() >= {"Max", "Remaining"}


# --- describe


def test_describe(target: Any, recording: Any) -> None:
    real = recording("cumulusci/describe/GET_sobjects_Contact_describe.json")["response"]["body"]
    reply = target.send("GET", "sobjects/Contact/describe")
    assert set(real) <= set(reply.json())
    assert set(real["fields"][0]) <= set(reply.json()["fields"][0])
    again = target.send("GET", "sobjects/Contact/describe", headers={"If-Modified-Since": reply.headers["Date"]})
    assert again.status_code in (200, 304)


def test_list_of_objects(target: Any) -> None:
    body = target.send("GET", "sobjects/").json()
    assert body["maxBatchSize"] == 200
    assert {"Account", "Task", "CampaignMember"} <= {o["name"] for o in body["sobjects"]}


# --- records


def test_life_of_a_record(target: Any, recording: Any, shape: Shape) -> None:
    recorded = recording("restforce/sobject/create_success_response.json")
    created = target.send("POST", "sobjects/Account", json={"Name": "Contract test"})
    assert created.status_code == 201
    record_id = created.json()["id"]
    path = f"sobjects/Account/{record_id}"
    target.made.append(path)
    assert set(created.json()) == set(recorded)
    assert len(record_id) == 18
    changed = target.send("PATCH", path, json={"Description": "changed"})
    assert (changed.status_code, changed.text) == (204, "")
    shown = target.send("GET", path, params={"fields": "Name,CreatedDate"}).json()
    assert list(shown) == ["attributes", "Name", "CreatedDate"]
    assert shape(shown["attributes"]) == {"type": "text", "url": "text"}
    assert DATETIME.match(shown["CreatedDate"])
    deleted = target.send("DELETE", path)
    assert (deleted.status_code, deleted.text) == (204, "")
    assert target.send("GET", path).status_code == 404


REFUSED_RECORDS: dict[str, tuple[str, dict[str, Any], str, list[str] | None]] = {
    "a missing required field": ("Account", {}, "REQUIRED_FIELD_MISSING", ["Name"]),
    "an unknown field": ("Account", {"Name": "A", "Nope__c": 1}, "INVALID_FIELD", None),
    "a text too long": ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", ["Name"]),
    "a date that is none": (
        "Opportunity",
        {"Name": "o", "StageName": "Prospecting", "CloseDate": "soon"},
        "JSON_PARSER_ERROR",
        None,
    ),
    "a read-only field": (
        "Account",
        {"Name": "A", "CreatedDate": "2020-01-01T00:00:00Z"},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ["CreatedDate"],
    ),
    "an id that is none": ("Contact", {"LastName": "A", "AccountId": "x"}, "MALFORMED_ID", ["AccountId"]),
    "an email that is none": ("Contact", {"LastName": "A", "Email": "x"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
}


@pytest.mark.parametrize("case", REFUSED_RECORDS)
def test_refused_record(case: str, target: Any) -> None:
    sobject, body, code, fields = REFUSED_RECORDS[case]
    reply = target.send("POST", f"sobjects/{sobject}", json=body)
    assert refusal(reply) == (400, code)
    assert fields is None or reply.json()[0]["fields"] == fields


def test_unknown_things(target: Any, recording: Any) -> None:
    missing = target.send("GET", "sobjects/Foo")
    assert (missing.status_code, missing.json()) == (
        404,
        recording("restforce/sobject/sobject_describe_error_response.json"),
    )
    assert refusal(target.send("GET", "sobjects/Account/001000000000000AAA")) == (404, "NOT_FOUND")
    assert refusal(target.send("PUT", "sobjects/Account", json={})) == (405, "METHOD_NOT_ALLOWED")


def test_upsert_by_id_lookup(target: Any) -> None:
    email = f"{uuid4()}@example.com"
    records = [{"attributes": {"type": "Contact"}, "LastName": "Contract", "Email": email}]
    results = [
        target.send("PATCH", "composite/sobjects/Contact/Email", json={"records": records}).json()[0] for _ in range(2)
    ]
    target.made.append(f"sobjects/Contact/{results[0]['id']}")
    assert [r["created"] for r in results] == [True, False]
    assert results[0]["id"] == results[1]["id"]


# --- what the platform derives


def test_task_is_closed_by_its_status_and_takes_its_account(target: Any) -> None:
    account = target.create("Account", Name="Contract test")
    task = target.create("Task", Subject="Contract test", WhatId=account, Status="Completed")
    fields = "AccountId,IsClosed,CompletedDateTime,Priority"
    row = target.send("GET", f"sobjects/Task/{task}", params={"fields": fields}).json()
    assert (row["AccountId"], row["IsClosed"], row["Priority"]) == (account, True, "Normal")
    assert DATETIME.match(row["CompletedDateTime"])


def test_deleted_records_are_told_by_query_all(target: Any) -> None:
    account = target.create("Account", Name="Contract test")
    target.send("DELETE", f"sobjects/Account/{account}")
    soql = f"SELECT Id, IsDeleted, SystemModstamp FROM Account WHERE Id = '{account}'"
    assert target.query(soql).json()["records"] == []
    found = target.query(soql, "queryAll").json()["records"]
    assert [r["IsDeleted"] for r in found] == [True]
    assert DATETIME.match(found[0]["SystemModstamp"])


# --- queries


def test_shape_of_a_query(target: Any, recording: Any, shape: Shape) -> None:
    account = target.create("Account", Name="Contract test")
    reply = target.query(f"SELECT Id, Name, Owner.Name, Parent.Name FROM Account WHERE Id = '{account}'").json()
    assert list(reply) == ["totalSize", "done", "records"]
    assert shape(reply["records"][0]["Owner"]) == {"Name": "text", "attributes": {"type": "text", "url": "text"}}
    assert reply["records"][0]["Parent"] is None
    assert shape(recording("restforce/sobject/query_empty_response.json")) == {
        "done": "truth",
        "records": [],
        "totalSize": "number",
    }
    assert target.query("SELECT COUNT() FROM Account WHERE Name = 'nobody'").json() == {
        "totalSize": 0,
        "done": True,
        "records": [],
    }


def test_shape_of_aggregates_and_children(target: Any, recording: Any, shape: Shape) -> None:
    account = target.create("Account", Name="Contract test")
    target.create("Contact", LastName="Contract", AccountId=account)
    counted = target.query(f"SELECT COUNT(Id) FROM Account WHERE Id = '{account}'").json()
    assert counted["records"] == [{"attributes": {"type": "AggregateResult"}, "expr0": 1}]
    real = recording("plugin-data/soqlQuery.json")["subQuery"]["queryResult"]["records"]
    with_children = next(r for r in real if r["Contacts"])
    ours = target.query(f"SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Id = '{account}'").json()
    assert shape(ours["records"][0]) == shape(with_children)


REFUSED_QUERIES = {
    "SELECT Nope__c FROM Account": "INVALID_FIELD",
    "SELECT Id FROM Nope__c": "INVALID_TYPE",
    "SELECT Nope.Name FROM Account": "INVALID_FIELD",
    "SELECT Id FROM Account WHERE": "MALFORMED_QUERY",
    "SELECT Id FROM Account WHERE Name = 5": "INVALID_FIELD",
    "SELECT Id FROM Account WHERE Id = 'x'": "INVALID_QUERY_FILTER_OPERATOR",
}


@pytest.mark.parametrize("soql", REFUSED_QUERIES)
def test_refused_query(soql: str, target: Any) -> None:
    reply = target.query(soql)
    assert refusal(reply) == (400, REFUSED_QUERIES[soql])
    assert re.search(r"\nERROR at Row:1:Column:\d+\n", reply.json()[0]["message"])


# --- collections and composite


def test_collections_judge_each_record(target: Any, exchange: Any, shape: Shape) -> None:
    body = {"allOrNone": False, "records": [{**ACCOUNT, "Name": "Contract test"}, {**ACCOUNT}]}
    results = target.send("POST", "composite/sobjects", json=body).json()
    target.made.append(f"sobjects/Account/{results[0]['id']}")
    recorded = exchange("TestDatasetsE2E.test_datasets_e2e", "composite/sobjects")
    assert shape(results[:1]) == shape(recorded["response"]["body"])
    assert results[1]["success"] is False
    assert set(results[1]["errors"][0]) >= {"statusCode", "message", "fields"}
    assert results[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"


def test_all_or_none(target: Any) -> None:
    name = f"Contract test {uuid4()}"
    body = {"allOrNone": True, "records": [{**ACCOUNT, "Name": name}, {**ACCOUNT}]}
    results = target.send("POST", "composite/sobjects", json=body).json()
    assert [r["success"] for r in results] == [False, False]
    assert target.query(f"SELECT COUNT() FROM Account WHERE Name = '{name}'").json()["totalSize"] == 0


def test_201_records(target: Any) -> None:
    reply = target.send("POST", "composite/sobjects", json={"records": [{**ACCOUNT, "Name": "x"}] * 201})
    assert reply.status_code == 400


def test_retrieve_tells_missing_records_as_null(target: Any) -> None:
    account = target.create("Account", Name="Contract test")
    body = {"ids": ["001000000000000AAA", account], "fields": ["Id", "Name"]}
    rows = target.send("POST", "composite/sobjects/Account", json=body).json()
    assert rows[0] is None
    assert rows[1]["Name"] == "Contract test"


def test_recorded_refusals_in_a_composite(target: Any, exchange: Any) -> None:
    for name in ("TestCompositeParallelSalesforce.test_errors", "TestCountSObjects.test_count_sobjects__errors"):
        interaction = exchange(name, "composite")
        sent = interaction["request"]["body"]["compositeRequest"]
        requests = [{**r, "url": r["url"].replace("vxx.0", "v66.0")} for r in sent]
        answers = target.send("POST", "composite", json={"compositeRequest": requests}).json()["compositeResponse"]
        expected = interaction["response"]["body"]["compositeResponse"]
        for ours, real in zip(answers, expected, strict=True):
            assert (ours["httpStatusCode"], ours["referenceId"]) == (real["httpStatusCode"], real["referenceId"])
            assert ours["httpStatusCode"] == 200 or ours["body"] == real["body"]


def test_composite_references(target: Any) -> None:
    base = "/services/data/v66.0"
    requests = [
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "acc", "body": {"Name": "Contract test"}},
        {
            "method": "POST",
            "url": f"{base}/sobjects/Contact",
            "referenceId": "con",
            "body": {"LastName": "Contract", "AccountId": "@{acc.id}"},
        },
    ]
    answers = target.send("POST", "composite", json={"allOrNone": True, "compositeRequest": requests}).json()[
        "compositeResponse"
    ]
    target.made += [f"sobjects/{s}/{a['body']['id']}" for s, a in zip(("Account", "Contact"), answers, strict=True)]
    assert [a["httpStatusCode"] for a in answers] == [201, 201]
    assert set(answers[0]) == {"body", "httpHeaders", "httpStatusCode", "referenceId"}


def test_record_count(target: Any, exchange: Any, shape: Shape) -> None:
    target.create("Account", Name="Contract test")
    body = target.send("GET", "limits/recordCount", params={"sObjects": "Account"}).json()
    recorded = exchange("TestDatasetsE2E.test_datasets_e2e", "recordCount")
    assert shape(body) == shape(recorded["response"]["body"])
