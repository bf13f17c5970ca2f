"""Nobody is overlooked: looking only at those for whom SQL says that something could happen plans the same as looking
at everybody, over random books with random pasts."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from mirrored import HERE, ORG, TODAY, Book

from connector.data import Plan, State, Via
from connector.evaluate import Evaluated
from connector.jobs import Limits
from connector.mapping import Mapping
from connector.plan.plan import make_plan
from connector.store.mirror import Mirror

STAGES = ("fresh", "settled", "ending", "gone", "")
VALUES = {"gone": "Gone away"}


def random_book(model: Mapping, seed: int, accounts: int = 150) -> Book:
    """Accounts in all sorts of states; what is said of them often contradicts what is remembered."""
    dice = random.Random(seed)
    book = Book(model)
    for _ in range(3):
        book.add("User", IsActive=True, UserType="Standard")
    book.add("Campaign", Id="701000000000001AAA", Name="Welcome", IsActive=True)
    for _ in range(accounts):
        _add_account(book, dice)
    return book


def _add_account(book: Book, dice: random.Random) -> None:
    account = book.account(OwnerId="005000000000001AAA", AnnualRevenue=dice.choice([None, 10, 5_000_000]))
    row = book.rows["Account"][-1]
    stage = dice.choice(STAGES)
    row |= _memory(account, stage, dice)
    for _ in range(dice.choice([0, 1, 1, 2])):
        ends = TODAY + timedelta(days=dice.randint(-100, 400))
        book.add("Contract", AccountId=account, StatusCode=dice.choice(["Activated", "Draft"]), EndDate=ends)
    for _ in range(dice.choice([0, 1, 2])):
        book.add("Opportunity", AccountId=account, IsWon=dice.random() < 0.6, Amount=dice.randint(1, 9) * 100)
    for _ in range(dice.choice([0, 1])):
        day = datetime.combine(TODAY - timedelta(days=dice.randint(0, 120)), time(9), UTC)
        book.add("Event", AccountId=account, IsAllDayEvent=False, EndDateTime=day)
    for _ in range(dice.choice([0, 0, 1, 2])):
        _add_task(book, account, row, dice)
    if dice.random() < 0.5:
        _add_person(book, account, dice)


def _memory(account: str, stage: str, dice: random.Random) -> dict[str, Any]:
    since = TODAY - timedelta(days=dice.choice([0, 1, 5, 40, 200]))
    soon = near(dice)
    state = State(
        stage, since if stage else None, dice.choice(list(Via)), segment=dice.choice(["", "big"]),
        hold=dice.choice([None, None, soon]), outside=dice.choice([None, None, None, soon]),
        left=dice.choice(["", "settled"]) if not stage else "", record=account, org=ORG, installation=HERE,
        override=dice.choice([None, None, None, soon]),
    )  # fmt: skip
    live = dice.choice([stage] * 8 + ["settled", ""])
    return {
        "Stage__c": VALUES.get(live, live) or None,
        "State__c": dice.choice([state.to_text()] * 8 + [None, "{broken"]),
        "Entered__c": dice.choice([since if stage else None] * 5 + [date(2026, 1, 1)]),
        "Override__c": dice.choice([None] * 9 + ["settled"]),
        "Override_Until__c": dice.choice([None, soon]),
    }


def near(dice: random.Random) -> date:
    return TODAY + timedelta(days=dice.randint(-5, 5))


def _add_task(book: Book, account: str, row: dict[str, Any], dice: random.Random) -> None:
    since = (State.from_text(row["State__c"]) or State()).since or TODAY
    name, part = dice.choice([
        ("no_renewal", str(near(dice))), ("risk", ""), ("start.hello", str(since)), ("start.training", "2026-01-01"),
    ])  # fmt: skip
    closed = dice.random() < 0.4
    key = f"care:{name}:{account}:{part}" + ("" if "." in name else f":{len(book.rows.get('Task', ()))}")
    book.add(
        "Task", AccountId=account, Lifecycle_Key__c=key, IsClosed=closed, OwnerId="005000000000001AAA",
        Status=dice.choice(["Completed", "Not needed"]) if closed else "Not Started", IsDeleted=dice.random() < 0.1,
        CreatedDate=datetime(2026, 8, dice.randint(1, 30), tzinfo=UTC),
    )  # fmt: skip


def _add_person(book: Book, account: str, dice: random.Random) -> None:
    bounced = dice.random() < 0.2
    fields = {"Name": "Ann", "Title": "Boss", "IsEmailBounced": bounced, "HasOptedOutOfEmail": False}
    person = book.add("Contact", AccountId=account, **fields)
    if dice.random() < 0.6:
        ours = dice.choice([None, f"care:welcome:{person}:2026-08-01"])
        status = dice.choice(["Planned", "Exited", "Responded"])
        book.add(
            "CampaignMember", CampaignId="701000000000001AAA", ContactId=person, Lifecycle_Key__c=ours, Status=status,
            HasResponded=status == "Responded", IsDeleted=dice.random() < 0.1,
        )  # fmt: skip


def plan_of(book: Book, found: Evaluated) -> Plan:
    as_of = datetime.combine(book.today, time(12), UTC)
    return make_plan(
        found.evaluations, found.current, book.model, book.model.describes, policy="sync", limits=Limits(),
        calendar=book.calendar, as_of=as_of, zone="Europe/Berlin", org_id=ORG, installation=HERE,
        subjects=found.subjects,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_looking_at_the_candidates_plans_the_same_as_looking_at_everybody(
    model: Mapping, mirror: Mirror, seed: int
) -> None:
    book = random_book(model, seed)
    everybody = frozenset(row["Id"] for row in book.rows["Account"])
    chosen = book.judge(mirror, accept_bulk_edit=True)
    whole = book.judge(mirror, accounts=everybody, accept_bulk_edit=True)
    assert len(chosen.evaluations) < len(whole.evaluations)
    by_subject = {e.subject: e for e in whole.evaluations}
    for found in chosen.evaluations:
        known = by_subject[found.subject]
        assert (found.decision.moves, found.decision.state) == (known.decision.moves, known.decision.state)
    assert plan_of(book, chosen) == plan_of(book, whole)
    assert chosen.stages == whole.stages


PULLED = ["Opportunity", "Contract", "Task", "Event", "EmailMessage", "User", "Contact", "CampaignMember", "Lead"]


@pytest.mark.parametrize("sobject", PULLED)
def test_a_failed_pull_moves_nobody_and_creates_nothing_over_it(model: Mapping, mirror: Mirror, sobject: str) -> None:
    """The book has been decided today; the same records, but for one object that could not be read."""
    book = random_book(model, 7)
    for _ in range(2):
        book.write(book.judge(mirror, accept_bulk_edit=True).evaluations)
    book.fails(sobject)
    found = book.judge(mirror, accept_bulk_edit=True)
    assert [m for e in found.evaluations for m in e.decision.moves] == []
    kinds = {change.kind for change in plan_of(book, found).changes}
    if sobject == "Task":
        assert "task_open" not in kinds
    if sobject in {"Contact", "CampaignMember"}:
        assert kinds.isdisjoint({"member_add", "member_status"})


def test_the_random_books_have_something_of_everything(model: Mapping, mirror: Mirror) -> None:
    book = random_book(model, 0)
    plan = plan_of(book, book.judge(mirror, accept_bulk_edit=True))
    kinds = {change.kind for change in plan.changes}
    assert kinds >= {
        "placement",
        "adoption",
        "manual",
        "move",
        "kpi",
        "task_open",
        "task_close",
        "member_add",
        "member_status",
    }
