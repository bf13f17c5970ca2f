"""Facts from files in a whole evaluation: rows find their accounts, and what is old, missing or broken is unknown."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from mirrored import HERE, Book, care

from connector.data import PullResult, Value
from connector.evaluate import evaluate, explain
from connector.mapping import load_mapping
from connector.pull.sources import read_sources
from connector.settings import SourceSettings
from connector.store.mirror import Mirror

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
FACTS = """facts:
  logins:
    file: usage/logins.csv
    key: account_id
    value: logins
    stale_after: 8 hours
  plan:
    file: usage/logins.csv
    key: account_id
    value: plan
    dated: day
    stale_after: 30 days
  busy: logins >= 10
  quiet: logins is null
  rest: BLANKVALUE(logins, 0)
  no_plan: plan = ''
  score:
    file: usage/scores.csv
    key: {number: AccountNumber}
    value: score * 2
    stale_after: 1 day
"""


class Office:
    """A book, and files beside it."""

    def __init__(self, folder: Path, mirror: Mirror) -> None:
        self.folder, self.mirror = folder, mirror
        self.book = Book(care(folder, ("facts:\n", FACTS)))
        self.put("logins.csv", "account_id,logins,plan,day\n")
        self.put("scores.csv", "number,score\n")

    def put(self, name: str, text: str, written: datetime = NOON) -> None:
        file = self.folder / name
        file.write_text(text)
        os.utime(file, (written.timestamp(), written.timestamp()))

    def pull(self) -> PullResult:
        pulled = self.book.fill(self.mirror)
        places = {"usage": SourceSettings(directory=self.folder)}
        read = read_sources(self.mirror, self.book.model.sources, places, pulled.as_of, subject="Account")
        columns = {name: one.describe for name, one in read.items()}
        self.book.model = load_mapping(self.folder, sources=columns)
        return replace(pulled, objects={**pulled.objects, **{name: one.pull for name, one in read.items()}})

    def facts(self, account: str) -> dict[str, Value]:
        pulled, book = self.pull(), self.book
        found = evaluate(
            self.mirror.connection, book.model, pulled, describes=book.model.describes, calendar=book.calendar,
            installation=HERE, accounts=frozenset({account}),
        )  # fmt: skip
        self.unknown = found.unknown
        return dict(found.evaluations[0].facts)


@pytest.fixture
def office(tmp_path: Path, mirror: Mirror) -> Office:
    return Office(tmp_path, mirror)


def test_a_row_finds_its_account_by_id_or_by_a_field(office: Office) -> None:
    account = office.book.account(AccountNumber="A-7")
    office.put("logins.csv", f"account_id,logins,plan,day\n{account},12,Gold,2026-08-30\n")
    office.put("scores.csv", "number,score\nA-7,0.35\n")
    found = office.facts(account)
    assert (found["logins"], found["plan"], found["busy"], found["score"]) == (12, "Gold", True, Decimal("0.70"))
    assert (found["quiet"], found["rest"], found["no_plan"]) == (False, 12, False)
    assert not office.unknown


def test_an_account_without_a_row_has_no_value_and_one_with_an_empty_one_has_a_blank_text(office: Office) -> None:
    with_row, without = office.book.account(), office.book.account()
    office.put("logins.csv", f"account_id,logins,plan,day\n{with_row},,,2026-08-30\n")
    found = office.facts(with_row)
    assert (found["logins"], found["busy"], found["quiet"], found["plan"], found["no_plan"]) == (
        None,
        None,
        True,
        "",
        True,
    )
    found = office.facts(without)
    assert (found["logins"], found["quiet"], found["rest"]) == (None, True, 0)
    assert (found["plan"], found["no_plan"]) == (None, None)


def test_a_file_that_is_too_old_is_unknown_never_zero_and_so_is_what_rests_on_it(office: Office) -> None:
    account = office.book.account()
    rows = f"account_id,logins,plan,day\n{account},12,Gold,2026-08-30\n"
    office.put("logins.csv", rows, NOON - timedelta(hours=8))
    assert office.facts(account)["logins"] == 12
    office.put("logins.csv", rows, NOON - timedelta(hours=9))
    found = office.facts(account)
    assert (found["logins"], found["busy"], found["quiet"], found["rest"]) == (None, None, None, None)
    assert found["plan"] == "Gold"
    assert office.unknown["logins"] == "usage/logins.csv is from 2026-09-01 05:00, older than 8 hours."
    assert {"logins", "busy", "quiet", "rest"} == set(office.unknown)


def test_a_row_that_is_too_old_is_unknown_for_its_account_alone(office: Office) -> None:
    old, new = office.book.account(), office.book.account()
    office.put("logins.csv", f"account_id,logins,plan,day\n{old},1,Gold,2026-07-01\n{new},2,Silver,2026-08-30\n")
    assert (office.facts(old)["plan"], office.facts(old)["logins"]) == (None, 1)
    assert office.facts(new)["plan"] == "Silver"


def test_a_missing_file_makes_its_facts_unknown_and_no_others(office: Office) -> None:
    account = office.book.account(AccountNumber="A-7")
    office.put("scores.csv", "number,score\nA-7,1\n")
    (office.folder / "logins.csv").unlink()
    found = office.facts(account)
    assert (found["logins"], found["rest"], found["quiet"], found["no_plan"]) == (None, None, None, None)
    assert found["score"] == 2
    assert "cannot be opened" in office.unknown["logins"]


def test_a_missing_column_makes_only_its_facts_unknown(office: Office) -> None:
    account = office.book.account()
    office.put("logins.csv", f"account_id,logins,day\n{account},12,2026-08-30\n")
    found = office.facts(account)
    assert (found["logins"], found["plan"]) == (12, None)
    assert office.unknown["plan"].startswith("usage/logins.csv has no column `plan`")


def test_a_key_field_that_is_hidden_from_us_makes_the_fact_unknown(office: Office) -> None:
    account = office.book.account(AccountNumber="A-7")
    office.put("scores.csv", "number,score\nA-7,1\n")
    office.book.hides("Account", "AccountNumber")
    office.mirror.forget("Account", ["AccountNumber"])
    found = office.facts(account)
    assert (found["score"], found["rest"]) == (None, 0)
    assert "Account.AccountNumber cannot be read" in office.unknown["score"]


def test_an_explanation_names_the_file_and_its_age(office: Office) -> None:
    account = office.book.account()
    office.put("logins.csv", f"account_id,logins,plan,day\n{account},12,Gold,2026-07-01\n", NOON - timedelta(days=1))
    pulled, book = office.pull(), office.book
    found = explain(
        office.mirror.connection, book.model, pulled, account, describes=book.model.describes, calendar=book.calendar
    )
    lines = {line.key: line for line in found.facts}
    assert lines["plan"].source == "usage/logins.csv, written yesterday"
    assert lines["plan"].why_unknown == "it is from 2026-07-01, older than 30 days"
    assert lines["logins"].why_unknown == "usage/logins.csv is from 2026-08-31 14:00, older than 8 hours."
    assert lines["score"].why_unknown == "it has no value in usage/scores.csv"
    assert lines["won"].source == ""
