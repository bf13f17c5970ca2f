"""Runs worked examples through the program's own evaluate and plan, in a mirror that lives in memory.

Called by `connector check`, by the tests and before a scheduled run of a changed mapping. Nothing here decides
anything: what an example comes to is what a run would do with such an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from connector.calendar import Calendar, country_calendar
from connector.data import Evaluation, ObjectPull, Plan, PullResult, TaskRecord, Value
from connector.errors import Problem
from connector.evaluate import Evaluated, evaluate
from connector.examples.compare import Came, compare
from connector.examples.records import INSTALLATION, ORG_ID, Book, book_of, record_id
from connector.jobs import Limits
from connector.mapping import Mapping
from connector.mapping.model import Example
from connector.plan.keys import CtaKey, MemberKey, StepKey, read_member_key, read_task_key
from connector.plan.plan import make_plan
from connector.store.mirror import Mirror

_NOON = time(12)
_ZONE = "UTC"


def run_examples(mapping: Mapping) -> tuple[Problem, ...]:
    """A problem, at its line, for everything in which an example does not come out as its author expects."""
    if not mapping.model.examples:
        return ()
    with Mirror.open(":memory:") as mirror:
        found = [compare(mapping, n, run_example(mapping, example, mirror)) for n, example in _numbered(mapping)]
    return tuple(problem for problems in found for problem in problems)


def _numbered(mapping: Mapping) -> Iterable[tuple[int, Example]]:
    return enumerate(mapping.model.examples)


def run_example(mapping: Mapping, example: Example, mirror: Mirror) -> Came:
    """What becomes of the example's account. The mirror's records are replaced."""
    zone = ZoneInfo(mapping.model.zone or _ZONE)
    as_of = datetime.combine(example.as_of, _NOON, zone).astimezone(UTC)
    book = book_of(example, mapping, as_of)
    pulled = _fill(mirror, mapping, book, as_of)
    calendar = _calendar(mapping, as_of)
    found = evaluate(
        mirror.connection, mapping, pulled, describes=mapping.describes, calendar=calendar,
        installation=INSTALLATION, only=None, accounts=None, progress=lambda _: None,
    )  # fmt: skip
    plan = make_plan(
        list(found.evaluations), found.current, mapping, mapping.describes, policy="sync", limits=Limits(),
        calendar=calendar, as_of=as_of, zone=pulled.zone, org_id=ORG_ID, installation=INSTALLATION, subjects=1,
    )  # fmt: skip
    return _came(mapping, found, plan, record_id(mapping.model.subject, 0))


def _fill(mirror: Mirror, mapping: Mapping, book: Book, as_of: datetime) -> PullResult:
    """Every object that the model needs, completely pulled, with the example's records and no others."""
    for sobject, fields in mapping.needs.fields.items():
        describe = mapping.describes[sobject]
        names = sorted({name for name in ({*fields, "Id", "SystemModstamp", "IsDeleted"}) if describe.find(name)})
        mirror.ensure(describe, names)
        rows = [[row.get(name) for name in names] for row in book.rows.get(sobject, [])]
        mirror.store(sobject, names, rows, as_of, replace=True)
    objects = {name: ObjectPull(name, complete=True) for name in mapping.needs.fields}
    return PullResult(as_of, ORG_ID, mapping.model.zone or _ZONE, objects)


def _calendar(mapping: Mapping, as_of: datetime) -> Calendar:
    """The country's holidays where the model names one; an example's org has none of its own."""
    if mapping.model.calendar == "org":
        return Calendar()
    return country_calendar(mapping.model.calendar, range(as_of.year - 1, as_of.year + 3))


# --- what came of it --------------------------------------------------------------------------------------


def _came(mapping: Mapping, found: Evaluated, plan: Plan, subject: str) -> Came:
    evaluation = next((e for e in found.evaluations if e.subject == subject), None)
    ctas, steps = _open_tasks(mapping, found, plan, subject)
    return Came(
        judged=evaluation is not None,
        stage=evaluation.decision.stage if evaluation else "",
        proposed=evaluation.decision.proposed if evaluation else "",
        facts=dict(evaluation.facts) if evaluation else {},
        health=_health(mapping, evaluation),
        ctas=ctas,
        steps=steps,
        campaigns=_campaigns(mapping, found, plan),
        closes=frozenset(_task_name(mapping, task.key) for task in _closed(found, plan, subject)),
        why=evaluation.decision.moves[-1].because.sentence if evaluation and evaluation.decision.moves else "",
        problems=plan.problems,
    )


def _health(mapping: Mapping, evaluation: Evaluation | None) -> Value:
    field = mapping.model.write.health_band
    return evaluation.kpis.get(field) if evaluation and field else None


def _open_tasks(mapping: Mapping, found: Evaluated, plan: Plan, subject: str) -> tuple[frozenset[str], frozenset[str]]:
    closed = {task.id for task in _closed(found, plan, subject)}
    keys = [task.key for task in found.current.tasks.get(subject, ()) if task.is_open and task.id not in closed]
    keys += [change.id for change in plan.changes if change.kind == "task_open"]
    read = [read_task_key(key, mapping.key) for key in keys]
    ctas = frozenset(key.cta for key in read if isinstance(key, CtaKey))
    return ctas, frozenset(f"{key.playbook}.{key.step}" for key in read if isinstance(key, StepKey))


def _closed(found: Evaluated, plan: Plan, subject: str) -> Sequence[TaskRecord]:
    ids = {change.record for change in plan.changes if change.kind == "task_close"}
    return [task for task in found.current.tasks.get(subject, ()) if task.id in ids]


def _task_name(mapping: Mapping, key: str) -> str:
    read = read_task_key(key, mapping.key)
    return f"{read.playbook}.{read.step}" if isinstance(read, StepKey) else read.cta if read else key


def _campaigns(mapping: Mapping, found: Evaluated, plan: Plan) -> frozenset[str]:
    left = {change.record for change in plan.changes if change.kind == "member_status"}
    members = [member for records in found.current.members.values() for member in records if member.id not in left]
    keys = [member.key for member in members] + [c.id for c in plan.changes if c.kind == "member_add"]
    read = [read_member_key(key, mapping.key) for key in keys]
    return frozenset(key.campaign for key in read if isinstance(key, MemberKey))
