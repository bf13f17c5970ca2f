"""A pull that dies at any request, and the one after it: no record lost, none twice, no finished page asked for again.

The pull is a long one: a first read over REST and by a Bulk job, or a later one with a new field, moved children and
ids to compare. It dies as a process does, before a request reaches the org or before its reply has reached us; what
comes after the reply comes before the next request.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pulling import OVERLAP, Pulled, pages_of, pulled
from requests.adapters import HTTPAdapter

from connector.data import Needs
from connector.localorg.api import queries
from connector.localorg.ledger import Entry
from connector.localorg.org import Clock, Org
from connector.localorg.server import BoundaryEvent, DropConnectionError, LocalOrgServer
from connector.pull import pull
from connector.pull.carry import BULK_LASTS, REST_LASTS
from connector.salesforce import connect
from connector.settings import HttpSettings, OrgSettings, PullSettings
from connector.store.mirror import Mirror
from connector.store.readings import Readings

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
HOW = PullSettings(bulk_from=10, bulk_page=4)
NEEDS = Needs(
    {
        "Account": frozenset({"Name", "AnnualRevenue", "ParentId"}),
        "Contact": frozenset({"LastName", "AccountId"}),
    }
)
MORE = NEEDS | Needs({"Contact": frozenset({"Email"}), "Account": frozenset({"Industry"})})
WHENS = ("before_request", "before_reply")


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    """Eleven Accounts, which go by Bulk in three pages, and seven Contacts, which go over REST in three."""
    org = Org.create(clock=Clock(START - timedelta(days=2)), seed=1)
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    accounts = org.load("Account", [{"Name": f'Account "{n}"\n', "AnnualRevenue": n} for n in range(11)])
    org.load("Contact", [{"LastName": f"P {n}", "AccountId": accounts[n], "Email": "p@example.com"} for n in range(7)])
    org.delete_record("Account", accounts[8])
    return org.snapshot()


@contextmanager
def served(snapshot: bytes, monkeypatch: pytest.MonkeyPatch, store: Path | None = None) -> Iterator[Pulled]:
    monkeypatch.setattr(queries, "LARGEST_PAGE", 3)
    org = Org.restore(snapshot, clock=Clock(START))
    with LocalOrgServer(org) as server, pulled(server, NEEDS, HOW, store=store) as here:
        yield here
    org.close()


# --- the pulls that die ----------------------------------------------------------------------------------------


def first_pull(here: Pulled) -> None:
    """Nothing has happened before."""


def later_pull(here: Pulled) -> None:
    """Two new fields, a merge that stamps nobody, ids to compare and a record gone without a trace."""
    org = here.org
    org.set_switches(merge_stamps_children=False)
    assert here.pull().complete
    here.later(hours=2)
    accounts = [row["Id"] for row in org.records("Account")]
    org.merge("Account", accounts[0], [accounts[1], accounts[2]])
    org.purge("Contact", org.records("Contact")[6]["Id"])
    org.update_record("Account", accounts[4], {"Industry": "Energy"})
    here.needs = MORE
    here.later(minutes=30)


@dataclass(frozen=True)
class Story:
    """What happened before the pull that dies, and how that pull is asked for."""

    before: Callable[[Pulled], None]
    scope: Any
    requests: int
    """How many requests it makes when nothing stops it, the login among them."""
    jobs: int
    """How many Bulk jobs."""
    compared: int = 99
    """The request by which the ids that went by Bulk are here and compared, which a next run does anew."""


STORIES = {"first pull": Story(first_pull, "changes", 12, 1), "later pull": Story(later_pull, "verify", 23, 2, 20)}
BOUNDARIES = {
    f"{name}, request {n}, {when}": (story, n, when)
    for name, story in STORIES.items()
    for n in range(1, story.requests + 1)
    for when in WHENS
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_every_boundary_is_tried(snapshot: bytes, monkeypatch: pytest.MonkeyPatch, story: Story) -> None:
    with served(snapshot, monkeypatch) as here:
        story.before(here)
        here.org.ledger.clear()
        assert here.pull(scope=story.scope).complete
        assert len(here.org.ledger.entries) == story.requests


class Killed(BaseException):
    """Nothing in the program catches it, as nothing catches kill -9."""


@dataclass
class Deadly:
    """Ends the pull at the nth request that it sends from now on."""

    at: int
    when: str
    sent: int = 0
    lost: list[str] = field(default_factory=list)

    def send(self, go: Callable[..., requests.Response], request: requests.PreparedRequest, **options: Any) -> Any:
        self.sent += 1
        if self.sent == self.at and self.when == "before_request":
            raise Killed
        answer = go(request, **options)
        if self.sent == self.at:
            self.lost.append(f"{request.method} {request.path_url}")
            raise Killed
        return answer


def die(here: Pulled, monkeypatch: pytest.MonkeyPatch, story: Story, at: int, when: str) -> Deadly:
    deadly, go = Deadly(at, when), HTTPAdapter.send
    with monkeypatch.context() as patched:
        patched.setattr(HTTPAdapter, "send", lambda adapter, r, **o: deadly.send(
            lambda request, **options: go(adapter, request, **options), r, **o))  # fmt: skip
        with pytest.raises(Killed):
            here.pull(scope=story.scope)
    return deadly


@pytest.mark.parametrize(("story", "at", "when"), BOUNDARIES.values(), ids=BOUNDARIES.keys())
def test_a_pull_that_died_is_gone_on_with(
    snapshot: bytes, monkeypatch: pytest.MonkeyPatch, story: Story, at: int, when: str
) -> None:
    with served(snapshot, monkeypatch) as here:
        story.before(here)
        here.org.ledger.clear()
        deadly = die(here, monkeypatch, story, at, when)
        assert_stored_pages_are_remembered(here)
        before = list(here.org.ledger.entries)
        here.later(minutes=20)
        assert here.pull(scope=story.scope).complete
        here.assert_equal()
        assert_only_lost_pages_came_twice(here.org, before, deadly.lost)
        assert_jobs_are_gone(here.org, deadly.lost)
        asked_again = any("/jobs/query" in request for request in deadly.lost) + (at > story.compared)
        assert questions_asked(here.org.ledger.entries) <= story.jobs + asked_again


def assert_stored_pages_are_remembered(here: Pulled) -> None:
    for reading in Readings(here.mirror).all():
        (found,) = here.sql(f'SELECT count(*), count(DISTINCT "Id") FROM {reading.incoming}')
        assert found == (reading.records, reading.records)


def questions_asked(entries: list[Entry]) -> int:
    return sum(e.method == "POST" and e.path.endswith("/jobs/query") for e in entries)


def assert_only_lost_pages_came_twice(org: Org, before: list[Entry], lost: list[str]) -> None:
    """The page whose answer was on its way when the pull died; a prefetched one behind it may be too."""
    again = Counter(pages_of(org.ledger.entries))
    twice = [page for page, n in again.items() if n > 1]
    died_on = {page.split("?")[0].removeprefix("GET /services/data/") for page in lost}
    assert len(twice) <= 2
    assert {page.split(" ")[0] for page in twice} <= died_on | {p.split(" ")[0] for p in pages_of(before[-2:])}


def assert_jobs_are_gone(org: Org, lost: list[str]) -> None:
    """All but one whose id never reached us."""
    orphans = sum(request.endswith("/jobs/query") for request in lost)
    assert len(org.bulk.kept) <= orphans


# --- kill -9 ---------------------------------------------------------------------------------------------------


def pull_in_a_process(url: str, store: Path, needs: Needs, scope: Any) -> None:
    settings = OrgSettings(instance_url=url, client_id="key", client_secret="secret")
    client = connect(settings, HttpSettings(attempts=3), sleep=lambda _: None)
    with Mirror.open(store) as mirror:
        pull(client, mirror, needs, overlap=OVERLAP, progress=lambda _: None, scope=scope, how=HOW)


def kill_at(here: Pulled, store: Path, story: Story, at: int, when: str) -> None:
    """The same pull in a process of its own, which is killed at a request, as the org sees it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["connector.pull", "connector.salesforce"])
    args = (here.server.url, store, here.needs, story.scope)
    victim = context.Process(target=pull_in_a_process, args=args)
    seen = 0

    def strike(event: BoundaryEvent) -> None:
        nonlocal seen
        seen += event.when == "before_request"
        if seen == at and event.when == when and victim.pid:
            os.kill(victim.pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                while True:
                    os.kill(victim.pid, 0)
                    time.sleep(0.001)
            if when != "after_reply":
                raise DropConnectionError

    here.server.on_boundary = strike
    victim.start()
    victim.join(60)
    here.server.on_boundary = None
    assert victim.exitcode == -signal.SIGKILL


KILLS = {f"{name}, request {n}, {when}": (story, n, when)
         for name, story, n, when in (
             ("first pull", STORIES["first pull"], 5, "before_reply"),
             ("first pull", STORIES["first pull"], 8, "after_reply"),
             ("first pull", STORIES["first pull"], 10, "before_request"),
             ("first pull", STORIES["first pull"], 11, "before_reply"),
             ("later pull", STORIES["later pull"], 9, "after_reply"),
             ("later pull", STORIES["later pull"], 20, "before_reply"),
         )}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("story", "at", "when"), KILLS.values(), ids=KILLS.keys())
