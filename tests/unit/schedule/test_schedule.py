"""When a job is due, who runs it, and what a failing run does to the schedule."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from connector.data import PullResult
from connector.errors import QuotaExhausted
from connector.health import Health
from connector.jobs import Job, cron_trigger
from connector.report import RunReport
from connector.schedule import claim_due, due, run_safely, serve

NOW = datetime(2026, 9, 1, 10, 7, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def job(name: str = "lifecycle", schedule: str | None = "*/15 * * * *") -> Job:
    return Job(job=name, mappings=("post_sale",), schedule=schedule)


def report(name: str = "lifecycle") -> RunReport:
    pull = PullResult(NOW, "00D000000000001AAA", "UTC", {})
    return RunReport(run=1, job=name, org=pull.org_id, as_of=NOW, status="done", exit_code=0, pull=pull)


class FakeTicks:
    """The ledger's rows in memory."""

    def __init__(self, **last: datetime) -> None:
        self.last = dict(last)
        self.claimed: list[tuple[str, datetime]] = []

    def last_tick(self, name: str) -> datetime | None:
        return self.last.get(name)

    def claim_tick(self, name: str, tick: datetime) -> bool:
        if (name, tick) in self.claimed:
            return False
        self.claimed.append((name, tick))
        self.last[name] = tick
        return True


@pytest.mark.parametrize(
    ("cron", "zone", "previous", "now", "tick"),
    [
        pytest.param("*/15 * * * *", "UTC", "2026-09-01 10:00", "2026-09-01 10:07", None, id="not yet"),
        pytest.param("*/15 * * * *", "UTC", "2026-09-01 10:00", "2026-09-01 10:15", "2026-09-01 10:15",
                     id="on the dot"),
        pytest.param("*/15 * * * *", "UTC", "2026-09-01 10:00", "2026-09-01 10:16", "2026-09-01 10:15",
                     id="a bit late"),
        pytest.param("*/15 * * * *", "UTC", "2026-08-30 10:00", "2026-09-01 10:07", "2026-09-01 10:00",
                     id="two days down: once, the latest"),
        pytest.param("30 2 * * *", "UTC", "2026-08-31 02:30", "2026-09-01 02:29", None, id="nightly, a minute early"),
        pytest.param("30 2 * * *", "UTC", "2026-07-01 02:30", "2026-09-01 10:00", "2026-09-01 02:30",
                     id="nightly after two months"),
        pytest.param("0 0 1 1 *", "UTC", "2025-06-01 00:00", "2026-09-01 00:00", "2026-01-01 00:00", id="once a year"),
        pytest.param("0 9 * * *", "Europe/Berlin", "2026-08-31 12:00", "2026-09-01 07:30", "2026-09-01 07:00",
                     id="nine in Berlin is seven in summer"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 12:00", "2026-03-29 01:30",
                     id="the hour that summer time skips"),
    ],
)  # fmt: skip
def test_what_is_due(cron: str, zone: str, previous: str, now: str, tick: str | None) -> None:
    found = due(cron_trigger(cron, zone), at(previous), at(now))
    assert found == (at(tick) if tick else None)


def test_a_job_that_never_ran_starts_with_its_next_tick() -> None:
    ticks = FakeTicks()
    assert claim_due(job(), ticks, since=NOW, now=NOW + timedelta(minutes=1)) is None
    assert claim_due(job(), ticks, since=NOW, now=NOW + timedelta(minutes=8)) == at("2026-09-01 10:15")


def test_a_tick_is_run_by_one_of_two_schedulers() -> None:
    ticks = FakeTicks(lifecycle=at("2026-09-01 09:45"))
    behind = FakeTicks(lifecycle=at("2026-09-01 09:45"))
    behind.claimed = ticks.claimed
    assert claim_due(job(), ticks, since=NOW, now=NOW) == at("2026-09-01 10:00")
    assert claim_due(job(), behind, since=NOW, now=NOW) is None


def test_a_tick_claimed_by_a_clock_that_was_ahead_stops_nothing() -> None:
    ticks = FakeTicks(lifecycle=at("2027-09-01 10:00"))
    assert claim_due(job(), ticks, since=NOW, now=NOW + timedelta(minutes=8)) == at("2026-09-01 10:15")
    behind = FakeTicks(lifecycle=at("2027-09-01 10:00"))
    assert claim_due(job(), behind, since=at("2027-09-01 09:59"), now=NOW + timedelta(minutes=8)) is None


def test_a_job_without_a_schedule_is_never_due() -> None:
    assert claim_due(job(schedule=None), FakeTicks(lifecycle=at("2020-01-01")), since=NOW, now=NOW) is None


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        pytest.param(QuotaExhausted("out of calls"), 4, id="an expected error keeps its exit code"),
        pytest.param(ZeroDivisionError(), 1, id="a bug in the program counts as failed"),
    ],
)
def test_a_failed_run_is_shown_and_ends_nothing(error: Exception, exit_code: int) -> None:
    def fails(_: Job) -> RunReport:
        raise error

    health = Health()
    health.expect("lifecycle", "*/15 * * * *")
    run_safely(job(), fails, health, lambda: NOW)
    assert health.as_json()["jobs"]["lifecycle"]["last"]["exit_code"] == exit_code  # type: ignore[index]
    assert health.as_json()["status"] == "ok"


def test_serving_makes_up_for_a_missed_tick_and_stops_when_told() -> None:
    ticks, stop, ran = FakeTicks(lifecycle=at("2026-09-01 09:45")), threading.Event(), []

    @contextmanager
    def open_ticks() -> Iterator[FakeTicks]:
        yield ticks

    def run_one(found: Job) -> RunReport:
        ran.append(found.job)
        stop.set()
        return report()

    health = Health()
    jobs = {"lifecycle": job(), "byhand": job("byhand", None)}
    guard = threading.Timer(20, stop.set)
    guard.start()
    serve(jobs, open_ticks, run_one, health, stop, clock=lambda: NOW)
    guard.cancel()
    assert ran == ["lifecycle"]
    assert ticks.claimed == [("lifecycle", at("2026-09-01 10:00"))]
    assert health.as_json()["status"] == "stopping"
