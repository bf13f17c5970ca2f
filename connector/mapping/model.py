"""A mapping file as values: one ModelFile per lifecycle model, exactly the keys that a file may have.

Pure data, no behaviour beyond defaults. load.py fills it from files, check.py judges it as a whole, everything later
in the program reads it. Expressions are kept as text here; Mapping.expressions has them parsed, by rule key path.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.calendar import Duration
from connector.mapping.values import (
    Budget,
    Campaign,
    ColumnKind,
    ExpressionText,
    FieldName,
    Key,
    Keyed,
    Length,
    ParamValue,
    Percent,
    Rate,
    SourceName,
    Template,
    WrittenType,
)


class Part(BaseModel):
    """Anything in a mapping file: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, validate_default=False)


class Segment(Part):
    """Subjects that share parameters; the first that matches when a visit begins, pinned for that visit."""

    key: Key
    label: str = ""
    when: ExpressionText
    params: dict[Key, ParamValue] = {}


class Fact(Part):
    """A named value computed from records; a KPI when it has a label, a type or a write. Short form: the value."""

    value: ExpressionText
    """Over the subject's records; of a fact with `file` or `query`, over the columns of its row."""
    file: str | None = Field(default=None, min_length=1, max_length=250)
    """A CSV, Parquet or JSON lines file: the name of a section under [sources] in settings, and the path below it."""
    query: str | None = Field(default=None, min_length=1)
    """A SELECT on `database`, one row for each subject."""
    database: SourceName | None = None
    """The name of a section under [sources] in settings."""
    key: Keyed | None = None
    """The column that says whose row it is: one with ids, or {column: field of the subject}."""
    columns: dict[str, ColumnKind] = {}
    """What columns hold, where the data does not say it clearly."""
    label: str = ""
    description: str = ""
    type: WrittenType | None = None
    write: FieldName | None = None
    """The subject's field that keeps it; created and owned by the model."""
    write_once: bool = False
    """Written only while the field is blank."""
    dated: ExpressionText | None = None
    """The day or moment that the value is from."""
    stale_after: Length | None = None
    """Older than this, counted from `dated`, the value is unknown; without `dated`, counted from the file's writing."""
    sensitive: bool = False
    """Its value stays out of reasons, Tasks and logs."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, raw: Any) -> Any:
        return raw if isinstance(raw, dict) else {"value": raw}

    @property
    def is_kpi(self) -> bool:
        return bool(self.label or self.type or self.write)


class Bands(Part):
    """Inclusive lower bounds of the health bands."""

    green: Decimal = Decimal(75)
    yellow: Decimal = Decimal(50)
    red: Decimal = Decimal(0)


class Measure(Part):
    """One part of health: 100 when `value` reaches green, 50 for yellow, else 0."""

    key: Key
    label: str = ""
    weight: Decimal = Field(gt=0)
    value: ExpressionText
    green: Decimal
    yellow: Decimal
    better: Literal["high", "low"] = "high"
    missing: Literal["drop", "red", "yellow", "green"] = "drop"
    """What an unknown value counts as; drop gives its weight to the others."""
    red_forces_red: bool = False
    """A red here makes the whole red."""


class Health(Part):
    """A score from 0 to 100 and a band out of weighted measures."""

    grace: Length | None = None
    """No score while the subject is newer than this, counted from grace_from."""
    grace_from: ExpressionText | None = None
    min_coverage: Percent = Decimal(0)
    """Share of the weights that must be known; below it the score is unknown."""
    bands: Bands = Bands()
    measures: tuple[Measure, ...] = Field(min_length=1)


class Edge(Part):
    """A way out of a stage. Short form: the stage's key alone."""

    to: Key
    when: ExpressionText | None = None
    wait_if_unknown: bool = False
    """While this edge is unknown, later ones are not tried; otherwise it is skipped."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, raw: Any) -> Any:
        return raw if isinstance(raw, dict) else {"to": raw}


class Stage(Part):
    """A lifecycle stage: when it is entered, when it may be left, and where to."""

    key: Key
    label: str = Field(min_length=1, max_length=255)
    description: str = ""
    value: str | None = Field(default=None, min_length=1, max_length=255)
    """The picklist's API value where it is not the key."""
    kind: Literal["success", "risk", "inventory", "terminal"] = "success"
    enter_when: ExpressionText
    enter_for: Length | None = None
    """enter_when must have been true this long before an edge is taken."""
    leave_when: ExpressionText | None = None
    leave_for: Length | None = None
    entered_on: ExpressionText | None = None
    """Dates a placed or adopted visit by the data."""
    expected: Length | None = None
    max: Length | None = None
    min_dwell: Length = Duration(1, "days")
    approval: Literal["none", "person"] = "none"
    """person: the stage is proposed, and a person sets it."""
    reachable_from_all: bool = False
    next: tuple[Edge, ...] = ()
    otherwise: Key | None = None
    """Where to go when the stage may be left and nothing else is true."""

    @property
    def api_value(self) -> str:
        return self.value or self.key

    @property
    def is_terminal(self) -> bool:
        return self.kind == "terminal"

    def edge_to(self, key: str) -> Edge | None:
        return next((edge for edge in self.next if edge.to == key), None)


