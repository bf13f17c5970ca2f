"""The ways out of a stage, weighed one by one in `order`: which is open, and why the others are not.

Called by decide.py to move a subject and by explain.py to say why it did not; there is no second judgement that
could disagree. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from connector.calendar import Duration
from connector.data import State, Truth
from connector.evaluate.rules import Conditions, Edge, Rules, StageRule


class Verdict(StrEnum):
    """What keeps an edge from being taken, or that nothing does."""

    OPEN = "open"
    NOT_TRUE = "a condition is false"
    UNKNOWN = "a condition is unknown"
    WAITING = "true, but not for long enough"
    HELD = "held, because a person set the stage"
    DWELLING = "the stage was entered too recently"
    DECLINED = "proposed before, and declined"
    VISITED = "already passed through in this run"


@dataclass(frozen=True)
class Brakes:
    """What keeps a subject where it is although its rules would let it go. Terminal stages pass `hold` and `dwell`; a
    proposal passes `dwell`, because it moves nobody."""

    visited: frozenset[str] = frozenset()
    hold: date | None = None
    dwell: date | None = None
    """First day on which the stage may be left."""
    quiet: Mapping[str, date] = field(default_factory=dict)
    """Declined proposals: stage -> first day on which it may be proposed again."""


@dataclass(frozen=True)
class Crossroads:
    """One subject in one stage on one day: everything that its edges depend on."""

    current: StageRule
    rules: Rules
    conditions: Conditions
    timers: Mapping[str, date]
    brakes: Brakes
    today: date


@dataclass(frozen=True)
class Weighed:
    """One edge from the current stage."""

    target: StageRule
    verdict: Verdict
    until: date | None = None
    """The day on which what keeps it may be over, where that is known."""
    wait_if_unknown: bool = False


@dataclass(frozen=True)
class Choice:
    """Where to go from here: at most one of `take` and `propose` is a stage's key."""

    take: str = ""
    propose: str = ""
    otherwise: bool = False
    """The way taken is the stage's `otherwise`, not an edge whose target's rule holds."""
    undecided: tuple[str, ...] = ()
    """Edges that were skipped because they are unknown, where nothing is taken."""


def find_candidates(current: StageRule, rules: Rules) -> tuple[StageRule, ...]:
    """The stages that an edge leads to from `current`, in `order`."""
    listed = {e.to for e in current.next}
    return tuple(s for s in rules.stages if s.key != current.key and (s.key in listed or s.reachable_from_all))


def find_blocked(current: StageRule, rules: Rules, conditions: Conditions) -> tuple[str, ...]:
    """Stages whose rule holds although no edge leads to them from here."""
    reachable = {s.key for s in find_candidates(current, rules)} | {current.key}
    return tuple(s.key for s in rules.stages if s.key not in reachable and conditions.enter.get(s.key))


def blocked_pairs(rules: Rules) -> tuple[tuple[str, str], ...]:
    """(stage, target) for every target that no edge from the stage leads to."""
    ways = {s.key: {c.key for c in find_candidates(s, rules)} | {s.key} for s in rules.stages}
    return tuple((s.key, t.key) for s in rules.stages for t in rules.stages if t.key not in ways[s.key])


def observe_timers(
    current: StageRule, rules: Rules, conditions: Conditions, before: Mapping[str, date], today: date
) -> dict[str, date]:
    """The timers after this run: seen true starts one, seen false ends it, unknown leaves it as it was."""
    watched = {_enter(s): conditions.enter.get(s.key, False) for s in find_candidates(current, rules) if s.enter_for}
    if current.leave_for:
        watched[_leave(current)] = conditions.leave
    running = {key for key, truth in watched.items() if truth or (truth is None and key in before)}
    return {key: before.get(key, today) for key in sorted(running)}


def stand_at(
    state: State, conditions: Conditions, rules: Rules, today: date, *, visited: frozenset[str] = frozenset(),
    dwells: bool = True,
) -> Crossroads:  # fmt: skip
    """The crossroads of the stage in `state`, its timers brought up to today. `dwells`: min_dwell counts."""
    current = rules.by_key[state.stage]
    timers = observe_timers(current, rules, conditions, state.timers, today)
    dwell = rules.end_of(current.min_dwell, state.since) if dwells and state.since else None
    return Crossroads(current, rules, conditions, timers, Brakes(visited, state.hold, dwell, state.quiet), today)


