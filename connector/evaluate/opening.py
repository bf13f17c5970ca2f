"""Steps 1 to 3 of the stage procedure: what people did since the last run comes before any rule.

Override, adoption, a change by hand, a confirmed or declined proposal are read off the stage field, the state
field and the override fields alone. Called by decide.py at the start of a subject's run. Pure; reads no condition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import Enum, auto

from connector.data import Move, Reason, State, Via
from connector.evaluate.rules import Memory, Rules, StageRule, Standing


class Phase(Enum):
    """Which part of the procedure a subject is in."""

    SETTLED = auto()
    """A person's override stands: no rule is consulted."""
    LEFT_ALONE = auto()
    PLACE = auto()
    """No stage."""
    REPLACE = auto()
    """A stage that was there before us, and that the model's `adopt: replace` does not trust."""
    OVERRIDE_ENDED = auto()
    EDGES = auto()


@dataclass(frozen=True)
class Progress:
    """How far one subject has come in this run; what a further pass starts from."""

    memory: Memory
    state: State
    phase: Phase
    moves: tuple[Move, ...] = ()
    visited: frozenset[str] = frozenset()
    entered_now: bool = False
    """The stage was entered by a rule in this run: `min_dwell` protects only stages held when the run began."""
    problem: str = ""

    @property
    def standing(self) -> Standing:
        """Under what the subject's conditions must be computed now."""
        if not self.state.stage:
            return Standing()
        return Standing(self.state.stage, self.state.since, self.state.segment)


def open_run(memory: Memory, rules: Rules, today: date, segment: str) -> Progress:
    """Where the subject stands before any rule is asked. `segment` is pinned to the visits that begin here."""
    state = memory.state if memory.state and _is_ours(memory, rules) else None
    problem = _find_problem(memory, state, rules)
    if problem:
        return Progress(memory, fresh_state(memory, rules), Phase.LEFT_ALONE, problem=problem)
    chosen = rules.by_value.get(memory.override_stage)
    if chosen and _is_active(memory, state, chosen, rules, today):
        return _obey_override(memory, state, chosen, rules, today, segment)
    if state is None:
        return _meet(memory, rules, today, segment)
    if not memory.override_stage and state.override:
        state = replace(state, override=None, override_stage="")
    return _compare_with_memory(memory, state, rules, today, segment)


def ruled(path: str) -> Reason:
    """A reason that only names its rule yet: reasons.py words it while the values are at hand."""
    return Reason(path, "")


def fresh_state(memory: Memory, rules: Rules) -> State:
    """The memory of a subject that we have never written to."""
    return State(record=memory.subject, org=rules.org, installation=rules.installation)


def new_visit(
    state: State, stage: StageRule, via: Via, since: date, segment: str, *, hold: date | None = None,
    inferred: bool = False,
) -> State:  # fmt: skip
    """`state` with a new visit begun: what belonged to the old one is gone, what spans visits is kept."""
    return replace(
        state, stage=stage.key, since=since, via=via, previous=state.stage or state.left or state.previous,
        timers={}, hold=hold, proposed="", outside=None, left="", segment=segment,
        playbooks=dict(stage.playbooks), inferred=inferred,
    )  # fmt: skip


def _is_ours(memory: Memory, rules: Rules) -> bool:
    """A clone and a sandbox copy carry a state that speaks of another record or org."""
    state = memory.state
    return state is not None and state.record == memory.subject and state.org == rules.org


def _find_problem(memory: Memory, state: State | None, rules: Rules) -> str:
    if state and state.installation and rules.installation and state.installation != rules.installation:
        return (
            f"the state field was written by the installation '{state.installation}', this one is "
            f"'{rules.installation}': two installations must not write to one org; stop one of them"
        )
    known = ", ".join(s.api_value for s in rules.stages)
    if memory.override_stage and memory.override_stage not in rules.by_value:
        return (
            f"the override '{memory.override_stage}' is no stage of this model; left alone until it is one of {known}"
        )
    if memory.override_stage or not memory.stage or memory.stage in rules.by_value:
        return ""
    return f"'{memory.stage}' is no stage of this model; left alone until it is one of {known}, or blank"


# --- 1. override --------------------------------------------------------------------------------------------


