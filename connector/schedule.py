"""`connector serve`: runs the jobs when they are due, one at a time, until it is told to stop.

Called by the command line, which hands in how a job is run. What is due is decided by `due`, a pure function, and by
one row per (job, tick) in the ledger; APScheduler only wakes us. A run that was missed is made up for once, at the
next wake, because every run derives everything anew. Must not know what a run does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from connector.errors import ConnectorError
from connector.health import Health
from connector.jobs import Job
from connector.report import RunReport

log = structlog.get_logger("connector.schedule")

_LOOK_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=400))


class Ticks(Protocol):
    """What the ledger does for the schedule."""

    def last_tick(self, job: str) -> datetime | None: ...
    def claim_tick(self, job: str, tick: datetime) -> bool: ...


OpenTicks = Callable[[], AbstractContextManager[Ticks]]
RunOne = Callable[[Job], RunReport]


def due(trigger: CronTrigger, previous: datetime, now: datetime) -> datetime | None:
    """The latest time in (previous, now] at which `trigger` fires; None when there is none.

    Several missed ticks are one: whoever was down for a day runs once, not ninety-six times.
    """
    for span in _LOOK_BACK:
        start = max(previous, now - span)
        found = _last_fire(trigger, start, now)
        if found is not None or start == previous:
            return found
    return None


def _last_fire(trigger: CronTrigger, after: datetime, now: datetime) -> datetime | None:
    found = None
    tick = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
    while tick is not None and tick <= now:
        found = tick.astimezone(UTC)
        tick = trigger.get_next_fire_time(None, tick + timedelta(microseconds=1))
    return found


def claim_due(job: Job, ticks: Ticks, since: datetime, now: datetime) -> datetime | None:
    """The tick for which this process shall run `job` now, if it is due and nobody else took it.

    `since` counts as the last tick of a job that never had one: it starts with the next tick, not with a past one.
    """
    trigger = job.trigger()
    if trigger is None:
        return None
    last = ticks.last_tick(job.job) or since
    if last > now:  # claimed while this machine's clock was ahead; waiting until then would mean standing still
        last = min(since, now)
    tick = due(trigger, last, now)
    return tick if tick is not None and ticks.claim_tick(job.job, tick) else None


def serve(
    jobs: Mapping[str, Job], open_ticks: OpenTicks, run_one: RunOne, health: Health, stop: threading.Event,
    *, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:  # fmt: skip
    """Runs every scheduled job at its ticks until `stop` is set; a run under way then ends after its batch.

    One run at a time in this process; the lease in the ledger keeps other processes off the same org. A run that
    fails is logged and counted, and the schedule goes on.
    """
    since = clock()

    def wake(job: Job) -> None:
        if stop.is_set():
            return
        with open_ticks() as ticks:
            tick = claim_due(job, ticks, since, clock())
        if tick is not None:
            run_safely(job, run_one, health, clock)

    for job in jobs.values():
        health.expect(job.job, job.schedule)
    scheduler = _scheduler(jobs.values(), wake)
    scheduler.start()
    try:
        health.alive = lambda: bool(scheduler.running) and not stop.is_set()
        stop.wait()
    finally:
        scheduler.shutdown(wait=True)


def _scheduler(jobs: Iterable[Job], wake: Callable[[Job], None]) -> BackgroundScheduler:
    """Wakes each job at its ticks, and once at the start for what was missed while nobody was there."""
    scheduler = BackgroundScheduler(
        timezone=UTC, executors={"default": ThreadPoolExecutor(max_workers=1)},
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )  # fmt: skip
    for job in jobs:
        if (trigger := job.trigger()) is not None:
            scheduler.add_job(wake, trigger, args=[job], id=job.job, next_run_time=datetime.now(UTC))
    return scheduler


def run_safely(job: Job, run_one: RunOne, health: Health, clock: Callable[[], datetime]) -> None:
    """One run whose every end, good or bad, is counted and logged and never ends the schedule."""
    started = clock()
    try:
        report = run_one(job)
    except ConnectorError as error:
        log.error("run failed", job=job.job, exit_code=error.exit_code, error=str(error))
        health.failed(job.job, error.exit_code, started, clock())
    except Exception as error:
        log.exception("run failed unexpectedly", job=job.job, error=str(error))
        health.failed(job.job, 1, started, clock())
    else:
        log.info(
            "run ended", job=job.job, run=report.run, status=report.status, exit_code=report.exit_code,
            changes=len(report.plan.changes), api_calls=report.cost.total, seconds=round(report.seconds, 1),
        )  # fmt: skip
        health.ended(report, started, clock())
