"""What a client may rely on in Bulk API 2.0, over HTTP: answers, headers, result files, refusals (reference 3)."""

from __future__ import annotations

import csv
import gzip
import io
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from connector.localorg.faults import Fault

POLL_SECONDS = {True: 0.0, False: 2.0}
LONGEST_WAIT = 300.0


class Bulk:
    """Bulk 2.0 over requests, for any org."""

    def __init__(self, target: Any) -> None:
        self.target = target
        self.tag = uuid4().hex

    def create(self, kind: str, **properties: Any) -> requests.Response:
        reply: requests.Response = self.target.send("POST", f"jobs/{kind}", json=properties)
        return reply

    def wait(self, kind: str, job: str) -> dict[str, Any]:
        """Poll until the job has ended."""
        until = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < until:
            polled: dict[str, Any] = self.target.send("GET", f"jobs/{kind}/{job}").json()
            if polled["state"] in ("JobComplete", "Failed", "Aborted"):
                return polled
            time.sleep(POLL_SECONDS[self.target.org is not None])
        raise AssertionError(f"job {job} has not ended after {LONGEST_WAIT} seconds")

    def query(self, soql: str, **properties: Any) -> str:
        """Run a query job to its end."""
        job: str = self.create("query", operation="query", query=soql, **properties).json()["id"]
        assert self.wait("query", job)["state"] == "JobComplete"
        return job

    def load(self, operation: str, data: str, **properties: Any) -> dict[str, Any]:
        """Run an ingest job of accounts to its end."""
        job = self.create("ingest", object="Account", operation=operation, **properties).json()
        headers = {"Content-Type": "text/csv; charset=UTF-8"}
        uploaded = self.target.send("PUT", f"/{job['contentUrl']}", data=data.encode(), headers=headers)
        assert (uploaded.status_code, uploaded.content) == (201, b"")
        closed = self.target.send("PATCH", f"jobs/ingest/{job['id']}", json={"state": "UploadComplete"})
        assert (closed.status_code, closed.json()["state"]) == (200, "UploadComplete")
        return self.wait("ingest", job["id"])

    def file(self, job: str, name: str) -> list[dict[str, str]]:
        reply = self.target.send("GET", f"jobs/ingest/{job}/{name}", headers={"Accept": "text/csv"})
        assert reply.status_code == 200, reply.text
        return rows_of(reply)

    def insert(self, *names: str) -> list[str]:
        """Insert accounts that are deleted when the test ends; their ids in no certain order."""
        done = self.load("insert", "Name,Site\n" + "".join(f'"{n}",{self.tag}\n' for n in names))
        ids = [r["sf__Id"] for r in self.file(done["id"], "successfulResults")]
        self.target.made += [f"sobjects/Account/{i}" for i in ids]
        return ids

    def own(self, fields: str) -> str:
        """SOQL for this test's accounts."""
        return f"SELECT {fields} FROM Account WHERE Site = '{self.tag}'"


def rows_of(reply: requests.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))


@pytest.fixture
def bulk(target: Any) -> Iterator[Bulk]:
    return Bulk(target)


def test_query_job_from_creation_to_deletion(bulk: Bulk, target: Any) -> None:
    names = ['A "quoted" one', "Zeile 1\nZeile 2", "Ωmega 🦄"]
    bulk.insert(*(n.replace('"', '""') for n in names))
    created = bulk.create("query", operation="query", query=bulk.own("Id, Name, CreatedDate, IsDeleted, ParentId"))
    assert created.status_code == 200
    job = created.json()
    assert (job["state"], job["object"], job["operation"], "jobType" in job) == (
        "UploadComplete",
        "Account",
        "query",
        False,
    )
    polled = bulk.wait("query", job["id"])
    assert (polled["jobType"], polled["numberRecordsProcessed"], polled["retries"]) == ("V2Query", 3, 0)
    page = target.send("GET", f"jobs/query/{job['id']}/results", headers={"Accept": "text/csv"})
    assert page.headers["Content-Type"].startswith("text/csv")
    assert (page.headers["Sforce-NumberOfRecords"], page.headers["Sforce-Locator"]) == ("3", "null")
    assert page.headers["Sforce-Limit-Info"].startswith("api-usage=")
    assert page.content.startswith(b'"Id","Name","CreatedDate","IsDeleted","ParentId"\n')
    rows = rows_of(page)
    assert sorted(r["Name"] for r in rows) == sorted(names)
    assert {(r["CreatedDate"][-5:], r["IsDeleted"], r["ParentId"]) for r in rows} == {(".000Z", "false", "")}
    assert target.send("DELETE", f"jobs/query/{job['id']}").status_code == 204
    assert target.send("GET", f"jobs/query/{job['id']}").status_code == 404


def test_pages_can_be_read_again(bulk: Bulk, target: Any) -> None:
    bulk.insert(*(f"A{n}" for n in range(5)))
    job = bulk.query(bulk.own("Name"))
    first = target.send("GET", f"jobs/query/{job}/results", params={"maxRecords": 2})
    locator = first.headers["Sforce-Locator"]
    assert locator != "null"
    second, again = (
        target.send("GET", f"jobs/query/{job}/results", params={"maxRecords": 2, "locator": locator}) for _ in "12"
    )
    assert first.headers["Sforce-NumberOfRecords"] == second.headers["Sforce-NumberOfRecords"] == "2"
    assert (second.content, second.headers["Sforce-Locator"]) == (again.content, again.headers["Sforce-Locator"])
    assert first.content.splitlines()[0] == second.content.splitlines()[0]


