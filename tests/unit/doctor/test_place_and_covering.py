"""The doctor on this machine: the store, and the activity that the mirror tells of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connector.data import Needs
from connector.describe import FieldDescribe, ObjectDescribe
from connector.doctor.covering import count_coverage
from connector.doctor.place import open_store
from connector.doctor.seeing import Coverage
from connector.report import Check, Finding, checks_json, is_healthy
from connector.settings import Settings
from connector.store.ledger import Ledger
from connector.store.mirror import Mirror

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
KINDS = {"IsDeleted": "boolean", "IsWon": "boolean", "IsActive": "boolean", "ActivityDate": "date"}


def settings_in(directory: Path) -> Settings:
    return Settings(store={"directory": directory})


# --- the store ----------------------------------------------------------------------------------------------------


def test_a_new_store_is_made_and_given_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        opened = open_store(settings_in(tmp_path / "var"), stack)
        assert (opened.check.verdict, opened.has_mirror, opened.has_ledger) == ("ok", True, True)
    with Ledger.open(tmp_path / "var" / "ledger.sqlite") as ledger:
        ledger.acquire("", "a run after the doctor")


def test_a_directory_that_cannot_be_is_a_problem_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with ExitStack() as stack:
        opened = open_store(settings_in(tmp_path / "var"), stack)
        assert (opened.check.verdict, opened.has_mirror, opened.has_ledger) == ("problem", False, False)
        assert "cannot be written" in opened.check.findings[0].text
        assert opened.mirror.describes() == {}


def test_a_mirror_that_is_damaged_is_begun_anew_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "mirror.duckdb").write_bytes(b"nonsense" * 1000)
    with ExitStack() as stack:
        opened = open_store(settings_in(tmp_path), stack)
        assert (opened.check.verdict, opened.has_mirror) == ("warning", True)


def test_a_ledger_that_is_damaged_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"nonsense" * 1000)
    with ExitStack() as stack:
        opened = open_store(settings_in(tmp_path), stack)
        assert (opened.check.verdict, opened.has_mirror, opened.has_ledger) == ("problem", False, False)


# --- activity -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror.open(":memory:") as mirror:
        yield mirror


def fill(mirror: Mirror, sobject: str, fields: str, *rows: tuple[Any, ...]) -> None:
    names = ["Id", "IsDeleted", *fields.split()]
    described = ObjectDescribe(sobject, fields={n: FieldDescribe(n, KINDS.get(n, "string")) for n in names})
    mirror.ensure(described, names)
    values = [(f"{sobject}{n}", False, *row) for n, row in enumerate(rows)]
    mirror.store(sobject, names, values, NOW, replace=True)


MODEL: Any = SimpleNamespace(
    subject="Account", model="post_sale", keys=SimpleNamespace(task="Key__c"), write=SimpleNamespace(stage="Stage__c")
)
NEEDS = Needs({"Task": frozenset()})
TODAY = date(2026, 9, 1)


def fill_book(mirror: Mirror) -> None:
    """Two customers and a prospect; one of the customers' owners has left."""
    fill(mirror, "Account", "OwnerId Stage__c", ("User0", "adopting"), ("User1", "adopting"), ("User0", None))
    fill(mirror, "User", "IsActive", (True,), (False,))
    fill(mirror, "Task", "AccountId Key__c ActivityDate",
         ("Account0", None, date(2026, 8, 1)), ("Account1", None, date(2026, 1, 1)),
         ("Account1", "ours", date(2026, 8, 1)), ("Account2", None, date(2026, 8, 1)))  # fmt: skip


def test_customers_are_those_with_a_won_opportunity(mirror: Mirror) -> None:
    fill_book(mirror)
    fill(mirror, "Opportunity", "AccountId IsWon", ("Account0", True), ("Account1", True), ("Account2", False))
    assert count_coverage(mirror, MODEL, NEEDS, TODAY) == Coverage(2, 1, 1, 1)


def test_or_those_with_a_stage(mirror: Mirror) -> None:
    fill_book(mirror)
    assert count_coverage(mirror, MODEL, NEEDS, TODAY) == Coverage(2, 1, 1, 1)


def test_nothing_is_told_before_the_first_run_or_without_activities(mirror: Mirror) -> None:
    assert "no accounts yet" in str(count_coverage(mirror, MODEL, NEEDS, TODAY))
    fill(mirror, "Account", "OwnerId", ("User0",))
    assert "no activities" in str(count_coverage(mirror, MODEL, Needs(), TODAY))


# --- the verdict on all -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "healthy"),
    [(["ok"], True), (["warning", "not provable"], True), (["warning", "problem"], False), ([], True)],
)
def test_only_problems_count(verdicts: list[Any], healthy: bool) -> None:
    checks = [Check("Check", findings=tuple(Finding(v, "Found.") for v in verdicts))]
    assert is_healthy(checks) is healthy
    assert checks_json(checks)["healthy"] is healthy


def test_a_check_is_as_bad_as_its_worst_finding() -> None:
    found = [Finding(v, "Found.") for v in ("warning", "ok", "not provable")]  # type: ignore[arg-type]
    assert Check("Check", findings=tuple(found)).verdict == "not provable"
    assert Check("Check").verdict == "ok"
