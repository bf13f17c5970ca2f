"""run_job(): THE FLOW. Start reading here.

Called by the command line and by schedule. Owns the order of the steps and what passes from one to the next; what a
step does is in its own package. Level-triggered: nothing here remembers anything from one run to the next.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_

from connector.apply import apply_plan, calls_needed
from connector.begin import Ground, Progress, begin_run, cost_of, stand_on
from connector.data import Outcome, Plan, PullResult
from connector.describe import Describes
from connector.drift import isolate
from connector.errors import FileProblems, FixFirst
from connector.evaluate import Evaluated, Explanation, evaluate, explain
from connector.examples import run_examples
from connector.jobs import Job
from connector.models import JobModel, calendar_of, draft_models, final_models, find_subject, sources_of, today_of
from connector.plan.plan import make_plan
from connector.plan.settle import settle
from connector.pull import pull
from connector.pull.schema import refresh_describes
from connector.pull.sight import keep_in_sight
from connector.pull.sources import read_sources
from connector.report import ModelSummary, RunReport, StageLine, conclude, count_of, run_json
from connector.settings import Settings

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
    with begin_run(job, settings, dry_run=dry_run, progress=progress) as ground:
        models, pulled = read_org(ground)
        prove_examples(ground, models)
        judged = [judge(ground, model, pulled, accounts) for model in models]
        plan = merge_plans([plan_model(ground, m, pulled, found) for m, found in zip(models, judged, strict=True)])
        if pulled.complete:
            settle_earlier(ground, models, judged, plan, accounts)
        ground.ledger.record_plan(ground.run, plan)
        outcomes = () if dry_run or plan.breaches else write(ground, plan, stop)
        summaries = tuple(summarise(model, found) for model, found in zip(models, judged, strict=True))
        return finish(ground, pulled, summaries, plan, outcomes, dry_run=dry_run, stopped=stop())


def read_org(ground: Ground, believe: Collection[str] = ()) -> tuple[tuple[JobModel, ...], PullResult]:
    """The job's models, and the mirror brought up to the present of the org, and of what lies beside it, for
    all that they need.

    `believe`: sObjects whose records may be gone without a trace, however many.
    """
    job, settings, mirror, client = ground.job, ground.settings, ground.mirror, ground.client
    client.budget.step("pull")

    def ask(sobjects: Iterable[str]) -> None:
        refresh_describes(client, mirror, sobjects, client.org_now, ground.progress)

    drafts = draft_models(job, settings, mirror, ask)
    known = mirror.describes()
    needs = reduce(or_, (model.needs for model in drafts))
    if unread := sorted(set(believe) - needs.fields.keys()):
        raise FixFirst(f"{unread[0]} is not read by these mappings. Those that are: {', '.join(sorted(needs.fields))}.")
    pulled = pull(
        client, mirror, needs, overlap=job.overlap, progress=ground.progress, scope=job.pull, how=settings.pull,
        believe=believe,
    )  # fmt: skip
    pulled = keep_in_sight(client, mirror, pulled, settings.pull)
    pulled, columns = read_beside(ground, drafts, pulled)
    models = final_models(drafts, job, settings, mirror, known, columns)
    drifts = [drift for model in models for drift in model.drift]
    if not drifts:
        mirror.keep_good_describes(needs.fields)
    return models, isolate(pulled, drifts)


def read_beside(ground: Ground, drafts: Sequence[JobModel], pulled: PullResult) -> tuple[PullResult, Describes]:
    """What was pulled, with the files and databases that the models read beside the org; and the columns of those."""
    subject = drafts[0].model.subject
    found = read_sources(
        ground.mirror, sources_of(drafts), ground.settings.sources, pulled.as_of, progress=ground.progress,
        subject=subject if pulled.objects[subject].complete else "",
    )  # fmt: skip
    objects = {**pulled.objects, **{name: read.pull for name, read in found.items()}}
    return replace(pulled, objects=objects), {name: read.describe for name, read in found.items()}


def prove_examples(ground: Ground, models: Iterable[JobModel]) -> None:
    """A mapping that changed must still do what its worked examples say. Raises FileProblems with those that fail."""
    for model in models:
        key = f"examples:{model.model.model}"
        if ground.mirror.meta(key) != model.mapping.digest:
            ground.progress(f"running the worked examples of {model.model.label}")
            if problems := run_examples(model.mapping):
                raise FileProblems(problems)
            ground.mirror.set_meta(key, model.mapping.digest)


def judge(ground: Ground, model: JobModel, pulled: PullResult, accounts: Accounts) -> Evaluated:
    """One model's book, evaluated; the facts that changed go to the ledger, because they cannot be recovered later."""
    ground.progress(f"evaluating {model.model.label}")
    ground.client.budget.step("evaluate")
    found = evaluate(
        ground.mirror.connection, model.mapping, pulled, describes=ground.mirror.describes(),
        calendar=calendar_of(model.model, pulled, ground.mirror), installation=ground.settings.installation,
        only=model.only, accounts=accounts, progress=ground.progress,
    )  # fmt: skip
    ground.ledger.record_facts(model.model.model, today_of(model.model, pulled), found.changed_facts)
    return found


