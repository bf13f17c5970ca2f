"""The book of API calls that all jobs share: who spent what in the last 24 hours, after restarts too."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from connector.store.ledger import Ledger
from connector.store.spending import Spending

NOW = datetime(2026, 9, 1, 8, 0, 30, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.sqlite"
    Ledger.open(file).close()
    return file


def test_jobs_of_one_org_are_counted_together_and_by_name(ledger: Path) -> None:
    for job, calls in (("lifecycle", 3), ("marketing", 4), ("lifecycle", 5)):
        with Spending.open(ledger, "acme", job) as book:
            book.note(NOW, calls)
    with Spending.open(ledger, "acme", "another") as book:
        assert book.spent_since(NOW - DAY) == {"lifecycle": 8, "marketing": 4}
    with Spending.open(ledger, "other org", "lifecycle") as book:
        assert book.spent_since(NOW - DAY) == {}


def test_calls_count_for_24_hours_by_the_clock_that_is_given(ledger: Path) -> None:
    with Spending.open(ledger, "acme", "job") as book:
        book.note(NOW, 1)
        book.note(NOW + timedelta(hours=23), 2)
        assert book.spent_since(NOW + DAY - DAY) == {"job": 3}
        assert book.spent_since(NOW + DAY - DAY + timedelta(minutes=1)) == {"job": 2}


ROOM = {"the first call": (1, 0), "all of the first minute": (3, 0), "into the second": (4, 7), "all": (5, 7)}


@pytest.mark.parametrize(("calls", "minutes"), ROOM.values(), ids=ROOM.keys())
def test_when_so_many_calls_had_been_made(ledger: Path, calls: int, minutes: int) -> None:
    with Spending.open(ledger, "acme", "job") as book, Spending.open(ledger, "acme", "other") as other:
        book.note(NOW, 2)
        other.note(NOW, 1)
        book.note(NOW + timedelta(minutes=7), 2)
        assert book.spent_until(NOW - DAY, calls) == datetime(2026, 9, 1, 8, 1 + minutes, tzinfo=UTC)
        assert book.spent_until(NOW - DAY, 6) is None


def test_what_the_org_allowed_is_remembered_by_org(ledger: Path) -> None:
    with Spending.open(ledger, "acme", "job") as book:
        assert book.allowed is None
        book.remember_allowed(15_000)
        book.remember_allowed(20_000)
    with Spending.open(ledger, "acme", "other") as book, Spending.open(ledger, "other org", "job") as elsewhere:
        assert (book.allowed, elsewhere.allowed) == (20_000, None)


def test_a_ledger_of_before_gets_its_book(tmp_path: Path) -> None:
    """As the first version of the program left it."""
    first = files("connector.store") / "schema" / "ledger" / "001_first.sql"
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as db:
        db.executescript(first.read_text(encoding="utf-8"))
        db.execute("PRAGMA user_version = 1")
    with Ledger.open(tmp_path / "old.sqlite"), Spending.open(tmp_path / "old.sqlite", "acme", "job") as book:
        book.note(NOW, 1)
        assert book.spent_since(NOW - DAY) == {"job": 1}


def test_threads_may_share_a_book_beside_an_open_ledger(ledger: Path) -> None:
    with Ledger.open(ledger) as run, Spending.open(ledger, "acme", "job") as book:

        def work(_: int) -> None:
            for _ in range(50):
                book.note(NOW, 1)

        with ThreadPoolExecutor(4) as pool:
            done = pool.map(work, range(4))
            for _ in range(20):
                run.start_run("job")
            list(done)
        assert book.spent_since(NOW - DAY) == {"job": 200}


def test_the_book_does_not_grow_for_ever(ledger: Path) -> None:
    with Spending.open(ledger, "acme", "job") as book:
        for days in range(5):
            book.note(NOW + days * DAY, 1)
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("SELECT count(*) FROM api_spending").fetchone() == (3,)
