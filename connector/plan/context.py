"""What every planner needs beside the evaluation at hand, and the form in which planners answer.

Built once by plan.py; the planners (accounts, ctas, playbooks, campaigns) are generators of Change and Trouble.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from connector.calendar import Calendar
from connector.data import Change, Current, Evaluation, Guard, TaskRecord
from connector.describe import Describes, ObjectDescribe
from connector.mapping.model import ModelFile
from connector.plan.keys import CtaKey, StepKey, read_task_key


@dataclass(frozen=True)
class Trouble:
    """Something that a person should know, about one subject; equal ones are told together."""

    what: str
    subject: str


Draft = Change | Trouble


@dataclass(frozen=True)
class Context:
    """The model, the org as pulled, and the day."""

    model: ModelFile
    describes: Describes
    current: Current
    calendar: Calendar
    as_of: datetime
    zone: ZoneInfo
    org_id: str
    installation: str

    @cached_property
    def today(self) -> date:
        return self.day_of(self.as_of)

    def day_of(self, moment: datetime) -> date:
        """The calendar date of `moment` in the model's zone."""
        return moment.astimezone(self.zone).date()

    def describe(self, sobject: str) -> ObjectDescribe:
        """What the org says of `sobject`; an sObject without fields when it does not know it."""
        return self.describes.get(sobject) or ObjectDescribe(sobject)

    def stage_value(self, key: str) -> str | None:
        """The picklist value that stands for the stage `key`; None for one that the model no longer has."""
        stage = self.model.stage(key)
        return stage.api_value if stage else None

    def stage_label(self, key: str) -> str:
        stage = self.model.stage(key)
        return stage.label if stage else key or "no stage"


@dataclass(frozen=True)
class Judged:
    """One evaluation together with the change of its subject's record, which everything else may depend on."""

    evaluation: Evaluation
    change: Change | None
    ctas: tuple[tuple[CtaKey, TaskRecord], ...]
    """Our Tasks that exist for the subject, deleted ones included, oldest first."""
    steps: tuple[tuple[StepKey, TaskRecord], ...]

    @property
    def left_scope(self) -> bool:
        decision = self.evaluation.decision
        return decision.stage == "" and decision.state.outside is not None

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The write that makes the stage true. A KPI that is refused holds nobody's Task back."""
        return (self.change.id,) if self.change and self.change.kind != "kpi" else ()

    def stage_guard(self, context: Context) -> Guard:
        """The subject still exists, and is in the stage that this plan assumes."""
        field, live = context.model.write.stage, self.evaluation.live
        value = {**live, **(self.change.after if self.change else {})}.get(field)
        sobject, stage = context.model.subject, context.stage_label(self.evaluation.decision.stage)
        return Guard(sobject, self.evaluation.subject, field, value, f"its stage is still {stage}")


def judge(evaluation: Evaluation, change: Change | None, context: Context) -> Judged:
    """The evaluation with the Tasks of this model that its subject has."""
    tasks = sorted(context.current.tasks.get(evaluation.subject, ()), key=lambda t: (t.created, t.key))
    keyed = [(read_task_key(t.key, context.model.model), t) for t in tasks]
    return Judged(
        evaluation,
        change,
        tuple((k, t) for k, t in keyed if isinstance(k, CtaKey)),
        tuple((k, t) for k, t in keyed if isinstance(k, StepKey)),
    )


def tell(troubles: list[Trouble]) -> tuple[str, ...]:
    """One sentence for each kind of trouble, with how many subjects and the first few names."""
    names: dict[str, list[str]] = {}
    for trouble in troubles:
        names.setdefault(trouble.what, []).append(trouble.subject)
    return tuple(f"{what} ({_some(who)})" for what, who in sorted(names.items()))


def _some(names: list[str], shown: int = 3) -> str:
    first = ", ".join(sorted(set(names))[:shown])
    rest = len(set(names)) - shown
    return f"{first} and {rest} more" if rest > 0 else first
