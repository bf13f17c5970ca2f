"""What holds in every life, whatever the rules say and whatever people do: random runs of the stage procedure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from one_life import DAY, MODEL, Life

from connector.calendar import Duration
from connector.data import Decision, State, Truth, Via
from connector.evaluate.rules import Edge

TRUTHS = st.sampled_from([True, False, False, None])
KEYS = [s.key for s in MODEL.stages]
VALUES = [s.api_value for s in MODEL.stages]
RULES = replace(
    MODEL,
    stages=tuple(
        replace(s, next=(*s.next, Edge("adopting", wait_if_unknown=True))) if s.key == "renewal" else s
        for s in MODEL.stages
    ),
)
SIMPLE = replace(RULES, stages=tuple(replace(s, enter_for=None, leave_for=None) for s in RULES.stages))
SLOW = replace(RULES, stages=tuple(replace(s, min_dwell=Duration(5)) for s in RULES.stages))


@dataclass(frozen=True)
class Step:
    """Some days pass, a person does something or nothing, then there is a run."""

    days: int
    scope: Truth
    enter: dict[str, Truth]
    leave: Truth
    deed: tuple[str, str]


DEEDS = ["", "", "", "stage", "blank", "nonsense", "override", "no override", "decline", "clone"]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    enter = {key: draw(TRUTHS) for key in KEYS}
    if enter["churned"] is not False:
        # A terminal stage whose rule holds beside another's is a mistake in the model, which `check` finds.
        enter |= {key: False for key in KEYS if key != "churned"}
    deed = draw(st.sampled_from(DEEDS)), draw(st.sampled_from(VALUES))
    scope = draw(st.sampled_from([True, True, True, False, None]))
    return Step(draw(st.integers(0, 40)), scope, enter, draw(TRUTHS), deed)


LIVES = st.lists(steps(), min_size=1, max_size=12)
MODELS = st.sampled_from([RULES, SIMPLE, SLOW, replace(SIMPLE, adopt="replace")])


def act(life: Life, deed: tuple[str, str]) -> None:
    what, value = deed
    match what:
        case "stage":
            life.people(stage=value)
        case "blank":
            life.people(stage="")
        case "nonsense":
            life.people(stage="Champion")
        case "override":
            life.people(override_stage=value)
        case "no override":
            life.people(override_stage="")
        case "decline":
            life.people(proposed="")
        case "clone":
            life.people(state=replace(life.memory.state or State(), record="001000000000077AAA"))


def live(life: Life, lived: list[Step]) -> list[tuple[Step, date, Life, Decision]]:
    """Every run: the step, the day, the subject as it was before the run, and the decision."""
    today, runs = DAY, []
    for step in lived:
        today += timedelta(days=step.days)
        act(life, step.deed)
        life.scope, life.enter = step.scope, dict(step.enter)
        life.leave = dict.fromkeys(KEYS, step.leave)
        before = replace(life)
        runs.append((step, today, before, life.run(today)))
    return runs


@given(MODELS, LIVES)
@settings(max_examples=300, deadline=None)
def test_a_run_repeated_on_the_same_day_changes_nothing(rules, lived) -> None:  # type: ignore[no-untyped-def]
    life = Life(rules)
    live(life, lived)
    today = DAY + timedelta(days=sum(s.days for s in lived))
    again = life.judge(today)
    if not again.problem:
        assert again.moves == ()
        assert again.state == life.memory.state or again.state == State(
            record=again.state.record, org=again.state.org, installation=again.state.installation
        )


@given(MODELS, LIVES)
@settings(max_examples=300, deadline=None)
def test_what_is_decided_is_always_sound(rules, lived) -> None:  # type: ignore[no-untyped-def]
    for _, today, _, found in live(Life(rules), lived):
        state = found.state
        assert found.stage in {"", *KEYS}
        if found.problem:
            assert found.moves == ()
            continue
        reached = [m.to_stage for m in found.moves]
        assert len(reached) == len(set(reached)), "at most once per stage"
        assert all(m.from_stage != m.to_stage for m in found.moves)
        assert all(a.to_stage == b.from_stage for a, b in zip(found.moves, found.moves[1:], strict=False))
        assert State.from_text(state.to_text()) == state
        if found.stage != state.stage:
            assert found.moves == (), "left as it is"
        if found.stage and found.moves:
            assert found.moves[-1].to_stage == found.stage
            assert found.moves[-1].since == state.since
            assert state.since is not None
            assert state.since <= today


@given(MODELS, LIVES)
@settings(max_examples=200, deadline=None)
def test_only_a_person_puts_a_subject_into_a_stage_that_needs_one(rules, lived) -> None:  # type: ignore[no-untyped-def]
    for _, _, _, found in live(Life(rules), lived):
        for move in found.moves:
            if move.to_stage == "will_churn" and move.because.rule != "scope":
                assert move.via in {Via.MANUAL, Via.APPROVED, Via.OVERRIDE, Via.ADOPTED}


@given(MODELS, LIVES)
@settings(max_examples=200, deadline=None)
def test_nobody_moves_because_of_what_is_not_known(rules, lived) -> None:  # type: ignore[no-untyped-def]
    blind = [replace(s, scope=None, enter=dict.fromkeys(KEYS), leave=None) for s in lived]
    for _, _, _, found in live(Life(rules), blind):
        assert {m.via for m in found.moves} <= {Via.MANUAL, Via.APPROVED, Via.OVERRIDE, Via.ADOPTED}


@given(MODELS, LIVES)
@settings(max_examples=200, deadline=None)
def test_an_override_that_stands_decides(rules, lived) -> None:  # type: ignore[no-untyped-def]
    seen, last = DAY, ""
    for step, today, before, found in live(Life(rules), lived):
        wanted = before.memory.override_stage
        if wanted != last or step.deed[0] == "clone":
            seen = today
        last = wanted
        if wanted and (today - seen).days <= 90:
            assert found.stage == rules.by_value[wanted].key
            assert found.state.via is Via.OVERRIDE


@given(MODELS, LIVES)
@settings(max_examples=200, deadline=None)
def test_a_held_stage_is_left_for_a_terminal_one_only(rules, lived) -> None:  # type: ignore[no-untyped-def]
    for step, today, before, found in live(Life(rules), lived):
        state, stage = before.memory.state, rules.by_value.get(before.memory.stage)
        held = state and state.hold and today < state.hold and not step.deed[0] and not before.memory.override_stage
        if held and stage and stage.key == state.stage:  # a person may have cleared it while nothing could be judged
            assert {m.to_stage for m in found.moves} <= {"churned"}


@given(LIVES)
@settings(max_examples=200, deadline=None)
def test_a_stage_is_left_by_rules_only_after_its_dwell(lived) -> None:  # type: ignore[no-untyped-def]
    for step, today, before, found in live(Life(SLOW), lived):
        state = before.memory.state
        quiet = not step.deed[0] and not before.memory.override_stage and state and state.via is not Via.OVERRIDE
        if quiet and state.stage and state.since and (today - state.since).days < 5 and step.scope:
            assert {m.to_stage for m in found.moves if m.from_stage == state.stage} <= {"churned"}
