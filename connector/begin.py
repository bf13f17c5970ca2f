"""What a run stands on: the org, the right to write to it, the mirror and the ledger, and the run's row in the ledger.

Called by run.py only. Everything is given back when the block ends, however it ends, and the row says how.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from connector.errors import ConnectorError, NeedsApproval
from connector.jobs import Job
from connector.salesforce import OrgClient, connect
from connector.settings import Settings
from connector.store.lease import Lease
from connector.store.ledger import Ledger, RunStatus
from connector.store.mirror import Mirror

Progress = Callable[[str], None]

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
    """The org and the stores, under the lease; dry runs take it too, because they bring the mirror up to date."""
    started = time.monotonic()
    client = connect(settings.org, settings.http, settings.api)
    with Ledger.open(settings.store.ledger) as ledger, _lease(ledger, settings, job) as lease:
        alive = _keeping_lease(ledger, lease, progress)
        with _open_mirror(settings, progress) as mirror:
            yield Ground(job, settings, client, mirror, ledger, lease, alive, started)


@contextmanager
def begin_run(job: Job, settings: Settings, *, dry_run: bool, progress: Progress) -> Iterator[Ground]:
    """The same for a run that the ledger lists; one that ends by an exception is listed as failed or refused."""
    with stand_on(job, settings, progress) as ground:
        run_id = ground.ledger.start_run(
            job.job, org=org_key(settings), policy=job.policy, dry_run=dry_run, held=ground.lease
        )
        with _recorded(ground, run_id):
            yield replace(ground, run=run_id)


def org_key(settings: Settings) -> str:
    """The name under which the ledger knows the org: its own address."""
    return urlsplit(settings.org.instance_url).netloc


@contextmanager
def _lease(ledger: Ledger, settings: Settings, job: Job) -> Iterator[Lease]:
    lease = ledger.acquire(org_key(settings), f"job {job.job} of installation {settings.installation}")
    try:
        yield lease
    finally:
        ledger.release(lease)


@contextmanager
def _recorded(ground: Ground, run_id: int) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        expected = isinstance(error, ConnectorError)
        status: RunStatus = "refused" if isinstance(error, NeedsApproval) else "failed"
        said = str(error) if expected else repr(error)
        exit_code = error.exit_code if isinstance(error, ConnectorError) else 1
        ground.ledger.finish_run(run_id, status, exit_code, {"error": said}, ground.client.usage.calls)
        raise


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
