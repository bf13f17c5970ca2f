"""When a call to action opens, when it closes, and that it never comes twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from plan_book import (
    ACME,
    ANNA,
    AS_OF,
    BEN,
    BETA,
    CTA,
    DESCRIBES,
    GONE,
    QUEUE,
    SINCE,
    TODAY,
    a_customer,
    a_model,
    a_move,
    a_signal,
    a_state,
    a_task,
    an_object,
    an_org,
    done,
    only,
    plan_for,
)  # fmt: skip

from connector.calendar import Calendar
from connector.data import Change, Guard, Reason
from connector.mapping.values import Rate

KEY = f"m:unowned:{ACME}::"
FIRST = f"{KEY}1"


def model_with(**cta):
    return a_model(ctas=[{**CTA, **cta}])


def plan_cta(signal=None, tasks=(), *, cta=None, customer=None, **more):
    customer = replace(customer or a_customer(), signals=(signal or a_signal(),))
    return plan_for(customer, model=model_with(**(cta or {})), org=an_org(tasks), **more)


def opened(plan):
    return [c.id for c in plan.changes if c.kind == "task_open"]


def closed(plan):
    return [c.record for c in plan.changes if c.kind == "task_close"]


def test_a_cta_opens_as_a_task_with_its_key_owner_and_reason() -> None:
    signal = a_signal(
        due=TODAY + timedelta(days=7),
        texts={"subject": "No renewal for Acme", "body": "Ends soon.", "Type": "Call", "IsReminderSet": "true"},
    )
    change = only(plan_cta(signal))
    assert change.after == {
        "WhatId": ACME, "OwnerId": ANNA, "Subject": "No renewal for Acme", "Description": "Ends soon.",
        "ActivityDate": TODAY + timedelta(days=7), "Priority": "High", "Type": "Call", "IsReminderSet": True,
        "Lifecycle_Key__c": FIRST,
    }  # fmt: skip
    assert (change.id, change.kind, change.sobject, change.record) == (FIRST, "task_open", "Task", None)
    assert change.model == "m"
    assert (change.key_field, change.owner, change.subject, change.subject_name) == (
        "Lifecycle_Key__c", ANNA, ACME, "Acme")  # fmt: skip
    assert change.because.sentence == "Nobody is on it."
    assert (change.before, change.money) == ({}, 1000)


def test_a_task_is_written_only_while_owner_is_active_and_stage_as_planned() -> None:
    guards = only(plan_cta()).guards
    assert guards == (
        Guard("Account", ACME, "Stage__c", "onboarding", "its stage is still Onboarding"),
        Guard("User", ANNA, "IsActive", True, "its owner is active"),
    )


def test_a_task_waits_for_the_move_that_calls_for_it() -> None:
    customer = a_customer(a_state("launched", since=TODAY), before=a_state(), moves=[a_move()])
    plan = plan_cta(customer=customer)
    assert [c.kind for c in plan.changes] == ["move", "task_open"]
    assert plan.changes[1].depends_on == (f"m:Account:{ACME}",)
    assert plan.changes[1].guards[0].value == "Live"


def test_a_task_does_not_wait_for_a_kpi() -> None:
    plan = plan_cta(customer=a_customer(kpis={"Won__c": 9}))
    assert [(c.kind, c.depends_on) for c in plan.changes] == [("kpi", ()), ("task_open", ())]


NOT_OPENED = {
    "the rule is false": (a_signal(open=False, close=True), []),
    "the rule is unknown": (a_signal(open=None, close=None), []),
    "the CTA is open already": (a_signal(), [a_task(FIRST)]),
    "the CTA is open already, in another status": (a_signal(), [a_task(FIRST, status="In Progress")]),
    "a person completed it": (a_signal(), [done(FIRST)]),
    "a person completed it years ago, and no cooldown was asked for": (a_signal(), [done(FIRST, days_ago=900)]),
    "a person deleted it": (a_signal(), [a_task(FIRST, is_deleted=True)]),
    "a person deleted it after we had closed it": (
        a_signal(), [done(FIRST, status="Not needed", is_deleted=True)]),
    "it is open for a date that was only corrected": (
        a_signal(period="2026-10-20"), [a_task(f"m:unowned:{ACME}:2026-09-29:1")]),
    "it was done for a date that was only corrected": (
        a_signal(period="2026-10-20"), [done(f"m:unowned:{ACME}:2026-09-29:1")]),
    "an older one of the same period was done": (
        a_signal(), [done(FIRST, days_ago=90), done(f"{KEY}2", days_ago=40, status="Not needed")]),
    "the rule is to open and to close": (a_signal(open=True, close=True), []),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_OPENED)
def test_no_new_task_because(case: str) -> None:
    signal, tasks = NOT_OPENED[case]
    assert plan_cta(signal, tasks).changes == ()


OPENED = {
    "we had closed it and its reason is back": (a_signal(), [done(FIRST, status="Not needed")], f"{KEY}2"),
    "it is a new period": (
        a_signal(period="2027-09-29"), [done(f"m:unowned:{ACME}:2026-09-29:1")], f"m:unowned:{ACME}:2027-09-29:1"),
    "the date moved by a whole month": (
        a_signal(period="2026-10-29"), [done(f"m:unowned:{ACME}:2026-09-29:1")], f"m:unowned:{ACME}:2026-10-29:1"),
    "the date moved back by a whole month": (
        a_signal(period="2026-08-30"), [done(f"m:unowned:{ACME}:2026-09-29:1")], f"m:unowned:{ACME}:2026-08-30:1"),
    "it is another quarter": (
        a_signal(period="2026:Q3"), [done(f"m:unowned:{ACME}:2026:Q2:4")], f"m:unowned:{ACME}:2026:Q3:1"),
    "another CTA was done": (a_signal(), [done(f"m:other:{ACME}::1")], FIRST),
    "another model's CTA was done": (a_signal(), [done(f"n:unowned:{ACME}::1")], FIRST),
    "another customer's was done": (a_signal(), [done(f"m:unowned:{BETA}::1")], FIRST),
    "a playbook step was done": (a_signal(), [done(f"m:unowned.step:{ACME}:2026-01-01")], FIRST),
    "numbers go on after the highest that exists": (
        a_signal(), [done(f"{KEY}7", status="Not needed"), done(f"{KEY}3", status="Not needed")], f"{KEY}8"),
}  # fmt: skip


@pytest.mark.parametrize("case", OPENED)
def test_a_task_opens_because(case: str) -> None:
    signal, tasks, key = OPENED[case]
    assert opened(plan_cta(signal, tasks)) == [key]


COOLDOWN = {
    "done 29 days ago: not yet": ([done(FIRST, days_ago=29)], []),
    "done 30 days ago: again": ([done(FIRST, days_ago=30)], [f"{KEY}2"]),
    "closed by us 29 days ago: not yet either": ([done(FIRST, days_ago=29, status="Not needed")], []),
    "deleted 29 days ago, opened long before: not yet": (
        [a_task(FIRST, is_deleted=True, created=AS_OF - timedelta(days=99), changed=AS_OF - timedelta(days=29))], []),
    "deleted 30 days ago: again": (
        [a_task(FIRST, is_deleted=True, created=AS_OF - timedelta(days=99), changed=AS_OF - timedelta(days=30))],
        [f"{KEY}2"]),
    "done, then deleted yesterday: counted from the deletion": (
        [replace(done(FIRST, days_ago=99), is_deleted=True, changed=AS_OF - timedelta(days=1))], []),
    "counted from the day it was done, not from a later edit": (
        [replace(done(FIRST, days_ago=30), changed=AS_OF)], [f"{KEY}2"]),
    "the last of two decides": ([done(FIRST, days_ago=90), done(f"{KEY}2", days_ago=3)], []),
    "also across periods": ([done(f"m:unowned:{ACME}:2020-01-01:1", days_ago=3)], []),
    "nothing is known but when it was opened": (
        [a_task(FIRST, is_closed=True, status="Completed", created=AS_OF - timedelta(days=30))], [f"{KEY}2"]),
    "still open": ([a_task(FIRST, created=AS_OF - timedelta(days=99))], []),
}  # fmt: skip


@pytest.mark.parametrize("case", COOLDOWN)
def test_cooldown_of_30_days(case: str) -> None:
    tasks, keys = COOLDOWN[case]
    assert opened(plan_cta(a_signal(), tasks, cta={"cooldown": "30 days"})) == keys


def test_a_cooldown_in_business_days_knows_the_holidays() -> None:
    """Friday, then a weekend, a holiday on Monday, and Tuesday: only one business day has passed."""
    calendar = Calendar(holidays=frozenset({TODAY - timedelta(days=1)}))
    tasks, cta = [done(FIRST, days_ago=4)], {"cooldown": "2 business days"}
    assert opened(plan_cta(a_signal(), tasks, cta=cta, calendar=calendar)) == []
    assert opened(plan_cta(a_signal(), tasks, cta=cta)) == [f"{KEY}2"]


def test_a_cta_whose_reason_is_gone_is_closed_as_not_needed() -> None:
    task = a_task(FIRST, status="In Progress", owner=BEN)
    because = Reason("ctas.unowned.open_when", "Not needed any more; no longer true: open_renewals = 0.")
    assert only(plan_cta(a_signal(open=False, close=True), [task])) == Change(
        id=f"Task:{task.id}", kind="task_close", model="m", sobject="Task", record=task.id, subject=ACME,
        subject_name="Acme", before={"Status": "In Progress"}, after={"Status": "Not needed"}, because=because,
        owner=BEN, money=Decimal(1000),
    )  # fmt: skip


def test_a_status_that_closes_nothing_is_said_and_not_written_again() -> None:
    task = a_task(FIRST, status="Not needed", is_closed=False)
    plan = plan_cta(a_signal(open=False, close=True), [task])
    assert plan.changes == ()
    assert len(plan.problems) == 1
    assert "'Not needed' does not close a Task" in plan.problems[0]


CLOSING = {
    "without close_when, when open_when is false": (None, a_signal(open=False, close=None), True),
    "without close_when, not when open_when is unknown": (None, a_signal(open=None, close=None), False),
    "without close_when, not while open_when is true": (None, a_signal(open=True, close=False), False),
    "with close_when, when that is true": ("x", a_signal(open=True, close=True), True),
    "with close_when, not when only open_when is false": ("x", a_signal(open=False, close=False), False),
    "with close_when, not when that is unknown": ("x", a_signal(open=False, close=None), False),
}


@pytest.mark.parametrize("case", CLOSING)
def test_an_open_cta_is_closed(case: str) -> None:
    close_when, signal, expected = CLOSING[case]
    task = a_task(FIRST)
    plan = plan_cta(signal, [task], cta={"close_when": close_when} if close_when else {})
    assert closed(plan) == ([task.id] if expected else [])
    if expected and close_when:
        assert plan.changes[0].because == Reason("ctas.unowned.close_when", "Not needed any more: x.")


def test_only_open_tasks_of_exactly_this_cta_are_closed() -> None:
    ours = a_task(FIRST)
    others = [
        done(f"{KEY}2"), a_task(f"{KEY}3", is_deleted=True), a_task(f"m:other:{ACME}::1"),
        a_task(f"n:unowned:{ACME}::1"),
        a_task(f"m:onboard.kickoff:{ACME}:{SINCE}"), a_task(f"m:unowned:{BETA}::1"),
    ]  # fmt: skip
    assert closed(plan_cta(a_signal(open=False, close=True), [ours, *others])) == [ours.id]


def test_a_new_period_takes_the_place_of_the_old_one() -> None:
    old = a_task(f"m:unowned:{ACME}:2026-06-30:1")
    plan = plan_cta(a_signal(period="2026-09-30"), [old])
    assert closed(plan) == [old.id]
    assert opened(plan) == [f"m:unowned:{ACME}:2026-09-30:1"]
    (new, gone) = plan.changes
    assert gone.because == Reason("ctas.unowned.period", "It was for 2026-06-30; now it is for 2026-09-30.")
    assert gone.depends_on == (new.id,)


def test_the_old_period_stays_open_while_the_new_one_waits_or_has_no_owner() -> None:
    old = a_task(f"m:unowned:{ACME}:2026-06-30:1")
    assert plan_cta(a_signal(period="2026-09-30", owners=()), [old]).changes == ()
    model = model_with()
    waiting = model.model_copy(
        update={"budgets": model.budgets.model_copy(update={"tasks_per_owner": Rate.read("0 per day")})}
    )
    customer = replace(a_customer(), signals=(a_signal(period="2026-09-30"),))
    plan = plan_for(customer, model=waiting, org=an_org([old]))
    assert (plan.changes, plan.waiting) == ((), {"m.unowned": 1})


def test_a_cooldown_does_not_come_between_an_old_period_and_its_successor() -> None:
    """Killed after opening the new one, the next run closes the old one."""
    old, new = a_task(f"m:unowned:{ACME}:2026-06-30:1"), a_task(f"m:unowned:{ACME}:2026-09-30:1")
    signal, cta = a_signal(period="2026-09-30"), {"cooldown": "30 days"}
    assert opened(plan_cta(signal, [old], cta=cta)) == [new.key]
    assert closed(plan_cta(signal, [old, new], cta=cta)) == [old.id]


def test_a_very_long_period_still_makes_a_key_that_fits_and_is_recognised() -> None:
    signal = a_signal(period="p" * 300)
    (key,) = opened(plan_cta(signal))
    assert len(key) <= 255
    assert plan_cta(signal, [a_task(key)]).changes == ()
    assert opened(plan_cta(a_signal(period="q" * 300), [done(key)])) != [key]


def test_a_customer_out_of_scope_has_all_ctas_closed_and_none_opened() -> None:
    state = a_state("", left="onboarding", outside=TODAY)
    tasks = [a_task(FIRST), a_task(f"m:vanished:{ACME}::1"), done(f"m:old:{ACME}::1"), a_task(f"n:unowned:{ACME}::1")]
    plan = plan_cta(a_signal(), tasks, customer=a_customer(state))
    assert sorted(closed(plan)) == sorted([tasks[0].id, tasks[1].id])
    assert opened(plan) == []
    assert {c.because.rule for c in plan.changes} == {"ctas.unowned", "ctas.vanished"}
    assert plan.changes[0].because.sentence == "Acme is no longer in the scope of the model."


def test_somebody_without_a_stage_who_is_in_scope_keeps_and_gets_ctas() -> None:
    assert opened(plan_cta(customer=a_customer(a_state("")))) == [FIRST]


def test_a_customer_with_a_problem_is_left_alone_altogether() -> None:
    plan = plan_cta(customer=a_customer(problem="odd"))
    assert plan.changes == ()


def test_a_cta_that_the_model_no_longer_has_is_left_alone() -> None:
    assert plan_cta(a_signal("vanished"), [a_task(f"m:vanished:{ACME}::1")]).changes == ()


OWNERS = {
    "the first of the chain": ((ANNA, BEN), ANNA),
    "the next when the first has left": ((GONE, BEN), BEN),
    "the next when the first is nobody we know": (("005000000000077AAA", BEN), BEN),
    "a queue": ((GONE, QUEUE, BEN), QUEUE),
}


@pytest.mark.parametrize("case", OWNERS)
def test_the_owner_is(case: str) -> None:
    chain, owner = OWNERS[case]
    change = only(plan_cta(a_signal(owners=chain)))
    assert (change.owner, change.after["OwnerId"]) == (owner, owner)
    assert [g.record for g in change.guards if g.sobject == "User"] == ([] if owner == QUEUE else [owner])


@pytest.mark.parametrize("chain", [(), (GONE,), ("00G000000000077AAA",)])
def test_a_task_that_nobody_can_own_is_not_opened_but_told(chain: tuple[str, ...]) -> None:
    plan = plan_cta(a_signal(owners=chain))
    assert plan.changes == ()
    assert plan.problems == ("No active owner for ctas.unowned: no Task was opened; mend its `owner` (Acme)",)


DUE = {
    "in the future": (TODAY + timedelta(days=3), TODAY + timedelta(days=3)),
    "today": (TODAY, TODAY),
    "yesterday: the next business day": (
        TODAY - timedelta(days=1),
        TODAY + timedelta(days=2),
    ),  # Wednesday is a holiday
    "unknown": (None, None),
}


@pytest.mark.parametrize("case", DUE)
def test_due(case: str) -> None:
    due, expected = DUE[case]
    calendar = Calendar(holidays=frozenset({date(2026, 9, 2)}))
    assert only(plan_cta(a_signal(due=due), calendar=calendar)).after.get("ActivityDate") == expected


def test_a_task_that_would_be_late_may_be_skipped() -> None:
    late = {"if_late": "skip"}
    assert plan_cta(a_signal(due=TODAY - timedelta(days=1)), cta=late).changes == ()
    assert len(plan_cta(a_signal(due=TODAY), cta=late).changes) == 1
    assert len(plan_cta(a_signal(due=None), cta=late).changes) == 1


def test_texts_are_cut_to_what_their_fields_take_and_blank_ones_left_out() -> None:
    after = only(plan_cta(a_signal(texts={"subject": "s" * 300, "body": ""}))).after
    assert len(str(after["Subject"])) == 255
    assert "Description" not in after


def test_a_contact_is_reached_through_whoid() -> None:
    describes = {**DESCRIBES, "Contact": replace(DESCRIBES["Account"], name="Contact")}
    customer = replace(a_customer(), signals=(a_signal(),))
    after = only(plan_for(customer, model=a_model(subject="Contact", ctas=[CTA]), describes=describes)).after
    assert (after["WhoId"], "WhatId" in after) == (ACME, False)


def test_without_the_key_field_no_task_is_ever_opened() -> None:
    fields = [f for n, f in DESCRIBES["Task"].fields.items() if n != "Lifecycle_Key__c"]
    plan = plan_cta(describes={**DESCRIBES, "Task": an_object("Task", *fields)})
    assert plan.changes == ()
    assert "Task.Lifecycle_Key__c does not exist in the org" in plan.problems[0]


def test_a_value_that_does_not_fit_its_field_is_told() -> None:
    plan = plan_cta(a_signal(texts={"subject": "s", "IsReminderSet": "perhaps"}))
    assert plan.changes == ()
    assert "ctas.unowned.set: perhaps does not fit its field" in plan.problems[0]
