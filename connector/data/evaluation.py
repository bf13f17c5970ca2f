"""One subject, judged: decision, KPIs, and how CTAs, playbook steps and campaigns stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from connector.data.state import State, Via
from connector.data.values import Truth, Value


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