class Write(Part):
    """The subject's fields that the model owns, beside those that facts name."""

    stage: FieldName
    state: FieldName
    """The engine's own memory."""
    previous: FieldName | None = None
    entered: FieldName | None = None
    reason: FieldName | None = None
    proposed: FieldName | None = None
    next: FieldName | None = None
    """What must still happen for the next stage, in words."""
    health_score: FieldName | None = None
    health_band: FieldName | None = None


class Override(Part):
    """Fields that people write and the engine only reads."""

    stage: FieldName
    until: FieldName | None = None
    reason: FieldName | None = None
    lasts: Length = Duration(90, "days")
    """Without a date: counted from the day it was seen."""


class ManualChange(Part):
    hold: Length = Duration(30, "days")
    """A person who sets the stage field directly is obeyed this long."""


class Budgets(Part):
    """How fast what waits is released, largest money first."""

    tasks_per_owner: Budget = Rate(10, Duration(1, "days"))
    members_per_campaign: Budget = Rate(50, Duration(1, "days"))


class Keys(Part):
    """The fields that identify what we create, and the status of Tasks that nobody needs any more."""

    task: FieldName = "Lifecycle_Key__c"
    member: FieldName = "Lifecycle_Key__c"
    not_needed: str = Field(default="Not needed", min_length=1, max_length=40)


class TaskText(Part):
    """What a Task of ours says, common to CTAs and playbook steps."""

    label: str = ""
    owner: tuple[str, ...] = ("OwnerId",)
    """Tried in order: an expression that gives a user id, team:<role>, queue:<developer name>."""
    if_late: Literal["next_business_day", "skip"] = "next_business_day"
    """What a due date in the past becomes."""
    priority: str = "Normal"
    subject: Template
    body: Template = ""
    set: dict[FieldName, Template] = {}
    """Further Task fields."""


class Cta(TaskText):
    """A call to action: a Task for as long as something is the matter."""

    key: Key
    type: Literal["risk", "expansion", "lifecycle", "event", "renewal"]
    open_when: ExpressionText
    close_when: ExpressionText | None = None
    """Absent: when open_when is known to be false."""
    period: ExpressionText | None = None
    """One CTA for each value; a date moved by less than 30 days is the same period."""
    cooldown: Length = Duration(0, "days")
    due: ExpressionText = "today + 5 business days"
    counts_as: Literal["contact"] | None = None
    """contact: a Task of this CTA counts in `activity`, which leaves out Tasks of ours otherwise."""


class Step(TaskText):
    """One Task of a playbook."""

    key: Key
    due: ExpressionText
    after: tuple[Key, ...] = ()
    """Steps that must have been completed in the same visit before this one is created."""
    required: bool = False
    when: ExpressionText | None = None


class Playbook(Part):
    """Tasks that a stage brings with it, some waiting for others."""

    key: Key
    label: str = ""
    version: int = Field(default=1, ge=1)
    """Pinned for the visit that started it."""
    on_enter: Key
    on_leave: Literal["close", "keep"] = "close"
    """close: what is still open gets the status `keys.not_needed`."""
    steps: tuple[Step, ...] = Field(min_length=1)


