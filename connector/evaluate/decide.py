"""Which stage a subject is in after this run: the procedure of the design's "How a stage is decided, exactly".

    1 override   2 adopt   3 manual          opening.py, from what the org remembers
    4 scope and placement   7 cascade        here
    5 edges   6 timers                       edges.py

Called by passes.py for every subject for whom anything could happen, once per pass: a rule may speak of the stage,
so whoever has moved is judged again from the new stage. Pure: conditions come in as truths, decisions go out as data.
The reasons of the moves are left blank but for the rule; reasons.py words them while the values are at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from connector.data import Decision, Move, State, Via
from connector.evaluate.edges import (
    Choice,
    Crossroads,
    Verdict,
    Weighed,
    choose,
    find_blocked,
    stand_at,
    weigh_edges,
)
from connector.evaluate.opening import Phase, Progress, fresh_state, new_visit, open_run, ruled
from connector.evaluate.rules import Conditions, Memory, Rules, Standing, enter_path


@dataclass(frozen=True)
class NeedsAnotherPass:
    """The subject stands elsewhere now: its conditions must be computed again, under `standing`."""

    standing: Standing
    progress: Progress


def decide(
    memory: Memory, conditions: Conditions, rules: Rules, today: date, progress: Progress | None = None
) -> Decision | NeedsAnotherPass:
    """One pass over one subject. A further pass hands back the `progress` that the pass before it returned.

    `today` is the run's date in the model's zone. Every further pass is for another stage than those before, so a
    subject needs at most one more pass than the model has stages, and one when `conditions` were computed for a
    standing that turned out to be another.
    """
    progress = progress or open_run(memory, rules, today, conditions.segment)
    if progress.phase is Phase.LEFT_ALONE:
        return _leave_as_is(progress, rules)
    if progress.phase is Phase.SETTLED:
        return _close(progress)
    if conditions.standing != progress.standing:
        return _again(progress)
    if conditions.scope is None:
        return _wait_for_scope(progress, rules)
    if conditions.scope is False:
        return _close(_step_outside(progress, rules, today))
    return _apply_rules(_step_inside(progress), conditions, rules, today)


def _apply_rules(
    progress: Progress, conditions: Conditions, rules: Rules, today: date
) -> Decision | NeedsAnotherPass:  # fmt: skip
    match progress.phase:
        case Phase.PLACE:
            return _place(progress, conditions, rules, today)
        case Phase.REPLACE:
            return _replace_adopted(progress, conditions, rules, today)
        case Phase.OVERRIDE_ENDED:
            return _end_override(progress, conditions, rules, today)
        case _:
            return _follow_edges(progress, conditions, rules, today)


def _again(progress: Progress) -> NeedsAnotherPass:
    return NeedsAnotherPass(progress.standing, progress)


def _close(progress: Progress, *, blocked: tuple[str, ...] = (), undecided: tuple[str, ...] = ()) -> Decision:
    state = progress.state
    return Decision(state.stage, state, _mark_passed(progress.moves), state.proposed, blocked, undecided)


def _leave_as_is(progress: Progress, rules: Rules, undecided: tuple[str, ...] = ()) -> Decision:
    """Nothing is written, nothing is remembered: the next run meets the subject as this one did."""
    memory = progress.memory
    live = rules.by_value.get(memory.stage)
    state = memory.state or fresh_state(memory, rules)
    return Decision(live.key if live else "", state, (), state.proposed, (), undecided, progress.problem)


def _mark_passed(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """A stage that was entered and left on one day was only passed through."""
    passed = (replace(m, passed_through=m.since == onward.since) for m, onward in pairwise(moves))
    return (*passed, *moves[-1:])


# --- 4. scope -----------------------------------------------------------------------------------------------


def _wait_for_scope(progress: Progress, rules: Rules) -> Decision:
    """What people did is recorded even now; what rules must settle waits until they may."""
    if progress.phase in {Phase.PLACE, Phase.REPLACE}:
        return _leave_as_is(progress, rules)
    return _close(progress)


def _step_outside(progress: Progress, rules: Rules, today: date) -> Progress:
    """After two days out of scope the visit ends; for a month it may be resumed. A person's hold outlasts that."""
    state = progress.state
    if not state.stage or (state.hold and today < state.hold):
        return progress
    outside = state.outside or today
    if today < rules.end_of(rules.out_after, outside):
        return replace(progress, state=replace(state, outside=outside))
    left = replace(state, stage="", left=state.stage, timers={}, hold=None, proposed="")
    return _advance(progress, left, Move(state.stage, "", Via.MOVED, today, ruled("scope")))


def _step_inside(progress: Progress) -> Progress:
    if progress.state.stage and progress.state.outside:
        return replace(progress, state=replace(progress.state, outside=None))
    return progress


def _advance(progress: Progress, state: State, move: Move) -> Progress:
    return replace(
        progress, state=state, moves=(*progress.moves, move), phase=Phase.EDGES,
        visited=progress.visited | {state.stage}, entered_now=True,
    )  # fmt: skip


# --- 4. placement -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Where placement would put a subject; `stage` is '' when no rule holds."""

    stage: str = ""
    undecided: tuple[str, ...] = ()
    withheld: bool = False
    """Nothing can be said before everything is pulled."""


