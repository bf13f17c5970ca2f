"""The nouns that cross from one step to the next: immutable, ids 18 characters, times aware UTC, money Decimal.

Bottom layer, above errors only. Steps hand these to one another through run.py; nobody else defines a second
form of them. Field names are Salesforce API names, stage names are the mapping's keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

Value = str | bool | int | Decimal | date | datetime | None
Truth = bool | None
"""Kleene logic: None is unknown."""


# --- what a mapping needs from the org -------------------------------------------------------------------


@dataclass(frozen=True)
class Needs:
    """Which fields of which sObjects have to be in the mirror: found from the mapping, never listed by hand."""

    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __or__(self, other: Needs) -> Needs:
        names = self.fields.keys() | other.fields.keys()
        return Needs({n: self.fields.get(n, frozenset()) | other.fields.get(n, frozenset()) for n in names})


# --- pull -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """What mirror and org were found to differ in, by count or by the ids of all records of one sObject."""

    sobject: str
    org: int
    """Live records by the org's own count."""
    mirror: int
    """Live records in the mirror, before anything was mended."""
    missing: tuple[str, ...] = ()
    """Ids of records that the org has and the mirror had not."""
    stale: tuple[str, ...] = ()
    """Ids of records that had changed, deleted ones included, and the mirror had not heard of it."""
    surplus: tuple[str, ...] = ()
    """Ids of records that the mirror had and the org does not show."""
    problem: str = ""
    """Why they do not agree now, or why that cannot be told, as a sentence; '' when they do."""

    @property
    def differences(self) -> int:
        return len(self.missing) + len(self.stale) + len(self.surplus)


@dataclass(frozen=True)
class ObjectPull:
    """How the pull of one sObject (or of a source beside the org) ended. Rules may rely on it only if `complete`."""

    sobject: str
    """Of a source: `file:usage/nps.csv`, `query:product/...`."""
    complete: bool
    reason: str = ""
    """Why it is not complete, as a sentence; empty when it is."""
    read: int = 0
    deleted: int = 0
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Fields that exist for the mapping but not for our user: name -> reason. Facts over them are unknown."""
    written: datetime | None = None
    """Of a source: when its file was written, or its query was answered."""
    notices: tuple[str, ...] = ()
    """What a person should know although the object is complete, as sentences."""
    drift: tuple[str, ...] = ()
    """Fields that are no longer what a mapping was made for, as sentences; the run is no success."""
    proof: Proof | None = None
    """Of an object whose count or ids were compared with the org's in this pull."""


@dataclass(frozen=True)
class PullResult:
    as_of: datetime
    """Org time, from the Date header, fixed once for the run."""
    org_id: str
    zone: str
    """IANA name of Organization.TimeZoneSidKey."""
    objects: Mapping[str, ObjectPull]

    @property
    def complete(self) -> bool:
        return all(o.complete and not o.hidden and not o.drift for o in self.objects.values())


# --- the engine's own memory on the subject ---------------------------------------------------------------


class Via(StrEnum):
    """How a visit came about."""

    PLACED = "placed"
    ADOPTED = "adopted"
    MOVED = "moved"
    MANUAL = "manual"
    APPROVED = "approved"
    OVERRIDE = "override"


STATE_FORMAT = 1


@dataclass(frozen=True)
class State:
    """What the state field holds: everything that the next run must remember about a subject.

    Text form: compact JSON with the keys of `_KEYS`, sorted, absent when empty. A text that does not parse, or
    that carries another record's or org's id, is no state at all (the subject is adopted anew).
    """

    stage: str = ""
    since: date | None = None
    via: Via = Via.PLACED
    previous: str = ""
    timers: Mapping[str, date] = field(default_factory=dict)
    """One per pending condition: `enter:<stage>` or `leave:<stage>` -> the day it was first seen true."""
    hold: date | None = None
    """A person's stage is obeyed until this day."""
    proposed: str = ""
    quiet: Mapping[str, date] = field(default_factory=dict)
    """Declined proposals: stage -> not proposed again before this day."""
    outside: date | None = None
    """First day the subject was seen out of scope."""
    left: str = ""
    """The stage that was left when the subject went out of scope (resumed within 30 days)."""
    segment: str = ""
    playbooks: Mapping[str, int] = field(default_factory=dict)
    """Playbook -> version pinned for this visit."""
    override: date | None = None
    """First day the present override was seen."""
    override_stage: str = ""
    """The stage that the override named when it was first seen; another one is a new override."""
    inferred: bool = False
    """The visit's start was inferred (placement, adoption), not seen."""
    kpi_day: date | None = None
    record: str = ""
    org: str = ""
    installation: str = ""

    def to_text(self) -> str:
        return json.dumps(_state_to_json(self), separators=(",", ":"), sort_keys=True, ensure_ascii=True)

    @staticmethod
    def from_text(text: str | None) -> State | None:
        """The state in `text`, or None when there is none that this version can read."""
        return _state_from_json(text) if text else None


_KEYS = {
    "stage": "stage", "since": "since", "via": "via", "previous": "prev", "timers": "timers", "hold": "hold",
    "proposed": "prop", "quiet": "quiet", "outside": "out", "left": "left", "segment": "seg",
    "playbooks": "books", "override": "ovr", "override_stage": "ovs", "inferred": "inf", "kpi_day": "kpi",
    "record": "rec",
    "org": "org", "installation": "by",
}  # fmt: skip
_DATES = {"since", "hold", "outside", "override", "kpi_day"}
_DATE_MAPS = {"timers", "quiet"}


