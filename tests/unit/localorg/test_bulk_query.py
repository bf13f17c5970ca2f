"""Query jobs of Bulk API 2.0 (reference 3.1): what they take, how they live, and what their pages look like."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bulk_client import Bulk, rows_of
from local_client import Client

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.bulk import spool
from connector.localorg.bulk.render import number_text
from connector.localorg.bulk.usage import ALLOCATIONS
from connector.localorg.faults import Fault
from connector.localorg.org import Clock, Org


@pytest.fixture
def bulk(client: Client) -> Bulk:
    return Bulk(client)


# --- what is refused when the job is made

REFUSED_SOQL = {
    "a group": ("SELECT Name FROM Account GROUP BY Name", "API_ERROR", "GROUP BY"),
    "a bare count": ("SELECT COUNT() FROM Account", "API_ERROR", "COUNT"),
    "an aggregate": ("SELECT MAX(CreatedDate) FROM Account", "API_ERROR", "MAX"),
    "an offset": ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "API_ERROR", "OFFSET"),
    "a child subquery": ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR", "Aggregate Relationships"),
    "an address": ("SELECT BillingAddress FROM Account", "API_ERROR", "Selecting compound data not supported"),
    "FIELDS": ("SELECT FIELDS(STANDARD) FROM Account", "API_ERROR", "FIELDS"),
    "an object that only REST reads": ("SELECT Id FROM TaskStatus", "INVALIDENTITY", "not supported by the Bulk API"),
    "an object that does not exist": ("SELECT Id FROM Acount", "INVALID_TYPE", "sObject type 'Acount' is not"),
    "a field that does not exist": ("SELECT Nmae FROM Account", "INVALID_FIELD", "No such column 'Nmae'"),
    "no SOQL": ("hello", "MALFORMED_QUERY", "unexpected token"),
    "nothing": ("", "MALFORMED_QUERY", "A query string has to be specified"),
}  # fmt: skip


@pytest.mark.parametrize(("soql", "code", "text"), REFUSED_SOQL.values(), ids=REFUSED_SOQL)
def test_query_is_refused_at_creation(bulk: Bulk, soql: str, code: str, text: str) -> None:
    reply = bulk.query(soql)
    assert (reply.status, reply.body[0]["errorCode"]) == (400, code)
    assert text in reply.body[0]["message"]
    assert bulk.client.send("GET", "jobs/query").body["records"] == []


@pytest.mark.parametrize(("sobject", "chunked"), {"Account": True, "TaskStatus": None, "Contract": False}.items())
def test_poll_tells_whether_salesforce_would_split_the_query(bulk: Bulk, sobject: str, chunked: bool | None) -> None:
    reply = bulk.query(f"SELECT Id FROM {sobject}")
    assert (reply.status == 200) is (chunked is not None)
    if chunked is not None:
        assert bulk.poll("query", reply.body["id"])["isPkChunkingSupported"] is chunked


def test_type_of_is_refused(bulk: Bulk) -> None:
    assert bulk.query("SELECT TYPEOF Owner WHEN User THEN Alias END FROM Case").status == 400


REFUSED_PROPERTIES: dict[str, dict[str, Any]] = {
    "an operation of ingest": {"operation": "insert"},
    "a delimiter that does not exist": {"columnDelimiter": "COLON"},
    "a line ending that does not exist": {"lineEnding": "CR"},
    "another format": {"contentType": "JSON"},
    "a property of ingest": {"object": "Account"},
}


@pytest.mark.parametrize("properties", REFUSED_PROPERTIES.values(), ids=REFUSED_PROPERTIES)
def test_property_is_refused_at_creation(bulk: Bulk, properties: dict[str, Any]) -> None:
    assert bulk.query("SELECT Id FROM Account", **properties).status == 400


def test_semi_join_order_and_limit_are_taken(bulk: Bulk, org: Org) -> None:
    for name in "CAB":
        org.create_record("Contact", {"LastName": name, "AccountId": org.create_record("Account", {"Name": name})})
    soql = "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact) ORDER BY Name DESC LIMIT 2"
    assert [r["Name"] for r in rows_of(bulk.results(bulk.queried(soql)))] == ["C", "B"]


def test_query_all_sees_the_recycle_bin_and_archived_activities(bulk: Bulk, org: Org) -> None:
    org.delete_record("Account", org.create_record("Account", {"Name": "Gone"}))
    org.load("Task", [{"Subject": "Old", "IsArchived": True}])
    for soql, found in (("SELECT Name FROM Account", "Gone"), ("SELECT Subject FROM Task", "Old")):
        assert rows_of(bulk.results(bulk.queried(soql))) == []
        [row] = rows_of(bulk.results(bulk.queried(soql, operation="queryAll")))
        assert [*row.values()] == [found]


def test_hidden_fields_do_not_exist(bulk: Bulk, org: Org) -> None:
    org.hide_field(bulk.client.user_id, "Account", "AnnualRevenue")
    assert bulk.query("SELECT AnnualRevenue FROM Account").body[0]["errorCode"] == "INVALID_FIELD"


# --- as whom it runs

AUCKLAND = {"TimeZoneSidKey": "Pacific/Auckland", "LocaleSidKey": "en_GB"}
LOCAL = {
    "days of the user": "SELECT Name FROM Account WHERE CreatedDate = LAST_N_DAYS:1",
    "a day of the user": "SELECT Name FROM Account WHERE CreatedDate = TODAY",
    "what is mine": "SELECT Name FROM Account USING SCOPE mine",
    "a date as people there write it": "SELECT FORMAT(CreatedDate), FORMAT(AnnualRevenue) FROM Account",
    "an hour there": "SELECT Name FROM Account WHERE HOUR_IN_DAY(convertTimezone(CreatedDate)) = 23",
    "a distance": "SELECT Name FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(51.5, -0.1), 'km') < 400",
    "labels": "SELECT toLabel(Industry) FROM Account",
    "months of a fiscal year": "SELECT Name FROM Account WHERE FISCAL_MONTH(CreatedDate) = 3",
}


@pytest.fixture
def aucklander(client: Client) -> Client:
    """The client's user, twelve hours ahead, with accounts made at 11:30 of two days and owned by two users."""
    org = client.org
    org.update_record("User", client.user_id, AUCKLAND)
    paris = {"BillingLatitude": 48.8566, "BillingLongitude": 2.3522, "AnnualRevenue": 1234.5, "Industry": "Energy"}
    for name, owner in (("First", client.user_id), ("Second", org.admin_id)):
        org.clock.set(datetime(2026, 8, 30 + (name == "Second"), 11, 30, tzinfo=UTC))
        org.create_record("Account", {"Name": name, "OwnerId": owner, **paris})
    org.create_record("Account", {"Name": "Elsewhere", "OwnerId": org.admin_id})
    org.clock.set(datetime(2026, 8, 31, 13, 0, tzinfo=UTC))
    client.token = org.issue_token(client.user_id)
    return client


