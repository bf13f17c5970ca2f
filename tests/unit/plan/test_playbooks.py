"""Which steps of a playbook become Tasks, when the next one is released, and what happens when the stage is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plan_book import (
    ACME,
    CTA,
    PLAYBOOK,
    SINCE,
    TODAY,
    a_customer,
    a_model,
    a_move,
    a_signal,
    a_state,
    a_step,
    a_task,
    an_org,
    done,
    plan_for,
)  # fmt: skip

from connector.data import Via

STEPS = ("kickoff", "gift", "setup", "training")


def key(step: str, since=SINCE) -> str:
    return f"m:onboard.{step}:{ACME}:{since}"


def plan_steps(*tasks, customer=None, steps=STEPS, playbook=None, **more):
    signals = tuple(s if not isinstance(s, str) else a_step(s) for s in steps)
    customer = replace(customer or a_customer(), steps=signals)
    return plan_for(customer, model=a_model(playbooks=[{**PLAYBOOK, **(playbook or {})}]), org=an_org(tasks), **more)


def opened(plan) -> list[str]:
    return sorted(c.id.split(".")[1].split(":")[0] for c in plan.changes if c.kind == "task_open")


def closed(plan) -> list[str | None]:
    return sorted(c.record for c in plan.changes if c.kind == "task_close")


def test_entering_the_stage_starts_the_steps_that_wait_for_nothing() -> None:
    customer = a_customer(a_state(since=TODAY), before=a_state(""), moves=[a_move("", "onboarding")])
    plan = plan_steps(customer=customer)
    assert opened(plan) == ["gift", "kickoff"]
    step = plan.changes[-1]
    assert step.id == key("kickoff", TODAY)
    assert step.depends_on == (f"m:Account:{ACME}",)
    assert step.because.rule == "playbooks.onboard.steps.kickoff"
    assert step.after["Priority"] == "Normal"
    assert step.because.sentence == "In Onboarding: step kickoff of onboard."


RELEASED = {
    "nothing was done yet": ([a_task(key("kickoff"))], ["gift"]),
    "the required step was done": ([done(key("kickoff"))], ["gift", "setup"]),
    "only the optional step was done": ([done(key("gift")), a_task(key("kickoff"))], []),
    "the required step was closed by us": ([done(key("kickoff"), status="Not needed")], ["gift"]),
    "the required step was deleted": ([a_task(key("kickoff"), is_deleted=True)], ["gift"]),
    "the required step was done, then deleted": ([done(key("kickoff"), is_deleted=True)], ["gift"]),
    "the required step was done in an earlier visit": ([done(key("kickoff", "2026-01-01"))], ["gift", "kickoff"]),
    "a chain goes on link by link": (
        [done(key("kickoff")), done(key("gift")), done(key("setup"))], ["training"]),
    "everything exists": ([a_task(key(s)) for s in STEPS], []),
    "everything was deleted": ([a_task(key(s), is_deleted=True) for s in STEPS], []),
}  # fmt: skip


@pytest.mark.parametrize("case", RELEASED)
def test_steps_released_when(case: str) -> None:
    tasks, steps = RELEASED[case]
    assert opened(plan_steps(*tasks)) == steps


def test_a_reason_names_what_a_step_came_after() -> None:
    plan = plan_steps(done(key("kickoff")), done(key("gift")))
    assert plan.changes[0].because.sentence == "In Onboarding: step setup of onboard, after kickoff, gift."


CONDITIONS = {
    "a step whose condition is false is left out": ([a_step("kickoff", when=False), "gift"], ["gift"]),
    "a step whose condition is unknown waits": ([a_step("kickoff", when=None), "gift"], ["gift"]),
    "a step after one that does not apply here is free": (
        [a_step("kickoff", when=False), "gift", "setup"],
        ["gift", "setup"],
    ),
    "a step after one that may yet apply waits": ([a_step("kickoff", when=None), "gift", "setup"], ["gift"]),
    "a step after one that nothing is known of waits": (["gift", "setup"], ["gift"]),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions(case: str) -> None:
    steps, expected = CONDITIONS[case]
    assert opened(plan_steps(steps=steps)) == expected


SILENT = {
    "placed silently: nothing": (Via.PLACED, False, [], []),
    "adopted silently: nothing": (Via.ADOPTED, False, [], []),
    "placed, but entered only days ago": (Via.PLACED, True, [], ["gift", "kickoff"]),
    "adopted, but entered only days ago": (Via.ADOPTED, True, [], ["gift", "kickoff"]),
    "set by a person": (Via.MANUAL, False, [], ["gift", "kickoff"]),
    "approved by a person": (Via.APPROVED, False, [], ["gift", "kickoff"]),
    "an override": (Via.OVERRIDE, False, [], ["gift", "kickoff"]),
    "moved": (Via.MOVED, False, [], ["gift", "kickoff"]),
    "placed, and begun while it was fresh: goes on": (Via.PLACED, False, [done(key("kickoff"))], ["gift", "setup"]),
    "placed, begun in an earlier visit: nothing": (Via.PLACED, False, [done(key("kickoff", "2026-01-01"))], []),
}


@pytest.mark.parametrize("case", SILENT)
def test_on_enter(case: str) -> None:
    via, fresh, tasks, expected = SILENT[case]
    customer = a_customer(a_state(via=via), fresh=fresh)
    assert opened(plan_steps(*tasks, customer=customer)) == expected


NOT_RUNNING = {
    "another stage": a_state("launched"),
    "no stage": a_state(""),
    "a visit that began with another version": a_state(playbooks={"onboard": 2}),
    "a visit without a beginning": a_state(since=None),
}


@pytest.mark.parametrize("case", NOT_RUNNING)
def test_no_step_is_started_in(case: str) -> None:
    assert opened(plan_steps(customer=a_customer(NOT_RUNNING[case]))) == []


def test_a_visit_that_began_with_this_version_goes_on() -> None:
    assert opened(plan_steps(customer=a_customer(a_state(playbooks={"onboard": 3})))) == ["gift", "kickoff"]


def test_a_visit_on_an_older_version_keeps_its_open_tasks() -> None:
    assert closed(plan_steps(a_task(key("kickoff")), customer=a_customer(a_state(playbooks={"onboard": 2})))) == []


LEFTOVERS = {
    "another stage": a_state("launched", since=TODAY),
    "another stage of the same day": a_state("launched"),
    "out of scope": a_state("", outside=TODAY),
    "a new visit to the same stage": a_state(since=TODAY),
}


@pytest.mark.parametrize("case", LEFTOVERS)
def test_leftovers_are_closed_as_not_needed_in(case: str) -> None:
    tasks = [a_task(key("kickoff")), done(key("gift")), a_task(key("setup"), is_deleted=True)]
    plan = plan_steps(*tasks, customer=a_customer(LEFTOVERS[case]))
    assert closed(plan) == [tasks[0].id]
    close = next(c for c in plan.changes if c.kind == "task_close")
    assert close.after == {"Status": "Not needed"}
    assert close.because.rule == "playbooks.onboard.on_leave"
    assert close.because.sentence == f"The visit to Onboarding that began on {SINCE} is over."


def test_leftovers_may_be_kept() -> None:
    customer = a_customer(a_state("launched", since=TODAY))
    assert closed(plan_steps(a_task(key("kickoff")), customer=customer, playbook={"on_leave": "keep"})) == []


def test_tasks_of_other_playbooks_and_ctas_are_not_leftovers() -> None:
    others = [
        a_task(f"m:other.kickoff:{ACME}:{SINCE}"),
        a_task(f"m:onboard:{ACME}::1"),
        a_task(f"n:onboard.x:{ACME}:{SINCE}"),
    ]
    assert plan_steps(*others, customer=a_customer(a_state("launched"))).changes == ()


def test_closing_leftovers_waits_for_the_move() -> None:
    customer = a_customer(a_state("launched", since=TODAY), before=a_state(), moves=[a_move()])
    plan = plan_steps(a_task(key("kickoff")), customer=customer)
    assert [(c.kind, c.depends_on) for c in plan.changes] == [("move", ()), ("task_close", (f"m:Account:{ACME}",))]


def test_a_late_step_that_may_be_skipped_is_skipped() -> None:
    late = {**PLAYBOOK["steps"][0], "if_late": "skip"}
    step = a_step("kickoff", due=TODAY - timedelta(days=1))
    assert opened(plan_steps(steps=[step], playbook={"steps": [late]})) == []


def test_a_step_that_nobody_can_own_is_told_with_its_rule() -> None:
    plan = plan_steps(steps=[a_step("kickoff", owners=())])
    assert plan.problems[0].startswith("No active owner for playbooks.onboard.steps.kickoff")


def test_ctas_and_steps_of_one_customer_do_not_know_each_other() -> None:
    model = a_model(playbooks=[PLAYBOOK], ctas=[{**CTA, "key": "onboard"}])
    customer = replace(a_customer(), steps=(a_step("kickoff"),), signals=(a_signal("onboard"),))
    plan = plan_for(customer, model=model)
    assert sorted(c.id for c in plan.changes) == [key("kickoff"), f"m:onboard:{ACME}::1"]
