"""The big book, and the rare things that people do: merging, converting, taking out of the bin."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from connector.localorg.life import Habits, live_days
from connector.localorg.org import Clock, Org
from connector.localorg.seeds import load_seed
from connector.localorg.seeds.big import PER_ACCOUNT

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
CALM = Habits(**dict.fromkeys(Habits.__slots__, 0.0))
SIZE = 200


def big(seed: int = 1, size: int = SIZE) -> Org:
    org = Org.create(clock=Clock(NOW), seed=seed)
    load_seed(org, "big", seed=seed, size=size)
    return org


@pytest.fixture(scope="module")
def org() -> Org:
    return big()


def count(org: Org, soql: str, **options: Any) -> int:
    return org.query(f"SELECT COUNT() FROM {soql}", **options).total


def test_the_big_book_has_as_many_accounts_as_asked_and_children_to_match(org: Org) -> None:
    assert count(org, "Account") == SIZE
    for sobject, each in PER_ACCOUNT.items():
        assert count(org, sobject, include_deleted=True) == SIZE * each


def test_accounts_of_the_big_book_differ(org: Org) -> None:
    rows = org.records("Account")
    assert len({r["Name"] for r in rows}) == len({r["AccountNumber"] for r in rows}) == SIZE
    assert len({r["Industry"] for r in rows}) > 5
    tasks = {r["Id"]: 0 for r in rows}
    for task in org.records("Task"):
        tasks[task["AccountId"]] += 1
    assert len(set(tasks.values())) > 5


def test_the_big_book_obeys_the_platform(org: Org) -> None:
    for deal in org.records("Opportunity"):
        assert deal["IsClosed"] is deal["StageName"].startswith("Closed")
        assert deal["IsClosed"] is (deal["CloseDate"] <= NOW.date())
        assert deal["ExpectedRevenue"] == deal["Amount"] * deal["Probability"] / 100
    latest: dict[str, Any] = {}
    for task in org.records("Task"):
        assert task["IsClosed"] is (task["Status"] == "Completed") is (task["CompletedDateTime"] is not None)
        if task["IsClosed"]:
            latest[task["AccountId"]] = max(latest.get(task["AccountId"], task["ActivityDate"]), task["ActivityDate"])
    assert {a["Id"]: a["LastActivityDate"] for a in org.records("Account") if a["LastActivityDate"]} == latest
    assert 0 < count(org, "Task") < count(org, "Task", include_deleted=True)


def test_the_same_seed_makes_the_same_big_book() -> None:
    def content(org: Org) -> list[Any]:
        rows = [org.records(s) for s in ("Account", "Opportunity", "Task")]
        org.close()
        return rows

    assert content(big(size=30)) == content(big(size=30)) != content(big(seed=2, size=30))


def test_new_records_of_a_big_book_get_ids_of_their_own(org: Org) -> None:
    account = org.create_record("Account", {"Name": "One more"})
    assert count(org, f"Account WHERE Id = '{account}'") == 1
    org.purge("Account", account)


def test_indexes_are_back_when_the_book_is_made(org: Org) -> None:
    plan = org.store.connection.execute('EXPLAIN QUERY PLAN SELECT * FROM "Task" WHERE "AccountId" = ?', ("x",))
    assert "USING INDEX" in plan.fetchall()[0][3]


# --- rare habits


@pytest.fixture(scope="module")
def small() -> bytes:
    org = Org.create(clock=Clock(NOW), seed=1)
    load_seed(org, "small")
    org.create_record("Lead", {"LastName": "Roe", "Company": "Roe Ltd"})
    org.delete_record("Task", org.create_record("Task", {"Subject": "Thrown away"}))
    return org.snapshot()


RARE: dict[str, tuple[str, str, str]] = {
    "merge": ("merge_accounts", "merged", "SELECT COUNT() FROM Account WHERE MasterRecordId != null"),
    "convert": ("convert_lead", "converted", "SELECT COUNT() FROM Lead WHERE IsConverted = true"),
}


@pytest.mark.parametrize(("habit", "what", "soql"), RARE.values(), ids=RARE)
def test_a_habit_that_is_switched_on_happens_alike_in_equal_orgs(
    small: bytes, habit: str, what: str, soql: str
) -> None:
    twins = [Org.restore(small, clock=Clock(NOW)) for _ in range(2)]
    before = twins[0].query(soql, include_deleted=True).total
    lived = [live_days(t, Random(3), 1, habits=replace(CALM, **{habit: 0.5})) for t in twins]
    done = [h for h in lived[0] if h.what == what and h.refused is None]
    assert lived[0] == lived[1]
    assert done
    assert twins[0].query(soql, include_deleted=True).total == before + len(done)


def test_somebody_takes_a_task_out_of_the_bin(small: bytes) -> None:
    org = Org.restore(small, clock=Clock(NOW))
    happened = live_days(org, Random(3), 1, habits=replace(CALM, undelete_task=1.0))
    assert "Thrown away" in [h.about for h in happened if h.what == "brought back"]
    assert count(org, "Task WHERE Subject = 'Thrown away'") == 1
