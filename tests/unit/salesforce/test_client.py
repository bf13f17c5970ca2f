"""Requests as they go out and answers as they are read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import QuotaExhausted, RetryLater
from connector.salesforce import OrgRefused, RowResult, Subrequest, SubResponse, soql
from connector.salesforce.composite import describe_request, packed, query_request, read_composite

if TYPE_CHECKING:
    from conftest import Wire

FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "fixtures"
ID = "001000000000001AAA"


def refused(code: str, message: str = "no") -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message}]


def composite_answer(*answers: tuple[str, int, Any]) -> dict[str, Any]:
    return {
        "compositeResponse": [
            {"referenceId": r, "httpStatusCode": status, "body": body, "httpHeaders": {}} for r, status, body in answers
        ]
    }


# --- reading ---------------------------------------------------------------------------------------------------


def test_pages_are_followed_and_amounts_stay_exact(wire: Wire) -> None:
    first = '{"totalSize": 2, "done": false, "nextRecordsUrl": "/services/data/v66.0/query/0r8-2000", "records": [{"Amount": 90071992547409.93}]}'  # noqa: E501
    wire.answer("GET", "query", first)
    wire.answer("GET", "query/0r8-2000", {"totalSize": 2, "done": True, "records": [{"Amount": None}]})
    records = wire.client().query("SELECT Amount FROM Opportunity WHERE Name = 'a & b'")
    assert [r["Amount"] for r in records] == [Decimal("90071992547409.93"), None]
    assert wire.sent()[0].params == {"q": "SELECT Amount FROM Opportunity WHERE Name = 'a & b'"}


def test_deleted_records_are_asked_for_with_queryall(wire: Wire) -> None:
    wire.answer("GET", "queryAll", {"totalSize": 0, "done": True, "records": []})
    assert wire.client().query("SELECT Id FROM Task", all_rows=True) == []


def test_a_composite_keeps_the_order_of_its_requests(wire: Wire) -> None:
    wire.answer("POST", "composite", composite_answer(("b", 200, 2), ("a", 200, 1)))
    answers = wire.client().composite([Subrequest("limits", "a"), Subrequest("sobjects", "b")])
    assert [(a.reference, a.body) for a in answers] == [("a", 1), ("b", 2)]
    body = json.loads(wire.sent()[0].body)
    assert body["allOrNone"] is False
    assert body["collateSubrequests"] is False
    assert body["compositeRequest"][0] == {"method": "GET", "url": "/services/data/v66.0/limits", "referenceId": "a"}


def test_only_what_failed_in_passing_is_asked_again(wire: Wire) -> None:
    wire.answer("POST", "composite", composite_answer(("a", 200, 1), ("b", 503, refused("SERVER_UNAVAILABLE"))))
    wire.answer("POST", "composite", composite_answer(("b", 200, 2)))
    answers = wire.client().composite([Subrequest("x", "a"), Subrequest("y", "b")])
    assert [a.body for a in answers] == [1, 2]
    assert [r["referenceId"] for r in json.loads(wire.sent()[1].body)["compositeRequest"]] == ["b"]


def test_what_keeps_failing_is_handed_out_with_what_did_not(wire: Wire) -> None:
    failed = composite_answer(("a", 200, 1), ("b", 500, refused("UNKNOWN_EXCEPTION")))
    wire.answer("POST", "composite", failed)
    answers = wire.client(http={"attempts": 2}).composite([Subrequest("x", "a"), Subrequest("y", "b")])
    assert answers[0].refusal is None
    assert answers[1].refusal is not None
    assert answers[1].refusal.code == "UNKNOWN_EXCEPTION"


def test_a_composite_that_never_comes_is_an_error(wire: Wire) -> None:
    wire.answer("POST", "composite", "", 503)
    with pytest.raises(RetryLater):
        wire.client(http={"attempts": 2}).composite([Subrequest("x", "a")])


def test_requests_are_packed_five_queries_to_a_call_and_describes_beside_them() -> None:
    queries = [query_request("SELECT Id FROM Account", f"q{i}") for i in range(11)]
    describes = [describe_request("Account", f"d{i}") for i in range(23)]
    calls = packed([*queries, *describes])
    assert [len(c) for c in calls] == [25, 8, 1]
    assert [sum(r.is_query for r in c) for c in calls] == [5, 5, 1]
    assert {r.reference for c in calls for r in c} == {r.reference for r in [*queries, *describes]}


def test_a_describe_is_asked_for_only_if_it_changed(wire: Wire) -> None:
    since = datetime(2020, 8, 14, 20, 53, 2, tzinfo=UTC)
    wire.answer("POST", "composite", composite_answer(("a", 304, None), ("b", 200, {"name": "Lead"})))
    requests = [describe_request("Account", "a", since), describe_request("Lead", "b")]
    unchanged, told = wire.client().composite(requests)
    sent = json.loads(wire.sent()[0].body)["compositeRequest"]
    assert sent[0]["httpHeaders"] == {"If-Modified-Since": "Fri, 14 Aug 2020 20:53:02 GMT"}
    assert "httpHeaders" not in sent[1]
    assert (unchanged.is_unchanged, unchanged.refusal, unchanged.body) == (True, None, None)
    assert (told.is_unchanged, told.body) == (False, {"name": "Lead"})


def test_the_date_of_a_describe_is_the_orgs_or_safely_earlier_than_the_question() -> None:
    asked = datetime(2026, 9, 1, 8, tzinfo=UTC)
    said = SubResponse("a", 200, {}, {"last-modified": "Fri, 14 Aug 2020 20:53:02 GMT"})
    assert said.last_modified(asked) == datetime(2020, 8, 14, 20, 53, 2, tzinfo=UTC)
    assert SubResponse("a", 200, {}).last_modified(asked) == datetime(2026, 9, 1, 7, tzinfo=UTC)
    assert SubResponse("a", 200, {}, {"Last-Modified": "soon"}).last_modified(asked) == datetime(
        2026, 9, 1, 7, tzinfo=UTC
    )


def test_recorded_describes_say_when_they_were_changed() -> None:
    path = FIXTURES / "cumulusci" / "interactions" / "ManualEditTestCompositeParallelSalesforce.test_http_headers.json"
    if not path.is_file():
        pytest.skip(f"no recorded traffic at {path}")
    answers = read_composite(json.loads(path.read_text())["interactions"][0]["response"]["body"])
    assert {a.is_unchanged for a in answers} == {True}
    assert {a.last_modified(datetime.now(UTC)) for a in answers} == {datetime(2020, 8, 14, 20, 53, 2, tzinfo=UTC)}


def test_record_counts_leave_out_what_is_not_counted(wire: Wire) -> None:
    wire.answer("GET", "limits/recordCount", {"sObjects": [{"count": 3, "name": "Account"}]})
    assert wire.client().record_counts(["Account", "Lead"]) == {"Account": 3}
    assert wire.sent()[0].params == {"sObjects": "Account,Lead"}


def test_a_query_in_a_composite_is_escaped() -> None:
    request = query_request("SELECT Id FROM Account WHERE Name = 'a&b+c'", "x")
    assert request.url == "queryAll?q=SELECT%20Id%20FROM%20Account%20WHERE%20Name%20=%20%27a%26b%2Bc%27"


def test_records_are_retrieved_two_thousand_to_a_call(wire: Wire) -> None:
    wire.mock.add_callback(
        "POST",
        "https://acme.my.salesforce.com/services/data/v66.0/composite/sobjects/Account",
        lambda r: (200, {}, json.dumps([{"Id": i} for i in json.loads(r.body)["ids"]])),
    )
    ids = [f"001{i:015}" for i in range(2001)]
    assert [r["Id"] for r in wire.client().retrieve("Account", ids, ["Id"]) if r] == ids
    assert [len(json.loads(r.body)["ids"]) for r in wire.sent()] == [2000, 1]


def test_an_answer_cut_off_inside_its_json_is_for_later(wire: Wire) -> None:
    wire.answer("GET", "query", '{"totalSize": 1, "rec')
    with pytest.raises(RetryLater, match="not JSON"):
        wire.client().query("SELECT Id FROM Account")


def test_an_unknown_object_is_a_refusal_with_its_code(wire: Wire) -> None:
    wire.answer("GET", "sobjects/Nope/describe", refused("NOT_FOUND"), 404)
    with pytest.raises(OrgRefused) as raised:
        wire.client().describe("Nope")
    assert raised.value.refusal.code == "NOT_FOUND"


def test_recorded_composite_answers_are_read() -> None:
    path = FIXTURES / "camel" / "composite_response_example_failure.json"
    if not path.is_file():
        pytest.skip(f"no recorded traffic at {path}")
    answers = read_composite(json.loads(path.read_text()))
    assert [a.refusal.code for a in answers if a.refusal and a.refusal.code != "PROCESSING_HALTED"]
    assert all(a.refusal for a in answers)


# --- writing ---------------------------------------------------------------------------------------------------


def test_creates_go_out_in_the_forms_of_the_api(wire: Wire) -> None:
    wire.answer("POST", "composite/sobjects", [{"id": ID, "success": True, "errors": []}])
    values = {
        "Subject": "Call",
        "ActivityDate": date(2026, 9, 1),
        "ReminderDateTime": datetime(2026, 9, 1, 8, tzinfo=UTC),
        "Score__c": Decimal("12.50"),
        "Description": None,
    }
    assert wire.client().create([("Task", values)]) == [RowResult(True, ID)]
    request = wire.sent()[0]
    assert request.headers["Sforce-Auto-Assign"] == "FALSE"
    assert request.headers["Sforce-Duplicate-Rule-Header"] == "allowSave=true"
    assert json.loads(request.body) == {
        "allOrNone": False,
        "records": [
            {
                "attributes": {"type": "Task"},
                "Subject": "Call",
                "ActivityDate": "2026-09-01",
                "ReminderDateTime": "2026-09-01T08:00:00.000+0000",
                "Score__c": 12.5,
                "Description": None,
            }
        ],
    }


def test_updates_name_their_record(wire: Wire) -> None:
    wire.answer("PATCH", "composite/sobjects", [{"id": ID, "success": True, "errors": []}])
    wire.client().update([("Account", ID, {"Stage__c": "Adopting"})])
    record = json.loads(wire.sent()[0].body)["records"][0]
    assert record == {"attributes": {"type": "Account"}, "id": ID, "Stage__c": "Adopting"}


def test_rows_that_are_refused_are_results(wire: Wire) -> None:
    locked = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}
    short = {
        "statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [Name]",
        "fields": ["Name"],
    }
    wire.answer(
        "PATCH",
        "composite/sobjects",
        [
            {"id": ID, "success": True, "errors": []},
            {"id": ID, "success": False, "errors": [locked]},
            {"success": False, "errors": [short, locked]},
            {"success": False, "errors": []},
        ],
    )
    done, lock, both, nothing = wire.client().update([("Account", ID, {"Name": "x"})] * 4)
    assert (done.success, done.id) == (True, ID)
    assert (lock.success, lock.code, lock.kind) == (False, "UNABLE_TO_LOCK_ROW", "retry_row")
    assert (both.code, both.kind) == ("UNABLE_TO_LOCK_ROW", "retry_row")
    assert (nothing.success, nothing.kind) == (False, "retry")


def test_a_call_refused_as_a_whole_refuses_every_row(wire: Wire) -> None:
    wire.answer("POST", "composite/sobjects", [{"errorCode": "JSON_PARSER_ERROR", "message": "at row 2"}], 400)
    results = wire.client().create([("Task", {"Subject": "a"}), ("Task", {"Subject": "b"})])
    assert [(r.success, r.code) for r in results] == [(False, "JSON_PARSER_ERROR")] * 2


def test_the_daily_limit_ends_writing(wire: Wire) -> None:
    wire.answer("POST", "composite/sobjects", refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests"), 403)
    with pytest.raises(QuotaExhausted):
        wire.client().create([("Task", {"Subject": "a"})])


# --- cost ------------------------------------------------------------------------------------------------------


def test_replays_count_and_logins_do_not(wire: Wire) -> None:
    wire.answer("GET", "query", refused("INVALID_SESSION_ID"), 401)
    wire.answer("GET", "query", {"totalSize": 0, "done": True, "records": []}, Sforce_Limit_Info="api-usage=7/100")
    client = wire.client()
    client.query("SELECT Id FROM Account")
    assert client.usage.calls == {"query": 2}
    assert (client.usage.total, client.usage.used, client.usage.allowed) == (2, 7, 100)


# --- SOQL ------------------------------------------------------------------------------------------------------


def test_soql_text() -> None:
    since = datetime(2026, 9, 1, 8, 0, 0, 999, tzinfo=UTC)
    assert soql.select("Account", ["Id", "Name"]) == "SELECT Id,Name FROM Account"
    assert soql.select("Account", ["Id"], since=since).endswith(" WHERE SystemModstamp >= 2026-09-01T08:00:00Z")
    assert soql.count("CampaignMember") == "SELECT COUNT() FROM CampaignMember"


@pytest.mark.parametrize("name", ["Name FROM User", "Na me", "Name--", "1st", "", "Owner."])
def test_only_names_get_into_soql(name: str) -> None:
    with pytest.raises(ValueError, match="API name"):
        soql.select("Account", [name])
    with pytest.raises(ValueError, match="API name"):
        soql.select("Account", ["Id"], stamp=name, since=datetime.now(UTC))
    with pytest.raises(ValueError, match="API name"):
        soql.select("Account", ["Id"], id_field=name, ids=[ID])


def test_a_window_begins_where_the_one_before_ends() -> None:
    since, until = datetime(2026, 9, 1, 8, tzinfo=UTC), datetime(2026, 9, 1, 9, 0, 0, 5, tzinfo=UTC)
    window = soql.select("LoginHistory", ["Id"], since=since, until=until, stamp="LoginTime")
    assert window == (
        "SELECT Id FROM LoginHistory WHERE LoginTime >= 2026-09-01T08:00:00Z AND LoginTime < 2026-09-01T09:00:00Z"
    )
    assert " WHERE LoginTime >= 2026-09-01T09:00:00Z" in soql.select(
        "LoginHistory", ["Id"], since=until, stamp="LoginTime"
    )


def test_records_are_read_again_by_id() -> None:
    children = soql.select("Contact", ["Id"], ids=[ID, ID[:15]], id_field="AccountId")
    assert children == f"SELECT Id FROM Contact WHERE AccountId IN ('{ID}','{ID[:15]}')"


@pytest.mark.parametrize("wrong", ["", "001", "001000000000001'AA", "001000000000001AAA "])
def test_only_ids_get_into_soql(wrong: str) -> None:
    with pytest.raises(ValueError, match="no record id"):
        soql.select("Account", ["Id"], ids=[wrong])


def test_no_ids_are_no_question() -> None:
    with pytest.raises(ValueError, match="no Id"):
        soql.select("Account", ["Id"], ids=[])


def test_a_statement_stays_shorter_than_salesforce_takes() -> None:
    assert len(soql.select("Account", ["Id"], ids=[ID] * 4000)) < 100_000
    with pytest.raises(ValueError, match="takes less than 100000"):
        soql.select("Account", ["Id"], ids=[ID] * 5000)


def test_counts() -> None:
    since = datetime(2026, 9, 1, 8, tzinfo=UTC)
    assert soql.count("Task", live_only=True) == "SELECT COUNT() FROM Task WHERE IsDeleted = false"
    assert soql.count("Task", since=since).endswith("FROM Task WHERE SystemModstamp >= 2026-09-01T08:00:00Z")
