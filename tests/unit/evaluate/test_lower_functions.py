# ruff: noqa: E501, DTZ001  (tables of expressions; the mirror keeps moments as UTC without a zone)
"""Salesforce's formula functions at their edges: blank text, missing numbers, ends of months, midnight, half points.

Meanings are those of Salesforce Help, "Formula Operators and Functions A-Z", and of the examples of Salesforce's own
formula engine (github.com/salesforce/formula-engine), except where mapping files say otherwise: a missing number is
unknown, and so is what Salesforce shows as #Error!.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from small_book import BLANK, FULL, Book

from connector.mapping.language.functions import FUNCTIONS

U = None
"""Unknown."""
D = Decimal


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    found = Book()
    yield found
    found.connection.close()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_each_function_is_true(book: Book, name: str) -> None:
    assert FUNCTIONS[name].name in FUNCTIONS[name].example
    assert book.value(FUNCTIONS[name].example) is True


EDGES = [
    # TRUNC: "truncates a number to a specified number of digits"; digits before the point are cut to zeros
    ("TRUNC(8.57)", D(8)), ("TRUNC(-8.57)", D(-8)), ("TRUNC(8.57, 1)", D("8.5")), ("TRUNC(-8.57, 1)", D("-8.5")),
    ("TRUNC(8.5, 2)", D("8.50")), ("TRUNC(1299, -2)", D(1200)), ("TRUNC(-1299, -3)", D(-1000)), ("TRUNC(0.999, 0)", D(0)),
    ("TRUNC(nothing, 2)", U), ("TRUNC(0.1 + 0.2, 1)", D("0.3")), ("TRUNC(ratio * 3, 1)", D("0.3")), ("TRUNC(99999999999, 2)", D("99999999999.00")),
    # REGEX: the whole text must match; blank text is a text
    ("REGEX(Name, 'Acme.*')", True), ("REGEX(Name, 'Acme')", False), ("REGEX('', '[a-z]*')", True), ("REGEX('', '[a-z]+')", False),
    (r"REGEX('030-1234', '\\d{3}-\\d{4}')", True), (r"REGEX('a.b', 'a\\.b')", True), (r"REGEX('axb', 'a\\.b')", False),
    ("REGEX('ABC', '(?i)abc')", True), ("REGEX('ac', 'a(b|c)?')", True), ("REGEX(word, '.*')", U), ("REGEX('Söhne', 'S.hne')", True),
    (r"""REGEX("it's", "it's")""", True), (r"REGEX('a@b.com', '[\\w.+-]+@[\\w-]+\\.[a-z]{2,}')", True),
    # weeks by ISO 8601
    ("ISOWEEK(DATE(2026, 1, 1))", 1), ("ISOWEEK(DATE(2024, 12, 30))", 1), ("ISOYEAR(DATE(2024, 12, 30))", 2025),
    ("ISOWEEK(DATE(2026, 12, 31))", 53), ("ISOWEEK(someday)", U), ("ISOYEAR(someday)", U),
    # times of day are UTC: Salesforce's TIMEVALUE and TIMENOW are in GMT
    ("HOUR(TIMEVALUE(Signed))", 22), ("MINUTE(TIMEVALUE(Signed))", 30), ("HOUR(TIMENOW())", 22), ("HOUR(TIMEVALUE('00:00:00.000'))", 0),
    ("MILLISECOND(TIMEVALUE('23:59:59.999'))", 999), ("SECOND(TIMEVALUE('23:59:59.999'))", 59), ("HOUR(TIMEVALUE('17:30'))", 17),
    ("HOUR(TIMEVALUE('17:30:00.000Z'))", 17), ("HOUR(TIMEVALUE('24:00:00.000'))", U), ("HOUR(TIMEVALUE('soon'))", U),
    ("HOUR(TIMEVALUE(''))", U), ("HOUR(TIMEVALUE('2026-01-01'))", U), ("HOUR(TIMEVALUE(word))", U),
    ("TIMEVALUE(Signed) >= TIMEVALUE('09:00:00.000') and TIMEVALUE(Signed) < TIMEVALUE('17:00:00.000')", False),
    ("TIMEVALUE('17:00:00.000') - TIMEVALUE('09:00:00.000')", 8 * 3_600_000),
    ("HOUR(TIMEVALUE('23:00:00.000') + 2 * 3600000)", 1), ("HOUR(TIMEVALUE('01:00:00.000') - 2 * 3600000)", 23),
    ("TEXT(TIMEVALUE('07:05:09.030'))", "07:05:09.030"), ("TEXT(TIMEVALUE(Signed))", "22:30:00.000"),
    ("ISBLANK(TEXT(TIMEVALUE('x')))", True),
    # seconds since 1970
    ("UNIXTIMESTAMP(Signed)", 1788215400), ("UNIXTIMESTAMP(DATE(2026, 9, 1))", 1788220800), ("UNIXTIMESTAMP(TIMEVALUE('01:00:01.900'))", 3601),
    ("UNIXTIMESTAMP(someday)", U), ("FROMUNIXTIME(1788215400)", datetime(2026, 8, 31, 22, 30)), ("FROMUNIXTIME(UNIXTIMESTAMP(Signed)) = Signed", True),
    ("FROMUNIXTIME(-1)", datetime(1969, 12, 31, 23, 59, 59)), ("FROMUNIXTIME(0.9)", datetime(1970, 1, 1)), ("FROMUNIXTIME(nothing)", U),
    ("FROMUNIXTIME(10 ^ 15)", U),
    # durations in words of a clock: the sign is dropped, hours beyond a day are kept where days are not asked for
    ("FORMATDURATION(3661)", "01:01:01"), ("FORMATDURATION(0)", "00:00:00"), ("FORMATDURATION(-59.9)", "00:00:59"),
    ("FORMATDURATION(90000)", "25:00:00"), ("FORMATDURATION(360000)", "100:00:00"), ("FORMATDURATION(90000, true)", "1:01:00:00"),
    ("FORMATDURATION(90000, 1 > 2)", "25:00:00"), ("FORMATDURATION(90000, maybe)", U), ("FORMATDURATION(nothing)", U),
    ("FORMATDURATION(Signed, Signed + 1.5)", "1:12:00:00"), ("FORMATDURATION(Signed + 8 hours, Signed)", "0:08:00:00"),
    ("FORMATDURATION(TIMEVALUE('17:00:00.000'), TIMEVALUE('09:30:00.000'))", "07:30:00"), ("FORMATDURATION(Signed, DATETIMEVALUE(''))", U),
    # picklists and multi-select: blank is a value
    ("INCLUDES(Tags, 'red')", True), ("INCLUDES(Tags, 're')", False), ("INCLUDES('', 'red')", False), ("PICKLISTCOUNT('')", 0),
    ("PICKLISTCOUNT('a')", 1), ("TEXT(Type) = 'Partner'", True), ("CASE(Type, 'Partner', 'p', 'Customer', 'c', 'other')", "p"),
    # texts
    ("'a' & BR() & 'b'", "a\nb"), ("LEFT('Söhne', 2)", "Sö"), ("RIGHT('abc', 9)", "abc"), ("MID('abc', 9, 1)", ""), ("MID('abc', 2, 0)", ""),
    ("SUBSTITUTE('aaa', 'aa', 'b')", "ba"), ("SUBSTITUTE('abc', 'B', 'x')", "abc"), ("FIND('x', '')", 0), ("FIND('B', 'abc')", 0), ("FIND('c', 'abcabc', 4)", 6),
    ("FIND('a', 'abc', 99)", 0), ("CONTAINS('abc', '')", True), ("CONTAINS('abc', 'B')", False), ("BEGINS('', 'a')", False), ("LEN('')", 0),
    ("VALUE('1,000')", U), ("VALUE('')", U), ("VALUE('-.5')", D("-0.5")), ("VALUE('1e3')", D(1000)), ("ISNUMBER('')", False), ("ISNUMBER('1,000')", False),
    ("ISNUMBER('-12.5')", True), ("TEXT(-0.50)", "-0.5"), ("TEXT(true)", "true"), ("TEXT(0)", "0"), ("LPAD('', 2, 'ab')", "ab"), ("RPAD('abc', 2)", "ab"), ("LPAD('a', 0)", ""),
    ("CASESAFEID(OwnerId) = '005000000000001AAA'", True),
    # numbers: half away from zero, FLOOR and CEILING towards and away from zero
    ("ROUND(2.5, 0)", D(3)), ("ROUND(-1.55, 1)", D("-1.6")), ("ROUND(15, -1)", D(20)), ("FLOOR(-0.5)", D(0)), ("CEILING(0.5)", D(1)), ("CEILING(-0.5)", D(-1)),
    ("MCEILING(-0.5)", D(0)), ("MFLOOR(-0.5)", D(-1)), ("CEILING(3)", D(3)), ("MOD(-7.5, 2)", D("-1.5")), ("MOD(7, -3)", D(1)), ("MOD(0.3, 0.1)", D("0.0")),
    ("ROUND(PI() * 2, 4)", D("6.2832")), ("LOG(10 ^ 5)", 5.0), ("SQRT(nothing)", U), ("MAX(0.5, 1, -2)", D(1)),
    # dates
    ("DATE(2024, 2, 29) - DATE(2023, 2, 28)", 366), ("ADDMONTHS(DATE(2024, 2, 29), 12)", date(2025, 2, 28)), ("ADDMONTHS(DATE(2025, 2, 28), 12)", date(2026, 2, 28)),
    ("ADDMONTHS(DATE(2023, 2, 28), 12)", date(2024, 2, 29)), ("ADDMONTHS(DATE(2026, 3, 31), -1)", date(2026, 2, 28)), ("ADDMONTHS(DATE(2026, 1, 31), 1.9)", date(2026, 2, 28)),
    ("WEEKDAY(DATE(2026, 9, 1))", 3), ("DAYOFYEAR(DATE(2024, 12, 31))", 366), ("DATEVALUE('2026-02-30')", U), ("DATEVALUE('')", U), ("DATETIMEVALUE('')", U),
    ("DATE(2026, 13, NumberOfEmployees)", U), ("DATEVALUE(DATETIMEVALUE('2026-03-28 23:30:00'))", date(2026, 3, 29)), ("DATEVALUE(DATETIMEVALUE('2026-03-29 22:30:00'))", date(2026, 3, 30)),
    # missing values
    ("IF(ISBLANK(Renewal), 'open', 'set')", "set"), ("ISBLANK(nothing)", True), ("ISBLANK(1 / 0)", True), ("BLANKVALUE(someday, DATE(2026, 1, 1))", date(2026, 1, 1)),
    ("CASE(nothing, 0, 'zero', 'other')", U), ("CASE(word, '', 'blank', 'other')", U), ("AND(maybe, no)", False), ("OR(maybe, yes)", True), ("NOT(maybe)", U),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), EDGES, ids=[e[0] for e in EDGES])
def test_edge(book: Book, text: str, value: Any) -> None:
    assert book.value(text, FULL) == value


BLANKS = [
    ("TRUNC(AnnualRevenue, 2)", U), ("REGEX(Name, '.+')", False), ("REGEX(Type, '')", True), ("ISOWEEK(Renewal)", U), ("HOUR(TIMEVALUE(Signed))", U),
    ("UNIXTIMESTAMP(Signed)", U), ("FROMUNIXTIME(AnnualRevenue)", U), ("FORMATDURATION(NumberOfEmployees)", U), ("FORMATDURATION(Signed, NOW())", U),
    ("TEXT(TIMEVALUE(Signed))", U), ("CASESAFEID(OwnerId)", U), ("INCLUDES(Tags, 'red')", False), ("ISPICKVAL(Type, '')", True), ("LEN(Name)", 0),
    ("Name & BR() & Type", "\n"), ("TEXT(Type) = ''", True), ("TIMEVALUE(Signed) - TIMEVALUE('09:00:00.000')", U), ("VALUE(Name)", U), ("BEGINS(Name, '')", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), BLANKS, ids=[e[0] for e in BLANKS])
def test_edge_where_nothing_is_filled_in(book: Book, text: str, value: Any) -> None:
    assert book.value(text, BLANK) == value
