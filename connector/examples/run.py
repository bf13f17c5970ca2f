"""Runs worked examples through the program's own evaluate and plan, in a mirror that lives in memory.

Called by `connector check`, by the tests and before a scheduled run of a changed mapping. Nothing here decides
anything: what an example comes to is what a run would do with such an account.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from connector.calendar import Calendar, country_calendar
from connector.data import Current, Evaluation, ObjectPull, Plan, PullResult, TaskRecord, Value
from connector.errors import Problem
from connector.evaluate import Evaluated, evaluate
from connector.examples.compare import Came, compare
from connector.examples.records import INSTALLATION, ORG_ID, Book, book_of, setup_of
from connector.jobs import Limits
from connector.mapping import Mapping
from connector.mapping.check_examples import STAGE
from connector.mapping.model import Example, GivenStage
from connector.mapping.sources import Source
from connector.mapping.values import COMMON_ID
from connector.plan.keys import CtaKey, MemberKey, StepKey, read_member_key, read_task_key
from connector.plan.plan import make_plan
from connector.store.mirror import Mirror
from connector.store.sources import StoredKey, read_delimited, take_in

_NOON = time(12)
_ZONE = "UTC"


def run_examples(mapping: Mapping) -> tuple[Problem, ...]:
    """A problem, at its line, for everything in which an example does not come out as its author expects."""
    came: dict[int, Came] = {}
    with Mirror.open(":memory:") as mirror:
        for day, numbers in _by_day(mapping).items():
            came |= run_day(mapping, day, numbers, mirror)
    return tuple(problem for n in sorted(came) for problem in compare(mapping, n, came[n]))


def _by_day(mapping: Mapping) -> dict[date, list[int]]:
    days: dict[date, list[int]] = {}
    for number, example in enumerate(mapping.model.examples):
        days.setdefault(example.as_of, []).append(number)
    return days


def run_day(mapping: Mapping, day: date, numbers: Sequence[int], mirror: Mirror) -> dict[int, Came]:
    """What becomes of the accounts of these examples, which are judged together and planned one by one. The mirror's
    records are replaced."""
    as_of = datetime.combine(day, _NOON, ZoneInfo(mapping.model.zone or _ZONE)).astimezone(UTC)
    books = {n: book_of(mapping.model.examples[n], n + 1, mapping, as_of) for n in numbers}
    pulled = _fill(mirror, mapping, [setup_of(mapping, as_of), *books.values()], as_of)
    calendar = _calendar(mapping, as_of)
    found = evaluate(
        mirror.connection, mapping, pulled, describes=mapping.describes, calendar=calendar, installation=INSTALLATION,
        accounts=frozenset(_subject_of(mapping, book) for book in books.values()), accept_bulk_edit=True,
    )  # fmt: skip
    return {n: _plan_one(mapping, n, book, found, pulled, calendar) for n, book in books.items()}


def _plan_one(
    mapping: Mapping, number: int, book: Book, found: Evaluated, pulled: PullResult, calendar: Calendar
) -> Came:
    subject = _subject_of(mapping, book)
    evaluations = [e for e in found.evaluations if e.subject == subject]
    people = {*book.ids("Contact"), *book.ids("Lead")}
    current = replace(
        found.current,
        tasks={subject: found.current.tasks.get(subject, ())},
        members={person: of for person, of in found.current.members.items() if person in people},
    )
    plan = make_plan(
        evaluations, current, mapping, mapping.describes, policy="sync", limits=Limits(), calendar=calendar,
        as_of=pulled.as_of, zone=pulled.zone, org_id=ORG_ID, installation=INSTALLATION, subjects=1,
    )  # fmt: skip
    return _came(mapping, mapping.model.examples[number], next(iter(evaluations), None), current, plan)


def _subject_of(mapping: Mapping, book: Book) -> str:
    return book.ids(mapping.model.subject)[0]


def _fill(mirror: Mirror, mapping: Mapping, books: Sequence[Book], as_of: datetime) -> PullResult:
    """Every object that the model needs, completely pulled, with the books' records and no others."""
    for sobject, fields in mapping.needs.fields.items():
        describe = mapping.describes[sobject]
        names = sorted(name for name in {*fields, "Id", "SystemModstamp", "IsDeleted"} if describe.find(name))
        mirror.ensure(describe, names)
        rows = [[row.get(name) for name in names] for book in books for row in book.rows.get(sobject, [])]
        mirror.store(sobject, names, rows, as_of, replace=True)
    objects = {name: ObjectPull(name, complete=True) for name in mapping.needs.fields}
    objects |= {source.name: _fill_source(mirror, source, books, as_of) for source in mapping.sources}
    return PullResult(as_of, ORG_ID, mapping.model.zone or _ZONE, objects)


