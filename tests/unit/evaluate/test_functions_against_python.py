"""Functions on made-up values against the same thing said in Python: an engine's habits would show here."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_book import Book


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    found = Book()
    yield found
    found.connection.close()


def number(value: Decimal) -> str:
    return f"({value:f})"


def day(value: date) -> str:
    return f"DATE({value.year}, {value.month}, {value.day})"


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def to(exponent: int, rounding: str) -> Callable[[Decimal], Decimal]:
    return lambda value: value.quantize(Decimal(1).scaleb(exponent), rounding=rounding)


NUMBERS = st.decimals(-10_000_000, 10_000_000, places=4)
ON_NUMBERS: dict[str, Callable[[Decimal], Any]] = {
    "ROUND({}, 0)": to(0, ROUND_HALF_UP), "ROUND({}, 2)": to(-2, ROUND_HALF_UP), "ROUND({}, -2)": to(2, ROUND_HALF_UP),
    "TRUNC({})": to(0, ROUND_DOWN), "TRUNC({}, 1)": to(-1, ROUND_DOWN), "TRUNC({}, 3)": to(-3, ROUND_DOWN),
    "TRUNC({}, -3)": to(3, ROUND_DOWN), "FLOOR({})": to(0, ROUND_DOWN), "CEILING({})": to(0, ROUND_UP),
    "MFLOOR({})": to(0, ROUND_FLOOR), "MCEILING({})": to(0, ROUND_CEILING), "ABS({})": abs,
    "MOD({}, 7)": lambda v: v % 7, "MOD({}, -0.3)": lambda v: v % Decimal("-0.3"), "VALUE(TEXT({}))": lambda v: v,
    "FORMATDURATION({})": lambda v: _duration(int(abs(v)), with_days=False),
    "FORMATDURATION({}, true)": lambda v: _duration(int(abs(v)), with_days=True),
    "UNIXTIMESTAMP(FROMUNIXTIME({}))": int,
}  # fmt: skip


def _duration(seconds: int, *, with_days: bool) -> str:
    days, in_day = divmod(seconds, 86_400) if with_days else (0, seconds)
    clock = f"{in_day // 3600:02d}:{in_day // 60 % 60:02d}:{in_day % 60:02d}"
    return f"{days}:{clock}" if with_days else clock


@settings(max_examples=150, deadline=None)
@given(value=NUMBERS, form=st.sampled_from(list(ON_NUMBERS)))
def test_numbers(book: Book, value: Decimal, form: str) -> None:
    assert book.value(form.format(number(value))) == ON_NUMBERS[form](value)


DAYS = st.dates(date(1600, 1, 1), date(2900, 1, 1))


def _months_later(value: date, months: int) -> date:
    """From the last day of a month to the last day, else to the same day where there is one."""
    count = value.year * 12 + value.month - 1 + months
    year, month = divmod(count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    at_the_end = value.day == calendar.monthrange(value.year, value.month)[1]
    return date(year, month + 1, last if at_the_end else min(value.day, last))


ON_DAYS: dict[str, Callable[[date], Any]] = {
    "ISOWEEK({})": lambda d: d.isocalendar().week, "ISOYEAR({})": lambda d: d.isocalendar().year,
    "WEEKDAY({})": lambda d: d.isoweekday() % 7 + 1, "DAYOFYEAR({})": lambda d: d.timetuple().tm_yday,
    "ADDMONTHS({}, 1)": lambda d: _months_later(d, 1), "ADDMONTHS({}, -13)": lambda d: _months_later(d, -13),
    "ADDMONTHS({}, 12)": lambda d: _months_later(d, 12), "{} + 45 days": lambda d: d + timedelta(45),
    "{} - DATE(2000, 1, 1)": lambda d: (d - date(2000, 1, 1)).days,
    "UNIXTIMESTAMP({})": lambda d: (d - date(1970, 1, 1)).days * 86_400,
    "DATEVALUE(TEXT({}))": lambda d: d,
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(value=DAYS, form=st.sampled_from(list(ON_DAYS)))
def test_days(book: Book, value: date, form: str) -> None:
    assert book.value(form.format(day(value))) == ON_DAYS[form](value)


TEXTS = st.text("ab;Ö🙂' \\-", max_size=12)
ON_TEXTS: dict[str, Callable[[str, str, int], Any]] = {
    "LEFT({0}, {2})": lambda t, _, n: t[: max(n, 0)], "RIGHT({0}, {2})": lambda t, _, n: t[-n:] if n > 0 else "",
    "MID({0}, {2}, 2)": lambda t, _, n: t[max(n, 1) - 1 :][:2], "LEN({0})": lambda t, _, n: len(t),
    "FIND({1}, {0})": lambda t, s, n: t.find(s) + 1, "CONTAINS({0}, {1})": lambda t, s, n: s in t,
    "FIND({1}, {0}, {2})": lambda t, s, n: t.find(s, max(n, 1) - 1) + 1 if s else None,
    "BEGINS({0}, {1})": lambda t, s, n: t.startswith(s), "{0} & {1}": lambda t, s, n: t + s,
    "SUBSTITUTE({0}, {1}, '-+')": lambda t, s, n: t.replace(s, "-+") if s else t,
    "SUBSTITUTE({0}, {1}, '')": lambda t, s, n: t.replace(s, "") if s else t,
    "INCLUDES({0}, {1})": lambda t, s, n: s in t.split(";") if s and ";" not in s else None,
    "LPAD({0}, 4, '*')": lambda t, _, n: t[:4].rjust(4, "*"), "RPAD({0}, 4, '*')": lambda t, _, n: t[:4].ljust(4, "*"),
    "TRIM({0})": lambda t, _, n: t.strip(" "), "REGEX({0}, '[ab]*')": lambda t, _, n: set(t) <= set("ab"),
}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    text=TEXTS, search=st.text("ab;Ö🙂'", max_size=2), count=st.integers(-2, 14), form=st.sampled_from(list(ON_TEXTS))
)
def test_texts(book: Book, text: str, search: str, count: int, form: str) -> None:
    expected = ON_TEXTS[form](text, search, count)
    if expected is not None:
        assert book.value(form.format(quoted(text), quoted(search), count)) == expected
