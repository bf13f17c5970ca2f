"""Rows that an admin keeps in Setup and that seeds share: public holidays. Called by the seeds."""

from __future__ import annotations

from datetime import date, datetime

from connector.localorg.seeds.book import Book, at, stamps

_FIXED_HOLIDAYS = (("New Year's Day", 1, 1), ("Christmas Day", 12, 25), ("Boxing Day", 12, 26))


def write_holidays(book: Book, now: datetime) -> None:
    """Company holidays of the past, the running and the coming year, one record each."""
    for year in range(now.year - 1, now.year + 2):
        for name, month, day in _FIXED_HOLIDAYS:
            book.add(
                "Holiday",
                Name=f"{name} {year}",
                ActivityDate=date(year, month, day),
                IsAllDay=True,
                **stamps(at(date(now.year - 2, 1, 5))),
            )
