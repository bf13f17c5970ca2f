"""make_plan: everything that a run would write, as one value. Step 3 of a run; start reading here.

Called by run.py and by worked examples. Pure: the same evaluations, org and day give the same plan, in whatever
order they come. Whoever holds a plan may show it, refuse it or apply it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from connector.calendar import Calendar
from connector.data import Change, Current, Evaluation, Plan
from connector.describe import Describes
from connector.jobs import Limits, Policy
from connector.mapping.model import ModelFile
from connector.plan.accounts import find_refusal, is_undecided, plan_subject
from connector.plan.campaigns import plan_campaigns
from connector.plan.context import Context, Draft, Judged, Trouble, judge, tell
from connector.plan.ctas import plan_ctas
from connector.plan.playbooks import plan_playbooks
from connector.plan.safety import apply_policy, find_breaches, release


class HasModel(Protocol):
    """A loaded mapping, as far as planning looks at it."""

    @property
    def model(self) -> ModelFile: ...


def make_plan(
    evaluated: Iterable[Evaluation], current: Current, mapping: HasModel, describes: Describes, *, policy: Policy,
    limits: Limits, calendar: Calendar, as_of: datetime, zone: str, org_id: str, installation: str, subjects: int,
) -> Plan:  # fmt: skip
    """The changes in the order of writing: subjects, then Tasks, then members; each group by subject.

    `zone` is the org's IANA name (the model's own wins), `subjects` the size of the book that limits are judged by.
    A plan with breaches must not be applied.
    """
    context = Context(
        mapping.model, describes, current, calendar, as_of, ZoneInfo(mapping.model.zone or zone), org_id, installation
    )
    drafts = list(_draft(sorted(evaluated, key=lambda e: e.subject), context))
    changes = sorted((d for d in drafts if isinstance(d, Change)), key=_order)
    permitted, withheld = apply_policy(changes, policy)
    released, waiting = release(permitted, context)
    troubles = [d for d in drafts if isinstance(d, Trouble)]
    breaches = find_breaches(released, limits, subjects)
    return Plan(tuple(released), breaches, dict(waiting), dict(withheld), tell(troubles))


def _draft(evaluated: Sequence[Evaluation], context: Context) -> Iterator[Draft]:
    judged: list[Judged] = []
    for evaluation in evaluated:
        refusal = find_refusal(evaluation, context)
        if refusal:
            yield Trouble(refusal, evaluation.name)
        if refusal or is_undecided(evaluation):
            continue
        own = list(plan_subject(evaluation, context))
        yield from own
        judged.append(judge(evaluation, next((d for d in own if isinstance(d, Change)), None), context))
    for one in judged:
        yield from plan_ctas(one, context)
        yield from plan_playbooks(one, context)
    yield from plan_campaigns(judged, context)


_GROUPS = {"task_open": 1, "task_close": 2, "member_status": 3, "member_add": 4}


def _order(change: Change) -> tuple[int, str, str]:
    """Parents first; neighbours in a batch lock the same parent once."""
    return _GROUPS.get(change.kind, 0), change.subject, change.id
