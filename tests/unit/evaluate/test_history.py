"""Facts for the ledger: everything at first, then what changed, and nothing that only the clock moved."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from mirrored import Book, care

from connector.store.mirror import Mirror

ACME = "001000000000001AAA"


@pytest.fixture
def own_mirror() -> Mirror:
    """What was handed over before is in the mirror, so each test has its own."""
    with Mirror.open(":memory:") as mirror:
        yield mirror


def test_at_first_every_fact_then_nothing(customer: Book, own_mirror: Mirror) -> None:
    first = list(customer.judge(own_mirror).changed_facts)
    assert {key for _, key, _ in first} == set(customer.model.fact_order)
    assert (ACME, "next_end", date(2027, 6, 30)) in first
    assert (ACME, "usage", None) in first, "unknown is recorded as such"
    assert list(customer.judge(own_mirror).changed_facts) == []


def test_facts_that_count_days_are_no_news_by_themselves(customer: Book, own_mirror: Mirror) -> None:
    list(customer.judge(own_mirror).changed_facts)
    assert list(customer.later(date(2026, 9, 5)).judge(own_mirror).changed_facts) == []
    customer.rows["Contract"][0]["EndDate"] = date(2027, 7, 31)
    assert sorted(customer.judge(own_mirror).changed_facts) == [
        (ACME, "days_left", 329),
        (ACME, "next_end", date(2027, 7, 31)),
    ]


def test_what_was_not_taken_is_offered_again(customer: Book, own_mirror: Mirror) -> None:
    offered = customer.judge(own_mirror).changed_facts
    next(offered)
    offered.close()
    assert len(list(customer.judge(own_mirror).changed_facts)) == len(customer.model.fact_order)


def test_a_model_with_other_facts_begins_anew(customer: Book, own_mirror: Mirror, folder: Path) -> None:
    list(customer.judge(own_mirror).changed_facts)
    other = Book(care(folder, ("  partner: Type in partners\n", "  partner: Type in partners\n  extra: won + 1\n")))
    other.rows = customer.rows
    assert len(list(other.judge(own_mirror).changed_facts)) == len(other.model.fact_order)


def test_many_subjects(book: Book, own_mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.evaluate.history._AT_ONCE", 2)
    for _ in range(5):
        book.account()
    rows = list(book.judge(own_mirror).changed_facts)
    assert len(rows) == 5 * len(book.model.fact_order)
    assert [s for s, _, _ in rows] == sorted(s for s, _, _ in rows)