def test_a_process_that_was_killed_is_gone_on_with(
    snapshot: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, story: Story, at: int, when: str
) -> None:
    store = tmp_path / "mirror.duckdb"
    with served(snapshot, monkeypatch, store) as here:
        story.before(here)
        here.org.ledger.clear()
        here.mirror.close()
        kill_at(here, store, story, at, when)
        here.mirror = Mirror.open(store)
        assert here.mirror.notice == ""
        assert_stored_pages_are_remembered(here)
        here.later(minutes=20)
        assert here.pull(scope=story.scope).complete
        here.assert_equal()
        assert all(n <= 2 for n in Counter(pages_of(here.org.ledger.entries)).values())
        assert list(store.parent.glob("spool/*")) == []


# --- what is not gone on with ----------------------------------------------------------------------------------

FIRST = STORIES["first pull"]


def other_fields(here: Pulled) -> None:
    here.needs = MORE


def another_api_version(here: Pulled) -> None:
    here.version = "65.0"


def too_late_for_rest(here: Pulled) -> None:
    here.org.clock.advance(REST_LASTS)


def too_late_for_bulk(here: Pulled) -> None:
    here.org.clock.advance(BULK_LASTS)


def a_clock_that_went_back(here: Pulled) -> None:
    here.org.clock.advance(-timedelta(hours=1))


