"""What the tests of evaluate share: the small model, a mirror in memory, a book with one customer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from mirrored import Book, care

from connector.mapping import Mapping
from connector.store.mirror import Mirror


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    return care(tmp_path_factory.mktemp("care"))


@pytest.fixture(scope="module")
def mirror() -> Iterator[Mirror]:
    """One for all tests of a module: every run replaces the records."""
    with Mirror.open(":memory:") as opened:
        yield opened


@pytest.fixture
def book(model: Mapping) -> Book:
    """A book with an owner and nobody else."""
    empty = Book(model)
    empty.add("User", Name="Olga", IsActive=True, UserType="Standard")
    return empty


@pytest.fixture
def customer(book: Book) -> Book:
    """Acme: pays until the end of next June, in Settled since March."""
    account = book.staged("settled", date(2026, 3, 1), Name="Acme", OwnerId="005000000000001AAA")
    book.add("Contract", AccountId=account, StatusCode="Activated", EndDate=date(2027, 6, 30))
    book.add("Opportunity", AccountId=account, IsWon=True, Amount=90_000)
    return book


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
