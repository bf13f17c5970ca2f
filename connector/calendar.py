"""Lengths of time as written in mapping files, and which days are worked: weekends and holidays.

Used by mapping, evaluate and plan. Pure: holidays come from the org's Holiday records (recurring ones unfolded here)
or, by country code, from the `holidays` library. `today` is always an argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import holidays
from dateutil import rrule  # type: ignore[import-untyped]

Unit = Literal["hours", "days", "business days", "weeks", "months", "years"]
UNITS: tuple[Unit, ...] = ("hours", "days", "business days", "weeks", "months", "years")
SATURDAY, SUNDAY = 5, 6
_LENGTH = re.compile(r"^\s*(\d+)\s+(hour|day|business\s+day|week|month|year)s?\s*$", re.IGNORECASE)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_INSTANCES = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_FREQUENCIES = {"RecursDaily": rrule.DAILY, "RecursEveryWeekday": rrule.WEEKLY, "RecursWeekly": rrule.WEEKLY,
                "RecursMonthly": rrule.MONTHLY, "RecursMonthlyNth": rrule.MONTHLY, "RecursYearly": rrule.YEARLY,
                "RecursYearlyNth": rrule.YEARLY}  # fmt: skip


@dataclass(frozen=True)
class Calendar:
    """Which days nobody works."""

    holidays: frozenset[date] = frozenset()
    weekend: frozenset[int] = frozenset({SATURDAY, SUNDAY})

    def is_business_day(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.holidays

    def next_business_day(self, day: date) -> date:
        """`day` itself when it is worked, else the first worked day after it."""
        while not self.is_business_day(day):
            day += timedelta(days=1)
        return day

    def add_business_days(self, day: date, count: int) -> date:
        """The `count`-th worked day after `day` (before it when negative); 0 is next_business_day."""
        step = timedelta(days=1 if count >= 0 else -1)
        for _ in range(abs(count)):
            day += step
            while not self.is_business_day(day):
                day += step
        return self.next_business_day(day) if count == 0 else day

    def business_days_between(self, start: date, end: date) -> int:
        """Worked days after `start`, up to and with `end`; negative when `end` is earlier."""
        if end < start:
            return -self.business_days_between(end, start)
        days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
        return sum(self.is_business_day(day) for day in days)


@dataclass(frozen=True)
class Duration:
    """A length of time as a person writes it: `8 hours`, `45 days`, `5 business days`, `3 months`."""

    count: int
    unit: Unit = "days"

    @staticmethod
    def parse(text: str) -> Duration:
        """Raises ValueError, in words for the author of the file, when `text` is no length of time."""
        found = _LENGTH.match(text)
        if not found:
            raise ValueError(
                f"{text!r} is no length of time; write it like: 8 hours, 45 days, 5 business days, 3 months"
            )
        unit = " ".join(found[2].lower().split()) + "s"
        return Duration(int(found[1]), next(u for u in UNITS if u == unit))

    def after(self, day: date, calendar: Calendar) -> date:
        """The day this long after `day`; hours count up to full days."""
        return self._moved(day, 1, calendar)

    def before(self, day: date, calendar: Calendar) -> date:
        """The day this long before `day`."""
        return self._moved(day, -1, calendar)

    def _moved(self, day: date, sign: int, calendar: Calendar) -> date:
        count = sign * self.count
        match self.unit:
            case "business days":
                return calendar.add_business_days(day, count)
            case "months" | "years":
                return add_months(day, count * (12 if self.unit == "years" else 1))
            case "hours":
                return day + timedelta(days=sign * -(-self.count // 24))
            case "days" | "weeks":
                return day + timedelta(days=count * (7 if self.unit == "weeks" else 1))

    def __str__(self) -> str:
        return f"{self.count} {self.unit[:-1] if self.count == 1 else self.unit}"


def add_months(day: date, count: int) -> date:
    """The same day of the month, `count` months on; the last day where that month is shorter (as ADDMONTHS does)."""
    month = day.year * 12 + day.month - 1 + count
    year, month = divmod(month, 12)
    return date(year, month + 1, min(day.day, _days_in(year, month + 1)))


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


def country_calendar(country: str, years: Iterable[int]) -> Calendar:
    """The public holidays of a country (`DE`) or one of its parts (`DE-BY`). Raises ValueError for an unknown code."""
    code, _, part = country.partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=tuple(years))
    except NotImplementedError as error:
        raise ValueError(
            f"no holidays are known for {country!r}; write a country code such as US, DE or DE-BY"
        ) from error
    return Calendar(frozenset(found))


def org_calendar(rows: Iterable[Mapping[str, Any]], first: date, last: date) -> Calendar:
    """From Holiday records by API name; recurring ones unfolded between `first` and `last`. Holidays that take only
    part of a day are worked days."""
    days: set[date] = set()
    for row in rows:
        if row.get("IsAllDay") is not False:
            days.update(_days_of(row, first, last))
    return Calendar(frozenset(days))


def _days_of(row: Mapping[str, Any], first: date, last: date) -> Iterable[date]:
    if not row.get("IsRecurrence"):
        return [row["ActivityDate"]] if row.get("ActivityDate") else []
    start, frequency = row.get("RecurrenceStartDate"), _FREQUENCIES.get(str(row.get("RecurrenceType")))
    if start is None or frequency is None:
        return []
    until = min(row.get("RecurrenceEndDateOnly") or last, last)
    rule = rrule.rrule(frequency, dtstart=_midnight(start), until=_midnight(until), **_rule_parts(row))
    return [moment.date() for moment in rule if moment.date() >= first]


def _rule_parts(row: Mapping[str, Any]) -> dict[str, Any]:
    """The record's recurrence in the terms of RFC 5545. The weekday mask counts Sunday 1, Monday 2, ... Saturday 64."""
    kind, mask = str(row["RecurrenceType"]), int(row.get("RecurrenceDayOfWeekMask") or 0)
    weekdays = [(bit - 1) % 7 for bit in range(7) if mask & 1 << bit]
    parts: dict[str, Any] = {"interval": int(row.get("RecurrenceInterval") or 1)}
    if kind == "RecursEveryWeekday":
        parts["byweekday"] = range(5)
    elif kind == "RecursWeekly" or kind.endswith("Nth"):
        parts["byweekday"] = weekdays
    elif row.get("RecurrenceDayOfMonth"):
        parts["bymonthday"] = int(row["RecurrenceDayOfMonth"])
    if kind.endswith("Nth"):
        parts["bysetpos"] = _INSTANCES.get(str(row.get("RecurrenceInstance")), 1)
    if kind.startswith("RecursYearly") and row.get("RecurrenceMonthOfYear") in _MONTHS:
        parts["bymonth"] = _MONTHS.index(str(row["RecurrenceMonthOfYear"])) + 1
    return parts


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  (rrule wants one kind throughout; only dates leave)
