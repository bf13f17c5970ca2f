"""run_job(): THE FLOW. Start reading here.

Called by the command line and by schedule. Owns the order of the steps, the lease and the run's row in the ledger;
what a step does is in its own package. Level-triggered: nothing here remembers anything from one run to the next.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from connector.apply import apply_plan
from connector.calendar import Calendar
from connector.data import Outcome, Plan, PullResult
from connector.errors import ConnectorError, NeedsApproval
from connector.evaluate import Evaluated, evaluate
from connector.jobs import Job
from connector.mapping.mapping import Mapping
from connector.models import calendar_of, draft_models, final_models
from connector.plan.plan import make_plan
from connector.pull import pull
from connector.pull.schema import refresh_describes
from connector.report import ApiCost, ModelSummary, RunReport, StageLine, conclude, run_json
from connector.salesforce import OrgClient, connect
from connector.settings import Settings
from connector.store.lease import Lease
from connector.store.ledger import Ledger, RunStatus
from connector.store.mirror import Mirror

Progress = Callable[[str], None]
Stop = Callable[[], bool]
Accounts = frozenset[str] | None


def run_job(
    job: Job, settings: Settings, *, dry_run: bool = False, accounts: Accounts = None,
    stop: Stop = lambda: False, progress: Progress = lambda _: None,
) -> RunReport:  # fmt: skip
    """One run of `job`: connect, take the lease, pull, evaluate, plan, apply, report.

    `accounts`: only these subjects are touched; `stop` is asked between two batches of writes. What keeps the whole
    run from happening is raised (errors.py); what happens to single records is in the report.
    """
    with _begin(job, settings, dry_run=dry_run, progress=progress) as run:
        models, pulled = _read_org(run)
        judged = [_judge(run, model, pulled, accounts) for model in models]
        plan = _merge([_plan(run, model, pulled, found) for model, found in zip(models, judged, strict=True)])
        run.ledger.record_plan(run.id, plan)
        outcomes = () if dry_run or plan.breaches else _apply(run, plan, stop)
        summaries = tuple(_summary(model, found) for model, found in zip(models, judged, strict=True))
        return _report(run, pulled, summaries, plan, outcomes, stopped=stop())


@dataclass(frozen=True)
class _Run:
    """One run under way: what every step is handed a part of."""

    job: Job
    settings: Settings
    dry_run: bool
    client: OrgClient
    mirror: Mirror
    ledger: Ledger
    lease: Lease
    id: int
    started: float
    progress: Progress


@contextmanager
def _begin(job: Job, settings: Settings, *, dry_run: bool, progress: Progress) -> Iterator[_Run]:
    """The org, the lease and both stores for one run, and the run's row, which says how it ended whatever happens."""
    started = time.monotonic()
    client = connect(settings.org, settings.http, settings.api)
    org = urlsplit(settings.org.instance_url).netloc
    with Ledger.open(settings.store.ledger) as ledger, _lease(ledger, org, job, settings) as lease:
        run_id = ledger.start_run(job.job, org=org, policy=job.policy, dry_run=dry_run, held=lease)
        with _recorded(ledger, run_id, client), _open_mirror(settings, progress) as mirror:
            alive = _keeping_lease(ledger, lease, progress)
            yield _Run(job, settings, dry_run, client, mirror, ledger, lease, run_id, started, alive)


@contextmanager
def _lease(ledger: Ledger, org: str, job: Job, settings: Settings) -> Iterator[Lease]:
    """One writer per org; held for dry runs too, because they bring the mirror up to date."""
    lease = ledger.acquire(org, f"job {job.job} of installation {settings.installation}")
    try:
        yield lease
    finally:
        ledger.release(lease)


@contextmanager
def _recorded(ledger: Ledger, run_id: int, client: OrgClient) -> Iterator[None]:
    """A run that ends by an exception says so in the ledger; one that ends well has said so itself."""
    try:
        yield
    except ConnectorError as error:
        status: RunStatus = "refused" if isinstance(error, NeedsApproval) else "failed"
        ledger.finish_run(run_id, status, error.exit_code, {"error": str(error)}, client.usage.calls)
        raise
    except BaseException as error:
        ledger.finish_run(run_id, "failed", 1, {"error": repr(error)}, client.usage.calls)
        raise


def _open_mirror(settings: Settings, progress: Progress) -> Mirror:
    mirror = Mirror.open(settings.store.mirror, memory_limit=settings.store.memory_limit)
    if mirror.notice:
        progress(mirror.notice)
    return mirror


_RENEW_AFTER = 60.0
"""Seconds; well below the lease's own length."""


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


# --- the steps --------------------------------------------------------------------------------------------------