def _find_place(conditions: Conditions, rules: Rules) -> _Place:
    """The first of `order` whose rule is true. A stage that a person must approve is reached by its edges only."""
    undecided: list[str] = []
    for stage in rules.stages:
        truth = conditions.enter.get(stage.key, False)
        if truth is None:
            undecided.append(stage.key)
            if rules.is_withheld("", stage.key):
                return _Place(undecided=tuple(undecided), withheld=True)
        elif truth and not stage.needs_person:
            return _Place(stage.key)
    return _Place(undecided=tuple(undecided))


def _place(progress: Progress, conditions: Conditions, rules: Rules, today: date) -> Decision | NeedsAnotherPass:
    resumed = _resume(progress, rules, today)
    if resumed:
        return _again(resumed)
    place = _find_place(conditions, rules)
    if not place.stage:
        return _close(progress, undecided=place.undecided)
    return _again(_settle(progress, place.stage, conditions, rules, today))


def _resume(progress: Progress, rules: Rules, today: date) -> Progress | None:
    """Back in scope within a month: the visit that was left goes on; an override that began it has ended since."""
    state = progress.state
    if not state.outside or state.left not in rules.by_key or today > rules.end_of(rules.resume_within, state.outside):
        return None
    since = state.since or today
    back = replace(state, stage=state.left, since=since, left="", outside=None)
    resumed = _advance(progress, back, Move("", back.stage, Via.PLACED, since, ruled("scope")))
    return replace(resumed, phase=Phase.OVERRIDE_ENDED) if back.via is Via.OVERRIDE else resumed


def _settle(progress: Progress, key: str, conditions: Conditions, rules: Rules, today: date) -> Progress:
    """Placed: the visit's start is what the data say, else today, and marked as inferred either way."""
    dated = conditions.entered_on.get(key)
    since = dated if dated and dated <= today else today
    state = new_visit(progress.state, rules.by_key[key], Via.PLACED, since, conditions.segment, inferred=True)
    return _advance(progress, state, Move(progress.state.stage, key, Via.PLACED, since, ruled(enter_path(key))))


def _replace_adopted(
    progress: Progress, conditions: Conditions, rules: Rules, today: date
) -> Decision | NeedsAnotherPass:  # fmt: skip
    place = _find_place(conditions, rules)
    if place.withheld:
        return _leave_as_is(progress, rules, place.undecided)
    if place.stage in {"", progress.state.stage}:
        return _follow_edges(progress, conditions, rules, today)
    return _again(_settle(replace(progress, moves=()), place.stage, conditions, rules, today))


def _end_override(progress: Progress, conditions: Conditions, rules: Rules, today: date) -> Decision | NeedsAnotherPass:
    """Edges from the stage that the override had set, else placement. The wish of a person needs no `min_dwell`."""
    here = _look_around(progress, conditions, rules, today)
    choice = choose(here, weigh_edges(here))
    place = _find_place(conditions, rules)
    if choice.take or choice.propose:
        return _follow_edges(progress, conditions, rules, today)
    if place.withheld:
        return _close(progress, undecided=place.undecided)
    if place.stage in {"", progress.state.stage}:
        return _follow_edges(progress, conditions, rules, today)
    return _again(_settle(progress, place.stage, conditions, rules, today))


# --- 5 to 7. edges, timers, cascade ---------------------------------------------------------------------------


def _look_around(progress: Progress, conditions: Conditions, rules: Rules, today: date) -> Crossroads:
    dwells = not progress.entered_now and progress.phase is not Phase.OVERRIDE_ENDED
    return stand_at(progress.state, conditions, rules, today, visited=progress.visited, dwells=dwells)


def _follow_edges(progress: Progress, conditions: Conditions, rules: Rules, today: date) -> Decision | NeedsAnotherPass:
    here = _look_around(progress, conditions, rules, today)
    weighed = weigh_edges(here)
    choice = choose(here, weighed)
    if choice.take:
        return _again(_take(progress, here, choice))
    state = replace(progress.state, timers=here.timers, proposed=_propose(weighed, choice, progress.state.proposed))
    if progress.phase is Phase.OVERRIDE_ENDED:
        state = replace(state, via=Via.PLACED)
    blocked = find_blocked(here.current, rules, conditions)
    return _close(replace(progress, state=state), blocked=blocked, undecided=choice.undecided)


def _take(progress: Progress, here: Crossroads, choice: Choice) -> Progress:
    origin, target = here.current.key, here.rules.by_key[choice.take]
    path = f"stages.{origin}.otherwise" if choice.otherwise else enter_path(target.key)
    state = new_visit(progress.state, target, Via.MOVED, here.today, here.conditions.segment)
    return _advance(progress, state, Move(origin, target.key, Via.MOVED, here.today, ruled(path)))


def _propose(weighed: Sequence[Weighed], choice: Choice, pending: str) -> str:
    """The stage to propose; a pending proposal lapses only when its condition is seen to have ended."""
    if choice.propose:
        return choice.propose
    standing = {w.target.key for w in weighed if w.verdict in {Verdict.OPEN, Verdict.UNKNOWN}}
    return pending if pending in standing else ""
