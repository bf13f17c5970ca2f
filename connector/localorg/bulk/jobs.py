"""Bulk jobs as values, the register that an org keeps them in, and the step from waiting to done.

A job is frozen; each step puts a new value in the register. Everybody sees every job: the users of this org hold
the permission Manage Data Integrations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from connector.localorg.bulk.dialect import Dialect, Table
from connector.localorg.bulk.spool import Spool
from connector.localorg.bulk.usage import Usage
from connector.localorg.errors import resource_missing
from connector.localorg.faults import JOB_KINDS, Fault
from connector.localorg.ids import make_id

JobType = Literal["V2Query", "V2Ingest"]
State = Literal["Open", "UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
ENDED: frozenset[State] = frozenset({"JobComplete", "Failed", "Aborted"})
RETENTION = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one uploaded row; `error` is empty when it was written."""

    record_id: str
    created: bool
    error: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Job:
    """What both kinds of job have. `faults` are the job faults that struck when it was made."""

    id: str
    operation: str
    sobject: str
    user_id: str
    version: str
    created_at: datetime
    changed_at: datetime
    state: State
    dialect: Dialect
    faults: tuple[Fault, ...] = ()
    polls: int = 0
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED

    @property
    def job_type(self) -> JobType:
        """What kind of job it is, by its API name."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class QueryJob(Job):
    """A job that reads; `spool` is there once it has completed."""

    soql: str = ""
    spool: Spool | None = None

    @property
    def job_type(self) -> JobType:
        return "V2Query"


@dataclass(frozen=True, slots=True)
class IngestJob(Job):
    """A job that writes. `table` is the upload as far as it could be read, `outcomes` what became of its first rows."""

    external_id: str | None = None
    upload: bytes | None = None
    row_faults: tuple[Fault, ...] = ()
    table: Table | None = None
    outcomes: tuple[Outcome, ...] = ()

    @property
    def job_type(self) -> JobType:
        return "V2Ingest"


JobT = TypeVar("JobT", QueryJob, IngestJob)


@dataclass(slots=True)
class BulkJobs:
    """The jobs of one org, oldest first."""

    kept: dict[str, Job] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    made: int = 0

    def new_id(self, pod: str) -> str:
        """An id that no job had before."""
        self.made += 1
        return make_id("750", pod, self.made)

    def put(self, job: JobT) -> JobT:
        """Remember a job as it is now."""
        self.kept[job.id] = job
        return job

    def find(self, kind: type[JobT], job_id: str, now: datetime) -> JobT:
        """Return a job of this kind by its 15 or 18 character id, or 404."""
        self.forget_old(now)
        found = next((j for j in self.kept.values() if job_id in (j.id, j.id[:15])), None)
        if not isinstance(found, kind):
            raise resource_missing()
        return found

    def drop(self, job: Job) -> None:
        """Forget a job with its data."""
        self.kept.pop(job.id, None)

    def forget_old(self, now: datetime) -> None:
        """Forget jobs that ended seven days ago or more (reference 3.1, 3.2)."""
        for job in [j for j in self.kept.values() if j.ended and now - j.changed_at >= RETENTION]:
            self.drop(job)


def advance_job(job: JobT, run: Callable[[JobT], JobT], now: datetime) -> JobT:
    """Take a waiting job one look further: faults hold it for so many looks in a state, then it runs.

    A job that is polled without faults has run when its state is shown.
    """
    if job.ended or job.state == "Open":
        return job
    queued = sum(f.polls for f in job.faults if f.kind == "job_queued")
    working = sum(f.polls for f in job.faults if f.kind == "job_slow")
    looked = replace(job, polls=job.polls + 1)
    if looked.polls <= queued:
        return looked
    if looked.polls <= queued + working:
        return replace(looked, state="InProgress", changed_at=now)
    return run(replace(looked, changed_at=now))


def job_fault(job: Job, kind: str) -> Fault | None:
    """The fault of a kind that the job suffers from, if any."""
    return next((f for f in job.faults if f.kind == kind), None)


def job_faults(faults: list[Fault]) -> tuple[Fault, ...]:
    """Those faults of a request that are about the job it makes."""
    return tuple(f for f in faults if f.kind in JOB_KINDS)