@pytest.mark.parametrize("soql", LOCAL.values(), ids=LOCAL)
def test_job_says_what_a_query_of_its_user_says(aucklander: Client, soql: str) -> None:
    bulk = Bulk(aucklander)
    asked = [{k: v or "" for k, v in r.items() if k != "attributes"} for r in aucklander.query(soql).body["records"]]
    assert rows_of(bulk.results(bulk.queried(soql))) == asked


def test_days_are_those_of_the_user_and_not_of_greenwich(aucklander: Client) -> None:
    bulk = Bulk(aucklander)
    yesterday = "SELECT Name FROM Account WHERE CreatedDate = YESTERDAY"
    assert [r["Name"] for r in rows_of(bulk.results(bulk.queried(yesterday)))] == ["Second", "Elsewhere"]
    aucklander.token = aucklander.org.issue_token()
    assert [r["Name"] for r in rows_of(bulk.results(bulk.queried(yesterday)))] == ["First"]


def test_a_job_that_waited_runs_as_the_user_who_made_it(aucklander: Client) -> None:
    bulk = Bulk(aucklander)
    job = bulk.query("SELECT Name FROM Account USING SCOPE mine").body["id"]
    aucklander.token = aucklander.org.issue_token()
    assert bulk.poll("query", job)["state"] == "JobComplete"
    assert [r["Name"] for r in rows_of(bulk.results(job))] == ["First"]