def _first_seen(state: State | None, chosen: StageRule, today: date) -> date:
    if state and state.override and state.override_stage == chosen.key:
        return state.override
    return today


def _is_active(memory: Memory, state: State | None, chosen: StageRule, rules: Rules, today: date) -> bool:
    last = memory.override_until or rules.end_of(rules.override_lasts, _first_seen(state, chosen, today))
    return today <= last


def _obey_override(
    memory: Memory, state: State | None, chosen: StageRule, rules: Rules, today: date, segment: str
) -> Progress:
    """In the stage that the override names, whatever anybody else did; a visit that is there already goes on."""
    seen, live = _first_seen(state, chosen, today), rules.by_value.get(memory.stage)
    if state is None and live == chosen:
        adopted = _adopt(memory, chosen, rules, today, segment)
        after, moves = adopted.state, adopted.moves
    else:
        goes_on = state is not None and state.stage == chosen.key
        before = state or fresh_state(memory, rules)
        after = _undisturbed(before) if goes_on else new_visit(before, chosen, Via.OVERRIDE, today, segment)
        move = Move(live.key if live else "", chosen.key, Via.OVERRIDE, after.since or today, ruled("override.stage"))
        moves = () if goes_on and live == chosen else (move,)
    after = replace(after, via=Via.OVERRIDE, override=seen, override_stage=chosen.key)
    return Progress(memory, after, Phase.SETTLED, moves)


def _undisturbed(state: State) -> State:
    """`state` without anything that would end the visit."""
    return replace(state, timers={}, hold=None, proposed="", outside=None)


# --- 2. adopt -----------------------------------------------------------------------------------------------


def _meet(memory: Memory, rules: Rules, today: date, segment: str) -> Progress:
    """A subject whose state field tells us nothing."""
    stage = rules.by_value.get(memory.stage)
    if stage is None:
        return Progress(memory, fresh_state(memory, rules), Phase.PLACE)
    return _adopt(memory, stage, rules, today, segment)


def _adopt(memory: Memory, stage: StageRule, rules: Rules, today: date, segment: str) -> Progress:
    since = memory.entered if memory.entered and memory.entered <= today else None
    state = new_visit(
        fresh_state(memory, rules), stage, Via.ADOPTED, since or today, segment, inferred=since is None
    )  # fmt: skip
    move = Move("", stage.key, Via.ADOPTED, since or today, ruled("adopt"))
    phase = Phase.EDGES if rules.adopt == "keep" else Phase.REPLACE
    return Progress(memory, state, phase, (move,), frozenset({stage.key}))


# --- 3. manual ----------------------------------------------------------------------------------------------


def _compare_with_memory(memory: Memory, state: State, rules: Rules, today: date, segment: str) -> Progress:
    """The stage field against what we remember having set: a difference was made by a person or another tool."""
    ours = rules.by_key.get(state.stage)
    if memory.stage == (ours.api_value if ours else state.stage):
        return _carry_on(memory, state, rules, today)
    live = rules.by_value.get(memory.stage)
    if live is None:
        blank = replace(state, stage="", since=None, previous=state.stage, timers={}, hold=None, proposed="")
        return Progress(memory, blank, Phase.PLACE)
    if live.key == state.proposed:
        after, via = new_visit(state, live, Via.APPROVED, today, segment), Via.APPROVED
    else:
        hold = rules.end_of(rules.hold, today)
        after, via = new_visit(state, live, Via.MANUAL, today, segment, hold=hold), Via.MANUAL
    move = Move(state.stage, live.key, via, today, ruled("manual_change" if via is Via.MANUAL else "proposed"))
    return Progress(memory, after, Phase.EDGES, (move,), frozenset({live.key}))


def _carry_on(memory: Memory, state: State, rules: Rules, today: date) -> Progress:
    """The stage is as we left it; a proposal that a person cleared meanwhile is declined."""
    if not state.stage:
        return Progress(memory, state, Phase.PLACE)
    if state.proposed and rules.shows_proposal and not memory.proposed:
        quiet = {**state.quiet, state.proposed: rules.end_of(rules.quiet, today)}
        state = replace(state, proposed="", quiet=quiet)
    phase = Phase.OVERRIDE_ENDED if state.via is Via.OVERRIDE else Phase.EDGES
    return Progress(memory, state, phase, visited=frozenset({state.stage}))