def _state_to_json(state: State) -> dict[str, Any]:
    out: dict[str, Any] = {"v": STATE_FORMAT}
    for name, key in _KEYS.items():
        value = getattr(state, name)
        if not value:
            continue
        if name in _DATES:
            value = value.isoformat()
        elif name in _DATE_MAPS:
            value = {k: v.isoformat() for k, v in value.items()}
        elif name == "playbooks":
            value = dict(value)
        out[key] = str(value) if isinstance(value, Via) else value
    return out


def _state_from_json(text: str) -> State | None:
    try:
        raw = json.loads(text)
        if not isinstance(raw, dict) or raw.get("v") != STATE_FORMAT:
            return None
        values: dict[str, Any] = {n: raw[k] for n, k in _KEYS.items() if k in raw}
        for name in _DATES & values.keys():
            values[name] = date.fromisoformat(values[name])
        for name in _DATE_MAPS & values.keys():
            values[name] = {k: date.fromisoformat(v) for k, v in values[name].items()}
        if "via" in values:
            values["via"] = Via(values["via"])
        return State(**values)
    except (ValueError, TypeError, AttributeError):
        return None


# --- evaluate ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reason:
    """Which rule asked, and the conditions that held, with their values."""

    rule: str
    """Key path in the mapping, such as `stages.renewal.enter_when`."""
    sentence: str
    """For a customer-success manager; goes into the reason field."""
    evidence: tuple[tuple[str, str], ...] = ()
    """(condition as written, its value as text), in the order of the rule."""


@dataclass(frozen=True)
class Move:
    """One visit ends and the next begins."""

    from_stage: str
    to_stage: str
    via: Via
    since: date
    because: Reason
    passed_through: bool = False
    """A cascade went on from here in the same run: a zero-length visit that fires nothing."""


@dataclass(frozen=True)
class Decision:
    """What the stage procedure decided for one subject."""

    stage: str
    """Key of the stage after this run; '' when it has none."""
    state: State
    """The memory to write with it."""
    moves: tuple[Move, ...] = ()
    proposed: str = ""
    blocked: tuple[str, ...] = ()
    """Stages whose rule holds but that no edge leads to from here."""
    undecided: tuple[str, ...] = ()
    """Edges that were skipped because a condition was unknown."""
    problem: str = ""
    """Why this subject was left alone (a value that is no stage, a foreign installation); '' normally."""

    @property
    def kind(self) -> Literal["unchanged", "placement", "adoption", "manual", "approved", "move", "out_of_scope"]:
        if not self.moves:
            return "unchanged"
        if self.stage == "":
            return "out_of_scope"
        return {
            Via.PLACED: "placement", Via.ADOPTED: "adoption", Via.MANUAL: "manual", Via.APPROVED: "approved",
            Via.MOVED: "move", Via.OVERRIDE: "move",
        }[self.moves[0].via]  # type: ignore[return-value]  # fmt: skip


@dataclass(frozen=True)
class Signal:
    """A CTA's rules as they stand for one subject."""

    cta: str
    open: Truth
    close: Truth
    period: str
    """Text form of the period's value; empty when the CTA has no period. An unknown period keeps `open` unknown."""
    due: date | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    """Rendered: subject, body, and every key of `set`."""
    owners: tuple[str, ...] = ()
    """Candidate owner ids in the order of the chain, blanks left out."""
    because: Reason = Reason("", "")


@dataclass(frozen=True)
class StepSignal:
    """A playbook step as it stands for one subject in the visit that started the playbook."""

    playbook: str
    step: str
    due: date | None
    texts: Mapping[str, str]
    owners: tuple[str, ...]
    when: Truth = True


@dataclass(frozen=True)
class Person:
    """A Contact or Lead that a campaign may take, in the order in which the mapping prefers them."""

    id: str
    sobject: Literal["Contact", "Lead"]
    name: str
    reachable: Truth
    """False when opted out or bounced; unknown counts as not reachable."""


@dataclass(frozen=True)
class CampaignSignal:
    campaign: str
    """The mapping's key of the campaign."""
    add: Truth
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Evaluation:
    """One subject, judged. Only subjects for which something might have to be written become Evaluations."""

    model: str
    subject: str
    name: str
    decision: Decision
    live: Mapping[str, Value]
    """Every field that the model owns on the subject, as pulled."""
    kpis: Mapping[str, Value]
    """Desired values of written KPIs and health by API name, already normalised; a KPI that is unknown is absent
    (its field keeps what it has)."""
    facts: Mapping[str, Value]
    """All facts by key; None is unknown."""
    money: Decimal | None = None
    """For 'largest money first'."""
    next_text: str = ""
    """What must still happen for the next stage, in words."""
    fresh: bool = True
    """The visit's start, dated by the data, is within `fresh_within`; placements and adoptions fire only then."""
    signals: tuple[Signal, ...] = ()
    steps: tuple[StepSignal, ...] = ()
    campaigns: tuple[CampaignSignal, ...] = ()


# --- what is there now ------------------------------------------------------------------------------------


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


# --- plan and apply ---------------------------------------------------------------------------------------

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