# --- how many


def test_jobs_of_a_day_are_limited(bulk: Bulk, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALLOCATIONS, "query jobs", 2)
    statuses = [bulk.query("SELECT Id FROM Account").status for _ in range(3)]
    assert statuses == [200, 200, 400]
    assert bulk.query("SELECT Id FROM Account").body[0]["errorCode"] == "LIMIT_EXCEEDED"
    for job in bulk.client.send("GET", "jobs/query").body["records"]:
        bulk.poll("query", job["id"])
        assert bulk.client.send("DELETE", f"jobs/query/{job['id']}").status == 204
    assert bulk.query("SELECT Id FROM Account").status == 400
    left = bulk.client.send("GET", "limits").body["DailyBulkV2QueryJobs"]
    assert left == {"Max": 2, "Remaining": 0}
    org.clock.advance(timedelta(hours=24))
    fresh = Bulk(Client(org, bulk.client.app, org.issue_token(), org.admin_id))
    assert fresh.query("SELECT Id FROM Account").status == 200


def test_results_of_a_day_are_limited(bulk: Bulk, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALLOCATIONS, "result bytes", 10)
    org.create_record("Account", {"Name": "Acme"})
    bulk.queried("SELECT Id, Name FROM Account")
    refused = bulk.query("SELECT Id FROM Account").body[0]
    assert (refused["errorCode"], refused["message"][:40]) == (
        "LIMIT_EXCEEDED",
        "Max bulk v2 query result size stored (0)",
    )


EARLY = {"empty": (204, None), "refused": (400, "INVALIDJOBSTATE")}


@pytest.mark.parametrize("answer", EARLY)
def test_results_before_the_job_is_complete(bulk: Bulk, org: Org, answer: Any) -> None:
    """Nobody on record has said which it is."""
    org.set_switches(bulk_early_results=answer)
    org.faults.add(Fault("job_queued", polls=3))
    job = bulk.query("SELECT Id FROM Account").body["id"]
    for path in ("results", "resultPages"):
        early = bulk.client.send("GET", f"jobs/query/{job}/{path}")
        assert (early.status, early.body and early.body[0]["errorCode"]) == EARLY[answer]
    while bulk.poll("query", job)["state"] != "JobComplete":
        pass
    assert bulk.results(job).status == 200


def test_jobs_and_their_results_travel_with_a_snapshot(bulk: Bulk, org: Org) -> None:
    """A twin of an org at a crash holds the jobs that the client knows of."""
    org.create_record("Account", {"Name": 'The "A" team'})
    org.faults.add(Fault("job_queued", polls=1, nth=2))
    done, waiting = bulk.queried("SELECT Name FROM Account"), bulk.query("SELECT Id FROM Account").body["id"]
    nothing = bulk.queried("SELECT Name FROM Lead")
    before = [bulk.results(job).encode() for job in (done, nothing)]
    twin = Org.restore(org.snapshot(), clock=Clock(org.clock.now()))
    other = Bulk(Client(twin, LocalOrgApp(twin), bulk.client.token, bulk.client.user_id))
    assert [other.results(job).encode() for job in (done, nothing)] == before
    assert [other.poll("query", waiting)["state"] for _ in range(2)] == ["UploadComplete", "JobComplete"]
    assert other.query("SELECT Id FROM Account").body["id"] not in (done, waiting, nothing)
    left = [b.client.send("GET", "limits").body["DailyBulkV2QueryJobs"]["Remaining"] for b in (bulk, other)]
    assert left == [9997, 9996]
    assert bulk.poll("query", waiting)["state"] == "UploadComplete"


