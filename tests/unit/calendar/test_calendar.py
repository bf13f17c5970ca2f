"""Business days, holidays that recur, and lengths of time as people write them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.calendar import Calendar, Duration, add_months, country_calendar, org_calendar

FRIDAY = date(2026, 9, 4)
CHRISTMAS = Calendar(frozenset({date(2026, 12, 25)}))
days = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (FRIDAY, 0, FRIDAY),
        (FRIDAY, 1, date(2026, 9, 7)),
        (FRIDAY, 5, date(2026, 9, 11)),
        (date(2026, 9, 5), 0, date(2026, 9, 7)),
        (date(2026, 9, 5), 1, date(2026, 9, 7)),
        (date(2026, 9, 7), -1, FRIDAY),
        (date(2026, 12, 24), 1, date(2026, 12, 28)),
    ],
    ids=["today", "over the weekend", "a week", "Saturday to Monday", "from Saturday", "back", "over Christmas"],
)
def test_adding_business_days(start: date, count: int, end: date) -> None:
    assert CHRISTMAS.add_business_days(start, count) == end


@given(days, st.integers(1, 60))
def test_added_business_days_are_counted_as_many(start: date, count: int) -> None:
    end = CHRISTMAS.add_business_days(start, count)
    assert CHRISTMAS.is_business_day(end)
    assert CHRISTMAS.business_days_between(start, end) == count


@pytest.mark.parametrize(
    ("text", "after", "before"),
    [
        ("3 days", date(2026, 9, 7), date(2026, 9, 1)),
        ("1 day", date(2026, 9, 5), date(2026, 9, 3)),
        ("2 weeks", date(2026, 9, 18), date(2026, 8, 21)),
        ("5 business days", date(2026, 9, 11), date(2026, 8, 28)),
        ("3 months", date(2026, 12, 4), date(2026, 6, 4)),
        ("1 year", date(2027, 9, 4), date(2025, 9, 4)),
        ("8 hours", date(2026, 9, 5), date(2026, 9, 3)),
        ("48 Hours", date(2026, 9, 6), date(2026, 9, 2)),
    ],
)
def test_lengths_of_time(text: str, after: date, before: date) -> None:
    length = Duration.parse(text)
    assert (length.after(FRIDAY, Calendar()), length.before(FRIDAY, Calendar())) == (after, before)


@pytest.mark.parametrize("text", ["5", "days", "-3 days", "1.5 days", "3 fortnights", "5 days 3 hours", ""])
def test_what_is_no_length_of_time_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write it like: 8 hours, 45 days"):
        Duration.parse(text)


@given(st.integers(0, 10_000), st.sampled_from(["hours", "days", "business days", "weeks", "months", "years"]))
def test_a_length_of_time_reads_back(count: int, unit: str) -> None:
    length = Duration.parse(f"{count} {unit}")
    assert Duration.parse(str(length)) == length


@pytest.mark.parametrize(
    ("day", "count", "result"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 1, 15), -13, date(2024, 12, 15)),
    ],
)
def test_months_keep_the_day_where_it_exists(day: date, count: int, result: date) -> None:
    assert add_months(day, count) == result


YEARLY = {"IsRecurrence": True, "IsAllDay": True, "RecurrenceStartDate": date(2020, 1, 1)}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"ActivityDate": date(2026, 5, 4), "IsAllDay": True}, {date(2026, 5, 4)}),
        ({"ActivityDate": date(2026, 5, 4), "IsAllDay": False}, set()),
        (
            {**YEARLY, "RecurrenceType": "RecursYearly", "RecurrenceDayOfMonth": 25,
             "RecurrenceMonthOfYear": "December"},
            {date(2025, 12, 25), date(2026, 12, 25)},
        ),
        (
            {**YEARLY, "RecurrenceType": "RecursYearlyNth", "RecurrenceInstance": "Fourth",
             "RecurrenceDayOfWeekMask": 16, "RecurrenceMonthOfYear": "November"},
            {date(2025, 11, 27), date(2026, 11, 26)},
        ),
        (
            {**YEARLY, "RecurrenceType": "RecursYearlyNth", "RecurrenceInstance": "Last",
             "RecurrenceDayOfWeekMask": 2, "RecurrenceMonthOfYear": "May"},
            {date(2025, 5, 26), date(2026, 5, 25)},
        ),
        (
            {**YEARLY, "RecurrenceType": "RecursYearly", "RecurrenceDayOfMonth": 1, "RecurrenceMonthOfYear": "May",
             "RecurrenceEndDateOnly": date(2025, 12, 31)},
            {date(2025, 5, 1)},
        ),
        ({"IsRecurrence": True, "RecurrenceType": "Nonsense", "RecurrenceStartDate": date(2025, 1, 1)}, set()),
    ],
    ids=["once", "part of a day", "every Christmas", "Thanksgiving", "last Monday of May", "ended", "unknown kind"],
)  # fmt: skip
def test_holidays_of_the_org(row: dict[str, Any], found: set[date]) -> None:
    assert org_calendar([row], date(2025, 1, 1), date(2026, 12, 31)).holidays == found


def test_weekly_and_monthly_holidays() -> None:
    base = {"IsRecurrence": True, "IsAllDay": True, "RecurrenceStartDate": date(2026, 9, 1)}
    weekly = {**base, "RecurrenceType": "RecursWeekly", "RecurrenceDayOfWeekMask": 32, "RecurrenceInterval": 2}
    monthly = {**base, "RecurrenceType": "RecursMonthly", "RecurrenceDayOfMonth": 15}
    first, last = date(2026, 9, 1), date(2026, 9, 30)
    assert org_calendar([weekly], first, last).holidays == {date(2026, 9, 4), date(2026, 9, 18)}
    assert org_calendar([monthly], first, last).holidays == {date(2026, 9, 15)}


def test_holidays_of_a_country_and_its_parts() -> None:
    assumption = date(2026, 8, 15)
    assert assumption in country_calendar("DE-SL", [2026]).holidays
    assert assumption not in country_calendar("DE", [2026]).holidays


def test_an_unknown_country_says_what_to_write() -> None:
    with pytest.raises(ValueError, match="US, DE or DE-BY"):
        country_calendar("Narnia", [2026])


@given(days)
def test_the_next_business_day_is_the_first_one(day: date) -> None:
    found = CHRISTMAS.next_business_day(day)
    skipped = [day + timedelta(days=n) for n in range((found - day).days)]
    assert CHRISTMAS.is_business_day(found)
    assert not any(CHRISTMAS.is_business_day(d) for d in skipped)
