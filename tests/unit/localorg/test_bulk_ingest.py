"""Ingest jobs of Bulk API 2.0 (reference 3.2): their life, their five operations, and their three result files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bulk_client import Bulk, rows_of
from local_client import Client

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.bulk import ingest_routes, refusals
from connector.localorg.bulk.usage import ALLOCATIONS
from connector.localorg.faults import FOREVER, Fault
from connector.localorg.org import Clock, Org


@pytest.fixture
def bulk(client: Client) -> Bulk:
    return Bulk(client)


def accounts(org: Org, *fields: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(r[f] for f in fields) for r in org.records("Account"))


# --- what is refused when the job is made

REFUSED: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "an operation of query": ("query", "Account", {}, "INVALIDJOB"),
    "an object that does not exist": ("insert", "Acount", {}, "INVALIDENTITY"),
    "upsert by nothing": ("upsert", "Account", {}, "INVALIDJOB"),
    "upsert by a field that is no key": ("upsert", "Account", {"externalIdFieldName": "Name"}, "INVALIDJOB"),
    "upsert by a field that does not exist": ("upsert", "Account", {"externalIdFieldName": "Nope__c"}, "INVALIDJOB"),
    "another format": ("insert", "Account", {"contentType": "XML"}, "INVALIDJOB"),
    "a delimiter that does not exist": ("insert", "Account", {"columnDelimiter": "COLON"}, "INVALIDJOB"),
    "a line ending that does not exist": ("insert", "Account", {"lineEnding": "CR"}, "INVALIDJOB"),
    "an assignment rule": ("insert", "Lead", {"assignmentRuleId": "01Q000000000001AAA"}, "INVALIDJOB"),
    "a property that jobs do not have": ("insert", "Account", {"query": "SELECT Id FROM Account"}, "JSON_PARSER_ERROR"),
}


@pytest.mark.parametrize(("operation", "sobject", "properties", "code"), REFUSED.values(), ids=REFUSED)
def test_job_is_refused(bulk: Bulk, operation: str, sobject: str, properties: dict[str, Any], code: str) -> None:
    reply = bulk.create(operation, sobject, **properties)
    assert (reply.status, reply.body[0]["errorCode"]) == (400, code)


def test_hidden_objects_do_not_exist(bulk: Bulk, org: Org) -> None:
    org.hide_object(bulk.client.user_id, "Campaign")
    assert bulk.create("insert", "Campaign").body[0]["errorCode"] == "INVALIDENTITY"


def test_hard_delete_wants_a_permission(bulk: Bulk, org: Org) -> None:
    """Both answers (switch): no profile has the permission by default, and many integration users get it."""
    assert bulk.create("hardDelete").status == 200
    org.set_switches(bulk_hard_delete=False)
    assert bulk.create("hardDelete").body[0]["errorCode"] == "FEATURENOTENABLED"


# --- the life of a job


def test_answers_on_the_way_have_the_recorded_keys(bulk: Bulk) -> None:
    created = bulk.create("upsert", externalIdFieldName="ext__c").body
    job = created["id"]
    assert list(created) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "externalIdFieldName",
        "concurrencyMode", "contentType", "apiVersion", "contentUrl", "lineEnding", "columnDelimiter",
    ]  # fmt: skip
    assert created["externalIdFieldName"] == "Ext__c"
    assert created["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job}/batches"
    opened = bulk.poll("ingest", job)
    assert {"jobType", "contentUrl", "retries", "apexProcessingTime"} <= {*opened}
    assert "numberRecordsProcessed" not in opened
    uploaded = bulk.upload(job, "Ext__c,Name\nE,A\n")
    assert (uploaded.status, uploaded.encode()) == (201, b"")
    assert bulk.poll("ingest", job)["numberRecordsProcessed"] == 0
    closed = bulk.change(job, "UploadComplete").body
    assert closed["state"] == "UploadComplete"
    assert {"jobType", "contentUrl", "lineEnding"}.isdisjoint(closed)
    done = bulk.poll("ingest", job)
    assert (done["state"], done["jobType"], done["numberRecordsProcessed"]) == ("JobComplete", "V2Ingest", 1)
    assert (done["numberRecordsFailed"], "contentUrl" in done, "errorMessage" in done) == (0, False, False)


def test_nothing_is_written_before_the_job_is_closed(bulk: Bulk, org: Org) -> None:
    job = bulk.create("insert").body["id"]
    bulk.upload(job, "Name\nA\n")
    assert (bulk.poll("ingest", job)["state"], accounts(org, "Name")) == ("Open", [])
    assert bulk.client.send("GET", f"jobs/ingest/{job}/successfulResults").status == 204
    bulk.change(job, "UploadComplete")
    assert accounts(org, "Name") == [("A",)]


def test_one_upload_only(bulk: Bulk, org: Org) -> None:
    job = bulk.create("insert").body["id"]
    bulk.upload(job, "Name\nA\n")
    refused = bulk.upload(job, "Name\nB\n")
    assert (refused.status, refused.body[0]["errorCode"]) == (400, "INVALIDJOB")
    assert refused.body[0]["message"].startswith(f"Found multiple contents for job: <{job[:15]}>")
    bulk.change(job, "UploadComplete")
    assert accounts(org, "Name") == [("A",)]
    assert bulk.upload(job, "Name\nC\n").body[0]["errorCode"] == "INVALIDJOBSTATE"


def test_uploads_that_are_too_large_or_no_csv(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "LARGEST_UPLOAD", 16)
    job = bulk.create("insert").body["id"]
    assert bulk.upload(job, "Name\n" + "A" * 8).status == 400
    assert bulk.upload(job, "Name\nA", content_type="application/json").status == 415
    assert bulk.upload(job, "Name\n" + "A" * 7).status == 201


MULTIPART = """--B\r
Content-Type: application/json\r
Content-Disposition: form-data; name="job"\r
\r
{{"object": "Account", "operation": "insert"}}\r
--B\r
Content-Type: text/csv\r
Content-Disposition: form-data; name="content"; filename="content"\r
\r
{}\r
--B--\r
"""


def test_job_and_rows_in_one_request(bulk: Bulk, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    path, content_type = "/services/data/v66.0/jobs/ingest", 'multipart/form-data; boundary="B"'
    made = bulk.post_raw(path, content_type, MULTIPART.format("Name\nÄ\nB"))
    assert (made.status, made.body["state"], "contentUrl" in made.body) == (200, "UploadComplete", False)
    assert bulk.poll("ingest", made.body["id"])["numberRecordsProcessed"] == 2
    assert accounts(org, "Name") == [("B",), ("Ä",)]
    monkeypatch.setattr(ingest_routes, "MOST_MULTIPART", 5)
    assert bulk.post_raw(path, content_type, MULTIPART.format("Name\nC")).body[0]["errorCode"] == "CLIENTINPUTERROR"
    for broken in ("--B--", MULTIPART.replace('"content";', '"rows";'), "nothing"):
        assert bulk.post_raw(path, content_type, broken).status == 400
    assert len(org.records("Account")) == 2


def test_states_that_cannot_be_set(bulk: Bulk) -> None:
    job = bulk.loaded("insert", "Name\nA\n")
    assert bulk.change(job, "UploadComplete").body[0]["message"] == "Closing already Completed Job not allowed"
    assert bulk.change(job, "Aborted").body[0]["message"] == "Aborting already Completed Job not allowed"
    for state in ("Open", "InProgress", "JobComplete", "nonsense"):
        assert bulk.change(bulk.create("insert").body["id"], state).body[0]["errorCode"] == "INVALIDJOBSTATE"


def test_aborted_job_leaves_everything_unprocessed(bulk: Bulk, org: Org) -> None:
    job = bulk.create("insert").body["id"]
    bulk.upload(job, "Name\nA\nB\n")
    assert bulk.change(job, "Aborted").body["state"] == "Aborted"
    assert bulk.file(job, "unprocessedrecords") == [{"Name": "A"}, {"Name": "B"}]
    assert bulk.file(job, "successfulResults") == bulk.file(job, "failedResults") == []
    assert bulk.change(job, "UploadComplete").status == 400
    assert accounts(org, "Name") == []


def test_delete_is_for_jobs_that_were_closed(bulk: Bulk) -> None:
    opened, done = bulk.create("insert").body["id"], bulk.loaded("insert", "Name\nA\n")
    assert bulk.client.send("DELETE", f"jobs/ingest/{opened}").body[0]["errorCode"] == "INVALIDJOBSTATE"
    assert bulk.client.send("DELETE", f"jobs/ingest/{done}").status == 204
    assert [r["id"] for r in bulk.client.send("GET", "jobs/ingest").body["records"]] == [opened]
    assert bulk.client.send("GET", f"jobs/ingest/{done}/failedResults").status == 404


def test_result_files_are_named_without_regard_to_case(bulk: Bulk) -> None:
    job = bulk.loaded("insert", "Name\nA\n")
    for name in ("unprocessedrecords", "unprocessedRecords", "FAILEDRESULTS", "successfulResults/"):
        assert bulk.client.send("GET", f"jobs/ingest/{job}/{name}").status == 200
    assert bulk.client.send("GET", f"jobs/ingest/{job}/results").status == 404


def test_writes_are_in_the_ledger_where_they_happen(bulk: Bulk, org: Org) -> None:
    bulk.loaded("insert", "Name\nA\nB\n")
    assert [(e.method, e.rows_written) for e in org.ledger.writes()] == [("PATCH", 2)]


# --- what fails a whole job

FAILED: dict[str, tuple[str, str, str]] = {
    "a misspelt field": ("insert", "Nmae\nA\n", "InvalidBatch : Field name not found : Nmae"),
    "a BOM": ("insert", "\ufeffName\nA\n", "InvalidBatch : Field name not found : \ufeffName"),
    "an Id in an insert": ("insert", "Id,Name\n,A\n", "InvalidBatch : Field name not found : Id"),
    "no Id in an update": ("update", "Name\nA\n", "InvalidBatch : Field name not found : Id"),
    "no Id in a delete": ("delete", "Name\nA\n", "InvalidBatch : Field name not found : Id"),
    "more than the Id in a delete": (
        "delete",
        "Id,Name\n,A\n",
        "InvalidBatch : Only the column Id is allowed in a delete job : Name",
    ),
    "a column twice": ("insert", "Name,name\nA,B\n", "InvalidBatch : Duplicate column : name"),
    "an address": ("insert", "Name,BillingAddress\nA,B\n", "InvalidBatch : Field name not found : BillingAddress"),
    "a relationship that does not exist": (
        "insert",
        "Name,Boss.Ext__c\nA,B\n",
        "InvalidBatch : Unable to find relationship: Boss",
    ),
    "a parent by a field that is no key": (
        "insert",
        "Name,Parent.Industry\nA,B\n",
        "InvalidBatch : Field name not found : Parent.Industry",
    ),
    "a type that is not needed": (
        "insert",
        "Name,Account:Parent.Ext__c\nA,B\n",
        "InvalidBatch : type is not needed for non polymorphic foreign key references: Parent",
    ),
    "three parts with colons": (
        "insert",
        "Name,Account:Parent:Ext__c\nA,B\n",
        "InvalidBatch : Field name not found : Account:Parent:Ext__c",
    ),
    "relationship and type mixed up": (
        "insert",
        "Name,Parent:Account.Ext__c\nA,B\n",
        "InvalidBatch : Unable to find relationship: Account",
    ),
    "wrong line endings": (
        "insert",
        "Name\r\nA\r\n",
        "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
    ),
    "nothing": ("insert", "", "InvalidBatch : Records not found"),
}


@pytest.mark.parametrize(("operation", "text", "message"), FAILED.values(), ids=FAILED)
def test_file_fails_the_job(bulk: Bulk, org: Org, operation: str, text: str, message: str) -> None:
    job = bulk.loaded(operation, text)
    polled = bulk.poll("ingest", job)
    assert (polled["state"], polled["errorMessage"]) == ("Failed", message)
    assert (polled["numberRecordsProcessed"], polled["numberRecordsFailed"]) == (0, 0)
    assert accounts(org, "Name") == []
    assert bulk.file(job, "failedResults") == []
    unprocessed = bulk.client.send("GET", f"jobs/ingest/{job}/unprocessedrecords").encode()
    assert unprocessed.count(b"\n") == text.count("\n")


def test_hidden_field_is_not_found(bulk: Bulk, org: Org) -> None:
    org.hide_field(bulk.client.user_id, "Account", "Stage__c")
    job = bulk.loaded("insert", "Name,Stage__c\nA,Launched\n")
    assert bulk.poll("ingest", job)["errorMessage"] == "InvalidBatch : Field name not found : Stage__c"


def test_job_without_upload_fails(bulk: Bulk) -> None:
    job = bulk.create("insert").body["id"]
    bulk.change(job, "UploadComplete")
    assert bulk.poll("ingest", job)["state"] == "Failed"


LIMITS: dict[str, tuple[str, str, str]] = {
    "a value of 32,001 characters": (
        "Name,Description",
        "A," + "x" * 32_001,
        "Row 1 has 32001 characters in Description; the limit is 32000",
    ),
    "a record of 400,001 characters": (
        "Name," + ",".join(f"T{n}__c" for n in range(13)),
        "A," + ",".join(["x" * 30_800] * 13),
        "Row 1 has 400401 characters; the limit is 400000",
    ),
}


@pytest.mark.parametrize(("header", "row", "text"), LIMITS.values(), ids=LIMITS)
def test_limits_of_a_record(bulk: Bulk, org: Org, header: str, row: str, text: str) -> None:
    """Bulk API 2.0 limits for ingest jobs: 32,000 characters in a field, 400,000 in a record."""
    long = {"sobject": "Account", "type": "textarea", "length": 32_000}
    org.define_fields([{**long, "name": f"T{n}__c"} for n in range(13)])
    job = bulk.loaded("insert", f"{header}\n{row}\n")
    polled = bulk.poll("ingest", job)
    assert (polled["state"], polled["errorMessage"]) == ("Failed", f"InvalidBatch : Failed to parse CSV. {text}")
    assert accounts(org, "Name") == []


def test_rich_texts_may_be_longer(bulk: Bulk, org: Org) -> None:
    org.define_fields([{"sobject": "Account", "name": "Rich__c", "type": "textarea", "length": 131_072}])
    job = bulk.loaded("insert", "Name,Rich__c\nA," + "x" * 131_072 + "\n")
    assert bulk.poll("ingest", job)["state"] == "JobComplete"


def test_limit_of_columns(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.localorg.bulk.columns.MOST_COLUMNS", 1)
    job = bulk.loaded("insert", "Name,Phone\nA,1\n")
    assert bulk.poll("ingest", job)["errorMessage"].endswith("2 columns exceed the limit of 1")


def test_batches_of_a_day(bulk: Bulk, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch for every 10,000 records; a job that finds none left fails, with the rest unprocessed (documented)."""
    monkeypatch.setattr("connector.localorg.bulk.usage.ROWS_PER_BATCH", 2)
    monkeypatch.setattr("connector.localorg.bulk.load.ROWS_PER_BATCH", 2)
    monkeypatch.setitem(ALLOCATIONS, "batches", 3)
    bulk.loaded("insert", "Name\nA\nB\nC\n")
    assert bulk.client.send("GET", "limits").body["DailyBulkApiBatches"] == {"Max": 3, "Remaining": 1}
    job = bulk.loaded("insert", "Name\nD\nE\nF\n")
    polled = bulk.poll("ingest", job)
    assert (polled["state"], polled["errorMessage"][:13]) == ("Failed", "ExceededQuota")
    assert (polled["numberRecordsProcessed"], polled["numberRecordsFailed"]) == (2, 0)
    assert [r["Name"] for r in bulk.file(job, "unprocessedrecords")] == ["F"]
    org.clock.advance(timedelta(hours=24))
    bulk.client.token = org.issue_token(bulk.client.user_id)
    assert bulk.poll("ingest", bulk.loaded("insert", "Name\nG\n"))["state"] == "JobComplete"