def _read_org(run: _Run) -> tuple[tuple[Mapping, ...], PullResult]:
    """The models, and the mirror brought up to the org's present for all that they need."""
    settings, job, mirror = run.settings, run.job, run.mirror

    def ask(sobjects: Iterable[str]) -> None:
        refresh_describes(run.client, mirror, sobjects, run.client.org_now, run.progress)

    drafts = draft_models(settings, job.mappings, mirror, ask)
    known = mirror.describes()
    needs = reduce(or_, (model.needs for model in drafts))
    pulled = pull(run.client, mirror, needs, overlap=job.overlap, progress=run.progress, whole=job.pull == "full")
    return final_models(drafts, settings, job.mappings, mirror, known), pulled


def _judge(run: _Run, model: Mapping, pulled: PullResult, accounts: Accounts) -> Evaluated:
    """What evaluate makes of one model's book; the facts that changed go to the ledger, where trends come from."""
    run.progress(f"evaluating {model.model.label}")
    found = evaluate(
        run.mirror.connection, model, pulled, describes=run.mirror.describes(), calendar=_calendar(run, model, pulled),
        installation=run.settings.installation, only=run.job.only, accounts=accounts, progress=run.progress,
    )  # fmt: skip
    run.ledger.record_facts(model.key, _today(model, pulled), found.changed_facts)
    return found


def _plan(run: _Run, model: Mapping, pulled: PullResult, found: Evaluated) -> Plan:
    return make_plan(
        found.evaluations, found.current, model, run.mirror.describes(), policy=run.job.policy, limits=run.job.limits,
        calendar=_calendar(run, model, pulled), as_of=pulled.as_of, zone=pulled.zone, org_id=pulled.org_id,
        installation=run.settings.installation, subjects=found.subjects,
    )  # fmt: skip


def _apply(run: _Run, plan: Plan, stop: Stop) -> tuple[Outcome, ...]:
    return apply_plan(plan, run.client, run.ledger, run.id, run.lease, stop=stop, progress=run.progress)


def _report(
    run: _Run, pulled: PullResult, models: tuple[ModelSummary, ...], plan: Plan, outcomes: tuple[Outcome, ...],
    *, stopped: bool,
) -> RunReport:  # fmt: skip
    """The report, which the ledger keeps as the end of the run."""
    status, exit_code = conclude(pulled, plan, outcomes, stopped=stopped and len(outcomes) < len(plan.changes))
    usage = run.client.usage
    report = RunReport(
        run=run.id, job=run.job.job, org=pulled.org_id, as_of=pulled.as_of, status=status, exit_code=exit_code,
        pull=pulled, plan=plan, outcomes=outcomes, models=models, dry_run=run.dry_run,
        cost=ApiCost(usage.calls, usage.used, usage.allowed), seconds=time.monotonic() - run.started,
    )  # fmt: skip
    run.ledger.describe_run(run.id, as_of=pulled.as_of, mapping_digest=",".join(m.digest for m in models))
    run.ledger.finish_run(run.id, status, exit_code, run_json(report), usage.calls)
    return report


def _merge(plans: Sequence[Plan]) -> Plan:
    """The plans of several models as one: no two models write the same field, so they do not meet."""
    return Plan(
        changes=tuple(c for p in plans for c in p.changes),
        breaches=tuple(b for p in plans for b in p.breaches),
        waiting={name: n for p in plans for name, n in p.waiting.items()},
        withheld=dict(sum((Counter(p.withheld) for p in plans), Counter())),
        problems=tuple(text for p in plans for text in p.problems),
    )


def _summary(model: Mapping, found: Evaluated) -> ModelSummary:
    """Every stage of the model in its order, also those that nobody is in; '' is in scope without a stage."""
    counts = {line.stage: line for line in found.stages}
    labels = {stage.key: stage.label for stage in model.model.stages} | {"": "(no stage)"}
    lines = [StageLine(k, label, counts[k].count if k in counts else 0, counts[k].money if k in counts else None)
             for k, label in labels.items() if k or k in counts]  # fmt: skip
    return ModelSummary(
        model.key, model.model.label, model.digest, found.subjects, tuple(lines), found.unknown,
        blocked=sum(1 for e in found.evaluations if e.decision.blocked), notes=found.notes,
    )  # fmt: skip


def _calendar(run: _Run, model: Mapping, pulled: PullResult) -> Calendar:
    return calendar_of(model, run.mirror, pulled.as_of, pulled.zone)


def _today(model: Mapping, pulled: PullResult) -> date:
    return pulled.as_of.astimezone(ZoneInfo(model.model.zone or pulled.zone)).date()
