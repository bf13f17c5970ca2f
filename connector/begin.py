"""What a run stands on: the org, the right to write to it, the mirror and the ledger, and the run's row in the ledger.

Called by run.py only. Everything is given back when the block ends, however it ends, and the row says how.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from connector.errors import ConnectorError, FixFirst, NeedsApproval
from connector.jobs import Job
from connector.report import ApiCost, cost_json
from connector.salesforce import ApiUsage, OrgClient, connect
from connector.settings import Settings
from connector.store.lease import Lease
from connector.store.ledger import Ledger, RunStatus
from connector.store.mirror import Mirror
from connector.store.spending import Spending

Progress = Callable[[str], None]

NO_ORG = (
    "No org is configured. Copy config.example.toml to config.toml and fill in [org], or set "
    "CONNECTOR_ORG__INSTANCE_URL, CONNECTOR_ORG__CLIENT_ID and CONNECTOR_ORG__CLIENT_SECRET."
)
_RENEW_AFTER = 60.0
"""Seconds; well below the time that a lease lives."""


@dataclass(frozen=True)
class Ground:
    """An org that was reached, and the stores beside it, for as long as a run needs them."""

    job: Job
    settings: Settings
    client: OrgClient
    mirror: Mirror
    ledger: Ledger
    lease: Lease
    progress: Progress
    started: float
    run: int = 0
    """The run's number; 0 for what only looks."""


@contextmanager
def stand_on(job: Job, settings: Settings, progress: Progress) -> Iterator[Ground]:
    """The org and the stores for whoever only looks; the lease is taken all the same, for the mirror's sake."""
    started = time.monotonic()
    with _right_to_write(job, settings) as (ledger, lease), _spending(job, settings) as book:
        client = reach(settings, book)
        with _open_mirror(settings, progress) as mirror:
            alive = _keeping_lease(ledger, lease, progress)
            yield Ground(job, settings, client, mirror, ledger, lease, alive, started)


@contextmanager
def begin_run(job: Job, settings: Settings, *, dry_run: bool, progress: Progress) -> Iterator[Ground]:
    """The org and the stores for a run, which the ledger lists from its first moment, and how it ended if it fails."""
    started = time.monotonic()
    with _right_to_write(job, settings) as (ledger, lease), _spending(job, settings) as book:
        run_id = ledger.start_run(
            job.job, org=org_key(settings), policy=job.policy, dry_run=dry_run, held=lease
        )  # fmt: skip
        with _recorded(ledger, run_id) as spending:
            client = reach(settings, book)
            spending.append(client)
            with _open_mirror(settings, progress) as mirror:
                alive = _keeping_lease(ledger, lease, progress)
                yield Ground(job, settings, client, mirror, ledger, lease, alive, started, run_id)


def reach(settings: Settings, book: Spending | None = None) -> OrgClient:
    """The org, logged in to; what is spent there goes into `book`."""
    return connect(settings.org, settings.http, settings.api, folder=settings.store.directory, book=book)


def _spending(job: Job, settings: Settings) -> Spending:
    """The book of what all jobs spend on the org, open for `job`; the ledger must have been opened before."""
    return Spending.open(settings.store.ledger, org_key(settings), job.job)


def org_key(settings: Settings) -> str:
    """The name under which the ledger knows the org: its own address."""
    return urlsplit(settings.org.instance_url).netloc


@contextmanager
def _right_to_write(job: Job, settings: Settings) -> Iterator[tuple[Ledger, Lease]]:
    """One writer per org; held for dry runs too, because they bring the mirror up to date."""
    if not settings.org.instance_url:
        raise FixFirst(NO_ORG)
    with Ledger.open(settings.store.ledger) as ledger:
        lease = ledger.acquire(org_key(settings), f"job {job.job} of installation {settings.installation}")
        try:
            yield ledger, lease
        finally:
            ledger.release(lease)


@contextmanager
def _recorded(ledger: Ledger, run_id: int) -> Iterator[list[OrgClient]]:
    """Lists a run that ends by an exception as failed or refused, with what the client put here has spent."""
    spending: list[OrgClient] = []
    try:
        yield spending
    except BaseException as error:
        status: RunStatus = "refused" if isinstance(error, NeedsApproval) else "failed"
        said, code = (str(error), error.exit_code) if isinstance(error, ConnectorError) else (repr(error), 1)
        cost = cost_of(spending[0].usage) if spending else ApiCost()
        ledger.finish_run(run_id, status, code, {"error": said, "api": cost_json(cost)}, cost.calls)
        raise


def cost_of(usage: ApiUsage) -> ApiCost:
    """What the run spent so far, for the report."""
    pairs = [(a.used, a.allowed) if a else None for a in (usage.app, usage.share)]
    return ApiCost(
        usage.calls, usage.used, usage.allowed, usage.by_step, usage.by_sobject, usage.predicted, *pairs
    )  # fmt: skip


def _open_mirror(settings: Settings, progress: Progress) -> Mirror:
    mirror = Mirror.open(settings.store.mirror, memory_limit=settings.store.memory_limit)
    if mirror.notice:
        progress(mirror.notice)
    return mirror


def _keeping_lease(ledger: Ledger, lease: Lease, progress: Progress) -> Progress:
    """`progress` that also renews the lease: a first pull takes longer than a lease lives."""
    renewed = time.monotonic()

    def tell(text: str) -> None:
        nonlocal renewed
        if time.monotonic() - renewed > _RENEW_AFTER:
            ledger.renew(lease)
            renewed = time.monotonic()
        progress(text)

    return tell
