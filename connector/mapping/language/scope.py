"""What an expression may name at its place in a mapping, and what each name means.

Filled by mapping (and jobs) for each place; read by check. Names are case-insensitive throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connector.describe import Describes
from connector.mapping.language.types import BOOLEAN, DATE, DATETIME, DAYS, TEXT, Kind, Type, exact

BANDS = ("green", "yellow", "red")
RESERVED = frozenset({"today", "now", "stage", "entered", "time_in_stage", "segment", "health", "activity"})
"""Names that facts, parameters and lists cannot take (beside grammar.KEYWORDS)."""

ACTIVITY: Mapping[str, Type] = {
    "date": DATE, "done": BOOLEAN, "two_way": BOOLEAN, "owner": Type(Kind.TEXT, lookup=True), "subject": TEXT,
    "channel": Type(Kind.TEXT, values=("task", "call", "email", "meeting"), restricted=True),
}  # fmt: skip
"""Fields of the activity stream."""

ACTIVITY_READS: Mapping[str, tuple[str, ...]] = {
    "Task": (
        "AccountId", "WhatId", "WhoId", "Subject", "OwnerId", "IsClosed", "ActivityDate", "CompletedDateTime",
        "TaskSubtype", "CallDisposition", "CallDurationInSeconds", "IsRecurrence",
    ),
    "Event": (
        "AccountId", "WhatId", "WhoId", "Subject", "OwnerId", "IsAllDayEvent", "ActivityDate", "EndDateTime",
        "IsRecurrence", "IsChild", "GroupEventType",
    ),
    "EventRelation": ("EventId", "RelationId", "Status", "IsInvitee"),
    "EmailMessage": ("RelatedToId", "ParentId", "ActivityId", "Subject", "Incoming", "MessageDate", "Status"),
    "Opportunity": ("AccountId",),
    "Case": ("AccountId",),
    "Contract": ("AccountId",),
    "Asset": ("AccountId",),
    "Contact": ("AccountId",),
    "Lead": ("IsConverted", "ConvertedAccountId"),
}  # fmt: skip
"""What the activity stream is built from: the activities, who was invited and declined, and what they are about, up to
its Account (Salesforce leaves AccountId of an activity empty where it is about a Case, an Asset or a Lead).

Fields as far as the org has them: IsInvitee comes with Shared Activities. An object that the org does not show makes
the stream unknown."""

MEMBER_READS: Mapping[str, tuple[str, ...]] = {
    "CampaignMember": ("ContactId", "LeadId"),
    "Contact": ("AccountId",),
    "Lead": ("IsConverted", "ConvertedAccountId", "ConvertedContactId"),
}
"""What it takes to reach an Account from a CampaignMember."""

Listed = str | int | Decimal


@dataclass(frozen=True)
class Scope:
    """Everything that the expressions at one place of a mapping may name."""

    describes: Describes
    subject: str = "Account"
    facts: Mapping[str, Type] = field(default_factory=dict)
    params: Mapping[str, Type] = field(default_factory=dict)
    lists: Mapping[str, tuple[Listed, ...]] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    cta_keys: frozenset[str] = frozenset()
    """What `cta_done` may name: CTA keys, playbook step keys, and `playbook.step`."""
    health: bool = False
    """The model has health: `health.band` and `health.score` mean something."""
    bands: tuple[str, ...] = BANDS
    visit: bool = True
    """`stage`, `entered`, `time_in_stage` and `segment` may be named; false for facts, which only read records."""
    aggregates: bool = True
    """Child records may be read; false for rules, which read facts."""
    task_key: str = ""
    """The field of Task that marks Tasks of ours, which are no activity; empty where there can be none."""
    child: str | None = None
    """Bare names are fields of this sObject, as in a `where`; the subject is written `Account.X`."""
    counters: frozenset[str] = frozenset()
    """Facts whose value differs every day by the mere passing of time."""
    open_child: bool = False
    """`child` is a source of which nothing was read yet: any name may be a column of it."""
    extra: Mapping[str, Type] = field(default_factory=dict)
    """Names that only this place knows, such as `reason` in the text of a CTA."""
    known_values: bool = True
    """The describes list the org's own picklist values, so a value that is not among them is an error; false for
    describes shipped with the package, where open picklists only warn."""

    @property
    def names(self) -> Mapping[str, Type]:
        """The engine's own names that are visible here."""
        visit = {
            "stage": Type(Kind.TEXT, values=self.stages, restricted=True),
            "entered": DATE,
            "time_in_stage": DAYS,
            "segment": Type(Kind.TEXT, values=self.segments, restricted=True),
        }
        health = {
            "health.band": Type(Kind.TEXT, values=self.bands, restricted=True),
            "health.score": exact(3, 2),
        }
        return {**(visit if self.visit else {}), **(health if self.health else {}), **self.extra}

    @property
    def clock_names(self) -> Mapping[str, Type]:
        return {"today": DATE, "now": DATETIME}


def is_source(name: str) -> bool:
    """Whether this is a file or a query beside the org, not an sObject."""
    return ":" in name


def spelled(name: str, known: Mapping[str, object] | frozenset[str] | tuple[str, ...]) -> str | None:
    """The spelling among `known` that equals `name` but for case."""
    return name if name in known else next((k for k in known if k.lower() == name.lower()), None)