# --- the life of a job


def test_creation_tells_less_than_a_poll(bulk: Bulk) -> None:
    """Recorded: the type and the counts come with the first poll."""
    created = bulk.query("SELECT Id FROM account").body
    assert list(created) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode",
        "contentType", "apiVersion", "lineEnding", "columnDelimiter",
    ]  # fmt: skip
    assert (created["object"], created["state"], created["apiVersion"]) == ("Account", "UploadComplete", 66.0)
    assert created["id"].startswith("750")
    assert len(created["id"]) == 18
    polled = bulk.poll("query", created["id"])
    assert {*polled} - {*created} == {
        "jobType", "numberRecordsProcessed", "retries", "totalProcessingTime", "isPkChunkingSupported",
    }  # fmt: skip
    assert (polled["jobType"], polled["state"]) == ("V2Query", "JobComplete")


def test_result_is_what_the_org_held_when_the_job_ran(bulk: Bulk, org: Org) -> None:
    record = org.create_record("Account", {"Name": "Before"})
    job = bulk.queried("SELECT Name FROM Account")
    org.update_record("Account", record, {"Name": "After"})
    org.create_record("Account", {"Name": "Late"})
    assert rows_of(bulk.results(job)) == [{"Name": "Before"}]


def test_results_of_a_waiting_job_are_no_content(bulk: Bulk) -> None:
    job = bulk.query("SELECT Id FROM Account").body["id"]
    assert (bulk.results(job).status, bulk.results(job).status) == (204, 200)


@pytest.mark.parametrize(
    ("faults", "states"),
    [
        ([], ["JobComplete", "JobComplete"]),
        ([Fault("job_queued", polls=2)], ["UploadComplete", "UploadComplete", "JobComplete"]),
        ([Fault("job_slow", polls=1)], ["InProgress", "JobComplete"]),
        (
            [Fault("job_slow", polls=1), Fault("job_queued", polls=1), Fault("job_failed")],
            ["UploadComplete", "InProgress", "Failed", "Failed"],
        ),
        ([Fault("job_aborted")], ["Aborted"]),
    ],
    ids=["no fault", "stays queued", "slow", "queued, slow, then failed", "aborted by somebody"],
)
def test_job_faults_are_seen_poll_by_poll(bulk: Bulk, org: Org, faults: list[Fault], states: list[str]) -> None:
    for fault in faults:
        org.faults.add(fault)
    job = bulk.query("SELECT Id FROM Account").body["id"]
    assert [bulk.poll("query", job)["state"] for _ in states] == states


def test_failed_job_tells_why_and_has_no_results(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("job_failed", row="FROM Account", message="InternalServerError : 1234"))
    other, job = (bulk.query(f"SELECT Id FROM {s}").body["id"] for s in ("Contact", "Account"))
    assert bulk.poll("query", job)["errorMessage"] == "InternalServerError : 1234"
    assert bulk.results(job).status == 204
    assert bulk.poll("query", other)["state"] == "JobComplete"


def test_expired_job_is_gone_when_it_is_done(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("job_expired"))
    job = bulk.query("SELECT Id FROM Account").body["id"]
    assert bulk.client.send("GET", f"jobs/query/{job}").status == 404


def test_job_that_the_schema_has_left_behind_fails(bulk: Bulk, org: Org) -> None:
    job = bulk.query("SELECT Stage__c FROM Account").body["id"]
    org.hide_field(bulk.client.user_id, "Account", "Stage__c")
    assert "INVALID_FIELD" in bulk.poll("query", job)["errorMessage"]


def test_job_runs_with_the_eyes_of_its_maker(bulk: Bulk, org: Org) -> None:
    job = bulk.query("SELECT Stage__c FROM Account").body["id"]
    other = org.add_user("other@example.com")
    org.hide_field(other, "Account", "Stage__c")
    looker = Bulk(Client(org, bulk.client.app, org.issue_token(other), other))
    assert looker.poll("query", job)["state"] == "JobComplete"