def test_results_come_batch_by_batch_in_no_order_of_the_upload(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client has to tell rows by a key of its own (reference 3.2: row order is not preserved)."""
    monkeypatch.setattr("connector.localorg.bulk.results.ROWS_PER_BATCH", 2)
    job = bulk.loaded("insert", "Name,Phone\nA,1\nB,2\n,3\nD,4\n,5\n")
    assert [r["Name"] for r in bulk.file(job, "successfulResults")] == ["D", "A", "B"]
    assert [r["Phone"] for r in bulk.file(job, "failedResults")] == ["5", "3"]


def test_ingest_jobs_travel_with_a_snapshot(bulk: Bulk, org: Org) -> None:
    done = bulk.loaded("insert", "Name,Score__c\nA,many\nB,1\n")
    opened = bulk.create("insert").body["id"]
    bulk.upload(opened, "Name\nC\n")
    twin = Org.restore(org.snapshot(), clock=Clock(org.clock.now()))
    other = Bulk(Client(twin, LocalOrgApp(twin), bulk.client.token, bulk.client.user_id))
    for name in ("successfulResults", "failedResults", "unprocessedrecords"):
        assert other.file(done, name) == bulk.file(done, name)
    assert other.change(opened, "UploadComplete").status == 200
    assert [r["Name"] for r in other.file(opened, "successfulResults")] == ["C"]
    assert bulk.poll("ingest", opened)["state"] == "Open"


# --- rows

ROW_ERRORS: dict[str, tuple[str, str]] = {
    "no name": ("Name,Phone\n,1\n", "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"),
    "a picklist value": (
        "Name,Stage__c\nA,Won\n",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Stage__c: bad value for restricted picklist field: Won:Stage__c --",
    ),
    "no number": (
        "Name,Score__c\nA,many\n",
        "INVALID_TYPE_ON_FIELD_IN_RECORD:Score__c: value not of required type: many:Score__c --",
    ),
    "no checkbox": (
        "LastName,HasOptedOutOfEmail\nA,maybe\n",
        "INVALID_TYPE_ON_FIELD_IN_RECORD:Email Opt Out: value not of required type: maybe:HasOptedOutOfEmail --",
    ),
    "a system field": (
        "Name,CreatedDate\nA,2026-01-01T00:00:00Z\n",
        "INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: CreatedDate.",
    ),
    "a parent that does not exist": (
        "Name,Parent.Ext__c\nA,E-9\n",
        "INVALID_FIELD:Foreign key external ID: E-9 not found for field Ext__c in entity Account:--",
    ),
    "an owner that is no id": (
        "Name,OwnerId\nA,me\n",
        "MALFORMED_ID:Owner ID: id value of incorrect type: me:OwnerId --",
    ),
}


@pytest.mark.parametrize(("text", "error"), ROW_ERRORS.values(), ids=ROW_ERRORS)
def test_row_is_refused_and_its_neighbours_are_written(bulk: Bulk, org: Org, text: str, error: str) -> None:
    header = text.split("\n", 1)[0]
    good = f"Good{',' * header.count(',')}\n"
    sobject = "Contact" if header.startswith("LastName") else "Account"
    job = bulk.loaded("insert", text + good, sobject)
    polled = bulk.poll("ingest", job)
    assert (polled["state"], polled["numberRecordsProcessed"], polled["numberRecordsFailed"]) == ("JobComplete", 2, 1)
    [found] = bulk.errors(job)
    assert found.startswith(error)
    assert [r["Name"] for r in org.records(sobject)] == ["Good"]


def test_result_files_repeat_what_was_uploaded(bulk: Bulk, org: Org) -> None:
    """Recorded: the columns of Salesforce are quoted, the header of the upload comes back as it was written."""
    text = 'name;"Phone"\r\n"A ""B"";";1\r\n;2\r\n'
    job = bulk.loaded("insert", text, columnDelimiter="SEMICOLON", lineEnding="CRLF")
    [record] = org.records("Account")
    reply = bulk.client.send("GET", f"jobs/ingest/{job}/successfulResults")
    assert reply.content_type == "text/csv; charset=UTF-8"
    assert reply.encode().decode() == (
        f'"sf__Id";"sf__Created";name;"Phone"\r\n"{record["Id"]}";"true";"A ""B"";";"1"\r\n'
    )
    [failed] = bulk.file(job, "failedResults", ";")
    assert (failed["sf__Id"], failed["name"], failed["Phone"]) == ("", "", "2")
    assert bulk.client.send("GET", f"jobs/ingest/{job}/unprocessedrecords").encode() == b'name;"Phone"\r\n'


def test_empty_cells_of_an_insert_are_defaults_and_checkboxes_false(bulk: Bulk, org: Org) -> None:
    org.define_fields(
        [
            {"sobject": "Account", "name": "Vip__c", "type": "boolean", "defaultValue": True},
            {"sobject": "Account", "name": "Level__c", "type": "string", "length": 9, "defaultValue": "basic"},
        ]
    )
    bulk.loaded("insert", "Name,Vip__c,Level__c\nEmpty,,\nSet,TRUE,gold\n")
    bulk.loaded("insert", "Name\nAbsent\n")
    bulk.loaded("upsert", "Ext__c,Name,Vip__c\nE-1,Upserted,\n", externalIdFieldName="Ext__c")
    assert accounts(org, "Name", "Vip__c", "Level__c") == [
        ("Absent", True, "basic"), ("Empty", False, "basic"), ("Set", True, "gold"), ("Upserted", False, "basic"),
    ]  # fmt: skip


def test_empty_cells_of_an_update_change_nothing(bulk: Bulk, org: Org) -> None:
    record = org.create_record("Account", {"Name": "A", "Phone": "1", "Industry": "Energy", "Score__c": 2})
    job = bulk.loaded("update", f"Id,Phone,Industry,Score__c\n{record[:15]},,#N/A,3.5\n")
    assert accounts(org, "Phone", "Industry", "Score__c") == [("1", None, 3.5)]
    [row] = bulk.file(job, "successfulResults")
    assert (row["sf__Id"], row["sf__Created"], row["Id"]) == (record, "false", record[:15])


def test_upsert_of_a_checkbox_leaves_an_existing_record_alone(bulk: Bulk, org: Org) -> None:
    org.define_fields([{"sobject": "Account", "name": "Vip__c", "type": "boolean"}])
    org.create_record("Account", {"Name": "A", "Ext__c": "E", "Vip__c": True})
    bulk.loaded("upsert", "Ext__c,Vip__c,Phone\nE,,2\n", externalIdFieldName="Ext__c")
    assert accounts(org, "Vip__c", "Phone") == [(True, "2")]


def test_required_field_cannot_be_emptied(bulk: Bulk, org: Org) -> None:
    record = org.create_record("Account", {"Name": "A"})
    job = bulk.loaded("update", f"Id,Name\n{record},#N/A\n")
    assert bulk.errors(job)[0].startswith("REQUIRED_FIELD_MISSING:")
    assert bulk.file(job, "failedResults")[0]["sf__Id"] == record


def test_values_of_every_type(bulk: Bulk, org: Org) -> None:
    contact = org.create_record("Contact", {"LastName": "C"})
    text = (
        "Subject,ActivityDate,IsReminderSet,ReminderDateTime,WhoId\n"
        f'"Call, now",2026-09-30,true,2026-09-29T10:00:00+02:00,{contact}\n'
    )
    assert bulk.errors(bulk.loaded("insert", text, "Task")) == []
    [task] = org.records("Task")
    assert (task["Subject"], str(task["ActivityDate"]), task["IsReminderSet"]) == ("Call, now", "2026-09-30", True)
    assert (task["ReminderDateTime"].isoformat(), task["WhoId"]) == ("2026-09-29T08:00:00+00:00", contact)


def test_parents_by_external_id(bulk: Bulk, org: Org) -> None:
    parent = org.create_record("Account", {"Name": "Parent", "Ext__c": "E-1"})
    owner = org.add_user("owner@example.com", Email="owner@example.com")
    bulk.loaded("insert", "Name,Parent.Ext__c,Owner.Username\nChild,E-1,owner@example.com\nAlone,,\n")
    assert accounts(org, "Name", "ParentId", "OwnerId")[1] == ("Child", parent, owner)
    child = next(r["Id"] for r in org.records("Account", {"Name": "Child"}))
    bulk.loaded("update", f"Id,Parent.Ext__c\n{child},#N/A\n")
    assert org.records("Account", {"Id": child})[0]["ParentId"] is None


def test_polymorphic_parents_name_their_type(bulk: Bulk, org: Org) -> None:
    account = org.create_record("Account", {"Name": "A", "Ext__c": "E-1"})
    assert bulk.errors(bulk.loaded("insert", "Subject,Account:What.Ext__c\nCall,E-1\n", "Task")) == []
    assert org.records("Task")[0]["WhatId"] == account
    for header in ("What.Ext__c", "User:What.Username"):
        job = bulk.loaded("insert", f"Subject,{header}\nCall,E-1\n", "Task")
        assert "type is needed for polymorphic" in bulk.poll("ingest", job)["errorMessage"]


def test_upsert_creates_updates_and_refuses(bulk: Bulk, org: Org) -> None:
    old = org.create_record("Account", {"Name": "Old", "Legacy__c": "1"})
    for name in "XY":
        org.create_record("Account", {"Name": name, "Legacy__c": "7"})
    text = "Legacy__c,Name\n1,Changed\n2,New\n7,Several\n,Keyless\n2,Twin\n"
    job = bulk.loaded("upsert", text, externalIdFieldName="Legacy__c")
    written = {r["Name"]: r for r in bulk.file(job, "successfulResults")}
    assert {n: r["sf__Created"] for n, r in written.items()} == {"Changed": "false", "New": "true"}
    assert written["Changed"]["sf__Id"] == old
    assert [e.split(":")[0] for e in bulk.errors(job)] == [
        "DUPLICATE_EXTERNAL_ID",
        "MISSING_ARGUMENT",
        "DUPLICATE_VALUE",
    ]


def test_upsert_by_one_key_does_not_take_another(bulk: Bulk, org: Org) -> None:
    old = org.create_record("Account", {"Name": "Old"})
    job = bulk.loaded("upsert", f"Ext__c,Id,Name\nE-1,{old},Changed\nE-2,,New\n", externalIdFieldName="Ext__c")
    assert bulk.errors(job) == ["INVALID_FIELD:The Id field should not be specified in the sobject data.:--"]
    assert accounts(org, "Name") == [("New",), ("Old",)]


def test_upsert_by_id(bulk: Bulk, org: Org) -> None:
    old = org.create_record("Account", {"Name": "Old"})
    job = bulk.loaded("upsert", f"Id,Name\n{old},Changed\n,New\n001000000000001AAA,Lost\n", externalIdFieldName="Id")
    assert accounts(org, "Name") == [("Changed",), ("New",)]
    assert [e.split(":")[0] for e in bulk.errors(job)] == ["INVALID_CROSS_REFERENCE_KEY"]


def test_the_same_key_is_refused_within_a_chunk_of_200_only(bulk: Bulk, org: Org) -> None:
    rows = [f"E-{n},A{n}" for n in range(200)]
    job = bulk.loaded("upsert", "\n".join(["Ext__c,Name", *rows, "e-0,Later"]), externalIdFieldName="Ext__c")
    assert (bulk.errors(job), len(org.records("Account"))) == ([], 200)
    twice = bulk.loaded("upsert", "\n".join(["Ext__c,Name", *rows[:198], "E-0,Soon"]), externalIdFieldName="Ext__c")
    assert bulk.errors(twice) == ["DUPLICATE_VALUE:Duplicate external id specified: E-0:Ext__c --"]


def test_the_same_id_twice_is_refused(bulk: Bulk, org: Org) -> None:
    record = org.create_record("Account", {"Name": "A"})
    job = bulk.loaded("update", f"Id,Phone\n{record},1\n{record[:15]},2\n")
    assert bulk.errors(job) == [f"DUPLICATE_VALUE:Duplicate id specified: {record}:Id --"]
    assert accounts(org, "Phone") == [("1",)]


def test_deletes(bulk: Bulk, org: Org) -> None:
    live, gone = (org.create_record("Account", {"Name": n}) for n in ("Live", "Gone"))
    org.delete_record("Account", gone)
    job = bulk.loaded("delete", f'id\n{live}\n{gone}\n001000000000001AAA\nnonsense\n""\n')
    assert [r["sf__Id"] for r in bulk.file(job, "successfulResults")] == [live]
    codes = [e.split(":")[0] for e in bulk.errors(job)]
    assert codes == ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "MISSING_ARGUMENT"]
    assert [r["IsDeleted"] for r in org.records("Account", include_deleted=True)] == [True, True]


def test_delete_that_is_refused_half_way_leaves_everything_as_it_was(bulk: Bulk, org: Org) -> None:
    """A Case holds its Contact, and so the Account above it; the Asset that would go first stays."""
    account = org.create_record("Account", {"Name": "Held"})
    org.create_record("Asset", {"Name": "Lift", "AccountId": account})
    contact = org.create_record("Contact", {"LastName": "C", "AccountId": account})
    org.load("Case", [{"Subject": "Help", "ContactId": contact}])
    job = bulk.loaded("delete", f"Id\n{account}\n")
    assert [e.split(":")[0] for e in bulk.errors(job)] == ["DELETE_FAILED"]
    assert len(org.records("Asset")) == 1


def test_hard_delete_leaves_nothing_behind(bulk: Bulk, org: Org) -> None:
    account = org.create_record("Account", {"Name": "A"})
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": account}
    org.create_record("Opportunity", deal)
    bulk.loaded("hardDelete", f"Id\n{account}\n")
    for sobject in ("Account", "Opportunity"):
        assert org.records(sobject, include_deleted=True) == []


def test_campaign_members_by_key(bulk: Bulk, org: Org) -> None:
    """Rules of the platform apply as everywhere: one membership a person, derived response."""
    contact, campaign = (
        org.create_record("Contact", {"LastName": "C"}),
        org.create_record("Campaign", {"Name": "Welcome"}),
    )
    row = f"{campaign},{contact},Responded\n"
    job = bulk.loaded("insert", f"CampaignId,ContactId,Status\n{row}{row}", "CampaignMember")
    assert bulk.errors(job) == ["DUPLICATE_VALUE:Already a campaign member.:--"]
    assert [r["HasResponded"] for r in org.records("CampaignMember")] == [True]


# --- faults


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("row_lock", "UNABLE_TO_LOCK_ROW"),
        ("row_error", "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        ("maintenance", "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"),
    ],
)
def test_row_faults_strike_the_rows_of_a_job(bulk: Bulk, org: Org, kind: Any, code: str) -> None:
    org.faults.add(Fault(kind, path="jobs/ingest", row="Poison"))
    job = bulk.loaded("insert", "Name\nA\nPoison\nB\n")
    assert [e.split(":")[0] for e in bulk.errors(job)] == [code]
    assert accounts(org, "Name") == [("A",), ("B",)]
    assert bulk.errors(bulk.loaded("insert", "Name\nPoison\n")) == []


def test_row_fault_without_a_row_strikes_all_of_one_job(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("row_lock", path="jobs/ingest", times=FOREVER))
    assert len(bulk.errors(bulk.loaded("insert", "Name\nA\nB\n"))) == 2


def test_apex_limit_takes_its_chunk_along(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("apex_limit", path="jobs/ingest", row="Poison"))
    rows = [*(f"A{n}" for n in range(250)), "Poison"]
    job = bulk.loaded("insert", "\n".join(["Name", *rows]))
    assert (len(bulk.errors(job)), len(org.records("Account"))) == (51, 200)


def test_job_that_fails_half_way_keeps_what_it_wrote(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("job_failed", path="jobs/ingest", after_rows=2, message="InternalServerError : 1"))
    job = bulk.loaded("insert", "Name\nA\n#N/A\nC\nD\n")
    polled = bulk.poll("ingest", job)
    assert (polled["state"], polled["errorMessage"]) == ("Failed", "InternalServerError : 1")
    assert (polled["numberRecordsProcessed"], polled["numberRecordsFailed"]) == (2, 1)
    assert bulk.file(job, "unprocessedRecords") == [{"Name": "C"}, {"Name": "D"}]
    assert accounts(org, "Name") == [("A",)]


def test_job_that_waits_writes_when_it_runs(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("job_queued", path="jobs/ingest", polls=1))
    org.faults.add(Fault("job_slow", path="jobs/ingest", polls=1))
    job = bulk.loaded("insert", "Name\nA\n")
    states = [(bulk.poll("ingest", job)["state"], len(org.records("Account"))) for _ in range(3)]
    assert states == [("UploadComplete", 0), ("InProgress", 0), ("JobComplete", 1)]


def test_waiting_job_can_be_aborted(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("job_queued", path="jobs/ingest"))
    job = bulk.loaded("insert", "Name\nA\n")
    assert bulk.client.send("GET", f"jobs/ingest/{job}/unprocessedrecords").status == 204
    bulk.change(job, "Aborted")
    assert (bulk.file(job, "unprocessedrecords"), org.records("Account")) == ([{"Name": "A"}], [])


def test_waiting_job_is_run_in_the_name_of_its_maker(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("job_queued", path="jobs/ingest", polls=1))
    job = bulk.loaded("insert", "Name\nA\n")
    looker = Bulk(Client(org, bulk.client.app, org.issue_token(), org.admin_id))
    assert [looker.poll("ingest", job)["state"] for _ in range(2)] == ["UploadComplete", "JobComplete"]
    assert org.records("Account")[0]["CreatedById"] == bulk.client.user_id
    assert org.ledger.entries[-1].rows_written == 1


def test_job_aborted_by_somebody_and_job_expired(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("job_aborted", path="jobs/ingest"))
    job = bulk.loaded("insert", "Name\nA\n")
    assert (bulk.poll("ingest", job)["state"], org.records("Account")) == ("Aborted", [])
    assert bulk.file(job, "unprocessedrecords") == [{"Name": "A"}]
    org.faults.add(Fault("job_expired", path="jobs/ingest"))
    gone = bulk.loaded("insert", "Name\nB\n")
    assert bulk.client.send("GET", f"jobs/ingest/{gone}").status == 404
    assert accounts(org, "Name") == [("B",)]


def test_lost_answer_to_the_close_leaves_the_rows_written(bulk: Bulk, org: Org) -> None:
    org.faults.add(Fault("reset_after", method="PATCH"))
    job = bulk.create("insert").body["id"]
    bulk.upload(job, "Name\nA\n")
    bulk.change(job, "UploadComplete")
    assert (bulk.poll("ingest", job)["state"], accounts(org, "Name")) == ("JobComplete", [("A",)])


def test_results_are_compressed_for_those_who_ask(bulk: Bulk) -> None:
    job = bulk.loaded("insert", "Name\nA\n")
    path = f"jobs/ingest/{job}/failedResults"
    packed = bulk.client.send("GET", path, headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert rows_of(bulk.client.send("GET", path)) == []
