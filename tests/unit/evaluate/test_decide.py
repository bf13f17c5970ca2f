"""How a stage is decided, one rule of the procedure after another, then as properties of whole lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from one_life import DAY, HERE, MODEL, ORG, SUBJECT, Life, adjusted, days, edges, remembered

from connector.calendar import Duration
from connector.data import State, Via
from connector.evaluate.decide import NeedsAnotherPass, decide
from connector.evaluate.edges import blocked_pairs
from connector.evaluate.rules import Conditions, Memory, Standing


def path(life: Life, today: date = DAY) -> list[tuple[str, str, str]]:
    return [(m.from_stage, m.to_stage, str(m.via)) for m in life.judge(today).moves]


# --- placement ----------------------------------------------------------------------------------------------

PLACEMENTS = {
    "no rule holds": ({}, ""),
    "one rule holds": ({"adopting": True}, "adopting"),
    "several hold, the first of order wins": ({"adopting": True, "renewal": True, "onboarding": True}, "renewal"),
    "unknown is not true, later ones are tried": ({"churned": None, "launched": True}, "launched"),
    "a waiting time does not count for a placement": ({"renewal": True}, "renewal"),
    "a stage that needs a person is not given unasked": ({"will_churn": True, "onboarding": True}, "onboarding"),
    "only the stage that needs a person": ({"will_churn": True}, ""),
}


@pytest.mark.parametrize(("rules", "stage"), PLACEMENTS.values(), ids=PLACEMENTS)
def test_placement(rules: dict[str, bool | None], stage: str) -> None:
    life = Life(adjusted("renewal", enter_for=Duration(14), next=())).holds(**rules)
    found = life.judge()
    assert found.stage == stage
    assert [m.via for m in found.moves] == [Via.PLACED] * bool(stage)
    assert found.kind == ("placement" if stage else "unchanged")


def test_a_placement_is_marked_as_inferred_and_starts_today() -> None:
    found = Life(segment="enterprise").holds(onboarding=True).judge()
    assert found.state == State(
        "onboarding", DAY, Via.PLACED, inferred=True, segment="enterprise", playbooks={"onboard": 3},
        record=SUBJECT, org=ORG, installation=HERE,
    )  # fmt: skip
    assert found.moves[0].because.rule == "stages.onboarding.enter_when"
    assert (found.moves[0].from_stage, found.moves[0].since) == ("", DAY)


@pytest.mark.parametrize(
    ("dated", "since"),
    [(date(2026, 2, 3), date(2026, 2, 3)), (DAY, DAY), (days(1), DAY)],
    ids=["dated by the data", "dated today", "a date in the future does not count"],
)
def test_entered_on_dates_the_placement(dated: date, since: date) -> None:
    life = Life(entered_on={"adopting": dated}).holds(adopting=True)
    found = life.judge()
    assert (found.state.since, found.moves[0].since, found.state.inferred) == (since, since, True)


def test_the_placement_waits_for_records_that_were_not_pulled() -> None:
    rules = replace(MODEL, withheld=frozenset({"stages.renewal.enter_when"}))
    life = Life(rules).holds(renewal=None, onboarding=True)
    assert (life.judge().stage, life.judge().undecided) == ("", ("renewal",))
    assert life.holds(churned=True).judge().moves[0].to_stage == "churned", "what comes before in order is known"
    assert life.holds(churned=False, renewal=False).judge().stage == "onboarding"


def test_unknown_rules_are_named_when_nothing_is_placed() -> None:
    found = Life().holds(churned=None, launched=None).judge()
    assert (found.stage, found.undecided) == ("", ("churned", "launched"))


def test_placed_and_moved_on_in_one_run() -> None:
    life = Life(enter={"onboarding": True, "launched": False})
    life.rules = adjusted("onboarding", next=edges("adopting"))
    life.rules = replace(life.rules, stages=tuple(reversed(life.rules.stages)))
    life.holds(adopting=True)
    found = life.judge()
    assert [(m.to_stage, m.passed_through) for m in found.moves] == [("onboarding", True), ("adopting", False)]
    assert found.state.previous == "onboarding"


# --- scope --------------------------------------------------------------------------------------------------


def test_nobody_out_of_scope_is_placed_or_remembered() -> None:
    life = Life(scope=False).holds(adopting=True)
    assert (life.judge().stage, life.judge().moves) == ("", ())


def test_unknown_scope_changes_nothing() -> None:
    fresh = Life(scope=None).holds(adopting=True).judge()
    assert (fresh.stage, fresh.moves) == ("", ())
    life = Life.within("adopting").holds(renewal=True)
    life.scope = None
    found = life.judge()
    assert (found.stage, found.state, found.moves) == ("adopting", life.memory.state, ())


def test_unknown_scope_neither_starts_nor_ends_the_two_days() -> None:
    life = Life.within("adopting", outside=days(-1))
    life.scope = None
    assert life.run(days(5)).stage == "adopting"
    assert life.memory.state is not None
    assert life.memory.state.outside == days(-1)


def test_out_of_scope_for_two_days_leaves_the_visit_and_within_a_month_resumes_it() -> None:
    life = Life.within("adopting", segment="smb", via=Via.MANUAL)
    life.scope = False
    assert life.runs(DAY, days(1)) == ["adopting", "adopting"]
    left = life.run(days(2))
    assert (left.stage, left.kind, left.moves[0].because.rule) == ("", "out_of_scope", "scope")
    (move,) = left.moves
    assert (move.from_stage, move.to_stage, move.via, move.since) == ("adopting", "", Via.MOVED, days(2))
    assert (left.state.left, left.state.outside, left.state.since) == ("adopting", DAY, date(2026, 3, 1))
    assert life.runs(days(3), days(29)) == [""] * 27
    life.scope = True
    life.holds(onboarding=True)
    back = life.run(days(30))
    assert (back.stage, back.state.since, back.state.via, back.state.segment) == (
        "adopting", date(2026, 3, 1), Via.MANUAL, "smb",
    )  # fmt: skip
    assert (back.moves[0].via, back.moves[0].because.rule, back.moves[0].since) == (
        Via.PLACED, "scope", date(2026, 3, 1),
    )  # fmt: skip
    assert (back.state.left, back.state.outside) == ("", None)
    assert [(m.from_stage, m.to_stage) for m in back.moves] == [("", "adopting")]


def test_a_visit_of_an_override_that_ended_meanwhile_is_resumed_only_if_rules_still_want_it() -> None:
    life = Life.within("adopting", via=Via.OVERRIDE)
    life.scope = False
    life.runs(DAY, days(2))
    life.scope = True
    life.leave["adopting"] = False
    back = life.holds(onboarding=True).run(days(3))
    assert (back.stage, back.state.via) == ("onboarding", Via.PLACED)
    assert life.run(days(3)).moves == ()


def test_after_a_month_out_of_scope_the_subject_is_placed_anew() -> None:
    life = Life.within("adopting")
    life.scope = False
    life.runs(DAY, days(30))
    life.scope = True
    found = life.holds(onboarding=True).run(days(31))
    assert (found.stage, found.state.since, found.state.previous) == ("onboarding", days(31), "adopting")
    assert (found.state.left, found.state.outside) == ("", None)


def test_a_visit_of_a_stage_that_is_gone_from_the_model_is_not_resumed() -> None:
    life = Life(memory=Memory(SUBJECT, "", remembered("", left="retired", outside=DAY))).holds(launched=True)
    assert life.run(days(3)).stage == "launched"


def test_one_day_out_of_scope_is_forgotten() -> None:
    life = Life.within("adopting")
    life.scope = False
    life.run(DAY)
    life.scope = True
    assert life.run(days(1)).state.outside is None
    life.scope = False
    assert life.runs(days(2), days(3)) == ["adopting", "adopting"]


def test_leaving_the_scope_clears_what_belonged_to_the_visit() -> None:
    life = Life.within("adopting", proposed="will_churn", timers={"enter:will_churn": DAY}, outside=days(-5), hold=DAY)
    life.scope = False
    state = life.judge().state
    assert (state.stage, state.proposed, state.timers, state.hold) == ("", "", {}, None)


def test_out_of_scope_no_edge_is_taken() -> None:
    life = Life.within("adopting").holds(churned=True)
    life.scope = False
    assert life.judge().stage == "adopting"


# --- adoption -----------------------------------------------------------------------------------------------

FOREIGN = {
    "state field is empty": None,
    "state of another record (a clone)": remembered("launched", record="001000000000009AAA"),
    "state of another org (a sandbox copy)": remembered("launched", org="00D000000000009AAA"),
}


@pytest.mark.parametrize("state", FOREIGN.values(), ids=FOREIGN)
def test_a_stage_that_was_there_before_us_is_adopted(state: State | None) -> None:
    life = Life(memory=Memory(SUBJECT, "Launched", state), segment="smb").holds(renewal=False)
    found = life.judge(DAY)
    assert (found.stage, found.kind, path(life)) == ("launched", "adoption", [("", "launched", "adopted")])
    assert found.state == remembered("launched", DAY, via=Via.ADOPTED, inferred=True, segment="smb")
    assert found.moves[0].because.rule == "adopt"


def test_the_entered_field_dates_an_adopted_visit() -> None:
    entered = date(2025, 12, 24)
    life = Life(memory=Memory(SUBJECT, "Launched", entered=entered)).holds(adopting=True)
    found = life.judge()
    assert [(m.to_stage, m.via, m.since, m.passed_through) for m in found.moves] == [
        ("launched", Via.ADOPTED, entered, False),
        ("adopting", Via.MOVED, DAY, False),
    ]
    assert (found.state.inferred, found.kind) == (False, "adoption")


@pytest.mark.parametrize(("entered", "since"), [(days(1), DAY), (DAY, DAY)], ids=["in the future", "today"])
def test_an_adopted_visit_never_starts_in_the_future(entered: date, since: date) -> None:
    found = Life(memory=Memory(SUBJECT, "Launched", entered=entered)).judge()
    assert (found.state.since, found.state.inferred) == (since, entered > DAY)


def test_an_adopted_visit_is_not_held_but_dwells_when_its_start_is_not_known() -> None:
    life = Life(memory=Memory(SUBJECT, "Launched")).holds(adopting=True)
    assert life.run(DAY).stage == "launched"
    assert life.memory.state is not None
    assert life.memory.state.hold is None
    assert life.run(days(1)).stage == "adopting"


def test_adoption_is_recorded_even_while_the_scope_is_unknown() -> None:
    life = Life(memory=Memory(SUBJECT, "Launched"), scope=None)
    assert life.judge().state.via is Via.ADOPTED


class TestReplace:
    """`adopt: replace`: the stage that people kept is not trusted."""

    rules = replace(MODEL, adopt="replace")

    def life(self, stage: str = "Launched") -> Life:
        return Life(self.rules, Memory(SUBJECT, stage, entered=date(2026, 1, 1)))

    def test_rules_place_the_subject(self) -> None:
        life = self.life().holds(renewal=True)
        assert path(life) == [("launched", "renewal", "placed")]
        assert life.judge().state.previous == "launched"

    def test_the_same_stage_keeps_its_start(self) -> None:
        found = self.life().holds(launched=True).judge()
        assert (found.kind, found.state.since, found.stage) == ("adoption", date(2026, 1, 1), "launched")

    def test_timers_begin_with_the_adoption(self) -> None:
        life = self.life("Adopting").holds(will_churn=True)
        assert life.judge().state.timers == {"enter:will_churn": DAY}

    def test_a_placement_starts_today(self) -> None:
        assert self.life().holds(onboarding=True).judge().state.since == DAY

    def test_where_no_rule_holds_the_stage_stays(self) -> None:
        assert self.life().judge().kind == "adoption"

    def test_unknown_scope_leaves_it_for_a_later_run(self) -> None:
        life = self.life().holds(renewal=True)
        life.scope = None
        found = life.judge()
        assert (found.stage, found.moves, found.state.stage) == ("launched", (), "")

    def test_missing_records_leave_it_for_a_later_run(self) -> None:
        life = self.life().holds(renewal=None, onboarding=True)
        life.rules = replace(self.rules, withheld=frozenset({"stages.renewal.enter_when"}))
        found = life.judge()
        assert (found.stage, found.moves, found.undecided) == ("launched", (), ("renewal",))

    def test_out_of_scope_it_is_adopted_and_leaves_after_two_days(self) -> None:
        life = self.life()
        life.scope = False
        assert life.runs(DAY, days(2)) == ["launched", "launched", ""]


# --- changes by hand ----------------------------------------------------------------------------------------


def test_a_person_who_sets_the_stage_is_obeyed_for_thirty_days() -> None:
    life = Life.within("adopting", segment="smb").people(stage="Launched").holds(adopting=True)
    life.segment = "enterprise"
    found = life.run(DAY)
    assert [(m.from_stage, m.to_stage, m.via, m.since) for m in found.moves] == [
        ("adopting", "launched", Via.MANUAL, DAY)
    ]
    assert found.moves[0].because.rule == "manual_change"
    assert found.state == remembered(
        "launched", DAY, via=Via.MANUAL, previous="adopting", hold=days(30), segment="enterprise"
    )
    assert life.runs(days(1), days(29)) == ["launched"] * 29
    assert life.run(days(30)).stage == "adopting"


def test_a_terminal_stage_pierces_the_hold() -> None:
    life = Life.within("adopting").people(stage="Launched").holds(adopting=True, churned=True)
    found = life.run(DAY)
    assert [(m.to_stage, m.passed_through) for m in found.moves] == [("launched", True), ("churned", False)]
    assert found.state.hold is None


def test_a_stage_set_where_there_was_none_is_a_manual_change() -> None:
    life = Life(memory=Memory(SUBJECT, "Launched", remembered("", None, left="adopting", outside=DAY)))
    found = life.judge(days(3))
    assert (found.kind, found.state.hold, found.state.left, found.state.outside) == ("manual", days(33), "", None)
    assert found.state.previous == "adopting"


def test_the_hold_outlasts_the_scope() -> None:
    life = Life.within("adopting").people(stage="Launched")
    life.scope = False
    assert life.runs(DAY, days(31)) == ["launched"] * 32
    assert life.run(days(32)).stage == ""


def test_a_new_visit_owes_nothing_to_the_old_one_even_while_the_scope_is_unknown() -> None:
    life = Life.within("adopting", proposed="will_churn", outside=days(-1)).people(stage="Launched")
    life.scope = None
    assert (life.judge().proposed, life.judge().state.outside) == ("", None)


def test_a_blanked_stage_is_placed_anew() -> None:
    life = Life.within("adopting", quiet={"will_churn": days(3)}).people(stage="").holds(launched=True)
    found = life.judge()
    assert path(life) == [("", "launched", "placed")]
    assert (found.state.previous, found.state.since, found.state.quiet) == ("adopting", DAY, {"will_churn": days(3)})


def test_a_blanked_stage_that_no_rule_claims_stays_blank() -> None:
    life = Life.within("adopting", timers={"enter:will_churn": DAY}, proposed="will_churn", hold=days(3))
    found = life.people(stage="").run()
    assert (found.stage, found.moves) == ("", ())
    state = found.state
    assert (state.stage, state.since, state.timers, state.proposed, state.hold) == ("", None, {}, "", None)
    assert life.run(days(1)).state == state, "and is remembered as blank"


def test_a_blanked_stage_stays_blank_while_the_scope_is_unknown() -> None:
    life = Life.within("adopting").people(stage="").holds(adopting=True)
    life.scope = None
    found = life.judge()
    assert (found.stage, found.state, found.moves) == ("", life.memory.state, ())


def test_a_value_that_is_no_stage_is_left_alone() -> None:
    life = Life.within("adopting").people(stage="Champion").holds(renewal=True)
    found = life.judge()
    assert (found.moves, found.state) == ((), life.memory.state)
    assert "'Champion' is no stage of this model" in found.problem
    assert "one of Churned, Will Churn, Renewal, Adopting, Launched, Onboarding, or blank" in found.problem


def test_the_key_is_not_the_value() -> None:
    assert "no stage" in Life.within("adopting").people(stage="will_churn").judge().problem


def test_a_stage_of_the_memory_that_is_gone_from_the_model() -> None:
    gone = Life(memory=Memory(SUBJECT, "retired", remembered("retired")))
    assert "'retired' is no stage" in gone.judge().problem
    assert gone.people(stage="Launched").judge().kind == "manual"


def test_another_installation_stops() -> None:
    life = Life.within("adopting", installation="laptop").holds(renewal=True)
    found = life.judge()
    assert "laptop" in found.problem
    assert HERE in found.problem
    assert found.stage == "adopting"


@pytest.mark.parametrize(("theirs", "ours"), [("", HERE), (HERE, ""), (HERE, HERE)])
def test_an_installation_without_a_name_does_not_stop(theirs: str, ours: str) -> None:
    life = Life.within("adopting", rules=replace(MODEL, installation=ours), installation=theirs)
    assert life.judge().problem == ""


# --- override -----------------------------------------------------------------------------------------------


def overridden(stage: str = "Renewal", until: date | None = None) -> Life:
    life = Life.within("adopting", timers={"enter:will_churn": days(-3)}, segment="smb")
    life.segment = "enterprise"
    return life.people(override_stage=stage, override_until=until)


def test_an_override_wins_over_every_rule() -> None:
    life = overridden().holds(churned=True)
    life.scope = False
    found = life.judge()
    assert [(m.from_stage, m.to_stage, m.via, m.since, m.because.rule) for m in found.moves] == [
        ("adopting", "renewal", Via.OVERRIDE, DAY, "override.stage")
    ]
    assert found.kind == "move"
    assert found.state == remembered(
        "renewal", DAY, via=Via.OVERRIDE, previous="adopting", override=DAY, override_stage="renewal",
        segment="enterprise",
    )  # fmt: skip


def test_an_override_wins_over_a_direct_edit_and_keeps_its_visit() -> None:
    life = overridden()
    life.run(DAY)
    life.people(stage="Launched")
    found = life.run(days(5))
    assert [(m.from_stage, m.to_stage, m.via, m.since) for m in found.moves] == [
        ("launched", "renewal", Via.OVERRIDE, DAY)
    ]
    assert found.state.since == DAY


def test_an_override_wins_over_a_value_that_is_no_stage() -> None:
    found = overridden().people(stage="Champion").judge()
    assert (found.stage, found.problem) == ("renewal", "")
    assert found.moves[0].from_stage == ""


def test_an_override_that_names_the_present_stage_moves_nobody() -> None:
    life = overridden("Adopting")
    life.memory = replace(life.memory, state=replace(life.memory.state or State(), hold=days(9), outside=DAY))
    found = life.judge()
    assert (found.moves, found.state.since) == ((), date(2026, 3, 1))
    assert (found.state.via, found.state.override, found.state.override_stage) == (Via.OVERRIDE, DAY, "adopting")
    assert (found.state.timers, found.state.hold, found.state.outside) == ({}, None, None)


def test_an_override_on_a_record_that_we_never_saw() -> None:
    life = Life(memory=Memory(SUBJECT, "Renewal", entered=days(-9), override_stage="Renewal"), segment="smb")
    found = life.judge()
    assert found.state.segment == "smb"
    assert (found.kind, found.state.via, found.state.since, found.state.override) == (
        "adoption", Via.OVERRIDE, days(-9), DAY,
    )  # fmt: skip
    life.people(stage="")
    assert path(life) == [("", "renewal", "override")]


def test_a_second_run_under_an_override_changes_nothing() -> None:
    life = overridden()
    state = life.run(DAY).state
    again = life.run(days(50))
    assert (again.state, again.moves, life.passes) == (state, (), 1)


@pytest.mark.parametrize(
    ("until", "last"), [(None, 90), (days(5), 5)], ids=["without a date: 90 days from the day it was seen", "dated"]
)
def test_when_an_override_ends(until: date | None, last: int) -> None:
    life = overridden(until=until).holds(adopting=True)
    life.rules = adjusted("adopting", next=())
    assert life.runs(DAY, days(last)) == ["renewal"] * (last + 1)
    ended = life.run(days(last + 1))
    assert (ended.stage, ended.state.via) == ("adopting", Via.MOVED)


def test_an_override_may_be_taken_back_on_the_day_it_was_made() -> None:
    life = overridden().holds(adopting=True)
    life.run(DAY)
    life.people(override_stage="")
    found = life.run(DAY)
    assert (found.stage, found.state.override, found.state.override_stage) == ("adopting", None, "")


def test_at_the_end_of_an_override_no_edge_means_placement() -> None:
    life = overridden().holds(launched=True)
    life.run(DAY)
    life.people(override_stage="")
    assert path(life, days(1)) == [("renewal", "launched", "placed")]
    assert life.judge(days(1)).state.since == days(1)


def test_at_the_end_of_an_override_edges_come_before_placement() -> None:
    life = overridden().holds(launched=True, adopting=True)
    life.rules = replace(MODEL, stages=tuple(sorted(MODEL.stages, key=lambda s: s.key != "launched")))
    life.run(DAY)
    life.people(override_stage="")
    assert path(life, days(1)) == [("renewal", "adopting", "moved")]


@pytest.mark.parametrize("rules", [{}, {"renewal": True}], ids=["no rule holds", "placement names the same stage"])
def test_at_the_end_of_an_override_the_stage_may_stay(rules: dict[str, bool]) -> None:
    life = overridden()
    life.run(DAY)
    life.people(override_stage="").holds(**rules)
    found = life.run(days(1))
    assert (found.stage, found.moves, found.state.via, found.state.since) == ("renewal", (), Via.PLACED, DAY)
    assert life.run(days(2)).state == found.state


def test_at_the_end_of_an_override_a_proposal_waits_for_a_person() -> None:
    life = overridden()
    life.rules = adjusted("will_churn", enter_for=None)
    life.run(DAY)
    found = life.people(override_stage="").holds(will_churn=True, launched=True).run(days(1))
    assert (found.stage, found.proposed) == ("renewal", "will_churn")


def test_at_the_end_of_an_override_missing_records_put_off_the_placement() -> None:
    life = overridden().holds(churned=False, launched=True, onboarding=None)
    life.rules = replace(
        MODEL,
        stages=tuple(sorted(MODEL.stages, key=lambda s: s.key != "onboarding")),
        withheld=frozenset({"stages.onboarding.enter_when"}),
    )
    life.run(DAY)
    life.people(override_stage="")
    waiting = life.run(days(1))
    assert (waiting.stage, waiting.state.via, waiting.undecided) == ("renewal", Via.OVERRIDE, ("onboarding",))
    assert life.holds(onboarding=False).run(days(2)).stage == "launched"


def test_an_override_with_another_stage_is_a_new_one() -> None:
    life = overridden()
    life.runs(DAY, days(95))
    assert life.memory.state is not None
    assert life.memory.state.override == DAY
    found = life.people(override_stage="Launched").run(days(96))
    assert (found.stage, found.state.override, found.state.override_stage) == ("launched", days(96), "launched")


def test_an_ended_override_left_in_the_field_is_not_seen_again() -> None:
    life = overridden().holds(adopting=True)
    assert life.runs(DAY, days(200))[-1] == "adopting"


def test_a_person_may_set_the_stage_once_the_override_has_ended() -> None:
    life = overridden()
    life.run(DAY)
    life.people(override_stage="", stage="Launched")
    assert life.run(days(1)).kind == "manual"


def test_an_override_that_names_the_present_stage_ends_its_proposal() -> None:
    life = Life.within("adopting", proposed="will_churn").people(override_stage="Adopting")
    assert (life.judge().proposed, life.judge().state.proposed) == ("", "")


def test_at_the_end_of_an_override_timers_begin() -> None:
    life = overridden("Adopting")
    life.run(DAY)
    found = life.people(override_stage="").holds(will_churn=True).run(days(1))
    assert (found.stage, found.state.timers) == ("adopting", {"enter:will_churn": days(1)})


def test_at_the_end_of_an_override_the_edge_that_is_open_begins_a_visit_today() -> None:
    life = overridden().holds(adopting=True)
    life.run(DAY)
    found = life.people(override_stage="").run(days(1))
    assert (found.moves[0].because.rule, found.state.since) == ("stages.adopting.enter_when", days(1))


def test_an_override_that_is_no_stage_is_left_alone() -> None:
    life = overridden("Champion").holds(renewal=True)
    found = life.judge()
    assert "the override 'Champion' is no stage" in found.problem
    assert (found.stage, found.moves) == ("adopting", ())


# --- edges --------------------------------------------------------------------------------------------------


def test_the_first_edge_in_order_is_taken() -> None:
    life = Life.within("launched", rules=adjusted("renewal", next=())).holds(adopting=True, renewal=True)
    assert path(life) == [("launched", "renewal", "moved")]
    assert life.judge().moves[0].because.rule == "stages.renewal.enter_when"


def test_no_edge_means_blocked_and_said_so() -> None:
    found = Life.within("adopting").holds(launched=True, onboarding=True, renewal=None, churned=False).judge()
    assert (found.stage, found.blocked) == ("adopting", ("launched", "onboarding"))


def test_what_an_edge_leads_to_is_not_blocked() -> None:
    life = Life.within("adopting", hold=days(3)).holds(adopting=True, renewal=True, onboarding=True)
    assert life.judge().blocked == ("onboarding",)


def test_the_ways_that_a_model_does_not_have() -> None:
    small = replace(MODEL, stages=MODEL.stages[2:4])
    assert blocked_pairs(small) == ()
    pairs = set(blocked_pairs(MODEL))
    assert {("adopting", "launched"), ("churned", "renewal"), ("onboarding", "adopting")} <= pairs
    assert not {("adopting", "churned"), ("adopting", "adopting"), ("adopting", "renewal")} & pairs
    assert len(pairs) == 12


def test_reachable_from_all_needs_no_edge() -> None:
    assert Life.within("onboarding").holds(churned=True).judge().stage == "churned"


def test_the_own_condition_of_an_edge_must_be_true() -> None:
    life = Life.within("launched").holds(onboarding=True)
    life.edges["launched", "onboarding"] = False
    assert life.judge().stage == "launched"
    life.edges["launched", "onboarding"] = True
    assert life.judge().stage == "onboarding"


UNKNOWN = {
    "the target's rule": {"enter": {"renewal": None}},
    "the edge's own condition": {"enter": {"renewal": True}, "edges": {("launched", "renewal"): None}},
}


@pytest.mark.parametrize("unknown", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_edge_is_skipped_and_recorded(unknown: dict[str, dict]) -> None:  # type: ignore[type-arg]
    life = replace(Life.within("launched", rules=adjusted("adopting", next=())), **unknown).holds(adopting=True)
    found = life.judge()
    assert [m.to_stage for m in found.moves] == ["adopting"]
    assert life.holds(adopting=False).judge().undecided == ("renewal",)


def test_false_beats_unknown() -> None:
    life = Life.within("launched").holds(renewal=None)
    life.edges["launched", "renewal"] = False
    assert life.judge().undecided == ()


@pytest.mark.parametrize("how", ["wait_if_unknown", "withheld", "withheld edge"])
def test_nobody_moves_past_an_edge_that_must_be_known(how: str) -> None:
    life = Life.within("launched").holds(renewal=None, adopting=True)
    if how == "wait_if_unknown":
        nexts = tuple(replace(e, wait_if_unknown=e.to == "renewal") for e in MODEL.by_key["launched"].next)
        life.rules = adjusted("launched", next=nexts)
    elif how == "withheld":
        life.rules = replace(MODEL, withheld=frozenset({"stages.renewal.enter_when"}))
    else:
        life.holds(renewal=True)
        life.edges["launched", "renewal"] = None
        life.rules = replace(MODEL, withheld=frozenset({"stages.launched.next.renewal.when"}))
    found = life.judge()
    assert (found.stage, found.undecided) == ("launched", ("renewal",))
    assert life.holds(churned=True).judge().stage == "churned", "what comes before in order is not held up"


def test_a_rule_that_leans_on_missing_records_but_is_known_holds_nobody_up() -> None:
    life = Life.within("launched").holds(renewal=False, adopting=True)
    life.rules = replace(MODEL, withheld=frozenset({"stages.renewal.enter_when"}))
    assert life.judge().stage == "adopting"


def test_a_stage_is_left_only_when_it_may_be() -> None:
    life = Life.within("adopting", rules=adjusted("adopting", has_leave=True)).holds(renewal=True)
    life.leave["adopting"] = False
    assert life.judge().stage == "adopting"
    life.leave["adopting"] = None
    assert (life.judge().stage, life.judge().undecided) == ("adopting", ("renewal",))
    life.leave["adopting"] = True
    assert life.judge().stage == "renewal"


def test_a_terminal_target_does_not_ask_whether_the_stage_may_be_left() -> None:
    life = Life.within("adopting", rules=adjusted("adopting", has_leave=True)).holds(churned=True)
    life.leave["adopting"] = False
    assert life.judge().stage == "churned"


DWELLS = {
    "entered today": (DAY, 1, "adopting"),
    "entered yesterday": (days(-1), 1, "renewal"),
    "a week asked, six days in": (days(-6), 7, "adopting"),
    "a week asked, seven days in": (days(-7), 7, "renewal"),
}


@pytest.mark.parametrize(("since", "least", "stage"), DWELLS.values(), ids=DWELLS)
def test_min_dwell(since: date, least: int, stage: str) -> None:
    life = Life.within("adopting", since, rules=adjusted("adopting", min_dwell=Duration(least))).holds(renewal=True)
    assert life.judge().stage == stage


def test_terminal_targets_are_exempt_from_min_dwell() -> None:
    assert Life.within("adopting", DAY).holds(churned=True).judge().stage == "churned"


def test_back_from_a_terminal_stage() -> None:
    assert path(Life.within("churned").holds(onboarding=True)) == [("churned", "onboarding", "moved")]


def test_a_move_begins_a_new_visit() -> None:
    life = Life.within(
        "churned", segment="smb", quiet={"will_churn": days(9)}, kpi_day=DAY, playbooks={"winback": 1},
        timers={"enter:x": DAY}, hold=days(-40), inferred=True,
    ).holds(onboarding=True)  # fmt: skip
    life.segment = "enterprise"
    assert life.judge().state == remembered(
        "onboarding", DAY, previous="churned", segment="enterprise", playbooks={"onboard": 3},
        quiet={"will_churn": days(9)}, kpi_day=DAY,
    )  # fmt: skip


def test_an_idle_subject_keeps_its_memory_to_the_letter() -> None:
    life = Life.within(
        "adopting", quiet={"will_churn": days(-400)}, hold=days(-300), segment="smb", previous="launched"
    )
    life.segment = "enterprise"
    found = life.judge()
    assert (found.state, found.moves, life.passes) == (life.memory.state, (), 1)


# --- timers -------------------------------------------------------------------------------------------------

FREE = adjusted("will_churn", needs_person=False)


def test_a_rule_must_be_true_for_as_long_as_it_says() -> None:
    life = Life.within("adopting", rules=FREE).holds(will_churn=True)
    assert life.runs(DAY, days(14)) == ["adopting"] * 14 + ["will_churn"]


def test_missed_runs_do_not_stop_the_clock() -> None:
    life = Life.within("adopting", rules=FREE).holds(will_churn=True)
    assert [life.run(DAY).stage, life.run(days(20)).stage] == ["adopting", "will_churn"]


def test_seen_false_resets_the_timer() -> None:
    life = Life.within("adopting", rules=FREE).holds(will_churn=True)
    life.runs(DAY, days(10))
    life.holds(will_churn=False).run(days(11))
    assert life.memory.state is not None
    assert life.memory.state.timers == {}
    assert life.holds(will_churn=True).runs(days(12), days(25)) == ["adopting"] * 14
    assert life.run(days(26)).stage == "will_churn"


def test_unknown_neither_resets_nor_completes_the_timer() -> None:
    life = Life.within("adopting", rules=FREE).holds(will_churn=True)
    life.run(DAY)
    life.holds(will_churn=None)
    assert life.runs(days(1), days(20)) == ["adopting"] * 20
    assert life.memory.state is not None
    assert life.memory.state.timers == {"enter:will_churn": DAY}
    assert life.holds(will_churn=True).run(days(21)).stage == "will_churn"


def test_unknown_does_not_start_a_timer() -> None:
    life = Life.within("adopting", rules=FREE).holds(will_churn=None)
    assert life.judge().state.timers == {}


def test_leaving_takes_its_time_too() -> None:
    life = Life.within("will_churn", rules=FREE).holds(renewal=True)
    life.leave["will_churn"] = False
    life.run(DAY)
    life.leave["will_churn"] = True
    assert life.runs(days(1), days(14)) == ["will_churn"] * 14
    assert life.memory.state is not None
    assert life.memory.state.timers == {"leave:will_churn": days(1)}
    assert life.run(days(15)).stage == "renewal"


def test_the_longer_of_two_waits_counts() -> None:
    stages = (replace(s, enter_for=Duration(20)) if s.key == "renewal" else s for s in FREE.stages)
    life = Life.within("will_churn", rules=replace(FREE, stages=tuple(stages))).holds(renewal=True)
    life.rules = replace(
        life.rules, stages=tuple(replace(s, otherwise="") if s.key == "will_churn" else s for s in life.rules.stages)
    )
    assert life.runs(DAY, days(20)).index("renewal") == 20


def test_a_terminal_target_waits_for_its_own_timer() -> None:
    life = Life.within("adopting", rules=adjusted("churned", enter_for=Duration(3))).holds(churned=True)
    assert life.runs(DAY, days(3)) == ["adopting"] * 3 + ["churned"]


def test_timers_run_during_a_hold_and_the_move_comes_with_its_end() -> None:
    life = Life.within("launched", rules=FREE).people(stage="Adopting").holds(will_churn=True)
    assert life.runs(DAY, days(30)) == ["adopting"] * 30 + ["will_churn"]


def test_timers_of_edges_that_are_gone_are_dropped() -> None:
    life = Life.within("adopting", timers={"enter:retired": DAY, "leave:adopting": DAY})
    assert life.judge().state.timers == {}


def test_months_are_counted_by_the_calendar() -> None:
    life = Life.within("adopting", rules=replace(FREE, stages=adjusted(
        "will_churn", needs_person=False, enter_for=Duration(1, "months")).stages)).holds(will_churn=True)  # fmt: skip
    start = date(2026, 1, 31)
    life.memory = replace(life.memory, state=remembered("adopting", date(2025, 1, 1)))
    assert life.runs(start, date(2026, 2, 28)).index("will_churn") == 28


# --- otherwise ----------------------------------------------------------------------------------------------


def leaving() -> Life:
    return Life.within("will_churn", timers={"leave:will_churn": days(-14)})


def test_otherwise_is_where_to_go_when_nothing_else_is_true() -> None:
    life = leaving().holds(renewal=False, adopting=False)
    assert path(life) == [("will_churn", "adopting", "moved")]
    assert life.judge().moves[0].because.rule == "stages.will_churn.otherwise"


def test_an_edge_comes_before_otherwise() -> None:
    assert path(leaving().holds(renewal=True)) == [("will_churn", "renewal", "moved")]


NOT_OTHERWISE = {
    "the stage may not be left": (leaving, {"leave": {"will_churn": False}}),
    "it is not known whether it may be left": (leaving, {"leave": {"will_churn": None}}),
    "not for long enough": (lambda: Life.within("will_churn"), {}),
    "held": (leaving, {}),
    "the stage has no condition for leaving": (leaving, {"rules": adjusted("will_churn", has_leave=False)}),
    "the model names no such stage": (leaving, {"rules": adjusted("will_churn", otherwise="retired")}),
}


@pytest.mark.parametrize("case", NOT_OTHERWISE)
def test_otherwise_does_not_apply(case: str) -> None:
    make, changes = NOT_OTHERWISE[case]
    life = replace(make(), **changes)
    if case == "held":
        life.memory = replace(life.memory, state=replace(life.memory.state or State(), hold=days(2)))
    assert life.judge().stage == "will_churn"


def test_otherwise_waits_for_edges_that_must_be_known() -> None:
    life = leaving().holds(renewal=None)
    life.rules = replace(MODEL, withheld=frozenset({"stages.renewal.enter_when"}))
    assert life.judge().stage == "will_churn"
    life.rules = MODEL
    assert (life.judge().stage, len(life.judge().moves)) == ("adopting", 1)


def test_otherwise_to_a_stage_that_needs_a_person_is_proposed() -> None:
    rules = adjusted("launched", has_leave=True, otherwise="will_churn", next=())
    life = Life.within("launched", rules=rules)
    assert (life.judge().stage, life.judge().proposed) == ("launched", "will_churn")


# --- proposals ----------------------------------------------------------------------------------------------

QUICK = adjusted("will_churn", enter_for=None)


def at_risk(**more: object) -> Life:
    return Life.within("adopting", rules=QUICK, **more).holds(will_churn=True)


def test_a_stage_that_needs_a_person_is_proposed() -> None:
    found = at_risk().run()
    assert (found.stage, found.proposed, found.state.proposed, found.moves) == (
        "adopting",
        "will_churn",
        "will_churn",
        (),
    )


def test_a_proposal_is_made_only_after_its_time() -> None:
    life = Life.within("adopting").holds(will_churn=True)
    assert [life.run(days(n)).proposed for n in (0, 13, 14)] == ["", "", "will_churn"]


def test_a_proposal_set_by_a_person_is_approved_without_a_hold() -> None:
    life = at_risk()
    life.run(DAY)
    life.people(stage="Will Churn").segment = "smb"
    found = life.run(days(1))
    assert (found.state.segment, found.state.via) == ("smb", Via.APPROVED)
    assert [(m.from_stage, m.to_stage, m.via) for m in found.moves] == [("adopting", "will_churn", Via.APPROVED)]
    assert (found.kind, found.state.hold, found.proposed, found.moves[0].because.rule) == (
        "approved",
        None,
        "",
        "proposed",
    )
    assert found.state.since == days(1)


def test_another_stage_than_the_proposed_one_is_a_manual_change() -> None:
    life = at_risk()
    life.run(DAY)
    found = life.people(stage="Launched").run(days(1))
    assert (found.kind, found.proposed) == ("manual", "")


def test_a_proposal_that_a_person_clears_is_declined_and_quiet_for_thirty_days() -> None:
    life = at_risk()
    life.run(DAY)
    declined = life.people(proposed="").run(days(1))
    assert (declined.proposed, declined.state.quiet) == ("", {"will_churn": days(31)})
    assert {life.run(days(n)).proposed for n in range(2, 31)} == {""}
    assert life.run(days(31)).proposed == "will_churn"


def test_declining_one_proposal_keeps_what_was_declined_before() -> None:
    life = at_risk(proposed="will_churn", quiet={"renewal": days(4)}).people(proposed="")
    assert life.judge().state.quiet == {"renewal": days(4), "will_churn": days(30)}


def test_without_a_field_for_it_no_proposal_is_taken_for_declined() -> None:
    life = at_risk(proposed="will_churn").people(proposed="")
    life.rules = replace(QUICK, shows_proposal=False)
    assert life.judge().proposed == "will_churn"


def test_declined_does_not_mean_that_others_wait() -> None:
    life = at_risk(quiet={"will_churn": days(9)}).holds(renewal=True)
    assert life.judge().stage == "renewal"


def test_quiet_concerns_proposals_only() -> None:
    life = Life.within("adopting", quiet={"renewal": days(9)}).holds(renewal=True)
    assert life.judge().stage == "renewal"


def test_a_proposal_lapses_when_its_condition_ends() -> None:
    life = at_risk()
    life.run(DAY)
    found = life.holds(will_churn=False).run(days(1))
    assert (found.proposed, found.state.quiet) == ("", {})


def test_a_proposal_stands_while_its_condition_is_unknown() -> None:
    life = at_risk()
    life.run(DAY)
    assert life.holds(will_churn=None).run(days(1)).proposed == "will_churn"


def test_a_proposal_stands_while_an_earlier_edge_must_be_known() -> None:
    life = at_risk(proposed="will_churn")
    life.rules = replace(QUICK, withheld=frozenset({"stages.churned.enter_when"}))
    assert life.holds(churned=None).judge().proposed == "will_churn"


def test_a_proposal_for_a_stage_without_an_edge_lapses() -> None:
    life = Life.within("onboarding", rules=QUICK, proposed="will_churn").holds(will_churn=True)
    assert (life.judge().proposed, life.judge().blocked) == ("", ("will_churn",))


def test_a_proposal_stands_before_later_edges() -> None:
    life = at_risk().holds(renewal=True)
    assert (life.judge().stage, life.judge().proposed) == ("adopting", "will_churn")


def test_a_proposal_never_blocks_a_terminal_edge() -> None:
    last = tuple(sorted(QUICK.stages, key=lambda s: s.key == "churned"))
    life = Life.within("adopting", rules=replace(QUICK, stages=last)).holds(will_churn=True, renewal=True, churned=True)
    assert (life.judge().stage, life.judge().proposed) == ("churned", "")


def test_of_two_proposals_the_first_in_order_is_made() -> None:
    rules = replace(QUICK, stages=tuple(replace(s, needs_person=True) for s in QUICK.stages))
    life = Life.within("launched", rules=rules).holds(adopting=True, renewal=True)
    assert life.judge().proposed == "renewal"


def test_an_edge_before_the_proposal_in_order_is_taken_and_ends_it() -> None:
    life = at_risk(proposed="will_churn").holds(churned=True)
    assert (life.judge().stage, life.judge().proposed) == ("churned", "")


def test_a_proposal_needs_no_min_dwell() -> None:
    life = Life.within("adopting", DAY, rules=QUICK).holds(will_churn=True)
    assert (life.judge().stage, life.judge().proposed) == ("adopting", "will_churn")


def test_what_is_unknown_is_named_beside_a_proposal() -> None:
    life = at_risk().holds(churned=None)
    assert (life.judge().proposed, life.judge().undecided) == ("will_churn", ("churned",))


def test_a_proposal_of_otherwise_names_what_is_unknown() -> None:
    rules = adjusted("launched", has_leave=True, otherwise="will_churn")
    found = Life.within("launched", rules=rules).holds(renewal=None).judge()
    assert (found.proposed, found.undecided) == ("will_churn", ("renewal",))


def test_a_proposal_is_made_although_a_later_edge_must_be_known() -> None:
    last = tuple(sorted(QUICK.stages, key=lambda s: s.key == "churned"))
    life = Life.within("adopting", rules=replace(QUICK, stages=last, withheld=frozenset({"stages.churned.enter_when"})))
    assert life.holds(will_churn=True, churned=None).judge().proposed == "will_churn"


def test_a_proposal_is_declined_even_while_the_scope_is_unknown() -> None:
    life = at_risk(proposed="will_churn").people(proposed="")
    life.scope = None
    assert (life.judge().proposed, life.judge().state.quiet) == ("", {"will_churn": days(30)})


def test_a_problem_leaves_the_proposal_as_it_is() -> None:
    assert at_risk(proposed="will_churn").people(stage="Champion").judge().proposed == "will_churn"


def test_no_proposal_during_a_hold() -> None:
    life = Life.within("adopting", rules=QUICK, hold=days(3)).holds(will_churn=True)
    assert life.judge().proposed == ""


def test_a_proposal_does_not_give_way_to_otherwise() -> None:
    rules = adjusted("adopting", has_leave=True, otherwise="launched")
    rules = replace(rules, stages=tuple(replace(s, enter_for=None) for s in rules.stages))
    life = Life.within("adopting", rules=rules).holds(will_churn=True)
    assert (life.judge().stage, life.judge().proposed) == ("adopting", "will_churn")


# --- cascade ------------------------------------------------------------------------------------------------


def test_a_cascade_goes_on_from_the_new_stage() -> None:
    life = Life.within("onboarding").holds(launched=True, adopting=True)
    found = life.judge()
    assert [(m.from_stage, m.to_stage, m.passed_through) for m in found.moves] == [
        ("onboarding", "launched", True),
        ("launched", "adopting", False),
    ]
    assert (found.state.previous, found.state.since, life.passes) == ("launched", DAY, 3)


def test_a_cascade_enters_no_stage_twice() -> None:
    life = Life.within("renewal").holds(renewal=True, adopting=True)
    found = life.judge()
    assert [m.to_stage for m in found.moves] == ["adopting"]


def test_a_cascade_does_not_come_back_to_an_adopted_stage() -> None:
    life = Life(memory=Memory(SUBJECT, "Renewal", entered=days(-9))).holds(renewal=True, adopting=True)
    assert [m.to_stage for m in life.judge().moves] == ["renewal", "adopting"]


def test_a_cascade_does_not_come_back_to_a_stage_that_a_person_set() -> None:
    life = Life.within("adopting").people(stage="Onboarding").holds(churned=True, onboarding=True)
    assert [m.to_stage for m in life.judge().moves] == ["onboarding", "churned"]


def test_a_cascade_ends_where_a_rule_takes_time() -> None:
    life = Life.within("onboarding", rules=FREE).holds(launched=True, will_churn=True)
    found = life.judge()
    assert (found.stage, found.state.timers) == ("launched", {"enter:will_churn": DAY})


def test_rules_see_the_stage_that_the_cascade_reached() -> None:
    seen: list[Standing] = []

    def conditions(standing: Standing) -> Conditions:
        seen.append(standing)
        enter = {"launched": standing.stage == "onboarding", "adopting": standing.segment == "enterprise"}
        return Conditions(standing, True, enter, segment="enterprise")

    memory = Life.within("onboarding", segment="smb").memory
    found = decide(memory, conditions(Standing("onboarding", date(2026, 3, 1), "smb")), MODEL, DAY)
    assert isinstance(found, NeedsAnotherPass)
    found = decide(memory, conditions(found.standing), MODEL, DAY, found.progress)
    assert isinstance(found, NeedsAnotherPass)
    assert seen[1] == Standing("launched", DAY, "enterprise")
    assert found.standing == Standing("adopting", DAY, "enterprise")


def test_conditions_for_another_standing_are_asked_for_again() -> None:
    life = Life.within("onboarding").holds(launched=True)
    wrong = Conditions(Standing(), True, {"launched": True})
    found = decide(life.memory, wrong, MODEL, DAY)
    assert isinstance(found, NeedsAnotherPass)
    assert found.standing == Standing("onboarding", date(2026, 3, 1), "")
    assert found.progress.moves == ()