CHANGES = (other_fields, another_api_version, too_late_for_rest, too_late_for_bulk, a_clock_that_went_back)
REFUSED = {change.__name__.replace("_", " "): change for change in CHANGES}
TWO_PAGES_ARE_HERE = {"Bulk": 9, "REST": 6}
"""The request of a first pull of Accounts that asks for the third page."""


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("way", ["Bulk", "REST"])
def test_what_was_read_for_another_question_is_begun_anew(
    snapshot: bytes, monkeypatch: pytest.MonkeyPatch, way: str, change: Callable[[Pulled], None]
) -> None:
    how = HOW if way == "Bulk" else PullSettings()
    with served(snapshot, monkeypatch) as here:
        here.how, here.needs = how, replace(NEEDS, fields={"Account": NEEDS.fields["Account"]})
        die(here, monkeypatch, FIRST, TWO_PAGES_ARE_HERE[way], "before_request")
        (reading,) = Readings(here.mirror).all()
        assert (bool(reading.job), reading.pages) == (way == "Bulk", 2)
        job = reading.job
        change(here)
        here.said.clear()
        assert here.pull().complete
        goes_on = way == "Bulk" and change is too_late_for_rest
        assert any("going on with" in said for said in here.said) == goes_on
        here.assert_equal()
        assert job not in here.org.bulk.kept
