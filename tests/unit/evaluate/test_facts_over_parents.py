"""Every aggregate with its clauses, and conditions over parents as far up as SOQL goes, over records in the mirror."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from mirrored import Book, care, record_id

from connector.data import Value
from connector.errors import FileProblems
from connector.store.mirror import Mirror

LAST = "  impatient: days_left <= patience"
CHIEF = "Owner.Manager.Manager.Manager.Manager.Name = 'Chief'"


def facts(folder: Path, mirror: Mirror, lines: list[str]) -> dict[str, Value]:
    """The facts of one customer with three opportunities whose owners report to each other, five people in a row."""
    model = care(folder, (LAST, "\n".join([LAST, *(f"  f{n}: {line}" for n, line in enumerate(lines))])))
    book = Book(model)
    users = [record_id("User", n) for n in range(1, 6)]
    for name, manager in zip(("Rep", "Lead", "Head", "Vice", "Chief"), (*users[1:], None), strict=True):
        book.add("User", Name=name, IsActive=True, UserType="Standard", ManagerId=manager)
    parent = book.account(Name="Group")
    own = book.account(Name="Acme", OwnerId=users[0], ParentId=parent, AnnualRevenue=500)
    for n, (owner, stage, amount) in enumerate([(0, "Won", 10), (1, "Won", 30), (0, "Open", 80)]):
        book.add(
            "Opportunity", AccountId=own, OwnerId=users[owner], StageName=stage, Amount=amount, IsWon=stage == "Won",
            CloseDate=date(2026, 5 + n, 1), CreatedDate=datetime(2026, 6 - n, 1, tzinfo=UTC),
        )  # fmt: skip
    (found,) = book.judge(mirror, accounts=frozenset({own})).evaluations
    return {line: found.facts[f"f{n}"] for n, line in enumerate(lines)}


EXPECTED = {
    CHIEF: True,
    f"count(Opportunity where {CHIEF})": 2,
    "count(Opportunity where Account.Owner.Manager.Manager.Manager.Name = 'Vice')": 3,
    "count(Opportunity where Account.Parent.Name = 'Group' and Owner.Name = 'Lead')": 1,
    "count(Opportunity where Account.Parent.Owner.Name = 'Rep')": 0,
    "exists(Opportunity where Owner.Manager.Name = 'Head')": True,
    "sum(Opportunity.Amount where Owner.Name = 'Rep')": 90,
    "avg(Opportunity.Amount where IsWon)": 20,
    "min(Opportunity.CloseDate where Owner.Name = 'Lead')": date(2026, 6, 1),
    "max(Opportunity.Amount where not IsWon)": 80,
    "median(Opportunity.Amount)": 30,
    "distinct(Opportunity.Owner.Name)": 2,
    "distinct(Opportunity.Owner.Manager.Name where IsWon)": 2,
    "first(Opportunity.Owner.Name by CreatedDate)": "Rep",
    "latest(Opportunity.Owner.Manager.Name by CloseDate where IsWon)": "Head",
    "latest(Opportunity.Amount by CreatedDate)": 10,
    "count(Opportunity via AccountId where CloseDate >= today - 3 months)": 2,
    "count(Opportunity where CloseDate + 5 business days >= DATE(2026, 7, 8))": 1,
    "sum(Opportunity.Amount where Amount <= Account.AnnualRevenue / 10)": 40,
}  # fmt: skip


def test_facts_over_children_and_parents(tmp_path: Path, mirror: Mirror) -> None:
    assert facts(tmp_path, mirror, list(EXPECTED)) == EXPECTED


@pytest.mark.parametrize("line", [f"Owner.Manager.{CHIEF[6:]}", f"count(Opportunity where Owner.Manager.{CHIEF[6:]})"])
def test_six_references_are_more_than_soql_follows(tmp_path: Path, line: str) -> None:
    with pytest.raises(FileProblems, match="a path may follow 5 references, this one follows 6"):
        care(tmp_path, (LAST, f"{LAST}\n  far: {line}"))