def plan_model(ground: Ground, model: JobModel, pulled: PullResult, found: Evaluated) -> Plan:
    """What one model would have written."""
    ground.client.budget.step("plan")
    return make_plan(
        found.evaluations, found.current, model, ground.mirror.describes(), policy=ground.job.policy,
        limits=ground.job.limits, calendar=calendar_of(model.model, pulled, ground.mirror), as_of=pulled.as_of,
        zone=pulled.zone, org_id=pulled.org_id, installation=ground.settings.installation, subjects=found.subjects,
    )  # fmt: skip


def merge_plans(plans: Sequence[Plan]) -> Plan:
    """The plans of several models as one: no two models write the same field, so they do not meet."""
    withheld: Counter[str] = sum((Counter(dict(p.withheld)) for p in plans), Counter())
    return Plan(
        changes=tuple(c for p in plans for c in p.changes),
        breaches=tuple(b for p in plans for b in p.breaches),
        waiting={name: number for p in plans for name, number in p.waiting.items()},
        withheld=dict(withheld),
        problems=tuple(text for p in plans for text in p.problems),
    )


def settle_earlier(
    ground: Ground, models: Sequence[JobModel], judged: Sequence[Evaluated], plan: Plan, accounts: Accounts
) -> None:  # fmt: skip
    """What became of changes whose reply an earlier run never heard, told to the ledger; nothing else needs to know."""
    current = {model.model.model: found.current for model, found in zip(models, judged, strict=True)}
    rows = [row for row in ground.ledger.unsettled(ground.lease.org) if row.change.model in current]
    for run, model in sorted({(row.run, row.change.model) for row in rows}):
        lost = [row.change for row in rows if (row.run, row.change.model) == (run, model)]
        ground.ledger.record_outcomes(run, settle(lost, plan, current[model], judged=accounts))


def write(ground: Ground, plan: Plan, stop: Stop) -> tuple[Outcome, ...]:
    """The plan, applied; QuotaExhausted before the first write when there are not calls enough for all of it."""
    budget = ground.client.budget
    budget.step("apply")
    budget.afford(calls_needed(plan), f"writing {count_of(len(plan.changes), 'change')}")
    return apply_plan(plan, ground.client, ground.ledger, ground.run, ground.lease, stop=stop, progress=ground.progress)


def summarise(model: JobModel, found: Evaluated) -> ModelSummary:
    """Every stage of the model in its order, also those that nobody is in; '' is in scope without a stage."""
    lines = {line.stage: line for line in found.stages}
    labels = {stage.key: stage.label for stage in model.model.stages} | ({"": "(no stage)"} if "" in lines else {})
    stages = [
        StageLine(key, label, lines[key].count, lines[key].money) if key in lines else StageLine(key, label, 0)
        for key, label in labels.items()
    ]
    return ModelSummary(
        model.model.model, model.model.label, model.mapping.digest, found.subjects, tuple(stages), found.unknown,
        blocked=sum(1 for e in found.evaluations if e.decision.blocked), notes=found.notes,
    )  # fmt: skip


def finish(
    ground: Ground, pulled: PullResult, models: tuple[ModelSummary, ...], plan: Plan, outcomes: tuple[Outcome, ...],
    *, dry_run: bool, stopped: bool,
) -> RunReport:  # fmt: skip
    """The verdict and the report, which the ledger keeps as the end of the run."""
    unwritten = len(outcomes) < len(plan.changes) and not dry_run
    status, exit_code = conclude(pulled, plan, outcomes, stopped=stopped and unwritten)
    usage = ground.client.usage
    report = RunReport(
        run=ground.run, job=ground.job.job, org=pulled.org_id, as_of=pulled.as_of, status=status, exit_code=exit_code,
        pull=pulled, plan=plan, outcomes=outcomes, models=models, dry_run=dry_run,
        cost=cost_of(usage), seconds=time.monotonic() - ground.started,
    )  # fmt: skip
    ground.ledger.describe_run(ground.run, as_of=pulled.as_of, mapping_digest=",".join(m.digest for m in models))
    ground.ledger.finish_run(ground.run, status, exit_code, run_json(report), usage.calls)
    return report


def verify_mirror(job: Job, settings: Settings, believe: Collection[str], progress: Progress) -> PullResult:
    """Compare counts and ids of everything that the job needs with the org, and put right what differs."""
    with stand_on(job.model_copy(update={"pull": "verify"}), settings, progress) as ground:
        return read_org(ground, believe)[1]


# --- looking ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """Why one account is where it is, in one model."""

    model: str
    as_of: datetime
    explanation: Explanation


def explain_account(job: Job, settings: Settings, account: str, progress: Progress) -> list[Answer]:
    """Why the account with this id or name is in its stage, by what the org says now, in each of the job's models."""
    with stand_on(job, settings, progress) as ground:
        models, pulled = read_org(ground)
        return [_answer(ground, model, pulled, account) for model in models]


def _answer(ground: Ground, model: JobModel, pulled: PullResult, account: str) -> Answer:
    found = explain(
        ground.mirror.connection, model.mapping, pulled, find_subject(model.model, account, ground.mirror),
        describes=ground.mirror.describes(), calendar=calendar_of(model.model, pulled, ground.mirror),
        installation=ground.settings.installation,
    )  # fmt: skip
    return Answer(model.model.label, pulled.as_of, found)
