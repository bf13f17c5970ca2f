"""RunReport: everything that a run has to say for itself, and the verdict on it.

Built by run.py, rendered by run_text and as_json, kept by the ledger as JSON. Holds values only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from connector.data import Outcome, Plan, PullResult

Status = Literal["done", "failed", "refused", "stopped"]
"""failed: incomplete or with refusals, worth another run; refused: limits; stopped: asked to end between batches."""


@dataclass(frozen=True)
class StageLine:
    """One stage after this run. `key` is '' for subjects in scope without a stage."""

    key: str
    label: str
    count: int
    money: Decimal | None = None


@dataclass(frozen=True)
class ModelSummary:
    """One model's book, as evaluated."""

    model: str
    label: str
    digest: str
    subjects: int
    stages: tuple[StageLine, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Facts that are unknown for everybody: key -> why."""
    blocked: int = 0
    """Subjects for which a rule holds that no edge leads to."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApiCost:
    """What the run took from the org's allowance."""

    calls: Mapping[str, int] = field(default_factory=dict)
    """By kind; logins do not count."""
    used: int | None = None
    allowed: int | None = None
    """Of the whole org in the last 24 hours, as its last reply said."""
    steps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """step -> kind -> calls."""
    sobjects: Mapping[str, int] = field(default_factory=dict)
    """'' counts what was for several at once."""
    predicted: Mapping[str, int] = field(default_factory=dict)
    """step -> calls it was expected to take."""
    app: tuple[int, int] | None = None
    """(used, allowed) of our app, where the org limits apps."""
    share: tuple[int, int] | None = None
    """(used, allowed) of all jobs of this installation in the last 24 hours."""

    @property
    def total(self) -> int:
        return sum(self.calls.values())


@dataclass(frozen=True)
class RunReport:
    """One execution of a job."""

    run: int
    job: str
    org: str
    as_of: datetime
    status: Status
    exit_code: int
    pull: PullResult
    plan: Plan = field(default_factory=Plan)
    outcomes: tuple[Outcome, ...] = ()
    models: tuple[ModelSummary, ...] = ()
    cost: ApiCost = field(default_factory=ApiCost)
    dry_run: bool = False
    seconds: float = 0.0
    url: str = ""
    """Where the org is for a browser; '' leaves links out."""


def conclude(pull: PullResult, plan: Plan, outcomes: Sequence[Outcome], *, stopped: bool = False) -> tuple[Status, int]:
    """The verdict on a run and its exit code: a refused plan first, then what was not read, then what was refused."""
    if plan.breaches:
        return "refused", 3
    if not pull.complete:
        return "failed", 1
    if stopped:
        return "stopped", 1
    if any(o.status in {"rejected", "unknown"} for o in outcomes):
        return "failed", 1
    return "done", 0
