"""What may be written today: the job's policy, daily budgets, and limits that refuse the whole plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from plan_book import (
    ACME,
    ANNA,
    AS_OF,
    BEN,
    BETA,
    CAMPAIGN,
    CTA,
    NO_LIMITS,
    PLAYBOOK,
    SINCE,
    TODAY,
    WELCOME,
    a_customer,
    a_member,
    a_model,
    a_move,
    a_person,
    a_signal,
    a_state,
    a_step,
    a_task,
    an_org,
    campaigns_signal,
    done,
    ids,
    plan_for,
)  # fmt: skip

from connector.calendar import Calendar
from connector.data import Breach, Change, Reason, Via
from connector.jobs import Limit
from connector.plan.safety import apply_policy, find_breaches, without_orphans


def a_change(name: str, kind="kpi", *depends_on: str) -> Change:
    return Change(name, kind, "m", "Account", ACME, ACME, "Acme", {}, {}, Reason("", ""), depends_on=depends_on)


# --- policy -----------------------------------------------------------------------------------------------

KINDS = [
    "placement", "adoption", "manual", "approved", "move", "kpi", "memory", "task_open", "member_add", "out_of_scope",
    "task_close", "member_status",
]  # fmt: skip
PERMITTED = {
    "create-only": {"task_open", "member_add"},
    "upsert-only": set(KINDS) - {"out_of_scope", "task_close", "member_status"},
    "sync": set(KINDS),
}


@pytest.mark.parametrize("policy", PERMITTED)
def test_policy_permits(policy) -> None:
    changes = [a_change(kind, kind) for kind in KINDS]
    kept, withheld = apply_policy(changes, policy)
    assert {c.id for c in kept} == PERMITTED[policy]
    assert [c.id for c in kept] == [k for k in KINDS if k in PERMITTED[policy]]
    assert dict(withheld) == dict.fromkeys(set(KINDS) - PERMITTED[policy], 1)


def test_what_depends_on_a_change_that_is_not_permitted_is_withheld_too() -> None:
    changes = [a_change("move", "move"), a_change("task", "task_open", "move"), a_change("free", "task_open")]
    kept, withheld = apply_policy(changes, "create-only")
    assert [c.id for c in kept] == ["free"]
    assert dict(withheld) == {"move": 1, "task_open": 1}


def test_orphans_of_orphans_go_as_well_and_prerequisites_outside_the_plan_do_not_matter() -> None:
    chain = [a_change("a"), a_change("b", "kpi", "a"), a_change("c", "kpi", "b"), a_change("d", "kpi", "elsewhere")]
    assert [c.id for c in without_orphans(chain[1:], chain)] == ["d"]
    assert without_orphans(chain, chain) == chain


def test_a_plan_says_what_the_policy_withheld() -> None:
    customer = a_customer(a_state("launched", since=TODAY), before=a_state(), moves=[a_move()])
    customer = replace(customer, signals=(a_signal(),))
    plan = plan_for(customer, model=a_model(ctas=[CTA]), policy="create-only")
    assert plan.changes == ()
    assert plan.withheld == {"move": 1, "task_open": 1}


# --- budgets ----------------------------------------------------------------------------------------------


def customers_with_ctas(*money, owner=ANNA):
    return [
        replace(
            a_customer(subject=ids("001", n)), money=None if m is None else Decimal(m),
            signals=(a_signal(owners=(owner,)),),
        )
        for n, m in enumerate(money, 1)
    ]  # fmt: skip


def model_with_budget(count: int = 2, per: str = "day", **parts):
    return a_model(ctas=[CTA], budgets={"tasks_per_owner": f"{count} per {per}"}, **parts)


def subjects(plan) -> list[int]:
    return [int(c.subject[3:15]) for c in plan.changes if c.record is None]


def test_the_largest_money_is_released_first_and_the_rest_counted_as_waiting() -> None:
    plan = plan_for(*customers_with_ctas(10, None, 500, 70, None), model=model_with_budget())
    assert subjects(plan) == [3, 4]
    assert plan.waiting == {"m.unowned": 3}


def test_equal_money_is_released_in_the_order_of_ids_and_unknown_money_last() -> None:
    assert subjects(plan_for(*customers_with_ctas(None, 5, 5, 5), model=model_with_budget())) == [2, 3]
    assert subjects(plan_for(*customers_with_ctas(None, -5, 0), model=model_with_budget())) == [2, 3]
    assert subjects(plan_for(*customers_with_ctas(None, None, 0), model=model_with_budget())) == [1, 3]


def test_each_owner_has_a_budget() -> None:
    customers = customers_with_ctas(1, 2, 3)
    ben = replace(customers[0], signals=(a_signal(owners=(BEN,)),))
    assert subjects(plan_for(ben, *customers[1:], model=model_with_budget(1))) == [1, 3]


SPENT = {
    "today's Tasks count": ([a_task(f"m:unowned:{BETA}::1", created=AS_OF - timedelta(hours=9))], [2]),
    "also when they are done already": (
        [done(f"m:unowned:{BETA}::1", days_ago=0, created=AS_OF - timedelta(hours=9))], [2]),
    "yesterday's do not": ([a_task(f"m:unowned:{BETA}::1", created=AS_OF - timedelta(hours=11))], [1, 2]),
    "another owner's do not": ([a_task(f"m:unowned:{BETA}::1", created=AS_OF, owner=BEN)], [1, 2]),
    "another model's do not": ([a_task(f"n:unowned:{BETA}::1", created=AS_OF)], [1, 2]),
    "playbook steps do not": ([a_task(f"m:onboard.kickoff:{BETA}:{SINCE}", created=AS_OF)], [1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("case", SPENT)
def test_of_a_budget_of_two_a_day(case: str) -> None:
    tasks, expected = SPENT[case]
    tasks = [replace(t, key=t.key.replace(BETA, ids("001", 7))) for t in tasks]
    plan = plan_for(*customers_with_ctas(1, 2), model=model_with_budget(), org=an_org(tasks))
    assert subjects(plan) == expected


def test_a_budget_of_a_week_looks_a_week_back() -> None:
    tasks = [a_task(f"m:unowned:{ids('001', 7)}::{n}", created=AS_OF - timedelta(days=n)) for n in (6, 7)]
    plan = plan_for(*customers_with_ctas(1, 2), model=model_with_budget(2, "week"), org=an_org(tasks))
    assert subjects(plan) == [2]


def test_a_budget_in_business_days_skips_the_weekend_and_holidays() -> None:
    """Two business days back from Tuesday is Thursday, with Monday a holiday: what Friday saw counts."""
    tasks = [a_task(f"m:unowned:{ids('001', 7)}::{n}", created=AS_OF - timedelta(days=n)) for n in (4, 5)]
    calendar = Calendar(holidays=frozenset({TODAY - timedelta(days=1)}))
    model = model_with_budget(2, "2 business days")
    assert subjects(plan_for(*customers_with_ctas(1, 2), model=model, org=an_org(tasks), calendar=calendar)) == [2]


def test_playbook_steps_are_not_held_back() -> None:
    customer = replace(a_customer(), steps=(a_step("kickoff"), a_step("gift")), signals=(a_signal(),))
    plan = plan_for(customer, model=model_with_budget(1, playbooks=[PLAYBOOK]))
    assert len(plan.changes) == 3


def a_full_house(*members, budget="2 per day", **more):
    people = [a_person(n) for n in (1, 2, 3)]
    customer = replace(a_customer(), campaigns=(campaigns_signal(*people),))
    model = a_model(campaigns=[CAMPAIGN], budgets={"members_per_campaign": budget})
    return plan_for(customer, model=model, org=an_org(members=members), **more)


def test_memberships_are_released_by_campaign_and_day() -> None:
    plan = a_full_house()
    assert len(plan.changes) == 2
    assert plan.waiting == {"m.welcome": 1}


ELSEWHERE = a_person(70)
JOINED = {
    "today's count": ({"created": AS_OF - timedelta(hours=9)}, 1),
    "yesterday's do not": ({"created": AS_OF - timedelta(hours=11)}, 2),
    "those of other people do not": ({"created": AS_OF, "key": ""}, 2),
    "those of unknown age do not": ({"created": None}, 2),
}


@pytest.mark.parametrize("case", JOINED)
def test_of_a_budget_of_two_members(case: str) -> None:
    more, expected = JOINED[case]
    member = a_member(ELSEWHERE, WELCOME, **{"key": f"m:welcome:{ELSEWHERE.id}:{SINCE}", "subject": BETA, **more})
    assert len(a_full_house(member).changes) == expected


def test_a_budget_of_members_in_business_days_skips_holidays() -> None:
    member = a_member(
        ELSEWHERE, WELCOME, key=f"m:welcome:{ELSEWHERE.id}:{SINCE}", subject=BETA, created=AS_OF - timedelta(days=4)
    )
    calendar = Calendar(holidays=frozenset({TODAY - timedelta(days=1)}))
    assert len(a_full_house(member, budget="2 per 2 business days", calendar=calendar).changes) == 1


def test_a_waiting_task_is_no_breach() -> None:
    limits = NO_LIMITS.model_copy(update={"tasks_open": Limit(count=2)})
    plan = plan_for(*customers_with_ctas(1, 2, 3), model=model_with_budget(), limits=limits)
    assert (len(plan.changes), plan.breaches) == (2, ())


# --- limits -----------------------------------------------------------------------------------------------

COUNTED = {
    "moves": ["move", "out_of_scope"],
    "placements": ["placement", "adoption"],
    "tasks_open": ["task_open"],
    "tasks_close": ["task_close"],
    "members": ["member_add", "member_status"],
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_limit_counts_its_kinds_and_no_other(name: str) -> None:
    limits = NO_LIMITS.model_copy(update={name: Limit(count=0)})
    for kind in KINDS:
        breaches = find_breaches([a_change("x", kind)], limits, 1)
        assert [b.limit for b in breaches] == ([name] if kind in COUNTED[name] else [])


def test_a_breach_names_limit_allowance_and_finding() -> None:
    limits = NO_LIMITS.model_copy(update={"moves": Limit(count=2)})
    changes = [a_change(str(n), "move") for n in range(3)]
    assert find_breaches(changes, limits, 100) == (Breach("moves", "2", 3, "stages would change"),)
    assert find_breaches(changes[:2], limits, 100) == ()


SHARES = {
    "ten of a hundred are ten percent": (10, 100, False),
    "eleven of a hundred are too many": (11, 100, True),
    "in a book of 49 a share means nothing": (40, 49, False),
    "in a book of 50 it does": (6, 50, True),
}


@pytest.mark.parametrize("case", SHARES)
def test_ten_percent_of_at_least_fifty(case: str) -> None:
    moves, book, refused = SHARES[case]
    limits = NO_LIMITS.model_copy(update={"moves": Limit.model_validate({"share": "10 %", "minimum": 50})})
    assert bool(find_breaches([a_change(str(n), "move") for n in range(moves)], limits, book)) is refused


def test_placements_are_counted_apart_from_moves() -> None:
    limits = NO_LIMITS.model_copy(update={"moves": Limit(count=0), "placements": Limit(count=1)})
    customer = a_customer(before=a_state(""), moves=[a_move("", "onboarding", via=Via.PLACED)])
    plan = plan_for(customer, limits=limits)
    assert (len(plan.changes), plan.breaches) == (1, ())


def test_a_plan_with_a_breach_still_shows_everything() -> None:
    limits = NO_LIMITS.model_copy(update={"moves": Limit(count=0)})
    customer = a_customer(a_state("launched", since=TODAY), before=a_state(), moves=[a_move()])
    plan = plan_for(customer, limits=limits)
    assert [b.limit for b in plan.breaches] == ["moves"]
    assert len(plan.changes) == 1


def test_what_the_policy_withholds_breaches_nothing() -> None:
    limits = NO_LIMITS.model_copy(update={"moves": Limit(count=0)})
    customer = a_customer(a_state("launched", since=TODAY), before=a_state(), moves=[a_move()])
    assert plan_for(customer, limits=limits, policy="create-only").breaches == ()


def test_the_size_of_the_book_is_what_a_share_is_of() -> None:
    limits = NO_LIMITS.model_copy(update={"moves": Limit.model_validate({"share": "10 %"})})
    customer = a_customer(a_state("launched", since=TODAY), before=a_state(), moves=[a_move()])
    assert plan_for(customer, limits=limits, subjects=9).breaches != ()
    assert plan_for(customer, limits=limits, subjects=10).breaches == ()
