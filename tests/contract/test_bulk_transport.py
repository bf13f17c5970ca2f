"""Bulk results and REST pages through everything that goes wrong on the way (reference section 9), over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pulling import PASSING

from connector.errors import FixFirst, QuotaExhausted, RetryLater
from connector.localorg import sessions
from connector.localorg.api import queries
from connector.localorg.bulk import usage
from connector.localorg.errors import OrgError
from connector.localorg.faults import FOREVER, Fault, Kind
from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer
from connector.salesforce import (
    BeginAgain,
    NotByBulk,
    NotComplete,
    NotNow,
    OrgClient,
    OrgRefused,
    QueryJob,
    ResultPage,
    connect,
    soql,
)
from connector.salesforce.composite import describe_request, query_request
from connector.settings import HttpSettings, OrgSettings

ROWS = 5000
EVERY_NAME = [f"Account {n:04}" for n in range(ROWS)]
SOQL = "SELECT Id,Name FROM Account ORDER BY Name"
MOST = 2000
"""Records of a page, so that both ways have a first, a middle and a last one."""

RESULTS = "/jobs/query/[^/]+/results"
POLL = "/jobs/query/[^/]+$"


@pytest.fixture(scope="module")
def book() -> Iterator[LocalOrgServer]:
    org = Org.create(clock=Clock(), seed=1)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    org.load("Account", [{"Name": name} for name in EVERY_NAME])
    with LocalOrgServer(org) as server:
        yield server
    org.close()


@pytest.fixture
def server(book: LocalOrgServer) -> Iterator[LocalOrgServer]:
    yield book
    book.org.faults.clear()


class Reader:
    """A client that notes its pauses instead of sleeping."""

    def __init__(self, server: LocalOrgServer, **http: Any) -> None:
        self.pauses: list[float] = []
        org = OrgSettings(instance_url=server.url, client_id="key", client_secret="secret")
        self.client: OrgClient = connect(org, HttpSettings(**{"attempts": 3, **http}), sleep=self.pauses.append)

    @property
    def bulk(self) -> Any:
        return self.client.bulk

    def finished(self) -> QueryJob:
        job = self.bulk.create(SOQL)
        found: QueryJob = self.bulk.wait(job.id, patience=60, progress=lambda _: None)
        return found

    def pages(self, job: str, directory: Path) -> list[ResultPage]:
        found = [self.bulk.page(job, "", directory, max_records=MOST)]
        while found[-1].next_locator:
            found.append(self.bulk.page(job, found[-1].next_locator, directory, max_records=MOST))
        return found

    def by_bulk(self, directory: Path) -> list[str]:
        job = self.finished()
        assert job.is_good
        pages = self.pages(job.id, directory)
        assert sum(p.records for p in pages) == job.records
        self.bulk.delete(job.id)
        return [name for page in pages for name in names_in(page)]

    def by_rest(self, directory: Path) -> list[str]:
        return [record["Name"] for record in self.client.query(SOQL)]


def names_in(page: ResultPage) -> list[str]:
    header, *rows = gzip.decompress(page.file.read_bytes()).decode().splitlines()
    assert header == '"Id","Name"'
    assert len(rows) == page.records
    return [row.split('","')[1].rstrip('"') for row in rows]


Way = Callable[[Reader, Path], list[str]]
WAYS: dict[str, tuple[Way, str]] = {"Bulk": (Reader.by_bulk, RESULTS), "REST": (Reader.by_rest, "/query")}
ways = pytest.mark.parametrize(("way", "path"), WAYS.values(), ids=WAYS.keys())


def test_a_result_comes_page_by_page_and_compressed(server: LocalOrgServer, tmp_path: Path) -> None:
    reader = Reader(server)
    pages = reader.pages(reader.finished().id, tmp_path)
    assert [p.records for p in pages] == [2000, 2000, 1000]
    assert [name for page in pages for name in names_in(page)] == EVERY_NAME
    assert sorted(tmp_path.iterdir()) == sorted(p.file for p in pages)
    assert all(p.file.name.endswith(".csv.gz") for p in pages)


def test_another_process_goes_on_where_one_stopped(server: LocalOrgServer, tmp_path: Path) -> None:
    one, other = Reader(server), Reader(server)
    job = one.finished()
    first = one.bulk.page(job.id, "", tmp_path, max_records=MOST)
    again = other.bulk.page(job.id, first.next_locator, tmp_path, max_records=MOST)
    assert names_in(again)[0] == EVERY_NAME[MOST]
    assert other.bulk.page(job.id, first.next_locator, tmp_path, max_records=MOST) == again


# --- what passes -----------------------------------------------------------------------------------------------

PAGES = {"first": 1, "middle": 2, "last": 3}


@ways
@pytest.mark.parametrize("nth", PAGES.values(), ids=PAGES.keys())
@pytest.mark.parametrize("kind", PASSING.values(), ids=PASSING.keys())
def test_no_record_is_lost_or_read_twice(
    server: LocalOrgServer, tmp_path: Path, way: Way, path: str, kind: Kind, nth: int
) -> None:
    reader = Reader(server, read_timeout=0.5 if kind == "slow" else 60)
    server.org.faults.add(Fault(kind, path=path, nth=nth, seconds=1))
    assert way(reader, tmp_path) == EVERY_NAME
    assert server.org.faults.armed[0].struck == 1
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("kind", PASSING.values(), ids=PASSING.keys())
@pytest.mark.parametrize("path", ["/jobs/query$", POLL], ids=["making the job", "looking at it"])
def test_a_job_survives(server: LocalOrgServer, kind: Kind, path: str) -> None:
    reader = Reader(server, read_timeout=0.5 if kind == "slow" else 60)
    server.org.faults.add(Fault(kind, path=path, seconds=1))
    assert reader.finished().is_good
    assert server.org.faults.armed[0].struck == 1


@ways
@pytest.mark.parametrize("kind", ["unavailable", "truncated", "reset_after"])
def test_what_does_not_pass_is_for_later(
    server: LocalOrgServer, tmp_path: Path, way: Way, path: str, kind: Kind
) -> None:
    server.org.faults.add(Fault(kind, path=path, nth=2, times=FOREVER))
    with pytest.raises(RetryLater, match="3 attempts"):
        way(Reader(server), tmp_path)
    assert not list(tmp_path.glob("*.part"))


@ways
def test_a_session_that_ends_between_two_pages_is_renewed(
    server: LocalOrgServer, tmp_path: Path, way: Way, path: str
) -> None:
    def end_sessions(event: Any) -> None:
        if event.when == "after_reply" and path.split("/")[-1] in event.path:
            sessions.end_sessions(server.org.state)

    server.on_boundary = end_sessions
    try:
        assert way(Reader(server), tmp_path) == EVERY_NAME
    finally:
        server.on_boundary = None


def test_maintenance_stops_writing_not_reading(server: LocalOrgServer, tmp_path: Path) -> None:
    server.org.faults.add(Fault("maintenance", times=FOREVER))
    reader = Reader(server)
    assert reader.by_bulk(tmp_path) == EVERY_NAME
    assert reader.by_rest(tmp_path) == EVERY_NAME
    refused = reader.client.create([("Account", {"Name": "New"})])[0]
    assert (refused.code, refused.kind) == ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "retry")


# --- what does not ---------------------------------------------------------------------------------------------


@ways
def test_a_user_who_may_not_read_any_more_is_told_so_at_once(
    server: LocalOrgServer, tmp_path: Path, way: Way, path: str
) -> None:
    server.org.faults.add(Fault("unauthorized", path=path, nth=2, times=FOREVER))
    reader = Reader(server)
    with pytest.raises(OrgRefused, match="External Client App"):
        way(reader, tmp_path)
    assert server.org.faults.armed[0].struck == 2


@ways
def test_the_daily_limit_ends_reading_at_once(server: LocalOrgServer, tmp_path: Path, way: Way, path: str) -> None:
    server.org.faults.add(Fault("request_limit", path=path, nth=2, times=FOREVER))
    with pytest.raises(QuotaExhausted, match="tomorrow"):
        way(Reader(server), tmp_path)
    assert server.org.faults.armed[0].struck == 1


@ways
def test_the_quota_may_run_out_anywhere(server: LocalOrgServer, tmp_path: Path, way: Way, path: str) -> None:
    for calls in range(3):
        server.org.faults.quota_left = calls
        with pytest.raises(QuotaExhausted):
            way(Reader(server), tmp_path)


@pytest.mark.parametrize("what", ["query jobs", "result bytes"])
def test_the_days_allowance_of_bulk_may_be_used_up(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch, what: Any
) -> None:
    monkeypatch.setitem(usage.ALLOCATIONS, what, 0)
    reader = Reader(server)
    with pytest.raises(NotByBulk) as raised:
        reader.bulk.create(SOQL)
    assert raised.value.for_today
    assert reader.client.query("SELECT Id FROM Organization")


NOT_BULK = {
    "an object that only REST reads": "SELECT Id FROM TaskStatus",
    "a compound field": "SELECT Id, BillingAddress FROM Account",
}


@pytest.mark.parametrize("query", NOT_BULK.values(), ids=NOT_BULK.keys())
def test_what_bulk_does_not_take_goes_by_rest(server: LocalOrgServer, query: str) -> None:
    reader = Reader(server)
    with pytest.raises(NotByBulk) as raised:
        reader.bulk.create(query)
    assert not raised.value.for_today
    assert reader.client.query(query)


def test_what_is_too_long_for_rest_goes_by_bulk(server: LocalOrgServer) -> None:
    reader = Reader(server)
    ids = [record["Id"] for record in reader.client.query("SELECT Id FROM Account LIMIT 900")]
    long = soql.select("Account", ["Id"], ids=ids)
    with pytest.raises(FixFirst) as raised:
        reader.client.query(long)
    assert isinstance(raised.value, OrgRefused)
    assert raised.value.refusal.is_too_long
    job = reader.bulk.wait(reader.bulk.create(long).id, patience=60, progress=lambda _: None)
    assert (job.is_good, job.records) == (True, 900)


# --- jobs ------------------------------------------------------------------------------------------------------


def test_a_job_that_stays_in_the_queue_is_handed_back_unfinished(server: LocalOrgServer, tmp_path: Path) -> None:
    server.org.faults.add(Fault("job_queued", polls=FOREVER))
    reader = Reader(server)
    said: list[str] = []
    job = reader.bulk.create(SOQL)
    waited = reader.bulk.wait(job.id, patience=120, progress=said.append)
    assert not waited.is_over
    assert len(said) > 5
    assert sum(reader.pauses) <= 120.01
    with pytest.raises(NotComplete):
        reader.bulk.page(job.id, "", tmp_path, max_records=5)
    reader.bulk.delete(job.id)
    with pytest.raises(BeginAgain):
        reader.bulk.read(job.id)


def test_a_slow_job_is_waited_for(server: LocalOrgServer, tmp_path: Path) -> None:
    server.org.faults.add(Fault("job_slow", polls=4))
    reader = Reader(server)
    assert reader.by_bulk(tmp_path) == EVERY_NAME
    assert len(reader.pauses) >= 4


ENDS: dict[str, tuple[Kind, str]] = {"failed": ("job_failed", "Failed"), "aborted": ("job_aborted", "Aborted")}


@pytest.mark.parametrize(("kind", "state"), ENDS.values(), ids=ENDS.keys())
def test_a_job_that_ends_badly_says_so_and_goes_away(server: LocalOrgServer, kind: Kind, state: str) -> None:
    server.org.faults.add(Fault(kind, message="InternalServerError : Retried more than 15 times"))
    reader = Reader(server)
    job = reader.finished()
    assert (job.is_over, job.is_good, job.state) == (True, False, state)
    assert job.message == ("InternalServerError : Retried more than 15 times" if kind == "job_failed" else "")
    reader.bulk.abort(job.id)
    reader.bulk.delete(job.id)
    reader.bulk.delete(job.id)


def test_a_job_that_expired_begins_again(server: LocalOrgServer) -> None:
    server.org.faults.add(Fault("job_expired"))
    with pytest.raises(BeginAgain):
        Reader(server).finished()


def test_results_that_were_deleted_meanwhile_begin_again(server: LocalOrgServer, tmp_path: Path) -> None:
    reader = Reader(server)
    job = reader.finished()
    first = reader.bulk.page(job.id, "", tmp_path, max_records=MOST)
    reader.bulk.delete(job.id)
    with pytest.raises(BeginAgain):
        reader.bulk.page(job.id, first.next_locator, tmp_path, max_records=MOST)


def test_a_locator_that_the_org_does_not_know_begins_again(server: LocalOrgServer, tmp_path: Path) -> None:
    reader = Reader(server)
    job = reader.finished()
    with pytest.raises(BeginAgain) as raised:
        reader.bulk.page(job.id, "nonsense", tmp_path, max_records=MOST)
    assert raised.value.refusal.code == "INVALID_QUERY_LOCATOR"


def test_a_job_of_another_api_version_begins_again(server: LocalOrgServer, tmp_path: Path) -> None:
    job = Reader(server).finished()
    org = OrgSettings(instance_url=server.url, client_id="key", client_secret="secret", api_version="65.0")
    with pytest.raises(BeginAgain) as raised:
        connect(org, sleep=lambda _: None).bulk.page(job.id, "", tmp_path, max_records=MOST)
    assert raised.value.refusal.status == 409


def test_a_rest_locator_that_expired_begins_again(server: LocalOrgServer) -> None:
    client = Reader(server).client
    page = client.composite([query_request(SOQL, "accounts")])[0].body
    gone = page["nextRecordsUrl"].replace("-2000", "-9999999")
    with pytest.raises(BeginAgain):
        client.get_page(gone)


# --- describes and counts --------------------------------------------------------------------------------------


def test_describes_come_only_when_the_schema_changed(server: LocalOrgServer) -> None:
    client = Reader(server).client
    told = client.composite([describe_request("Account", "a"), describe_request("Contact", "c")])
    assert not any(a.is_unchanged for a in told)
    since = told[0].last_modified(client.org_now)
    assert told[0].headers["Last-Modified"]
    same = client.composite([describe_request("Account", "a", since), describe_request("Contact", "c", since)])
    assert all(a.is_unchanged and a.refusal is None and a.body is None for a in same)
    earlier = since - timedelta(seconds=1)
    assert client.composite([describe_request("Account", "a", earlier)])[0].body["name"] == "Account"


def test_counts_help_to_choose(server: LocalOrgServer) -> None:
    client = Reader(server).client
    assert client.record_counts(["Account", "Opportunity"]) == {"Account": ROWS}
    counted = client.composite([query_request(soql.count("Account", live_only=True), "count")])[0]
    assert counted.body["totalSize"] == ROWS


@pytest.mark.parametrize("code", ["QUERY_TIMEOUT", "QUERY_TOO_COMPLICATED"])
def test_a_query_that_is_too_much_is_not_repeated(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    asked: list[str] = []

    def refuse(txn: Any, text: str, **_: Any) -> Any:
        asked.append(text)
        raise OrgError(400, code, "Your query request was running for too long.")

    monkeypatch.setattr(queries, "run_soql", refuse)
    client = Reader(server).client
    with pytest.raises(NotNow) as raised:
        client.query(SOQL)
    assert raised.value.refusal.kind == "shrink"
    answer = client.composite([query_request(SOQL, "accounts")])[0]
    assert answer.refusal is not None
    assert answer.refusal.kind == "shrink"
    assert len(asked) == 2