def weigh_edges(here: Crossroads) -> tuple[Weighed, ...]:
    """Every edge from the current stage with its verdict, in `order`."""
    own = {e.to: e for e in here.current.next}
    targets = find_candidates(here.current, here.rules)
    return tuple(_weigh(here, target, own.get(target.key, Edge(target.key))) for target in targets)


def choose(here: Crossroads, weighed: Sequence[Weighed]) -> Choice:
    """The first open edge in `order`; where there is none, `otherwise` once the stage may be left."""
    proposed = ""
    undecided: list[str] = []
    for edge in weighed:
        if proposed and not edge.target.terminal:
            continue
        if edge.verdict is Verdict.OPEN and not edge.target.needs_person:
            return Choice(take=edge.target.key)
        if edge.verdict is Verdict.OPEN:
            proposed = proposed or edge.target.key
        if edge.verdict is Verdict.UNKNOWN:
            undecided.append(edge.target.key)
            if edge.wait_if_unknown or here.rules.is_withheld(here.current.key, edge.target.key):
                return Choice(propose=proposed, undecided=tuple(undecided))
    if proposed:
        return Choice(propose=proposed, undecided=tuple(undecided))
    return _go_otherwise(here, tuple(undecided))


# --- one edge -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Timed:
    """A condition, and the day until which it must go on being true before it counts."""

    truth: Truth
    until: date | None = None

    @property
    def counts(self) -> bool:
        return bool(self.truth) and self.until is None


def _timed(here: Crossroads, truth: Truth, wait: Duration | None, timer: str) -> _Timed:
    if not truth or wait is None:
        return _Timed(truth)
    end = here.rules.end_of(wait, here.timers.get(timer, here.today))
    return _Timed(truth, end if here.today < end else None)


def _leaving(here: Crossroads) -> _Timed:
    return _timed(here, here.conditions.leave, here.current.leave_for, _leave(here.current))


def _weigh(here: Crossroads, target: StageRule, edge: Edge) -> Weighed:
    enter = _timed(here, here.conditions.enter.get(target.key, False), target.enter_for, _enter(target))
    parts = [enter, _Timed(here.conditions.edges.get(target.key, True))]
    verdict, until = _judge(parts if target.terminal else [*parts, _leaving(here)])
    if verdict is Verdict.OPEN:
        verdict, until = _brake(here, target)
    return Weighed(target, verdict, until, edge.wait_if_unknown)


def _judge(parts: Sequence[_Timed]) -> tuple[Verdict, date | None]:
    if any(p.truth is False for p in parts):
        return Verdict.NOT_TRUE, None
    if any(p.truth is None for p in parts):
        return Verdict.UNKNOWN, None
    pending = [p.until for p in parts if p.until]
    return (Verdict.WAITING, max(pending)) if pending else (Verdict.OPEN, None)


def _brake(here: Crossroads, target: StageRule) -> tuple[Verdict, date | None]:
    brakes, today = here.brakes, here.today
    declined = brakes.quiet.get(target.key)
    if target.key in brakes.visited:
        return Verdict.VISITED, None
    if brakes.hold and today < brakes.hold and not target.terminal:
        return Verdict.HELD, brakes.hold
    if brakes.dwell and today < brakes.dwell and not (target.terminal or target.needs_person):
        return Verdict.DWELLING, brakes.dwell
    if declined and today < declined and target.needs_person:
        return Verdict.DECLINED, declined
    return Verdict.OPEN, None


def _go_otherwise(here: Crossroads, undecided: tuple[str, ...]) -> Choice:
    target = here.rules.by_key.get(here.current.otherwise)
    if target is None or not here.current.has_leave or not _leaving(here).counts:
        return Choice(undecided=undecided)
    if _brake(here, target)[0] is not Verdict.OPEN:
        return Choice(undecided=undecided)
    if target.needs_person:
        return Choice(propose=target.key, undecided=undecided)
    return Choice(take=target.key, otherwise=True)


def _enter(stage: StageRule) -> str:
    return f"enter:{stage.key}"


def _leave(stage: StageRule) -> str:
    return f"leave:{stage.key}"