def test_abort_is_for_jobs_that_are_not_done(bulk: Bulk) -> None:
    waiting, done = bulk.query("SELECT Id FROM Account").body["id"], bulk.queried("SELECT Id FROM Account")
    aborted = bulk.change(waiting, "Aborted", "query")
    assert (aborted.status, aborted.body["state"], "lineEnding" in aborted.body) == (200, "Aborted", False)
    assert bulk.poll("query", waiting)["state"] == "Aborted"
    refused = bulk.change(done, "Aborted", "query")
    assert refused.body == [{"message": "Aborting already Completed Job not allowed", "errorCode": "INVALIDJOBSTATE"}]
    assert bulk.change(done, "UploadComplete", "query").status == 400


def test_delete_is_for_jobs_that_are_done(bulk: Bulk) -> None:
    waiting, done = bulk.query("SELECT Id FROM Account").body["id"], bulk.queried("SELECT Id FROM Account")
    assert bulk.client.send("DELETE", f"jobs/query/{waiting}").body[0]["errorCode"] == "INVALIDJOBSTATE"
    assert bulk.client.send("DELETE", f"jobs/query/{done}").status == 204
    assert bulk.client.send("GET", f"jobs/query/{done}").status == 404
    assert [r["id"] for r in bulk.client.send("GET", "jobs/query").body["records"]] == [waiting]


def test_jobs_are_kept_for_seven_days(bulk: Bulk, org: Org) -> None:
    org.set_switches(session_seconds=10**9)
    job = bulk.queried("SELECT Id FROM Account")
    org.clock.advance(timedelta(days=7, seconds=-1))
    assert bulk.results(job).status == 200
    org.clock.advance(timedelta(seconds=1))
    assert bulk.results(job).status == 404


def test_job_is_found_by_its_short_id_and_not_as_ingest(bulk: Bulk) -> None:
    job = bulk.queried("SELECT Id FROM Account")
    assert bulk.poll("query", job[:15])["id"] == job
    assert bulk.client.send("GET", f"jobs/ingest/{job}").status == 404


def test_old_versions_do_not_have_query_jobs(bulk: Bulk) -> None:
    bulk.client.version = "v46.0"
    assert bulk.query("SELECT Id FROM Account").status == 404


def test_bulk_is_no_part_of_composites(bulk: Bulk) -> None:
    request = {"method": "GET", "url": "/services/data/v66.0/jobs/query", "referenceId": "jobs"}
    reply = bulk.client.send("POST", "composite", {"compositeRequest": [request]})
    assert reply.body["compositeResponse"][0]["httpStatusCode"] == 404


def test_jobs_are_listed_a_thousand_at_a_time(bulk: Bulk) -> None:
    made = [bulk.query("SELECT Id FROM Account").body["id"] for _ in range(1000)]
    only = bulk.client.send("GET", "jobs/query").body
    assert (only["done"], len(only["records"]), only["nextRecordsUrl"]) == (True, 1000, None)
    made.append(bulk.query("SELECT Id FROM Account").body["id"])
    first = bulk.client.send("GET", "jobs/query").body
    assert (first["done"], len(first["records"]), first["records"][0]["jobType"]) == (False, 1000, "V2Query")
    second = bulk.client.send("GET", first["nextRecordsUrl"]).body
    assert (second["done"], [r["id"] for r in second["records"]]) == (True, made[-1:])
    assert bulk.client.send("GET", "jobs/query", jobType="V2Ingest").body["records"] == []
    assert bulk.client.send("GET", "jobs/query", jobType="Nonsense").status == 400


# --- pages

