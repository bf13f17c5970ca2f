"""Query jobs on the wire: what is sent, what each answer means, and which bodies are taken for whole."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from connector.errors import FixFirst, RetryLater
from connector.salesforce import AllowanceUsed, BeginAgain, NotByBulk, NotComplete, OrgRefused, QueryJob
from connector.store.spool import read_csv

if TYPE_CHECKING:
    from conftest import Wire

JOB = "750000000000001AAA"
CSV = b'"Id"\n"001000000000001AAA"\n'
RESULTS = f"jobs/query/{JOB}/results"


def refused(code: str, message: str = "no") -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message}]


def told(state: str, **more: Any) -> dict[str, Any]:
    return {"id": JOB, "operation": "query", "state": state, "apiVersion": 66.0, **more}


# --- making a job ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("all_rows", "operation"), [(True, "queryAll"), (False, "query")])
def test_a_job_is_asked_for_in_the_dialect_that_is_read(wire: Wire, all_rows: bool, operation: str) -> None:
    wire.answer("POST", "jobs/query", told("UploadComplete"))
    job = wire.client().bulk.create("SELECT Id FROM Account", all_rows=all_rows)
    assert job == QueryJob(JOB, "UploadComplete")
    assert json.loads(wire.sent()[0].body) == {
        "operation": operation,
        "query": "SELECT Id FROM Account",
        "columnDelimiter": "COMMA",
        "lineEnding": "CRLF",
    }


BY_REST = {
    "an object that only REST reads": ("INVALIDENTITY", 400, False),
    "a compound field": ("API_ERROR", 400, False),
    "Bulk is switched off": ("FEATURENOTENABLED", 400, False),
    "the edition has no Bulk": ("FUNCTIONALITY_NOT_ENABLED", 403, False),
    "the user may not use Bulk": ("API_DISABLED", 403, False),
    "jobs of the day used up": ("LIMIT_EXCEEDED", 400, True),
}


@pytest.mark.parametrize(("code", "status", "for_today"), BY_REST.values(), ids=BY_REST.keys())
def test_what_does_not_go_by_bulk_may_go_by_rest(wire: Wire, code: str, status: int, for_today: bool) -> None:
    wire.answer("POST", "jobs/query", refused(code), status)
    with pytest.raises(NotByBulk, match="goes by REST") as raised:
        wire.client().bulk.create("SELECT Id FROM TaskStatus")
    assert raised.value.refusal.code == code
    assert raised.value.for_today is for_today
    assert len(wire.sent()) == 1


@pytest.mark.parametrize("code", ["INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"])
def test_a_query_that_is_wrong_is_wrong_by_rest_too(wire: Wire, code: str) -> None:
    wire.answer("POST", "jobs/query", refused(code), 400)
    with pytest.raises(OrgRefused) as raised:
        wire.client().bulk.create("SELECT Nope FROM Account")
    assert not isinstance(raised.value, NotByBulk)


def test_the_daily_limit_of_all_calls_is_no_matter_of_bulk(wire: Wire) -> None:
    wire.answer("POST", "jobs/query", refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), 403)
    with pytest.raises(AllowanceUsed, match="starting a Bulk query"):
        wire.client().bulk.create("SELECT Id FROM Account")


def test_a_lost_answer_to_a_new_job_is_asked_for_again(wire: Wire) -> None:
    wire.answer("POST", "jobs/query", "", 503)
    wire.answer("POST", "jobs/query", told("UploadComplete"))
    assert wire.client().bulk.create("SELECT Id FROM Account").id == JOB


# --- looking at it ---------------------------------------------------------------------------------------------

STATES = {
    "UploadComplete": (False, False),
    "InProgress": (False, False),
    "JobComplete": (True, True),
    "Failed": (True, False),
    "Aborted": (True, False),
}


@pytest.mark.parametrize(("state", "meaning"), STATES.items())
def test_states(wire: Wire, state: str, meaning: tuple[bool, bool]) -> None:
    wire.answer("GET", f"jobs/query/{JOB}", told(state, numberRecordsProcessed=7, errorMessage="why"))
    job = wire.client().bulk.read(JOB)
    assert (job.is_over, job.is_good) == meaning
    assert (job.records, job.message) == (7, "why")


GONE = {
    "deleted or expired": (404, "NOT_FOUND"),
    "made in another API version": (409, "INVALIDVERSION"),
    "locator expired": (400, "INVALID_QUERY_LOCATOR"),
}


@pytest.mark.parametrize(("status", "code"), GONE.values(), ids=GONE.keys())
def test_what_is_gone_begins_again(wire: Wire, tmp_path: Path, status: int, code: str) -> None:
    wire.answer("GET", RESULTS, refused(code), status)
    with pytest.raises(BeginAgain) as raised:
        wire.client().bulk.page(JOB, "loc", tmp_path, max_records=5)
    assert raised.value.refusal.code == code
    assert len(wire.sent()) == 1


def test_an_answer_that_is_no_job_is_for_later(wire: Wire) -> None:
    for body in ('{"id":', "[]", '{"id": "750"}'):
        wire.answer("GET", f"jobs/query/{JOB}", body)
    bulk = wire.client().bulk
    for _ in range(3):
        with pytest.raises(RetryLater, match="not a Bulk job"):
            bulk.read(JOB)


def test_pauses_grow_to_half_a_minute_and_end_with_the_job(wire: Wire) -> None:
    for _ in range(14):
        wire.answer("GET", f"jobs/query/{JOB}", told("InProgress", numberRecordsProcessed=5))
    wire.answer("GET", f"jobs/query/{JOB}", told("JobComplete", numberRecordsProcessed=9))
    said: list[str] = []
    job = wire.client().bulk.wait(JOB, patience=3600, progress=said.append)
    assert (job.is_good, job.records) == (True, 9)
    assert wire.pauses[0] == 0.5
    assert wire.pauses == sorted(wire.pauses)
    assert wire.pauses[-1] == 30
    assert len(said) == 15


def test_patience_ends_with_the_job_unfinished(wire: Wire) -> None:
    wire.answer("GET", f"jobs/query/{JOB}", told("InProgress"))
    assert not wire.client().bulk.wait(JOB, patience=20, progress=lambda _: None).is_over
    assert sum(wire.pauses) == pytest.approx(20, abs=0.1)


def test_without_patience_there_is_one_look(wire: Wire) -> None:
    wire.answer("GET", f"jobs/query/{JOB}", told("InProgress"))
    assert not wire.client().bulk.wait(JOB, patience=0, progress=lambda _: None).is_over
    assert (len(wire.sent()), wire.pauses) == (1, [])


# --- pages -----------------------------------------------------------------------------------------------------


def page(
    wire: Wire, body: bytes, status: int = 200, content_type: str = "text/csv; charset=UTF-8", **headers: str
) -> None:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    url = f"https://acme.my.salesforce.com/services/data/v66.0/{RESULTS}"
    wire.mock.add("GET", url, body=body, status=status, headers=named, content_type=content_type)


LAST = {"Sforce_Locator": "null", "Sforce_NumberOfRecords": "1"}


def test_a_compressed_page_is_stored_as_it_came(wire: Wire, tmp_path: Path) -> None:
    packed = gzip.compress(CSV)
    page(wire, packed, Content_Encoding="gzip", Sforce_Locator="MTA", Sforce_NumberOfRecords="1")
    found = wire.client().bulk.page(JOB, "", tmp_path, max_records=50)
    assert (found.records, found.next_locator) == (1, "MTA")
    assert found.file.name.endswith(".csv.gz")
    assert found.file.read_bytes() == packed
    request = wire.sent()[0]
    assert request.params == {"maxRecords": "50"}
    assert (request.headers["Accept"], request.headers["Accept-Encoding"]) == ("text/csv", "gzip")


def test_a_plain_page_is_a_plain_file_and_null_is_the_last_locator(wire: Wire, tmp_path: Path) -> None:
    page(wire, CSV, **LAST)
    found = wire.client().bulk.page(JOB, "MTA", tmp_path, max_records=50)
    assert found.next_locator == ""
    assert found.file.suffixes == [".csv"]
    assert found.file.read_bytes() == CSV
    assert wire.sent()[0].params == {"maxRecords": "50", "locator": "MTA"}


def test_every_locator_has_a_file_of_its_own_inside_the_directory(wire: Wire, tmp_path: Path) -> None:
    page(wire, CSV, **LAST)
    bulk = wire.client().bulk
    files = [
        bulk.page(JOB, text, tmp_path, max_records=5).file for text in ("", "Mw", "mw", "../../etc/passwd", "é" * 300)
    ]
    assert len(set(files)) == 5
    assert {f.parent for f in files} == {tmp_path}
    assert sorted(tmp_path.iterdir()) == sorted(files)


PACKED = gzip.compress(CSV * 500)
HTML = b"<html>Back soon</html>"
BROKEN = {
    "maintenance page with status 200": (HTML, {"content_type": "text/html", **LAST}),
    "maintenance page that says nothing of its type": (HTML, {"content_type": "text/plain", **LAST}),
    "compressed as nobody asked": (CSV, {"Content_Encoding": "br", **LAST}),
    "a number of records that is none": (CSV, {"Sforce_Locator": "null", "Sforce_NumberOfRecords": "many"}),
    "gzip cut in the middle": (PACKED[: len(PACKED) // 2], {"Content_Encoding": "gzip", **LAST}),
    "gzip without its trailer": (PACKED[:-8], {"Content_Encoding": "gzip", **LAST}),
    "gzip without the last byte": (PACKED[:-1], {"Content_Encoding": "gzip", **LAST}),
    "gzip with another checksum": (PACKED[:-6] + b"\0" + PACKED[-5:], {"Content_Encoding": "gzip", **LAST}),
    "gzip followed by something": (PACKED + b"<html>", {"Content_Encoding": "gzip", **LAST}),
    "not gzip at all": (CSV, {"Content_Encoding": "gzip", **LAST}),
    "nothing": (b"", {"Content_Encoding": "gzip", **LAST}),
    "the last line cut": (CSV[:-3], LAST),
    "the last line cut, compressed anew": (gzip.compress(CSV[:-3]), {"Content_Encoding": "gzip", **LAST}),
    "cut after a line end inside of quotes": (CSV + b'"Ann\r\n', LAST),
}


@pytest.mark.parametrize(("body", "headers"), BROKEN.values(), ids=BROKEN.keys())
def test_a_page_that_is_not_whole_is_asked_for_again(
    wire: Wire, tmp_path: Path, body: bytes, headers: dict[str, str]
) -> None:
    page(wire, body, **headers)
    page(wire, PACKED, Content_Encoding="gzip", **LAST)
    found = wire.client().bulk.page(JOB, "", tmp_path, max_records=500)
    assert found.file.read_bytes() == PACKED
    assert list(tmp_path.iterdir()) == [found.file]
    assert (len(wire.sent()), len(wire.pauses)) == (2, 1)


def test_a_page_that_never_comes_whole_is_for_later_and_leaves_nothing(wire: Wire, tmp_path: Path) -> None:
    page(wire, PACKED[:-8], Content_Encoding="gzip", **LAST)
    with pytest.raises(RetryLater, match=r"3 attempts.*ends before its end"):
        wire.client(http={"attempts": 3}).bulk.page(JOB, "", tmp_path, max_records=500)
    assert list(tmp_path.iterdir()) == []
    assert len(wire.sent()) == 3


def test_gzip_in_several_members_is_whole(wire: Wire, tmp_path: Path) -> None:
    page(wire, PACKED + gzip.compress(CSV), Content_Encoding="gzip", **LAST)
    found = wire.client().bulk.page(JOB, "", tmp_path, max_records=500)
    assert gzip.decompress(found.file.read_bytes()) == CSV * 501


@pytest.mark.parametrize("missing", ["Sforce_Locator", "Sforce_NumberOfRecords"])
def test_headers_that_a_proxy_removes_are_not_guessed(wire: Wire, tmp_path: Path, missing: str) -> None:
    page(wire, CSV, **{k: v for k, v in LAST.items() if k != missing})
    with pytest.raises(FixFirst, match=missing.replace("_", "-")):
        wire.client().bulk.page(JOB, "", tmp_path, max_records=5)
    assert list(tmp_path.iterdir()) == []


EARLY: dict[str, tuple[int, Any]] = {"nothing": (204, ""), "a refusal": (400, refused("INVALIDJOBSTATE"))}


@pytest.mark.parametrize(("status", "body"), EARLY.values(), ids=EARLY.keys())
def test_results_of_a_job_that_is_not_complete(wire: Wire, tmp_path: Path, status: int, body: Any) -> None:
    wire.answer("GET", RESULTS, body, status)
    with pytest.raises(NotComplete, match="Wait"):
        wire.client().bulk.page(JOB, "", tmp_path, max_records=5)


def test_a_directory_that_cannot_be_written_to_is_named(wire: Wire, tmp_path: Path) -> None:
    page(wire, CSV, **LAST)
    with pytest.raises(FixFirst, match=r"elsewhere.*\[store\] directory"):
        wire.client().bulk.page(JOB, "", tmp_path / "elsewhere", max_records=5)
    assert len(wire.sent()) == 1


@pytest.mark.parametrize("value", ["\0", "a\0", "\0b", "a\nb\0", "a\rb\0\r\n", 'say ""\0""', "x" * 100_000 + "\0y"])
def test_nul_bytes_in_a_page_reach_whoever_loads_it(tmp_path: Path, value: str) -> None:
    file = tmp_path / "page.csv.gz"
    rows = "".join(f'"{n}","{value}","after"\r\n' for n in range(50))
    file.write_bytes(gzip.compress(f'"Id","Text","Next"\r\n{rows}'.encode()))
    source = read_csv(file, {"Id": "BIGINT", "Text": "VARCHAR", "Next": "VARCHAR"}, header=True)
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT Id, Text, replace(Text, chr(0), ''), Next FROM {source}").fetchall()
    raw = value.replace('""', '"')
    assert found == [(n, raw, raw.replace("\0", ""), "after") for n in range(50)]


# --- taking it away --------------------------------------------------------------------------------------------


def methods(wire: Wire) -> list[str]:
    return [r.method for r in wire.sent()]


def test_a_job_that_is_over_is_deleted(wire: Wire) -> None:
    wire.answer("DELETE", f"jobs/query/{JOB}", "", 204)
    wire.client().bulk.delete(JOB)
    assert methods(wire) == ["DELETE"]


def test_a_job_that_is_gone_is_as_good_as_deleted(wire: Wire) -> None:
    wire.answer("DELETE", f"jobs/query/{JOB}", refused("NOT_FOUND"), 404)
    wire.client().bulk.delete(JOB)
    assert methods(wire) == ["DELETE"]


def test_a_job_at_work_is_aborted_before(wire: Wire) -> None:
    wire.answer("DELETE", f"jobs/query/{JOB}", refused("INVALIDJOBSTATE"), 400)
    wire.answer("GET", f"jobs/query/{JOB}", told("InProgress"))
    wire.answer("PATCH", f"jobs/query/{JOB}", told("Aborted"))
    wire.answer("DELETE", f"jobs/query/{JOB}", "", 204)
    wire.client().bulk.delete(JOB)
    assert methods(wire) == ["DELETE", "GET", "PATCH", "DELETE"]


def test_a_job_that_may_not_be_deleted_is_an_error(wire: Wire) -> None:
    wire.answer("DELETE", f"jobs/query/{JOB}", refused("INSUFFICIENT_ACCESS"), 403)
    wire.answer("GET", f"jobs/query/{JOB}", told("JobComplete"))
    with pytest.raises(OrgRefused, match="deleting Bulk job"):
        wire.client().bulk.delete(JOB)


OVER = {"over": told("Failed"), "gone": None}


@pytest.mark.parametrize("job", OVER.values(), ids=OVER.keys())
def test_what_is_over_needs_no_abort(wire: Wire, job: dict[str, Any] | None) -> None:
    wire.answer("PATCH", f"jobs/query/{JOB}", refused("INVALIDJOBSTATE"), 400)
    wire.answer("GET", f"jobs/query/{JOB}", job or refused("NOT_FOUND"), 200 if job else 404)
    wire.client().bulk.abort(JOB)
    assert methods(wire) == ["PATCH", "GET"]


def test_an_abort_that_is_refused_is_an_error(wire: Wire) -> None:
    wire.answer("PATCH", f"jobs/query/{JOB}", refused("INSUFFICIENT_ACCESS"), 403)
    wire.answer("GET", f"jobs/query/{JOB}", told("InProgress"))
    with pytest.raises(OrgRefused, match="aborting"):
        wire.client().bulk.abort(JOB)


def test_every_call_is_counted_as_bulk(wire: Wire, tmp_path: Path) -> None:
    wire.answer("POST", "jobs/query", told("UploadComplete"))
    wire.answer("GET", f"jobs/query/{JOB}", told("JobComplete"))
    wire.answer("DELETE", f"jobs/query/{JOB}", "", 204)
    page(wire, CSV, **LAST)
    client = wire.client()
    client.bulk.create("SELECT Id FROM Account")
    client.bulk.read(JOB)
    client.bulk.page(JOB, "", tmp_path, max_records=5)
    client.bulk.delete(JOB)
    assert client.usage.calls == {"bulk": 4}
