"""A job file (`jobs/*.toml`): when a run happens, which mappings it uses, and how much change is safe.

Read by schedule, run and the command line; `Limits` and the policy are handed to plan. Declarations only: a job
never names a field of the org, and this module never looks at a clock, a database or the network.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from connector.describe import nearest
from connector.errors import FileProblems, FixFirst, Problem
from connector.files import Document, Position, read_toml

Policy = Literal["create-only", "upsert-only", "sync"]
"""create-only: only new Tasks and memberships; upsert-only: also field writes; sync: also closes what is ours."""


def _share(raw: Any) -> Any:
    if not isinstance(raw, str) or not (found := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", raw)):
        raise ValueError(f'{raw!r} is not a share; write it as a percentage in quotes, such as "10 %"')
    return float(found[1]) / 100


_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def cron_trigger(text: str, zone: str) -> CronTrigger:
    """The five cron fields of `text` as cron means them (0 and 7 are Sunday; APScheduler by itself says Monday).

    Raises ValueError for what is no schedule, and where day of month and day of week are both given.
    """
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields")
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise ValueError("give a day of the month or a day of the week, not both")
    names = ",".join(_weekdays(part) for part in weekday.lower().split(","))
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=names, timezone=ZoneInfo(zone))


def _weekdays(part: str) -> str:
    found = re.fullmatch(r"([0-7])(?:-([0-7]))?(?:/(\d))?", part)
    if found is None:
        return part
    first, last, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
    return ",".join(_DAYS[number % 7] for number in range(first, last + 1, step))


def _cron(text: str) -> str:
    try:
        cron_trigger(text, "UTC")
    except ValueError as error:
        raise ValueError(f"{text!r} is not a schedule ({error}); {_CRON_HINT}") from None
    return text


_CRON_HINT = 'write five cron fields, such as "*/15 * * * *"'


def _zone(text: str) -> str:
    if text in available_timezones():
        return text
    hint = nearest(text, available_timezones())
    raise ValueError(f"{text!r} is not a time zone" + (f"; did you mean {hint!r}?" if hint else ""))


def _enough_overlap(overlap: timedelta) -> timedelta:
    if overlap < timedelta(minutes=15):
        raise ValueError(
            "the overlap must be at least 15 minutes: an org commits records late, with stamps older than ones "
            "already read"
        )
    return overlap


_UNITS = {"minute": "minutes", "hour": "hours", "day": "days"}


def _duration(raw: Any) -> Any:
    found = re.fullmatch(r"\s*(\d+)\s+(minute|hour|day)s?\s*", raw) if isinstance(raw, str) else None
    if found is None:
        raise ValueError(f'{raw!r} is not a duration; write it as "15 minutes", "2 hours" or "1 day"')
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", text):
        raise ValueError(f"{text!r} is no name; use small letters, digits, - and _, a letter first, at most 40")
    return text


Name = Annotated[str, AfterValidator(_name)]
Share = Annotated[float, BeforeValidator(_share), Field(gt=0, le=1)]
Cron = Annotated[str, AfterValidator(_cron)]
Zone = Annotated[str, AfterValidator(_zone)]
Overlap = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_enough_overlap)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Part):
    """How many changes of one sort a single run may make. Absent parts do not limit."""

    count: int | None = Field(default=None, ge=0, description="At most this many in one run.")
    share: Share | None = Field(default=None, description='At most this share of the subjects, such as "10 %".')
    minimum: int = Field(
        default=0, ge=0, description="The share is judged only in a book of at least so many subjects."
    )

    def allows(self, found: int, population: int) -> bool:
        """Whether `found` changes in a book of `population` subjects are within this limit."""
        if self.count is not None and found > self.count:
            return False
        return self.share is None or population < self.minimum or found <= self.share * population

    def __str__(self) -> str:
        parts = [] if self.count is None else [f"{self.count}"]
        if self.share is not None:
            parts.append(f"{self.share * 100:g} % of the subjects")
        return " or ".join(parts) or "no limit"


class Limits(_Part):
    """What one run may change before a person has to look: the run is refused whole (exit code 3) above it."""

    moves: Limit = Field(default=Limit(share="10 %", minimum=50), description="Subjects that change their stage.")
    placements: Limit = Field(default=Limit(count=50), description="Subjects that get their first stage.")
    tasks_open: Limit = Field(default=Limit(count=200), description="Tasks that are created.")
    tasks_close: Limit = Field(default=Limit(count=200), description="Tasks that are closed as not needed.")
    members: Limit = Field(default=Limit(count=500), description="Campaign memberships that are created or changed.")


class Job(_Part):
    """One job file. `schedule` absent: the job only runs when somebody runs it."""

    job: Name = Field(description="The job's name, for ever.")
    label: str = Field(default="", description="One line for people.")
    mappings: tuple[str, ...] = Field(min_length=1, description="Models to run, by name of their file or folder.")
    schedule: Cron | None = Field(default=None, description="When it runs: five cron fields.")
    zone: Zone = Field(default="UTC", description="Time zone of the schedule.")
    policy: Policy = Field(default="sync", description="Which kinds of change are permitted.")
    pull: Literal["changes", "verify", "full"] = Field(
        default="changes",
        description="verify: counts and ids of all records are compared too; full: every record is read again.",
    )
    overlap: Overlap = Field(
        default=timedelta(minutes=15), description="How far each pull reads back behind the last one."
    )
    only: str | None = Field(default=None, description="A condition: nobody else is touched (going live by parts).")
    limits: Limits = Limits()
    _document: Document = PrivateAttr(default_factory=lambda: Document("", {}))

    def at(self, key: str) -> Position:
        """Where a key of this job stands in its file."""
        return self._document.at((key,))

    def trigger(self) -> CronTrigger | None:
        """The schedule as APScheduler computes it, or None for a job that is only run by hand."""
        return cron_trigger(self.schedule, self.zone) if self.schedule else None


def load_job(path: Path) -> Job:
    """The job in `path`. Raises FileProblems with everything that is wrong in the file."""
    document = read_toml(path)
    if document.problems:
        raise FileProblems(document.problems)
    try:
        job = Job.model_validate(document.data)
    except ValidationError as error:
        raise FileProblems(_problem(document, e["loc"], e["type"], e["msg"]) for e in error.errors()) from None
    job._document = document
    return job


def load_jobs(directory: Path) -> dict[str, Job]:
    """All jobs of a directory by name. Problems of all files are raised together."""
    jobs: dict[str, Job] = {}
    problems: list[Problem] = []
    for path in sorted(directory.glob("*.toml")):
        try:
            job = load_job(path)
        except FileProblems as found:
            problems.extend(found.problems)
            continue
        if job.job in jobs:
            problems.append(Problem(str(path), 1, 1, f"another file already declares the job {job.job!r}"))
        jobs[job.job] = job
    if problems:
        raise FileProblems(problems)
    return jobs


def find_job(directory: Path, name: str) -> Job:
    """The job called `name` in `directory`; FixFirst names the jobs that exist."""
    jobs = load_jobs(directory)
    if name in jobs:
        return jobs[name]
    known = ", ".join(sorted(jobs)) or "none"
    hint = nearest(name, jobs)
    raise FixFirst(f"There is no job {name!r} in {directory}/ (jobs there: {known})."
                   + (f" Did you mean {hint!r}?" if hint else " Name one of them, or add a file."))  # fmt: skip


def _problem(document: Document, at: tuple[str | int, ...], kind: str, said: str) -> Problem:
    keys = [str(k) for k in at]
    if kind == "extra_forbidden":
        allowed = _allowed_keys(len(at))
        hint = nearest(keys[-1], allowed)
        tail = f"did you mean {hint!r}?" if hint else f"allowed here: {', '.join(allowed)}"
        return document.key_at(at).problem(f"unknown key {keys[-1]!r}; {tail}")
    if kind == "missing":
        return document.at(at[:-1]).problem(f"the key {keys[-1]!r} is missing")
    said = said.removeprefix("Value error, ")
    return document.at(at).problem(f"{'.'.join(keys)}: {said[:1].lower() + said[1:]}")


def _allowed_keys(depth: int) -> tuple[str, ...]:
    """The keys of the file itself, of [limits], or of one limit."""
    return tuple((Job, Limits, Limit)[min(depth, 3) - 1].model_fields)