VALUES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a quote": ({"Name": 'The "A" team'}, "Name", '"The ""A"" team"'),
    "a new line": ({"Description": "one\r\ntwo"}, "Description", '"one\r\ntwo"'),
    "another alphabet": ({"Name": "Ωmega 🦄"}, "Name", '"Ωmega 🦄"'),
    "nothing": ({}, "Phone", '""'),
    "no number": ({}, "AnnualRevenue", '""'),
    "no date": ({}, "LastActivityDate", '""'),
    "a whole number": ({"NumberOfEmployees": 7}, "NumberOfEmployees", '"7"'),
    "an amount": ({"Price__c": 1234.5}, "Price__c", '"1234.5"'),
    "a round amount": ({"AnnualRevenue": 350_000_000}, "AnnualRevenue", '"350000000.0"'),
    "an amount with many digits": ({"Price__c": 99_999_999_999_999.98}, "Price__c", '"99999999999999.98"'),
    "a very large amount": ({"AnnualRevenue": 10**17}, "AnnualRevenue", '"100000000000000000.0"'),
    "no": ({}, "IsDeleted", '"false"'),
    "a moment": ({}, "CreatedDate", '"2026-09-01T08:00:00.000Z"'),
    "a picklist with several values": ({"Tags__c": "red;blue"}, "Tags__c", '"red;blue"'),
    "a parent's field": ({}, "Owner.LastName", '"Integration"'),
    "a field of no parent": ({}, "Parent.Owner.Name", '""'),
    "a flag of no parent": ({}, "Parent.IsDeleted", '""'),
    "a moment of a parent": ({}, "CreatedBy.CreatedDate", '"2026-09-01T08:00:00.000Z"'),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "column", "text"), VALUES.values(), ids=VALUES)
def test_value_as_csv(bulk: Bulk, org: Org, fields: dict[str, Any], column: str, text: str) -> None:
    org.define_fields([{"sobject": "Account", "name": "Price__c", "type": "currency", "precision": 18, "scale": 2}])
    org.create_record("Account", {"Name": "A", **fields}, user=bulk.client.user_id)
    page = bulk.results(bulk.queried(f"SELECT {column} FROM Account")).encode().decode()
    assert page == f'"{column}"\n{text}\n'


def test_fields_of_a_polymorphic_parent(bulk: Bulk, org: Org) -> None:
    account = org.create_record("Account", {"Name": 'An "A"'})
    org.create_record("Task", {"Subject": "Call", "WhatId": account})
    job = bulk.queried("SELECT What.Type, What.Name, Who.Name, Owner.IsActive, Owner.Name FROM Task")
    [row] = rows_of(bulk.results(job))
    assert (row["What.Type"], row["What.Name"], row["Who.Name"]) == ("Account", 'An "A"', "")
    assert row["Owner.IsActive"] == "true"


def test_columns_are_named_as_they_are_spelt_in_the_org(bulk: Bulk) -> None:
    page = bulk.results(bulk.queried("SELECT id, name, owner.name FROM account"))
    assert page.encode() == b'"Id","Name","Owner.Name"\n'
    assert (page.headers["Sforce-NumberOfRecords"], page.headers["Sforce-Locator"]) == ("0", "null")
    assert page.content_type == "text/csv; charset=UTF-8"
    assert page.headers["Sforce-Limit-Info"].startswith("api-usage=")


def test_more_columns_than_an_expression_of_the_database_may_nest(bulk: Bulk, org: Org) -> None:
    many = [{"sobject": "Account", "name": f"F{n}__c", "type": "string", "length": 10} for n in range(600)]
    org.define_fields(many)
    org.create_record("Account", {"Name": "A", "F599__c": "last"})
    [row] = rows_of(bulk.results(bulk.queried(f"SELECT {', '.join(f['name'] for f in many)} FROM Account")))
    assert (len(row), row["F599__c"]) == (600, "last")


@pytest.mark.parametrize(
    ("name", "delimiter"),
    {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}.items(),
)
@pytest.mark.parametrize(("ending", "end"), {"LF": "\n", "CRLF": "\r\n"}.items())
def test_delimiters_and_line_endings(bulk: Bulk, org: Org, name: str, delimiter: str, ending: str, end: str) -> None:
    org.create_record("Account", {"Name": "A"})
    job = bulk.queried("SELECT Name, Phone FROM Account", columnDelimiter=name, lineEnding=ending)
    assert bulk.results(job).encode().decode() == f'"Name"{delimiter}"Phone"{end}"A"{delimiter}""{end}'