class People(Part):
    """Which people of a subject a campaign takes."""

    who: Literal["Contact"] = "Contact"
    where: ExpressionText | None = None
    roles_from: Literal["OpportunityContactRole"] | None = None
    """Only people who have a role there; order_by may then name its fields."""
    order_by: FieldName | None = None
    at_most: int = Field(default=3, ge=1)


class MemberStatus(Part):
    added: str = "Planned"
    left: str = "Exited"
    left_responded: str = "Responded"


class CampaignRule(Part):
    """Who becomes a member of one Campaign, and for how long."""

    key: Key
    label: str = ""
    campaign: Campaign
    add_when: ExpressionText
    people: People = People()
    group: Key | None = None
    """Exclusive: one membership for each person in a group; the earlier in the file wins."""
    status: MemberStatus = MemberStatus()


class PeopleLimits(Part):
    new_memberships: Budget | None = None
    """For each person, over all campaigns of the model."""


class GivenStage(Part):
    """The stage that an example's subject is in beforehand."""

    key: Key
    since: date
    via: Literal["placed", "adopted", "moved", "manual", "approved"] = "moved"
    segment: Key | None = None
    """The segment that the visit began in."""
    waiting: dict[Key, date] = {}
    """Stages whose enter_when has been true since a day: what enter_for counts from."""


class Expected(Part):
    """What an example must come to. What is left out is not looked at."""

    stage: Key | None = Field(default=None)
    proposed: Key | None = None
    unstaged: bool = False
    """The subject has no stage afterwards."""
    facts: dict[Key, Any] = {}
    health: Literal["green", "yellow", "red", "unknown"] | None = None
    ctas: tuple[Key, ...] | None = None
    """Exactly the CTAs that are open or would be opened."""
    steps: tuple[str, ...] | None = None
    """Exactly the playbook steps that are open or would be created: step, or playbook.step."""
    campaigns: tuple[Key, ...] | None = None
    """Exactly the campaigns that somebody is or would become a member of."""
    closes: tuple[str, ...] | None = None
    """Exactly the CTAs and steps whose Tasks would be closed."""


class Example(Part):
    """A worked example: records as given, a day, and what must come out."""

    name: str = Field(min_length=1)
    as_of: date
    given: dict[str, Any]
    """The subject's sObject: its fields; stage: {key, since}; any other sObject: a list of records."""
    expect: Expected


class ModelFile(Part):
    """One lifecycle model, whole."""

    format: Literal[1]
    model: Key
    label: str = Field(min_length=1)
    description: str = ""
    subject: FieldName = "Account"
    scope: ExpressionText = "true"
    zone: str | None = None
    """IANA name; the org's own when absent."""
    calendar: str = "org"
    """Whose holidays: `org`, or a country code such as DE or DE-BY."""
    money: ExpressionText | None = None
    """What a subject is worth, for `largest money first` and for reports."""
    fresh_within: Length = Duration(14, "days")
    adopt: Literal["keep", "replace"] = "keep"
    params: dict[Key, ParamValue] = {}
    lists: dict[Key, tuple[str, ...]] = {}
    segments: tuple[Segment, ...] = ()
    facts: dict[Key, Fact] = {}
    health: Health | None = None
    stages: tuple[Stage, ...] = Field(min_length=1)
    order: tuple[Key, ...]
    """Every stage once; decides wherever several are true."""
    write: Write
    override: Override | None = None
    manual_change: ManualChange = ManualChange()
    keys: Keys = Keys()
    budgets: Budgets = Budgets()
    ctas: tuple[Cta, ...] = ()
    playbooks: tuple[Playbook, ...] = ()
    campaigns: tuple[CampaignRule, ...] = ()
    people_limits: PeopleLimits = PeopleLimits()
    examples: tuple[Example, ...] = ()

    def stage(self, key: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.key == key), None)

    def stage_of_value(self, value: str | None) -> Stage | None:
        """The stage that the picklist value stands for."""
        return next((stage for stage in self.stages if stage.api_value == value), None)

    def cta(self, key: str) -> Cta | None:
        return next((cta for cta in self.ctas if cta.key == key), None)


LISTS_WITH_KEYS = ("segments", "stages", "ctas", "playbooks", "campaigns")
"""Top-level lists whose items carry a key of their own."""


def json_schema() -> dict[str, Any]:
    """JSON Schema of a mapping file, for editors."""
    schema = ModelFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
