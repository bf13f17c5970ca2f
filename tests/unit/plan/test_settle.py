"""What became of changes whose reply was lost; and the numbers and keys of a plan."""

from __future__ import annotations

from decimal import Decimal

import pytest
from plan_book import ACME, AS_OF, BETA, a_customer, a_member, a_move, a_person, a_state, a_task, an_org, plan_for

from connector.data import Change, Current, Outcome, Plan, Reason
from connector.plan.keys import CtaKey, MemberKey, StepKey, key_name, read_member_key, read_task_key
from connector.plan.settle import settle
from connector.plan.summary import EdgeCount, summarise

KEY = f"m:unowned:{ACME}::1"


def update(**after) -> Change:
    return Change(f"m:Account:{ACME}", "move", "m", "Account", ACME, ACME, "Acme", {}, after, Reason("", ""))


def creation(key: str, kind="task_open") -> Change:
    return Change(key, kind, "m", "Task", None, ACME, "Acme", {}, {}, Reason("", ""))


FOUND, LOST = "applied", "skipped"
MEMBER = a_member(a_person(1), key="m:welcome:x:2026-01-01")
SETTLED = {
    "the Task is there": (creation(KEY), Plan(), an_org([a_task(KEY)]), FOUND),
    "the Task is there, closed already": (creation(KEY), Plan(), an_org([a_task(KEY, is_closed=True)]), FOUND),
    "the Task is not there": (creation(KEY), Plan(), an_org(), LOST),
    "the member is there": (creation(MEMBER.key, "member_add"), Plan(), an_org(members=[MEMBER]), FOUND),
    "the record is not to be written again": (update(Stage__c="x"), Plan(), an_org(), FOUND),
    "the record is to be written just so again": (update(Stage__c="x"), Plan((update(Stage__c="x"),)), an_org(), LOST),
    "the record is to be written otherwise": (update(Stage__c="x"), Plan((update(Stage__c="y"),)), an_org(), FOUND),
    "other fields of it are to be written": (update(Stage__c="x"), Plan((update(Won__c=1),)), an_org(), FOUND),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTLED)
def test_a_lost_reply_is_settled_when(case: str) -> None:
    change, plan, current, status = SETTLED[case]
    (outcome,) = settle([change], plan, current)
    assert (outcome.change, outcome.status) == (change.id, status)


def test_the_record_that_was_found_is_named() -> None:
    assert settle([creation(KEY)], Plan(), an_org([a_task(KEY)])) == (
        Outcome(KEY, "applied", a_task(KEY).id, message="Found by the next pull."),
    )


def test_a_run_over_some_customers_settles_only_theirs() -> None:
    assert settle([update(Stage__c="x")], Plan(), Current(), judged={BETA}) == ()
    assert len(settle([update(Stage__c="x")], Plan(), Current(), judged={ACME})) == 1


# --- summary ----------------------------------------------------------------------------------------------


def test_edges_are_counted_with_money_widest_first() -> None:
    customers = [
        a_customer(a_state("launched"), before=a_state(), moves=[a_move()], subject=f"001{n:012d}AAA", money=money)
        for n, money in enumerate([Decimal(5), None, Decimal(7)], 1)
    ]
    placed = a_customer(before=a_state(""), moves=[a_move("", "onboarding")], subject=BETA[:-4] + "9AAA")
    kpi = a_customer(kpis={"Won__c": Decimal(1)}, subject=BETA[:-4] + "8AAA")
    summary = summarise(plan_for(*customers, placed, kpi))
    assert summary.edges == (
        EdgeCount("move", "onboarding", "launched", 3, Decimal(12)),
        EdgeCount("move", "", "onboarding", 1, Decimal(1000)),
    )
    assert (summary.changes, summary.kinds) == (5, {"move": 4, "kpi": 1})
    assert summary.rules == {"facts": 1}
    assert summary.fields["Account.Stage__c"] == 4
    assert summary.fields["Account.Won__c"] == 1


def test_creates_are_counted_by_what_asked_for_them() -> None:
    plan = Plan((creation(KEY), creation(f"m:unowned:{BETA}::1"), creation("m:onboard.kickoff:x:2026-01-01")))
    assert summarise(plan).created == {"m.unowned": 2, "m.onboard.kickoff": 1}


# --- keys -------------------------------------------------------------------------------------------------

KEYS = {
    "a CTA": (f"m:unowned:{ACME}:2026-09-29:2", CtaKey("unowned", "2026-09-29", 2)),
    "a CTA without period": (f"m:unowned:{ACME}::1", CtaKey("unowned", "", 1)),
    "a CTA whose period has colons": (f"m:unowned:{ACME}:2026:Q3:12", CtaKey("unowned", "2026:Q3", 12)),
    "a playbook step": (f"m:onboard.kickoff:{ACME}:2026-08-20", StepKey("onboard", "kickoff", "2026-08-20")),
    "another model's": (f"n:unowned:{ACME}::1", None),
    "cut off": (f"m:unowned:{ACME}", None),
    "without number": (f"m:unowned:{ACME}:2026-09-29", None),
    "with a number that is none": (f"m:unowned:{ACME}:2026-09-29:x", None),
    "blank": ("", None),
}


@pytest.mark.parametrize("case", KEYS)
def test_the_key_of_a_task_is_read_as(case: str) -> None:
    key, expected = KEYS[case]
    assert read_task_key(key, "m") == expected


def test_the_key_of_a_member_is_read() -> None:
    assert read_member_key("m:welcome:003:2026-08-20", "m") == MemberKey("welcome", "003", "2026-08-20")
    assert read_member_key("n:welcome:003:2026-08-20", "m") is None
    assert read_member_key("m:welcome:003", "m") is None
    assert key_name("m:welcome:003:2026-08-20") == "m.welcome"


def test_as_of_is_a_tuesday() -> None:
    """The cases above count business days from it."""
    assert AS_OF.weekday() == 1
