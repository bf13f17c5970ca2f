"""What is written on a customer's record: only what differs, stage and memory together, KPIs once a day."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from plan_book import (
    ACME,
    BETA,
    DESCRIBES,
    ORG,
    SINCE,
    TODAY,
    a_customer,
    a_field,
    a_model,
    a_move,
    a_state,
    an_object,
    only,
    plan_for,
)  # fmt: skip

from connector.data import State, Via

LAUNCHED = a_state("launched", since=TODAY, previous="onboarding")


def test_two_models_may_write_the_same_customer_in_one_run() -> None:
    ids = {only(plan_for(replace(moved(), model=name), model=a_model(model=name))).id for name in ("m", "n")}
    assert len(ids) == 2


def moved(**more):
    return a_customer(LAUNCHED, before=a_state(), moves=[a_move()], **more)


def test_nothing_to_say_about_a_customer_who_is_as_they_should_be() -> None:
    assert plan_for(a_customer()).changes == ()


def test_a_move_writes_stage_memory_previous_entry_and_reason_in_one_change() -> None:
    change = only(plan_for(moved()))
    assert (change.id, change.kind, change.record, change.sobject) == (f"m:Account:{ACME}", "move", ACME, "Account")
    assert change.after == {
        "Stage__c": "Live", "Previous__c": "onboarding", "Entered__c": TODAY, "Reason__c": "Training is done.",
        "State__c": LAUNCHED.to_text(),
    }  # fmt: skip
    assert change.because == a_move().because
    assert (change.from_stage, change.to_stage, change.money) == ("onboarding", "launched", Decimal(1000))
    assert (change.subject, change.subject_name, change.model) == (ACME, "Acme", "m")


def test_before_holds_the_live_values_of_exactly_what_is_sent_and_stage_and_memory() -> None:
    move = only(plan_for(moved(live={"Other__c": "x"})))
    assert move.before == {
        "Stage__c": "onboarding", "State__c": a_state().to_text(), "Previous__c": None, "Entered__c": SINCE,
        "Reason__c": "As it was.",
    }  # fmt: skip
    kpi = only(plan_for(a_customer(kpis={"Won__c": Decimal(5)})))
    assert kpi.before == {"Won__c": None, "Stage__c": "onboarding", "State__c": a_state().to_text()}


def test_a_cascade_is_told_from_its_first_stage_to_its_last_with_the_last_reason() -> None:
    state = a_state("renewal", since=TODAY, previous="launched")
    moves = [a_move(passed_through=True), a_move("launched", "renewal")]
    change = only(plan_for(a_customer(state, before=a_state(), moves=moves)))
    assert (change.from_stage, change.to_stage) == ("onboarding", "renewal")
    assert change.because.rule == "stages.renewal.enter_when"


KINDS = {
    "a customer without a stage gets one": (Via.PLACED, "placement"),
    "a stage that was there before us is adopted": (Via.ADOPTED, "adoption"),
    "a stage that a person set is remembered": (Via.MANUAL, "manual"),
    "a proposal that a person accepted is remembered": (Via.APPROVED, "approved"),
    "an override is a move": (Via.OVERRIDE, "move"),
}


@pytest.mark.parametrize("case", KINDS)
def test_kind_of_change_when(case: str) -> None:
    via, kind = KINDS[case]
    before = a_state("") if via is Via.PLACED else a_state()
    customer = a_customer(LAUNCHED, before=before, moves=[a_move(before.stage, via=via)])
    assert only(plan_for(customer)).kind == kind


def test_an_adopted_customer_keeps_the_stage_and_gets_a_memory() -> None:
    customer = a_customer(
        a_state(via=Via.ADOPTED), live={"State__c": None}, moves=[a_move("", "onboarding", via=Via.ADOPTED)]
    )
    after = only(plan_for(customer)).after
    assert set(after) == {"State__c", "Reason__c"}
    assert State.from_text(str(after["State__c"])) == a_state(via=Via.ADOPTED)


def test_a_customer_out_of_scope_loses_stage_and_entry_but_not_the_memory() -> None:
    state = a_state("", since=SINCE, left="onboarding", outside=TODAY - timedelta(days=2))
    change = only(plan_for(a_customer(state, before=a_state(), moves=[a_move("onboarding", "")])))
    assert change.kind == "out_of_scope"
    assert (change.after["Stage__c"], change.after["Entered__c"]) == (None, None)
    assert State.from_text(str(change.after["State__c"])) == state
    assert change.to_stage == ""


def test_the_memory_carries_whose_it_is() -> None:
    customer = a_customer(
        a_state(record="", org="", installation="", timers={"enter:renewal": TODAY}), before=a_state()
    )
    written = json.loads(str(only(plan_for(customer)).after["State__c"]))
    assert (written["rec"], written["org"], written["by"]) == (ACME, ORG, "us")


def test_a_memory_without_owner_is_stamped_with_the_record_it_is_on() -> None:
    customer = a_customer(a_state(timers={"enter:renewal": TODAY}), before=a_state())
    bare = replace(customer.decision.state, record="", org="", installation="")
    plan = plan_for(replace(customer, decision=replace(customer.decision, state=bare)))
    assert State.from_text(str(only(plan).after["State__c"])) == customer.decision.state


def test_several_things_remembered_are_all_named() -> None:
    state = a_state(timers={"enter:renewal": TODAY}, hold=TODAY, record="", org="", installation="", kpi_day=TODAY)
    change = only(plan_for(a_customer(state, before=a_state(kpi_day=TODAY))))
    assert (change.because.rule, change.because.sentence) == ("stages", "Remembered: timers, hold")


def test_a_timer_that_started_is_memory_and_says_so() -> None:
    change = only(plan_for(a_customer(a_state(timers={"enter:renewal": TODAY}), before=a_state())))
    assert (change.kind, set(change.after)) == ("memory", {"State__c"})
    assert change.because.sentence == "Remembered: timers"


def test_a_proposal_is_shown_and_explained() -> None:
    customer = a_customer(a_state(proposed="renewal"), before=a_state(), proposed="renewal")
    change = only(plan_for(customer))
    assert change.after["Proposed__c"] == "renewal"
    assert (change.kind, change.because.rule) == ("memory", "stages.renewal")
    assert change.because.sentence == "Proposed: Renewal. A person sets the stage."


def test_a_proposal_that_is_there_already_does_not_explain_another_write() -> None:
    state = a_state(proposed="renewal", timers={"enter:launched": TODAY})
    customer = a_customer(
        state, before=a_state(proposed="renewal"), live={"Proposed__c": "renewal"}, proposed="renewal"
    )
    assert only(plan_for(customer)).because.sentence == "Remembered: timers"


def test_a_previous_stage_that_the_model_no_longer_has_is_not_written() -> None:
    customer = a_customer(a_state(previous="trial"), live={"Previous__c": None})
    assert plan_for(customer).changes == ()


def test_our_own_fields_are_put_right_when_somebody_typed_over_them() -> None:
    change = only(plan_for(a_customer(live={"Entered__c": date(2020, 1, 1)})))
    assert change.after == {"Entered__c": SINCE}
    assert change.because.sentence == "Remembered: its own fields restored"


def test_the_reason_is_not_rewritten_while_the_stage_stays() -> None:
    assert plan_for(a_customer(live={"Reason__c": "edited by a person"})).changes == ()


def test_somebody_who_was_never_in_scope_gets_no_memory() -> None:
    empty = State(record=ACME, org=ORG, installation="us")
    assert plan_for(a_customer(empty, live={"State__c": None})).changes == ()


def test_a_reason_too_long_for_its_field_is_cut_as_the_org_would_take_it() -> None:
    move = replace(a_move(), because=replace(a_move().because, sentence="x" * 300))
    reason = str(only(plan_for(a_customer(LAUNCHED, before=a_state(), moves=[move]))).after["Reason__c"])
    assert (len(reason), reason[-2:]) == (100, "x…")


# --- KPIs -------------------------------------------------------------------------------------------------


def test_a_kpi_that_differs_is_written_and_the_day_remembered() -> None:
    change = only(plan_for(a_customer(kpis={"Won__c": Decimal("10.5")}, live={"Won__c": Decimal(7)})))
    assert change.kind == "kpi"
    assert change.after == {"Won__c": Decimal("10.50"), "State__c": a_state(kpi_day=TODAY).to_text()}
    assert (change.because.rule, change.because.sentence) == ("facts", "Updated: Won so far")
    assert (change.from_stage, change.to_stage) == ("", "")


EQUAL = {
    "the same money with other zeros": ("Won__c", Decimal("7.000"), Decimal(7)),
    "a fraction of a cent": ("Won__c", Decimal("7.004"), Decimal("7.00")),
    "a score that rounds to the same": ("Score__c", Decimal("66.66"), Decimal("66.7")),
    "blank and nothing": ("Next__c", "", None),
    "blanks at the ends": ("Next__c", "  call ", "call"),
    "parts of a second": ("First__c", datetime(2026, 1, 1, 1, 1, 1, 999, UTC), datetime(2026, 1, 1, 1, 1, 1, 0, UTC)),
}


@pytest.mark.parametrize("case", EQUAL)
def test_no_write_for(case: str) -> None:
    name, desired, live = EQUAL[case]
    kpis, next_text = ({}, desired) if name == "Next__c" else ({name: desired}, "")
    assert plan_for(a_customer(kpis=kpis, next_text=next_text, live={name: live})).changes == ()


def test_a_kpi_that_is_unknown_today_keeps_its_field() -> None:
    assert plan_for(a_customer(kpis={}, live={"Won__c": Decimal(7), "Band__c": "red"})).changes == ()


def test_a_kpi_that_is_known_to_be_nothing_is_cleared() -> None:
    assert only(plan_for(a_customer(kpis={"Won__c": None}, live={"Won__c": Decimal(7)}))).after["Won__c"] is None


def test_kpis_are_written_once_a_day() -> None:
    wrote_today, wrote_yesterday = a_state(kpi_day=TODAY), a_state(kpi_day=TODAY - timedelta(days=1))
    changed = {"kpis": {"Won__c": Decimal(9)}, "next_text": "Book the training."}
    assert plan_for(a_customer(wrote_today, **changed)).changes == ()
    assert set(only(plan_for(a_customer(wrote_yesterday, **changed))).after) == {"Won__c", "Next__c", "State__c"}


def test_the_day_of_the_last_write_is_read_from_the_record_when_the_decision_does_not_carry_it() -> None:
    customer = a_customer(a_state(), before=a_state(kpi_day=TODAY), kpis={"Won__c": Decimal(9)})
    assert plan_for(customer).changes == ()


def test_the_day_is_the_customers_own_in_the_zone_of_the_model() -> None:
    late = datetime(2026, 9, 1, 23, 30, tzinfo=UTC)  # already the 2nd in Berlin
    customer = a_customer(a_state(kpi_day=TODAY), kpis={"Won__c": Decimal(9)})
    assert plan_for(customer, as_of=late, zone="UTC").changes == ()
    assert len(plan_for(customer, as_of=late, zone="Europe/Berlin").changes) == 1
    assert len(plan_for(customer, as_of=late, zone="UTC", model=a_model(zone="Europe/Berlin")).changes) == 1


def test_a_health_band_is_written_at_once_and_takes_its_score_along() -> None:
    customer = a_customer(
        a_state(kpi_day=TODAY), kpis={"Band__c": "red", "Score__c": Decimal(10), "Won__c": Decimal(9)},
        live={"Band__c": "green", "Score__c": Decimal(90)},
    )  # fmt: skip
    change = only(plan_for(customer))
    assert (change.kind, change.after) == ("kpi", {"Band__c": "red", "Score__c": Decimal("10.0")})
    assert change.because.sentence == "Updated: health, health score"


def test_a_score_alone_waits_for_tomorrow() -> None:
    customer = a_customer(
        a_state(kpi_day=TODAY), kpis={"Band__c": "red", "Score__c": Decimal(10)}, live={"Band__c": "red"}
    )
    assert plan_for(customer).changes == ()


def test_a_move_takes_what_is_next_along_at_once_and_leaves_kpis_for_tomorrow() -> None:
    state = replace(LAUNCHED, kpi_day=TODAY)
    customer = a_customer(
        state, before=a_state(kpi_day=TODAY), moves=[a_move()], next_text="Reach 75 % use.", kpis={"Won__c": Decimal(9)}
    )
    after = only(plan_for(customer)).after
    assert after["Next__c"] == "Reach 75 % use."
    assert "Won__c" not in after


def test_a_first_touch_is_written_once_and_never_again() -> None:
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
    change = only(plan_for(a_customer(kpis={"First__c": first})))
    assert (change.after["First__c"], change.because.sentence) == (first, "Updated: first")
    assert plan_for(a_customer(kpis={"First__c": later}, live={"First__c": first})).changes == ()


def test_kpis_of_somebody_without_a_stage_are_written_once_a_day_too() -> None:
    nobody = State(record=ACME, org=ORG, installation="us")
    change = only(plan_for(a_customer(nobody, live={"State__c": None}, kpis={"Won__c": Decimal(9)})))
    assert State.from_text(str(change.after["State__c"])) == replace(nobody, kpi_day=TODAY)


# --- left alone -------------------------------------------------------------------------------------------


def without(*names: str, **replaced):
    account = DESCRIBES["Account"]
    fields = {n: f for n, f in account.fields.items() if n not in names} | {f.name: f for f in replaced.values()}
    return {**DESCRIBES, "Account": an_object("Account", *fields.values())}


REFUSED = {
    "a value that is no stage": (moved(problem="'Foo' is no stage"), DESCRIBES, "Left alone: 'Foo' is no stage (Acme)"),
    "a stage field that does not exist": (moved(), without("Stage__c"), "Account.Stage__c does not exist in the org"),
    "a memory field that does not exist": (moved(), without("State__c"), "Account.State__c does not exist in the org"),
    "a memory field that we may not write": (
        moved(), without(x=a_field("State__c", "textarea", length=2000, updateable=False)),
        "Account.State__c may not be written by our user"),
    "a memory that outgrew its field": (
        moved(), without(x=a_field("State__c", "textarea", length=100)), "no longer fits into State__c"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_at_all_is_written_because_of(case: str) -> None:
    customer, describes, words = REFUSED[case]
    plan = plan_for(customer, describes=describes)
    assert plan.changes == ()
    assert len(plan.problems) == 1
    assert words in plan.problems[0]


@pytest.mark.parametrize("name", ["Stage__c", "State__c"])
def test_a_stage_or_memory_that_was_not_read_is_not_overwritten(name: str) -> None:
    customer = moved()
    unread = replace(customer, live={n: v for n, v in customer.live.items() if n != name})
    plan = plan_for(unread)
    assert plan.changes == ()
    assert f"Account.{name} could not be read" in plan.problems[0]


def test_a_kpi_field_that_is_missing_is_told_and_holds_nothing_else_up() -> None:
    plan = plan_for(moved(kpis={"Won__c": Decimal(1)}), describes=without("Won__c"))
    assert only(plan).kind == "move"
    assert plan.problems == (
        "Account.Won__c does not exist in the org; create it (connector setup), then run again (Acme)",
    )


def test_the_same_problem_of_many_customers_is_told_once() -> None:
    customers = [replace(moved(), subject=f"001{n:012d}AAA", name=f"Customer {n}") for n in range(5)]
    plan = plan_for(*[replace(c, decision=replace(c.decision, problem="odd")) for c in customers])
    assert plan.problems == ("Left alone: odd (Customer 0, Customer 1, Customer 2 and 2 more)",)


def test_a_customer_whose_scope_is_unknown_stays_untouched() -> None:
    """The procedure leaves stage and memory apart; a memory written now would look like a person's change."""
    customer = a_customer(
        State(record=ACME), live={"Stage__c": "onboarding", "State__c": None}, kpis={"Won__c": Decimal(9)}
    )
    undecided = replace(customer, decision=replace(customer.decision, stage="onboarding"))
    plan = plan_for(undecided)
    assert (plan.changes, plan.problems) == ((), ())


def test_customers_are_written_in_the_order_of_their_ids() -> None:
    plan = plan_for(replace(moved(), subject=BETA), moved())
    assert [c.record for c in plan.changes] == [ACME, BETA]