@pytest.fixture
def ten(bulk: Bulk, org: Org) -> Iterator[str]:
    """A job with ten rows."""
    org.load("Account", [{"Name": f"A{n}\n"} for n in range(10)])
    return bulk.queried("SELECT Name FROM Account ORDER BY Name")


def page_by_page(bulk: Bulk, job: str, **query: str) -> list[tuple[int, str, list[str]]]:
    """Rows, locator and names of every page."""
    found, locator = [], ""
    while locator != "null":
        page = bulk.results(job, **({"locator": locator} if locator else {}), **query)
        locator = page.headers["Sforce-Locator"]
        names = [r["Name"].strip() for r in rows_of(page)]
        found.append((int(page.headers["Sforce-NumberOfRecords"]), locator, names))
    return found


def test_pages_have_the_asked_number_of_records(bulk: Bulk, ten: str) -> None:
    pages = page_by_page(bulk, ten, maxRecords="4")
    assert [p[0] for p in pages] == [4, 4, 2]
    assert [n for p in pages for n in p[2]] == [f"A{n}" for n in range(10)]
    assert page_by_page(bulk, ten, maxRecords="4") == pages


def test_pages_are_bounded_by_size_whatever_is_asked(bulk: Bulk, ten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LARGEST_PAGE", 15)
    assert [p[0] for p in page_by_page(bulk, ten, maxRecords="10")] == [2] * 5
    monkeypatch.setattr(spool, "LARGEST_PAGE", 1)
    assert [p[0] for p in page_by_page(bulk, ten)] == [1] * 10


def test_pages_can_be_read_in_parallel(bulk: Bulk, ten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LARGEST_PAGE", 8)
    first = bulk.client.send("GET", f"jobs/query/{ten}/resultPages").body
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    second = bulk.client.send("GET", first["nextRecordsUrl"]).body
    assert (len(second["resultPages"]), second["done"], "nextRecordsUrl" in second) == (5, True, False)
    urls = [p["resultUrl"] for p in [*first["resultPages"], *second["resultPages"]]]
    names = [r["Name"] for url in urls for r in rows_of(bulk.client.send("GET", url))]
    assert names == [f"A{n}\n" for n in range(10)]


@pytest.mark.parametrize(
    "query", [{"locator": "nonsense"}, {"locator": "MTAw"}, {"maxRecords": "0"}, {"maxRecords": "x"}]
)
def test_pages_that_cannot_be(bulk: Bulk, ten: str, query: dict[str, str]) -> None:
    assert bulk.results(ten, **query).status == 400


@pytest.mark.parametrize("path", ["results", "resultPages"])
def test_results_want_the_version_of_the_job(bulk: Bulk, ten: str, path: str) -> None:
    assert bulk.client.send("GET", f"/services/data/v65.0/jobs/query/{ten}/{path}").status == 409
    assert bulk.client.send("GET", f"/services/data/v65.0/jobs/query/{ten}").status == 200


def test_pages_are_compressed_for_those_who_ask(bulk: Bulk, ten: str) -> None:
    plain, packed = bulk.results(ten), bulk.results(ten, headers={"accept-encoding": "gzip, deflate"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.encode()) == plain.encode()


def test_ledger_counts_the_rows_of_a_job_once(bulk: Bulk, org: Org, ten: str) -> None:
    page_by_page(bulk, ten, maxRecords="3")
    assert sum(e.rows_read for e in org.ledger.entries) == 10
    assert org.ledger.writes() == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), (0.1, "0.1"), (1e16, "10000000000000000.0"), (1.5e-7, "0.00000015"), (-2.0, "-2.0")],
)
def test_numbers_never_have_an_exponent(value: float | None, text: str | None) -> None:
    assert number_text(value) == text
