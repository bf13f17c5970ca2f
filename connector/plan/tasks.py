"""A Task of ours: how one is opened and how it is closed. What asks for it is decided in ctas.py and playbooks.py.

A Task is rendered when it is opened and never touched again, but for the status that says nobody needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from connector.data import Change, Guard, Reason, TaskRecord, Value
from connector.plan.compare import new_record, read_text
from connector.plan.context import Context, Draft, Judged, Trouble

PEOPLE = ("Contact", "Lead")
"""A Task reaches these through WhoId, everything else through WhatId."""


@dataclass(frozen=True)
class Wanted:
    """A Task that a rule asks for."""

    key: str
    rule: str
    because: Reason
    texts: Mapping[str, str]
    owners: Sequence[str]
    due: date | None
    priority: str
    if_late: Literal["next_business_day", "skip"]


def open_task(wanted: Wanted, judged: Judged, context: Context) -> Iterator[Draft]:
    """The Task to create; nothing when it comes too late, a Trouble when nobody can own it."""
    if wanted.if_late == "skip" and wanted.due and wanted.due < context.today:
        return
    owner = _first_active(wanted.owners, context)
    if not owner:
        yield Trouble(
            f"No active owner for {wanted.rule}: no Task was opened; mend its `owner`", judged.evaluation.name
        )
        return
    try:
        values = _fields(wanted, owner, judged, context)
    except ValueError as text:
        yield Trouble(f"{wanted.rule}.set: {text} does not fit its field; no Task was opened", judged.evaluation.name)
        return
    found = new_record(values, context.describe("Task"))
    for what in found.troubles:
        yield Trouble(f"{what}; no Task was opened", judged.evaluation.name)
    if not found.troubles:
        yield _creation(wanted, owner, found.after, judged, context)


def close_task(
    task: TaskRecord, because: Reason, judged: Judged, context: Context, *, after: tuple[str, ...] = ()
) -> Iterator[Draft]:
    """Closes an open Task that nobody needs any more; `after` names changes that have to be written before.

    A Task that has the status and is open all the same would be written again in every run: a Trouble instead.
    """
    evaluation, status = judged.evaluation, context.model.keys.not_needed
    if task.status == status:
        yield Trouble(
            f"The Task status {status!r} does not close a Task in this org, so Tasks that nobody needs stay open; "
            "in Setup, Task, Status, add it and tick Closed",
            evaluation.name,
        )
        return
    yield Change(
        id=f"Task:{task.id}", kind="task_close", model=evaluation.model, sobject="Task", record=task.id,
        subject=evaluation.subject, subject_name=evaluation.name, before={"Status": task.status},
        after={"Status": status}, because=because,
        depends_on=(*judged.depends_on, *after), owner=task.owner, money=evaluation.money,
    )  # fmt: skip


def was_done(task: TaskRecord, context: Context) -> bool:
    """Closed by a person, and not because nobody needed it."""
    return task.is_closed and not task.is_deleted and task.status != context.model.keys.not_needed


def _first_active(owners: Sequence[str], context: Context) -> str:
    queues = frozenset(context.current.queues.values())
    return next((o for o in owners if o in queues or context.current.users.get(o)), "")


def _fields(wanted: Wanted, owner: str, judged: Judged, context: Context) -> dict[str, Value]:
    describe, texts = context.describe("Task"), wanted.texts
    further = {n: read_text(t, describe.find(n)) for n, t in texts.items() if n not in ("subject", "body")}
    return {
        "WhoId" if context.model.subject in PEOPLE else "WhatId": judged.evaluation.subject,
        "OwnerId": owner,
        "Subject": texts.get("subject", ""),
        "Description": texts.get("body", ""),
        "ActivityDate": _due(wanted.due, context),
        "Priority": wanted.priority,
        **further,
        context.model.keys.task: wanted.key,
    }


def _due(due: date | None, context: Context) -> date | None:
    late = due is not None and due < context.today
    return context.calendar.add_business_days(context.today, 1) if late else due


def _creation(wanted: Wanted, owner: str, after: Mapping[str, Value], judged: Judged, context: Context) -> Change:
    evaluation = judged.evaluation
    return Change(
        id=wanted.key, kind="task_open", model=evaluation.model, sobject="Task", record=None,
        subject=evaluation.subject, subject_name=evaluation.name, before={}, after=after, because=wanted.because,
        key_field=context.model.keys.task, guards=(judged.stage_guard(context), *_owner_guards(owner)),
        depends_on=judged.depends_on, owner=owner, money=evaluation.money,
    )  # fmt: skip


def _owner_guards(owner: str) -> tuple[Guard, ...]:
    """A queue is always there; ids of users begin with 005."""
    if not owner.startswith("005"):
        return ()
    return (Guard("User", owner, "IsActive", True, "its owner is active"),)