def test_results_are_packed_for_those_who_ask(bulk: Bulk, target: Any) -> None:
    bulk.insert("A")
    job = bulk.query(bulk.own("Name"))
    packed = target.send("GET", f"jobs/query/{job}/results", headers={"Accept-Encoding": "gzip"})
    plain = target.send("GET", f"jobs/query/{job}/results", headers={"Accept-Encoding": "identity"})
    assert packed.headers.get("Content-Encoding") == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content == b'"Name"\n"A"\n'


def test_results_want_the_version_of_the_job(bulk: Bulk, target: Any) -> None:
    job = bulk.query(bulk.own("Id"))
    assert target.send("GET", f"/services/data/v65.0/jobs/query/{job}/results").status_code == 409


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT COUNT() FROM Account",
        "SELECT Name, COUNT(Id) FROM Account GROUP BY Name",
        "SELECT Id FROM Account LIMIT 1 OFFSET 1",
        "SELECT BillingAddress FROM Account",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT Id FROM TaskStatus",
        "SELECT Nope__c FROM Account",
        "SELECT Id FROM",
    ],
)
def test_query_is_refused(bulk: Bulk, soql: str) -> None:
    refused = bulk.create("query", operation="query", query=soql)
    assert refused.status_code == 400
    assert {"errorCode", "message"} <= {*refused.json()[0]}


def test_ingest_tells_what_became_of_every_row(bulk: Bulk, target: Any) -> None:
    done = bulk.load("insert", f'Name,Site,NumberOfEmployees\n"A, 1",{bulk.tag},7\n,{bulk.tag},8\n')
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == ("JobComplete", 2, 1)
    [written] = bulk.file(done["id"], "successfulResults")
    target.made.append(f"sobjects/Account/{written['sf__Id']}")
    assert (written["sf__Created"], written["Name"], written["NumberOfEmployees"]) == ("true", "A, 1", "7")
    [failed] = bulk.file(done["id"], "failedResults")
    assert failed["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert (failed["sf__Id"], failed["NumberOfEmployees"]) == ("", "8")
    assert bulk.file(done["id"], "unprocessedrecords") == []
    assert target.send("DELETE", f"jobs/ingest/{done['id']}").status_code == 204


def test_update_and_delete(bulk: Bulk, target: Any) -> None:
    kept, emptied = bulk.insert("A", "B")
    bulk.load("update", f"Id,Phone,Industry\n{kept},1,Energy\n{emptied},1,Energy\n")
    bulk.load("update", f"Id,Phone,Industry\n{kept},,Banking\n{emptied},#N/A,Banking\n")
    found = {
        r["Id"]: (r["Phone"], r["Industry"]) for r in target.query(bulk.own("Id, Phone, Industry")).json()["records"]
    }
    assert found == {kept: ("1", "Banking"), emptied: (None, "Banking")}
    done = bulk.load("delete", f"Id\n{kept}\n")
    assert [r["sf__Id"] for r in bulk.file(done["id"], "successfulResults")] == [kept]
    gone = bulk.load("delete", f"Id\n{kept}\n")
    assert bulk.file(gone["id"], "failedResults")[0]["sf__Error"].startswith("ENTITY_IS_DELETED:")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("Nope__c\n1\n", "InvalidBatch : Field name not found : Nope__c"),
        ("Name\r\nA\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"),
    ],
    ids=["a header without field", "another line ending"],
)
def test_file_fails_the_job(bulk: Bulk, data: str, message: str) -> None:
    done = bulk.load("insert", data)
    assert (done["state"], done["errorMessage"]) == ("Failed", message)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (0, 0)


def test_done_jobs_cannot_be_aborted(bulk: Bulk, target: Any) -> None:
    job = bulk.query(bulk.own("Id"))
    refused = target.send("PATCH", f"jobs/query/{job}", json={"state": "Aborted"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")


def test_open_job_is_aborted(bulk: Bulk, target: Any) -> None:
    job = bulk.create("ingest", object="Account", operation="insert").json()["id"]
    aborted = target.send("PATCH", f"jobs/ingest/{job}", json={"state": "Aborted"})
    assert (aborted.status_code, aborted.json()["state"]) == (200, "Aborted")
    assert target.send("DELETE", f"jobs/ingest/{job}").status_code == 204


# --- the local org alone


def test_page_that_breaks_off_is_seen_by_the_client(local: Any) -> None:
    local.org.load("Account", [{"Name": f"A{n}"} for n in range(500)])
    bulk = Bulk(local)
    job = bulk.query("SELECT Id, Name FROM Account")
    local.org.faults.add(Fault("truncated", path="results"))
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        local.send("GET", f"jobs/query/{job}/results", headers={"Accept-Encoding": "identity"})
    assert len(rows_of(local.send("GET", f"jobs/query/{job}/results"))) == 500


def test_upload_may_be_packed(local: Any) -> None:
    bulk = Bulk(local)
    job = bulk.create("ingest", object="Account", operation="insert").json()
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    local.send("PUT", f"/{job['contentUrl']}", data=gzip.compress(b"Name\nA\n"), headers=headers)
    local.send("PATCH", f"jobs/ingest/{job['id']}", json={"state": "UploadComplete"})
    assert [r["Name"] for r in local.org.records("Account")] == ["A"]


def test_job_faults_by_the_admin_endpoint(local: Any) -> None:
    fault = {"kind": "job_failed", "path": "jobs/ingest", "after_rows": 1, "message": "InternalServerError : 1"}
    assert local.send("POST", "/__local__/faults", json=fault).status_code == 200
    bulk = Bulk(local)
    done = bulk.load("insert", "Name\nA\nB\n")
    assert (done["state"], done["errorMessage"]) == ("Failed", "InternalServerError : 1")
    assert [r["Name"] for r in bulk.file(done["id"], "unprocessedrecords")] == ["B"]