def _fill_source(mirror: Mirror, source: Source, books: Sequence[Book], as_of: datetime) -> ObjectPull:
    """A file or the answer to a query, just written, with the rows that the examples give."""
    key, names = source.key, sorted(source.columns)
    rows = [_lower_case(book.beside[source.name]) for book in books if source.name in book.beside]
    picks = {name: f"c{n}" for n, name in enumerate(names)}
    stored = StoredKey(key.stored, key.column, key.field, f"c{len(names)}", COMMON_ID if key.field == "Id" else 0)
    header = [*names, key.column]
    with mirror.spooled([header, *([row.get(name.lower()) for name in header] for row in rows)]) as (file, _):
        take_in(mirror, source.name, read_delimited(file, header, ","), picks, kinds={}, keys=[stored])
    return ObjectPull(source.name, complete=True, written=as_of)


def _lower_case(row: Map[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in row.items()}


def _calendar(mapping: Mapping, as_of: datetime) -> Calendar:
    """The country's holidays where the model names one; an example's org has none of its own."""
    if mapping.model.calendar == "org":
        return Calendar()
    return country_calendar(mapping.model.calendar, range(as_of.year - 1, as_of.year + 3))


# --- what came of it --------------------------------------------------------------------------------------


def _came(mapping: Mapping, example: Example, evaluation: Evaluation | None, current: Current, plan: Plan) -> Came:
    """An account that is not judged, because it is out of scope, stays as it was given."""
    decision = evaluation.decision if evaluation else None
    given = GivenStage.model_validate(example.given[STAGE]).key if STAGE in example.given else ""
    ctas, steps = _open_tasks(mapping, current, plan)
    return Came(
        stage=decision.stage if decision else given,
        proposed=decision.proposed if decision else "",
        facts=dict(evaluation.facts) if evaluation else {},
        health=_health(mapping, evaluation),
        ctas=ctas,
        steps=steps,
        campaigns=_campaigns(mapping, current, plan),
        closes=frozenset(_task_name(mapping, task.key) for task in _closed(current, plan)),
        why=decision.moves[-1].because.sentence if decision and decision.moves else "",
        problems=plan.problems,
    )


def _health(mapping: Mapping, evaluation: Evaluation | None) -> Value:
    field = mapping.model.write.health_band
    return evaluation.kpis.get(field) if evaluation and field else None


def _open_tasks(mapping: Mapping, current: Current, plan: Plan) -> tuple[frozenset[str], frozenset[str]]:
    closed = {task.id for task in _closed(current, plan)}
    keys = [task.key for task in _tasks(current) if task.is_open and task.id not in closed]
    keys += [change.id for change in plan.changes if change.kind == "task_open"]
    read = [read_task_key(key, mapping.key) for key in keys]
    ctas = frozenset(key.cta for key in read if isinstance(key, CtaKey))
    return ctas, frozenset(f"{key.playbook}.{key.step}" for key in read if isinstance(key, StepKey))


def _tasks(current: Current) -> list[TaskRecord]:
    return [task for tasks in current.tasks.values() for task in tasks]


def _closed(current: Current, plan: Plan) -> list[TaskRecord]:
    ids = {change.record for change in plan.changes if change.kind == "task_close"}
    return [task for task in _tasks(current) if task.id in ids]


def _task_name(mapping: Mapping, key: str) -> str:
    read = read_task_key(key, mapping.key)
    return f"{read.playbook}.{read.step}" if isinstance(read, StepKey) else read.cta if read else key


def _campaigns(mapping: Mapping, current: Current, plan: Plan) -> frozenset[str]:
    left = {change.record for change in plan.changes if change.kind == "member_status"}
    members = [member for records in current.members.values() for member in records if member.id not in left]
    keys = [member.key for member in members] + [c.id for c in plan.changes if c.kind == "member_add"]
    read = [read_member_key(key, mapping.key) for key in keys]
    return frozenset(key.campaign for key in read if isinstance(key, MemberKey))
