"""Everything that goes wrong between a pull and an org, at each of its requests: in the end the mirror is the org.

Each fault strikes a first pull of one object over REST or by a Bulk job, page after page. What passes must not be
noticed; what stays must be named, lose nothing, and cost no page a second time when the next run goes on.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from pulling import BULK, PASSING, REST, Pulled, pages_of, pulled

from connector.data import Needs
from connector.errors import ConnectorError, FixFirst, QuotaExhausted, RetryLater
from connector.localorg import server as wire
from connector.localorg.api import queries
from connector.localorg.bulk import query_routes, usage
from connector.localorg.faults import FOREVER, Fault, Kind
from connector.localorg.org import Clock, Org, OrgError
from connector.localorg.server import BoundaryEvent, LocalOrgServer
from connector.settings import PullSettings

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
NEEDS = Needs({"Account": frozenset({"Name", "AnnualRevenue", "NumberOfEmployees", "Industry", "OwnerId"})})
PAGE = 3


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    """Three pages of Accounts, one of them deleted, all of them older than the overlap."""
    org = Org.create(clock=Clock(START - timedelta(days=2)), seed=1)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    rows = [{"Name": f'Account {n}, the "{n}th"\nof many', "AnnualRevenue": n * 1000} for n in range(7)]
    org.delete_record("Account", org.load("Account", rows)[3])
    return org.snapshot()


@pytest.fixture
def server(snapshot: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalOrgServer]:
    monkeypatch.setattr(queries, "LARGEST_PAGE", PAGE)
    org = Org.restore(snapshot, clock=Clock(START))
    with LocalOrgServer(org) as server:
        yield server
    org.close()


class Place(NamedTuple):
    """A request of a pull: the nth of a method at a path."""

    how: PullSettings
    method: str
    path: str
    nth: int = 1

    def fault(self, kind: Kind, times: int = 1) -> Fault:
        return Fault(kind, method=self.method, path=self.path, nth=self.nth, times=times, seconds=0.6)


COMPOSITE, MORE, JOB = r"/composite$", r"/query/0r8", r"/jobs/query/\w+"
PLACES = {
    "describes": Place(REST, "POST", COMPOSITE),
    "sizes": Place(REST, "GET", "/limits/recordCount"),
    "REST first page": Place(REST, "POST", COMPOSITE, 2),
    "REST middle page": Place(REST, "GET", MORE),
    "REST last page": Place(REST, "GET", MORE, 2),
    "Bulk making the job": Place(BULK, "POST", r"/jobs/query$"),
    "Bulk looking at it": Place(BULK, "GET", JOB + "$"),
    "Bulk first page": Place(BULK, "GET", JOB + "/results"),
    "Bulk middle page": Place(BULK, "GET", JOB + "/results", 2),
    "Bulk last page": Place(BULK, "GET", JOB + "/results", 3),
    "Bulk deleting the job": Place(BULK, "DELETE", JOB),
}
PAGES = {name: place for name, place in PLACES.items() if "page" in name}
WAYS = {"REST": REST, "Bulk": BULK}

places = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
pages = pytest.mark.parametrize("place", PAGES.values(), ids=PAGES.keys())
ways = pytest.mark.parametrize("how", WAYS.values(), ids=WAYS.keys())


def assert_no_page_came_twice(org: Org) -> None:
    again = {page: n for page, n in Counter(pages_of(org.ledger.entries)).items() if n > 1}
    assert not again


# --- what passes -----------------------------------------------------------------------------------------------


@places
@pytest.mark.parametrize("kind", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_not_noticed(server: LocalOrgServer, place: Place, kind: Kind) -> None:
    with pulled(server, NEEDS, place.how) as here:
        here.http["read_timeout"] = 0.3 if kind == "slow" else 60
        server.org.faults.add(place.fault(kind))
        result = here.pull()
        assert server.org.faults.as_json()[0]["struck"] == 1
        assert result.complete
        assert (result.objects["Account"].read, result.objects["Account"].deleted) == (7, 1)
        here.assert_equal()


@ways
def test_a_session_that_ends_after_every_request_is_renewed(server: LocalOrgServer, how: PullSettings) -> None:
    server.org.faults.add(Fault("expired_session", path="/services/data/v", rate=0.5, times=FOREVER))
    with pulled(server, NEEDS, how) as here:
        here.http["attempts"] = 20
        while not _tried(here):
            pass
        here.assert_equal()


def _tried(here: Pulled) -> bool:
    """Whether a pull came through; a token that is refused right after it was renewed is for a person to look at."""
    try:
        return here.pull().complete
    except FixFirst:
        return False


@ways
def test_maintenance_stops_writing_not_reading(server: LocalOrgServer, how: PullSettings) -> None:
    server.org.faults.add(Fault("maintenance", times=FOREVER))
    with pulled(server, NEEDS, how) as here:
        assert here.pull().complete
        here.assert_equal()


# --- what stays until somebody has done something --------------------------------------------------------------


def pull_through(here: Pulled, expected: type[ConnectorError]) -> str:
    """Why a pull that was struck did not come to its end, raised or told of the object; '' when it did."""
    try:
        result = here.pull()
    except expected as error:
        return str(error)
    return result.objects["Account"].reason


LASTING: dict[str, tuple[Kind, type[ConnectorError], str]] = {
    "login refused": ("unauthorized", FixFirst, "External Client App"),
    "daily limit": ("request_limit", QuotaExhausted, "tomorrow"),
    "503 pages without end": ("unavailable", RetryLater, "3 attempts"),
    "bodies cut off without end": ("truncated", RetryLater, "3 attempts"),
}


@places
@pytest.mark.parametrize(("kind", "error", "said"), LASTING.values(), ids=LASTING.keys())
def test_what_lasts_is_named_and_the_next_run_goes_on(
    server: LocalOrgServer, place: Place, kind: Kind, error: type[ConnectorError], said: str
) -> None:
    with pulled(server, NEEDS, place.how) as here:
        server.org.faults.add(place.fault(kind, FOREVER))
        why = pull_through(here, error)
        if place.method == "DELETE" and error is not QuotaExhausted:
            assert why == ""  # what was read is here; the job goes another time
        else:
            assert said in why
        server.org.faults.clear()
        if kind == "truncated":
            server.org.ledger.clear()  # the org believes that it has sent those pages
        here.later(minutes=20)
        assert here.pull().complete
        here.assert_equal()
        assert_no_page_came_twice(server.org)
        lost = 3 if kind == "truncated" and place.path == "/jobs/query$" else 0  # nobody learned their ids
        assert len(server.org.bulk.kept) == lost


@ways
def test_the_allowance_may_run_out_at_any_request(server: LocalOrgServer, how: PullSettings) -> None:
    enough = 4 if how is REST else 9
    for calls in range(enough):
        server.org.ledger.clear()
        server.org.faults.quota_left = calls
        with pulled(server, NEEDS, how) as here:
            with pytest.raises(QuotaExhausted):
                here.pull()
            server.org.faults.quota_left = None
            here.later(minutes=20)
            assert here.pull().complete
            here.assert_equal()
            assert_no_page_came_twice(server.org)


@ways
def test_an_allowance_of_a_page_a_run_is_enough_in_the_end(server: LocalOrgServer, how: PullSettings) -> None:
    """Every run begins with three calls: what objects look like, how large they are, first pages."""
    with pulled(server, NEEDS, how) as here:
        for _ in range(12):
            server.org.faults.quota_left = 4
            try:
                if here.pull().complete:
                    break
            except QuotaExhausted:
                here.later(hours=2)
        here.assert_equal()
        assert_no_page_came_twice(server.org)


# --- what was half read and is gone ----------------------------------------------------------------------------


def forget_results(server: LocalOrgServer, how: PullSettings, *, after: int, times: int = 1) -> None:
    """Have the org forget what it found for a query, after so many of its pages."""
    seen = done = 0

    def forget(event: BoundaryEvent) -> None:
        nonlocal seen, done
        is_page = "/query/0r8" in event.path or event.path.endswith(("/results", "/composite"))
        if event.when != "after_reply" or not is_page:
            return
        kept = server.org.bulk.kept if how is BULK else server.org.locators.results
        seen += bool(kept) and (how is REST or event.path.endswith("/results"))
        if seen == after and done < times:
            kept.clear()
            seen, done = 0, done + 1

    server.on_boundary = forget


@ways
@pytest.mark.parametrize("after", [1, 2], ids=["first page", "middle page"])
def test_results_that_expire_half_way_are_asked_for_again(
    server: LocalOrgServer, how: PullSettings, after: int
) -> None:
    forget_results(server, how, after=after)
    with pulled(server, NEEDS, how) as here:
        assert here.pull().complete
        here.assert_equal()


@ways
def test_results_that_expire_every_time_are_for_the_next_run(server: LocalOrgServer, how: PullSettings) -> None:
    forget_results(server, how, after=2, times=FOREVER)
    with pulled(server, NEEDS, how) as here:
        reason = here.pull().objects["Account"].reason
        assert "could not be read to its end" in reason
        assert here.mirror.cursor("Account") is None
        server.on_boundary = None
        assert here.pull().complete
        here.assert_equal()


@ways
def test_results_that_expired_since_the_last_run_are_asked_for_again(server: LocalOrgServer, how: PullSettings) -> None:
    place = PLACES["REST last page" if how is REST else "Bulk last page"]
    server.org.faults.add(place.fault("request_limit"))
    with pulled(server, NEEDS, how) as here:
        with pytest.raises(QuotaExhausted):
            here.pull()
        server.org.locators.results.clear()
        server.org.bulk.kept.clear()
        here.later(hours=1)
        assert here.pull().complete
        here.assert_equal()


# --- queries that the org does not answer ----------------------------------------------------------------------


def refuse_queries(monkeypatch: pytest.MonkeyPatch, code: str, when: Callable[[str], bool]) -> list[str]:
    """Have the org refuse some queries; the list fills with those."""
    refused: list[str] = []
    answer = queries.run_soql

    def run(txn: Any, text: str, **options: Any) -> Any:
        if when(text):
            refused.append(text)
            raise OrgError(400, code, "Your query request was running for too long.")
        return answer(txn, text, **options)

    monkeypatch.setattr(queries, "run_soql", run)
    return refused


def is_long_window(soql: str, now: datetime, longest: timedelta) -> bool:
    ends = [datetime.fromisoformat(end) for end in re.findall(r"SystemModstamp >?=?<? ?(\S+Z)", soql)]
    return "FROM Account" in soql and bool(ends) and (ends[1] if len(ends) > 1 else now) - ends[0] > longest


@pytest.mark.parametrize("code", ["QUERY_TIMEOUT", "QUERY_TOO_COMPLICATED"])
@pytest.mark.parametrize("longest", [40, 0], ids=["in halves", "not even a minute"])
def test_a_window_that_takes_too_long_is_halved(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch, code: str, longest: int
) -> None:
    with pulled(server, NEEDS) as here:
        here.pull()
        for row in server.org.records("Account"):
            here.later(minutes=30)
            server.org.update_record("Account", row["Id"], {"NumberOfEmployees": 7})
        here.later(minutes=1)
        now = server.org.clock.now()
        refused = refuse_queries(monkeypatch, code, lambda q: is_long_window(q, now, timedelta(minutes=longest)))
        result = here.pull().objects["Account"]
        assert (result.complete, result.read) == (True, 6)
        assert len(refused) > 1
        assert here.mirror.cursor("Account") == now
        here.assert_equal()


def test_a_first_read_that_takes_too_long_goes_by_bulk(server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = refuse_queries(monkeypatch, "QUERY_TIMEOUT", lambda q: "FROM Account" in q)
    with pulled(server, NEEDS) as here:
        assert here.pull().complete
        here.assert_equal()
        assert (len(refused), jobs_made(server.org)) == (1, 1)


def test_a_query_that_is_refused_is_the_objects_problem(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_queries(monkeypatch, "MALFORMED_QUERY", lambda q: "FROM Account" in q)
    with pulled(server, NEEDS | Needs({"User": frozenset({"Name"})})) as here:
        found = here.pull().objects
        assert "MALFORMED_QUERY" in found["Account"].reason
        assert found["User"].complete
        monkeypatch.undo()
        assert here.pull().complete
        here.assert_equal()


@pytest.mark.parametrize(
    ("code", "error"), {"REQUEST_LIMIT_EXCEEDED": QuotaExhausted, "INSUFFICIENT_ACCESS": None}.items()
)
def test_a_refusal_within_a_call_counts_as_one(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch, code: str, error: type[ConnectorError] | None
) -> None:
    refuse_queries(monkeypatch, code, lambda q: "FROM Account" in q)
    with pulled(server, NEEDS) as here:
        if error:
            with pytest.raises(error):
                here.pull()
        else:
            assert code in here.pull().objects["Account"].reason


@ways
def test_a_new_field_that_cannot_be_read_now_is_not_relied_on(server: LocalOrgServer, how: PullSettings) -> None:
    fewer = Needs({"Account": frozenset({"Name"})})
    with pulled(server, fewer, how) as here:
        assert here.pull().complete
        here.later(hours=2)
        here.needs = NEEDS
        server.org.faults.add(Fault("unavailable", method="GET", path=f"{MORE}|{JOB}", times=FOREVER))
        found = here.pull().objects["Account"]
        assert found.complete
        assert set(found.hidden) == NEEDS.fields["Account"] - {"Name"}
        assert all("still to be read" in why for why in found.hidden.values())
        server.org.faults.clear()
        here.later(hours=2)
        assert here.pull().complete
        here.assert_equal()


# --- Bulk jobs -------------------------------------------------------------------------------------------------


def jobs_made(org: Org) -> int:
    return sum(e.method == "POST" and e.path.endswith("/jobs/query") and e.status == 200 for e in org.ledger.entries)


@pytest.mark.parametrize("kind", ["job_queued", "job_slow"])
def test_a_job_that_takes_its_time_is_waited_for(server: LocalOrgServer, kind: Kind) -> None:
    server.org.faults.add(Fault(kind, polls=6))
    with pulled(server, NEEDS, BULK) as here:
        assert here.pull().complete
        here.assert_equal()


@pytest.mark.parametrize("kind", ["job_queued", "job_slow"])
def test_a_job_that_takes_too_long_is_read_by_a_later_run(server: LocalOrgServer, kind: Kind) -> None:
    server.org.faults.add(Fault(kind, polls=6))
    with pulled(server, NEEDS, BULK.model_copy(update={"bulk_patience": 1 / 60})) as here:
        assert "the next run goes on with it" in here.pull().objects["Account"].reason
        here.later(minutes=20)
        while not here.pull().complete:
            here.later(minutes=20)
        here.assert_equal()
        assert jobs_made(server.org) == 1


@pytest.mark.parametrize("kind", ["job_failed", "job_aborted"])
@pytest.mark.parametrize("times", [1, FOREVER], ids=["once", "always"])
def test_a_job_that_the_org_gives_up_is_asked_over_rest(server: LocalOrgServer, kind: Kind, times: int) -> None:
    server.org.faults.add(Fault(kind, times=times, message="InternalServerError : Retried more than 15 times"))
    with pulled(server, NEEDS, BULK) as here:
        assert here.pull().complete
        here.assert_equal()
        assert jobs_made(server.org) == 1
        assert not server.org.bulk.kept


def test_a_job_that_vanishes_is_made_again(server: LocalOrgServer) -> None:
    server.org.faults.add(Fault("job_expired"))
    with pulled(server, NEEDS, BULK) as here:
        assert here.pull().complete
        here.assert_equal()
        assert jobs_made(server.org) == 2


def test_jobs_that_always_vanish_are_for_the_next_run(server: LocalOrgServer) -> None:
    server.org.faults.add(Fault("job_expired", times=FOREVER))
    with pulled(server, NEEDS, BULK) as here:
        assert "could not be read to its end" in here.pull().objects["Account"].reason
        server.org.faults.clear()
        assert here.pull().complete
        here.assert_equal()


@pytest.mark.parametrize("what", ["query jobs", "result bytes"])
def test_without_an_allowance_for_bulk_it_goes_over_rest(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch, what: Any
) -> None:
    monkeypatch.setitem(usage.ALLOCATIONS, what, 0)
    with pulled(server, NEEDS, BULK) as here:
        assert here.pull().complete
        here.assert_equal()


@pytest.mark.parametrize("nth", [1, 2, 3], ids=["first page", "middle page", "last page"])
@pytest.mark.parametrize("answer", ["empty", "refused"])
def test_a_complete_job_that_hands_out_nothing_is_for_the_next_run(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch, answer: Any, nth: int
) -> None:
    asked = 0
    complete = query_routes._complete_spool

    def hold_back(visit: Any, *given: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked != nth:
            return complete(visit, *given)
        if answer == "refused":
            raise query_routes.refusals.no_results_yet("InProgress")
        return None

    monkeypatch.setattr(query_routes, "_complete_spool", hold_back)
    with pulled(server, NEEDS, BULK) as here:
        assert "no results" in here.pull().objects["Account"].reason
        here.later(minutes=20)
        assert here.pull().complete
        here.assert_equal()
        assert_no_page_came_twice(server.org)
        assert jobs_made(server.org) == 1


# --- bodies that only look whole -------------------------------------------------------------------------------

Break = Callable[[wire._Handler, wire.Reply], None]


def in_chunks_without_end(handler: wire._Handler, reply: wire.Reply) -> None:
    body = handler._pack(reply)
    handler.send_response_only(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Date", handler.date_time_string())
    handler.send_header("Content-Type", reply.content_type)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(body) // 2, body[: len(body) // 2]))
    handler.wfile.flush()
    handler._drop()


def cut_by_a_proxy(at: float) -> Break:
    """A proxy that unpacks bodies, loses their ends and says nothing of it."""

    def send(handler: wire._Handler, reply: wire.Reply) -> None:
        body, headers = reply.encode(), {**reply.headers, "Date": handler.date_time_string()}
        if headers.pop("Content-Encoding", "") == "gzip":
            body = gzip.decompress(body)
        body = body[: int(len(body) * at)]
        SEND(handler, wire.Reply(reply.status, body, headers, reply.content_type))

    return send


SEND = wire._Handler._send
BREAKS: dict[str, Break] = {
    "chunks without an end": in_chunks_without_end,
    "ended properly after a third": cut_by_a_proxy(1 / 3),
    "ended properly after two thirds": cut_by_a_proxy(2 / 3),
    "ended properly with nothing": cut_by_a_proxy(0),
    "ended properly within the last line": cut_by_a_proxy(0.985),
}


@pages
@pytest.mark.parametrize("send", BREAKS.values(), ids=BREAKS.keys())
def test_a_body_that_is_no_whole_page_is_never_taken_for_one(
    server: LocalOrgServer, monkeypatch: pytest.MonkeyPatch, place: Place, send: Break
) -> None:
    seen = 0
    struck = place.fault("slow")

    def sometimes(handler: wire._Handler, reply: wire.Reply, **options: Any) -> None:
        nonlocal seen
        matches = struck.matches(handler.command, handler.path, "")
        seen += matches
        (send if matches and seen == place.nth else lambda h, r: SEND(h, r, **options))(handler, reply)

    monkeypatch.setattr(wire._Handler, "_send", sometimes)
    with pulled(server, NEEDS, place.how) as here:
        try:
            complete = here.pull().complete
        except RetryLater:
            complete = False
        assert seen >= place.nth
        if not complete:
            here.later(minutes=20)
            assert here.pull().complete
        here.assert_equal()
        assert not server.org.bulk.kept
