"""The org as planning finds it, what would be written to it, and what became of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from connector.data.evaluation import Reason
from connector.data.values import Value


@dataclass(frozen=True)
class TaskRecord:
    """One Task that carries our key, deleted and archived ones included."""

    id: str
    key: str
    status: str
    is_closed: bool
    is_deleted: bool
    owner: str
    created: datetime
    completed: datetime | None = None
    due: date | None = None
    changed: datetime | None = None
    """SystemModstamp: for a deleted Task the moment of its deletion, which a cooldown counts from."""

    @property
    def is_open(self) -> bool:
        return not self.is_closed and not self.is_deleted


@dataclass(frozen=True)
class MemberRecord:
    """One CampaignMember, ours (with key) or another's."""

    id: str
    campaign: str
    person: str
    status: str
    has_responded: bool
    key: str = ""
    created: datetime | None = None
    subject: str = ""
    """The subject that the person belongs to now; empty when it is not known."""
    is_deleted: bool = False
    """Removed by somebody: such a membership is not offered again in the same visit."""


@dataclass(frozen=True)
class Current:
    """The org as pulled, as far as planning needs it beside the subjects themselves."""

    tasks: Mapping[str, tuple[TaskRecord, ...]] = field(default_factory=dict)
    """By subject id."""
    members: Mapping[str, tuple[MemberRecord, ...]] = field(default_factory=dict)
    """By person id."""
    users: Mapping[str, bool] = field(default_factory=dict)
    """User id -> active person that may own Tasks."""
    queues: Mapping[str, str] = field(default_factory=dict)
    """Queue developer name -> Group id."""
    campaigns: Mapping[str, str] = field(default_factory=dict)
    """The mapping's campaign key -> Campaign id, for those that exist and are active."""
    responded_statuses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Campaign id -> statuses that count as responded."""


ChangeKind = Literal[
    "placement", "adoption", "manual", "approved", "move", "out_of_scope", "kpi", "memory",
    "task_open", "task_close", "member_add", "member_status",
]  # fmt: skip


@dataclass(frozen=True)
class Guard:
    """A value that must still hold just before writing, beside `before`; else the change is skipped."""

    sobject: str
    record: str
    field: str
    value: Value
    what: str
    """In words: 'the owner is active'."""


@dataclass(frozen=True)
class Change:
    """One record to create or update. `record` is None for a create, which then carries a unique key."""

    id: str
    """Unique in the plan and stable: the key for creates, else `<sObject>:<record id>`; of a subject's record, which
    several models may write, `<model>:<sObject>:<record id>`."""
    kind: ChangeKind
    model: str
    sobject: str
    record: str | None
    subject: str
    subject_name: str
    before: Mapping[str, Value]
    after: Mapping[str, Value]
    because: Reason
    key_field: str = ""
    guards: tuple[Guard, ...] = ()
    depends_on: tuple[str, ...] = ()
    from_stage: str = ""
    to_stage: str = ""
    owner: str = ""
    """Owner of the Task, or campaign of the member: what daily budgets count by."""
    money: Decimal | None = None


@dataclass(frozen=True)
class Breach:
    """A limit that the plan exceeds."""

    limit: str
    allowed: str
    found: int
    what: str


@dataclass(frozen=True)
class Plan:
    """Everything that a run would write, in the order of writing, and what keeps it from being written."""

    changes: tuple[Change, ...] = ()
    breaches: tuple[Breach, ...] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)
    """Held back by a daily budget: '<model>.<cta or campaign>' -> how many."""
    withheld: Mapping[str, int] = field(default_factory=dict)
    """Not permitted by the job's policy: kind of change -> how many."""
    problems: tuple[str, ...] = ()
    """Things a person should know: no active owner for a CTA, a campaign that does not exist."""


OutcomeStatus = Literal["planned", "sent", "applied", "exists", "skipped", "rejected", "unknown"]


@dataclass(frozen=True)
class Outcome:
    """What became of one change. `exists`: the unique key was already there; `unknown`: no reply came."""

    change: str
    status: OutcomeStatus
    record: str | None = None
    code: str = ""
    message: str = ""
