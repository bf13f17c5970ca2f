"""A simulated day: the same for two orgs of equal content, only through the org's own rules, and worth simulating."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from connector.localorg.clock import Clock
from connector.localorg.life import Habits, live_days, tick
from connector.localorg.org import Org
from connector.localorg.seeds import load_seed

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
CALM = Habits(**dict.fromkeys(Habits.__slots__, 0.0))


@pytest.fixture(scope="module")
def seeded() -> bytes:
    org = Org.create(clock=Clock(NOW), seed=1)
    load_seed(org, "small")
    return org.snapshot()


@pytest.fixture
def org(seeded: bytes) -> Org:
    return Org.restore(seeded, clock=Clock(NOW))


def content(org: Org, sobject: str, *names: str) -> list[tuple[Any, ...]]:
    """What people would see: fields by account name, no ids."""
    accounts = {a["Id"]: a["Name"] for a in org.records("Account")}
    rows = org.records(sobject)
    return sorted((str((accounts.get(r.get("AccountId")), *(r[n] for n in names))) for r in rows), key=str)


SEEN = {
    "Account": ("Name", "Active_Users__c", "Usage_Updated__c", "LastActivityDate"),
    "Opportunity": ("Name", "StageName", "CloseDate", "Amount"),
    "Contract": ("StartDate", "EndDate", "Status"),
    "Task": ("Subject", "Status", "ActivityDate", "CompletedDateTime", "CallDisposition"),
    "Case": ("Subject", "Status"),
    "CampaignMember": ("Status", "Name"),
}


def seen(org: Org) -> dict[str, list[tuple[Any, ...]]]:
    return {sobject: content(org, sobject, *names) for sobject, names in SEEN.items()}


def test_equal_orgs_live_the_same_month(seeded: bytes) -> None:
    twins = [Org.restore(seeded, clock=Clock(NOW)) for _ in range(2)]
    lived = [live_days(org, Random(5), 30) for org in twins]
    assert lived[0] == lived[1]
    assert seen(twins[0]) == seen(twins[1])


def test_ids_and_the_order_of_rows_decide_nothing(seeded: bytes) -> None:
    """The twin's Tasks were made in another order, after one that was deleted, so all of their ids differ."""
    twins = [Org.restore(seeded, clock=Clock(NOW)) for _ in range(2)]
    accounts = sorted(twins[0].records("Account"), key=lambda a: a["Name"])[:20]
    extra = [
        {"WhatId": a["Id"], "Subject": f"Task of ours {n}", "Status": "Not Started"} for n, a in enumerate(accounts)
    ]
    for fields in extra:
        twins[0].create_record("Task", fields)
    twins[1].delete_record("Task", twins[1].create_record("Task", extra[0]))
    for fields in reversed(extra):
        twins[1].create_record("Task", fields)
    lived = [live_days(org, Random(5), 15) for org in twins]
    assert lived[0] == lived[1]
    assert content(twins[0], "Task", "Subject", "Status") == content(twins[1], "Task", "Subject", "Status")


def test_another_seed_lives_another_day(seeded: bytes) -> None:
    twins = [Org.restore(seeded, clock=Clock(NOW)) for _ in range(2)]
    assert live_days(twins[0], Random(1), 5) != live_days(twins[1], Random(2), 5)


def test_a_tick_takes_one_number_and_leaves_the_clock(org: Org) -> None:
    used, spare = Random(9), Random(9)
    tick(org, used)
    spare.getrandbits(64)
    assert used.random() == spare.random()
    assert org.clock.now() == NOW


def test_days_move_the_clock(org: Org) -> None:
    live_days(org, Random(1), 3, habits=CALM)
    assert org.clock.now() == NOW + timedelta(days=3)


def test_nobody_does_anything_without_habits(org: Org) -> None:
    before = seen(org)
    assert live_days(org, Random(1), 10, habits=CALM) == ()
    assert seen(org) == before


def test_a_quarter_holds_everything_that_people_do(org: Org) -> None:
    lived = live_days(org, Random(7), 90)
    done = Counter((h.what, h.sobject) for h in lived if h.refused is None)
    expected = {
        ("completed", "Task"), ("deleted", "Task"), ("called", "Task"), ("won", "Opportunity"), ("lost", "Opportunity"),
        ("advanced", "Opportunity"), ("prepared", "Opportunity"), ("activated", "Contract"), ("won", "Account"),
        ("reported usage of", "Account"), ("closed", "Case"), ("responded in", "CampaignMember"), ("contacted", "Lead"),
    }  # fmt: skip
    assert expected - set(done) == set()


def test_people_stay_within_the_rules_of_the_org(org: Org) -> None:
    lived = live_days(org, Random(7), 60)
    assert {h.refused for h in lived} <= {None, "INACTIVE_OWNER_OR_USER"}


def test_a_won_renewal_continues_the_contract_without_a_gap(org: Org) -> None:
    """Habits that close every due deal: each renewal won gives a contract that starts the day after the last one."""
    before = {c["Id"] for c in org.records("Contract")}
    live_days(org, Random(3), 60, habits=Habits(**{**dict.fromkeys(Habits.__slots__, 0.0), "close_due_deal": 1.0}))
    new = [c for c in org.records("Contract") if c["Id"] not in before]
    old_ends = {(c["AccountId"], c["EndDate"]) for c in org.records("Contract") if c["Id"] in before}
    renewed = [c for c in new if (c["AccountId"], c["StartDate"] - timedelta(days=1)) in old_ends]
    assert renewed
    assert all(c["StatusCode"] == "Activated" for c in new)


def test_a_colleague_who_leaves_is_switched_off(org: Org) -> None:
    habits = Habits(**{**dict.fromkeys(Habits.__slots__, 0.0), "lose_colleague": 1.0})
    (happening,) = tick(org, Random(1), habits=habits)
    assert (happening.what, happening.sobject) == ("left the company", "User")
    (leaver,) = org.records("User", {"Name": happening.about})
    assert leaver["IsActive"] is False


def test_stages_are_edited_by_hand_only_on_request(org: Org) -> None:
    stages = [{"value": v, "label": v.title(), "active": True, "defaultValue": False} for v in ("adopting", "renewal")]
    field = {"sobject": "Account", "name": "Lifecycle_Stage__c", "label": "Stage", "type": "picklist", "length": 255}
    org.define_fields([{**field, "picklistValues": stages, "restrictedPicklist": True}])
    for account in org.records("Account"):
        org.update_record("Account", account["Id"], {"Lifecycle_Stage__c": "adopting"})
    assert tick(org, Random(1), habits=CALM) == ()
    habits = Habits(**{**dict.fromkeys(Habits.__slots__, 0.0), "edit_stage": 1.0})
    assert {h.what for h in tick(org, Random(1), habits=habits)} == {"set the stage of"}
    edited = [a for a in org.records("Account") if a["Lifecycle_Stage__c"] == "renewal"]
    assert edited
