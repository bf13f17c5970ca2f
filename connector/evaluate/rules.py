"""What the stage procedure is given: the model's rules, what is known of one subject, and where it stands.

Filled in by stage_rules.py from a checked mapping and by passes.py from rows of the mirror; read by decide.py and
edges.py. Holds no SQL and no expression: a condition is here only as the truth it has for one subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

from connector.calendar import Calendar, Duration
from connector.data import State, Truth

WEEKENDS_ONLY = Calendar()
A_DAY = Duration(1)
TWO_DAYS = Duration(2)
A_MONTH = Duration(30)
A_QUARTER = Duration(90)

# --- rules ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edge:
    """A way from one stage to another, as the stage's `next` lists it."""

    to: str
    wait_if_unknown: bool = False
    """While this edge is unknown, later ones are not tried."""


@dataclass(frozen=True)
class StageRule:
    """One stage of the model; whether its conditions hold is in Conditions."""

    key: str
    value: str = ""
    """The picklist's API value; '' means the key."""
    terminal: bool = False
    reachable_from_all: bool = False
    enter_for: Duration | None = None
    leave_for: Duration | None = None
    has_leave: bool = False
    """A stage without a leave condition may be left for any edge whose target's rule holds."""
    min_dwell: Duration = A_DAY
    needs_person: bool = False
    """`approval: person`: the engine proposes this stage and never sets it."""
    next: tuple[Edge, ...] = ()
    otherwise: str = ""
    playbooks: Mapping[str, int] = field(default_factory=dict)
    """Playbooks that entering this stage starts -> version in the files."""

    @property
    def api_value(self) -> str:
        return self.value or self.key


@dataclass(frozen=True)
class Rules:
    """Everything about a model, an org and this run that the procedure must know."""

    stages: tuple[StageRule, ...]
    """In `order`: the first wins wherever several are true."""
    org: str = ""
    installation: str = ""
    calendar: Calendar = WEEKENDS_ONLY
    adopt: Literal["keep", "replace"] = "keep"
    hold: Duration = A_MONTH
    """How long a stage that a person set is obeyed."""
    override_lasts: Duration = A_QUARTER
    """From the day on which an override without an end was first seen."""
    quiet: Duration = A_MONTH
    """How long a declined proposal is not made again."""
    out_after: Duration = TWO_DAYS
    resume_within: Duration = A_MONTH
    shows_proposal: bool = True
    """The model writes the proposed stage to a field, so that a person can clear it."""
    conditional: frozenset[str] = frozenset()
    """Key paths of the edges that have a condition of their own."""
    withheld: frozenset[str] = frozenset()
    """Key paths of rules that lean on records which were not completely pulled: while such a rule is unknown,
    nobody moves past it, or a missing permission would look like a wave of moves."""

    def end_of(self, length: Duration, start: date) -> date:
        """The day on which `length`, begun on `start`, is over."""
        return length.after(start, self.calendar)

    def is_withheld(self, origin: str, target: str) -> bool:
        """Whether the way from `origin` ('' for a placement) to `target` is unknown only because of this pull."""
        return not self.withheld.isdisjoint((enter_path(target), edge_path(origin, target)))

    @cached_property
    def by_key(self) -> Mapping[str, StageRule]:
        return {s.key: s for s in self.stages}

    @cached_property
    def by_value(self) -> Mapping[str, StageRule]:
        return {s.api_value: s for s in self.stages}


def enter_path(stage: str) -> str:
    """Key path of a stage's enter_when in the mapping."""
    return f"stages.{stage}.enter_when"


def edge_path(origin: str, target: str) -> str:
    """Key path of an edge's own condition."""
    return f"stages.{origin}.next.{target}.when"


# --- one subject --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Memory:
    """What the org holds about one subject's stage, as pulled. Stages here are values of the picklist."""

    subject: str
    stage: str = ""
    state: State | None = None
    """None when the state field is empty or cannot be read."""
    entered: date | None = None
    """The entered field: dates a stage that was there before us."""
    proposed: str = ""
    override_stage: str = ""
    override_until: date | None = None


@dataclass(frozen=True)
class Standing:
    """Under what the conditions of a pass were computed: stage, start of the visit and pinned segment."""

    stage: str = ""
    since: date | None = None
    segment: str = ""


@dataclass(frozen=True)
class Conditions:
    """One subject's rules as they stand in one pass. A stage that is not mentioned has no such condition."""

    standing: Standing
    scope: Truth = True
    enter: Mapping[str, Truth] = field(default_factory=dict)
    """Stage -> its enter_when."""
    edges: Mapping[str, Truth] = field(default_factory=dict)
    """Target -> the own condition of the edge that leads there from the standing stage."""
    leave: Truth = True
    """The standing stage's leave_when; True when it has none."""
    entered_on: Mapping[str, date] = field(default_factory=dict)
    """Stage -> the day on which the data say it was entered, where known."""
    segment: str = ""
    """The segment that matches now: pinned when a visit begins."""
