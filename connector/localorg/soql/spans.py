"""Date literals such as TODAY and LAST_N_DAYS:30.

Half-open ranges of days, counted from the org's clock. Called by parser and compiler.

Weeks begin on Sunday, as in an org with US locale; fiscal years where the org's do (SOQL reference, Date Formats and
Date Literals).
"""

import calendar
from collections.abc import Callable
from datetime import date, timedelta

Span = tuple[date, date]
"""First day and the day after the last."""


def _days(start: date, count: int) -> Span:
    return start, start + timedelta(days=count)


def add_months(day: date, months: int) -> date:
    """Move by calendar months, keeping the day where the month has it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _week(today: date, offset: int) -> Span:
    sunday = today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=offset)
    return _days(sunday, 7)


def _months(today: date, size: int, offset: int) -> Span:
    """The block of `size` months (1, 3 or 12) that contains today, moved by whole blocks."""
    first = date(today.year, (today.month - 1) // size * size + 1, 1)
    start = add_months(first, size * offset)
    return start, add_months(start, size)


FIXED_SPANS: dict[str, Callable[[date], Span]] = {
    "TODAY": lambda t: _days(t, 1),
    "YESTERDAY": lambda t: _days(t - timedelta(days=1), 1),
    "TOMORROW": lambda t: _days(t + timedelta(days=1), 1),
    "LAST_90_DAYS": lambda t: (t - timedelta(days=90), t + timedelta(days=1)),
    "NEXT_90_DAYS": lambda t: (t + timedelta(days=1), t + timedelta(days=91)),
}
for _name, _offset in (("LAST", -1), ("THIS", 0), ("NEXT", 1)):
    FIXED_SPANS[f"{_name}_WEEK"] = lambda t, o=_offset: _week(t, o)  # type: ignore[misc]
    for _unit, _size in (("MONTH", 1), ("QUARTER", 3), ("FISCAL_QUARTER", 3), ("YEAR", 12), ("FISCAL_YEAR", 12)):
        FIXED_SPANS[f"{_name}_{_unit}"] = lambda t, o=_offset, s=_size: _months(t, s, o)  # type: ignore[misc]

COUNTED_SPANS: dict[str, Callable[[date, int], Span]] = {
    "LAST_N_DAYS": lambda t, n: (t - timedelta(days=n), t + timedelta(days=1)),
    "NEXT_N_DAYS": lambda t, n: (t + timedelta(days=1), t + timedelta(days=n + 1)),
    "N_DAYS_AGO": lambda t, n: _days(t - timedelta(days=n), 1),
    "LAST_N_WEEKS": lambda t, n: (_week(t, -n)[0], _week(t, 0)[0]),
    "NEXT_N_WEEKS": lambda t, n: (_week(t, 1)[0], _week(t, n)[1]),
    "N_WEEKS_AGO": lambda t, n: _week(t, -n),
}
for _unit, _size in (("MONTHS", 1), ("QUARTERS", 3), ("FISCAL_QUARTERS", 3), ("YEARS", 12), ("FISCAL_YEARS", 12)):
    COUNTED_SPANS[f"LAST_N_{_unit}"] = lambda t, n, s=_size: (_months(t, s, -n)[0], _months(t, s, 0)[0])  # type: ignore[misc]
    COUNTED_SPANS[f"NEXT_N_{_unit}"] = lambda t, n, s=_size: (_months(t, s, 1)[0], _months(t, s, n)[1])  # type: ignore[misc]
    COUNTED_SPANS[f"N_{_unit}_AGO"] = lambda t, n, s=_size: _months(t, s, -n)  # type: ignore[misc]


def find_span(word: str, n: int | None, today: date, fiscal_start: int = 1) -> Span:
    """Return the range of days that a date literal means on a day; ValueError for days in no calendar."""
    shift = fiscal_start - 1 if "FISCAL" in word else 0
    try:
        seen = add_months(today.replace(day=1), -shift) if shift else today
        first, after = FIXED_SPANS[word](seen) if n is None else COUNTED_SPANS[word](seen, n)
        return (add_months(first, shift), add_months(after, shift)) if shift else (first, after)
    except OverflowError as error:
        raise ValueError(f"{word}:{n} is in no calendar") from error
