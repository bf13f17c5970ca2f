"""The functions of the language: what each takes and gives. unavailable.py names those that are left out.

Read by calls and by the reference; evaluate's lowering tables have one entry for each name here that ends up as a
Call. Names, argument orders and meanings are Salesforce's formula functions (Salesforce Help, "Formula Operators and
Functions A-Z"), except that what cannot be worked out is unknown where Salesforce shows #Error!, and that a missing
number is unknown, never zero. Every example is true; the tests of lowering run them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connector.mapping.language import results
from connector.mapping.language.operators import Verdict
from connector.mapping.language.tree import Node
from connector.mapping.language.types import BOOLEAN, COUNT, DATE, DATETIME, NUMBER, TEXT, TIME, Kind, Type, exact


@dataclass(frozen=True)
class Parameter:
    name: str
    kinds: frozenset[Kind]


@dataclass(frozen=True)
class Function:
    """One function. `result` is its type, or what works the type out from the arguments (a text is an error)."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Type | Callable[[tuple[Node, ...]], Verdict]
    meaning: str
    example: str
    """A condition that is true."""
    optional: int = 0
    """How many of the last parameters may be left out."""
    repeats: bool = False
    """The last parameter may be given any number of times."""

    @property
    def usage(self) -> str:
        if self.name == "CASE":
            return "CASE(value, case, result, ..., otherwise)"
        names = [p.name for p in self.parameters]
        for index in range(len(names) - self.optional, len(names)):
            names[index] = f"[{names[index]}]"
        return f"{self.name}({', '.join(names)}{', ...' if self.repeats else ''})"

    def accepts(self, count: int) -> bool:
        least = len(self.parameters) - self.optional
        return count >= least and (self.repeats or count <= len(self.parameters))

    def parameter(self, index: int) -> Parameter:
        return self.parameters[min(index, len(self.parameters) - 1)]


_NUMERIC = frozenset({Kind.NUMBER, Kind.DAYS})
_ORDERED = frozenset({Kind.NUMBER, Kind.DAYS, Kind.DATE, Kind.DATETIME})
_VALUE = _ORDERED | {Kind.TEXT, Kind.BOOLEAN}
_RESULT = _VALUE | {Kind.NULL}
_SPELLED = {
    "number": _NUMERIC, "divisor": _NUMERIC, "decimals": _NUMERIC, "count": _NUMERIC, "start": _NUMERIC,
    "length": _NUMERIC, "year": _NUMERIC, "month": _NUMERIC, "day": _NUMERIC, "months": _NUMERIC,
    "text": frozenset({Kind.TEXT}), "search": frozenset({Kind.TEXT}), "old": frozenset({Kind.TEXT}),
    "new": frozenset({Kind.TEXT}), "pad": frozenset({Kind.TEXT}), "picklist": frozenset({Kind.TEXT}),
    "multi_picklist": frozenset({Kind.TEXT}), "condition": frozenset({Kind.BOOLEAN}), "date": frozenset({Kind.DATE}),
    "time": frozenset({Kind.DATE, Kind.DATETIME}), "moment": frozenset({Kind.DATE, Kind.DATETIME, Kind.TEXT}),
    "pattern": frozenset({Kind.TEXT}), "id": frozenset({Kind.TEXT}), "clock": frozenset({Kind.TIME}),
    "time_or_text": frozenset({Kind.DATETIME, Kind.TIME, Kind.TEXT}), "seconds": _NUMERIC,
    "instant": frozenset({Kind.DATE, Kind.DATETIME, Kind.TIME}), "span": _NUMERIC | {Kind.DATETIME, Kind.TIME},
    "end": frozenset({Kind.DATETIME, Kind.TIME, Kind.BOOLEAN}), "shown": _VALUE | {Kind.TIME},
    "value": _VALUE, "case": _VALUE, "result": _RESULT, "otherwise": _RESULT, "comparable": _ORDERED,
}  # fmt: skip
"""Name of a parameter -> the kinds of value it takes. One name, one meaning."""


def _define(
    usage: str,
    result: Type | Callable[[tuple[Node, ...]], Verdict],
    meaning: str,
    example: str,
    optional: int = 0,
    *,
    repeats: bool = False,
) -> Function:
    name, _, rest = usage.rstrip(")").partition("(")
    parameters = tuple(Parameter(p, _SPELLED[p]) for p in rest.split(", ") if p)
    return Function(name, parameters, result, meaning, example, optional, repeats)


# --- the table ----------------------------------------------------------------------------------------------

TABLE: Mapping[str, tuple[Function, ...]] = {
    "Conditions": (
        _define("AND(condition)", BOOLEAN, "true when all conditions are", "AND(1 < 2, 2 < 3)", repeats=True),
        _define("OR(condition)", BOOLEAN, "true when one of the conditions is", "OR(1 > 2, 2 < 3)", repeats=True),
        _define("NOT(condition)", BOOLEAN, "true when the condition is false", "NOT(1 > 2)"),
        _define("IF(condition, result, otherwise)", results.branches,
                "one of two values; unknown when the condition is", "IF(1 < 2, 'less', 'more') = 'less'"),
        _define("CASE(value, case, result, otherwise)", results.cases,
                "the result of the first case that the value equals; unknown when the value is",
                "CASE(2, 1, 'one', 2, 'two', 'many') = 'two'", repeats=True),
        _define("ISBLANK(value)", BOOLEAN, "true when there is no value, or a blank text", "ISBLANK('')"),
        _define("ISNULL(value)", BOOLEAN, "the same as ISBLANK", "ISNULL(1 / 0)"),
        _define("BLANKVALUE(value, otherwise)", results.one_type, "the value, or a stand-in where there is none",
                "BLANKVALUE(1 / 0, 7) = 7"),
        _define("NULLVALUE(value, otherwise)", results.one_type, "the same as BLANKVALUE",
                "NULLVALUE('', 'none') = 'none'"),
        _define("ISPICKVAL(picklist, text)", BOOLEAN, "whether a picklist has this value; '' for a blank one",
                "ISPICKVAL('New', 'New')"),
        _define("INCLUDES(multi_picklist, text)", BOOLEAN,
                "whether a multi-select picklist has this value among others; false of a blank one",
                "INCLUDES('red;dark green', 'dark green')"),
        _define("BEGINS(text, search)", BOOLEAN, "whether a text begins with another; capitals count",
                "BEGINS('Acme Ltd', 'Acme')"),
        _define("CONTAINS(text, search)", BOOLEAN, "whether a text has another in it; capitals count",
                "CONTAINS('Acme Ltd', 'me L')"),
        _define("REGEX(text, pattern)", results.matched, "whether the whole text has the form of a pattern",
                r"REGEX('030-1234', '\\d{3}-\\d+')"),
        _define("ISNUMBER(text)", BOOLEAN, "whether a text can be read as a number; false of a blank one",
                "ISNUMBER('12.5')"),
    ),
    "Dates": (
        _define("TODAY()", DATE, "the day of the run, in the model's time zone", "TODAY() = today"),
        _define("NOW()", DATETIME, "the moment of the run", "NOW() = now"),
        _define("DATE(year, month, day)", DATE, "a date from its parts; unknown when there is no such day",
                "DATE(2026, 2, 28) + 1 = DATE(2026, 3, 1)"),
        _define("DATEVALUE(moment)", DATE,
                "the day of a moment in the model's time zone, or of a text like '2026-12-31'",
                "DATEVALUE('2026-12-31') = DATE(2026, 12, 31)"),
        _define("DATETIMEVALUE(moment)", DATETIME,
                "a text like '2026-12-31 17:00:00' in UTC; of a date, its start in UTC",
                "DATETIMEVALUE('2026-12-31 17:00:00') > DATETIMEVALUE(DATE(2026, 12, 31))"),
        _define("YEAR(date)", exact(4), "the year", "YEAR(DATE(2026, 9, 1)) = 2026"),
        _define("MONTH(date)", exact(2), "the month, 1 to 12", "MONTH(DATE(2026, 9, 1)) = 9"),
        _define("DAY(date)", exact(2), "the day of the month", "DAY(DATE(2026, 9, 30)) = 30"),
        _define("WEEKDAY(date)", exact(1), "1 for Sunday to 7 for Saturday", "WEEKDAY(DATE(2026, 9, 6)) = 1"),
        _define("DAYOFYEAR(date)", exact(3), "1 for the first of January", "DAYOFYEAR(DATE(2026, 2, 1)) = 32"),
        _define("ISOWEEK(date)", exact(2), "the week by ISO 8601: 1 is the week with the first Thursday of the year",
                "ISOWEEK(DATE(2027, 1, 1)) = 53"),
        _define("ISOYEAR(date)", exact(4), "the year that the ISO week belongs to", "ISOYEAR(DATE(2027, 1, 1)) = 2026"),
        _define("ADDMONTHS(time, months)", results.same,
                "so many months later; from the last day of a month to the last day",
                "ADDMONTHS(DATE(2026, 2, 28), 1) = DATE(2026, 3, 31)"),
        _define("UNIXTIMESTAMP(instant)", exact(12),
                "seconds since the start of 1970 in UTC; of a time of day, since midnight",
                "UNIXTIMESTAMP(DATE(1970, 1, 2)) = 86400"),
        _define("FROMUNIXTIME(seconds)", DATETIME, "the moment so many seconds after the start of 1970 in UTC",
                "FROMUNIXTIME(86400) = DATETIMEVALUE('1970-01-02 00:00:00')"),
    ),
    "Times of day": (
        _define("TIMENOW()", TIME, "the time of day of the run, in UTC", "TIMENOW() = TIMEVALUE(NOW())"),
        _define("TIMEVALUE(time_or_text)", TIME,
                "the time of day of a moment, in UTC, or of a text like '17:30:00.000'",
                "TIMEVALUE('17:30:00.000') > TIMEVALUE('09:00:00.000')"),
        _define("HOUR(clock)", exact(2), "the hour, 0 to 23", "HOUR(TIMEVALUE('17:30:05.250')) = 17"),
        _define("MINUTE(clock)", exact(2), "the minute, 0 to 59", "MINUTE(TIMEVALUE('17:30:05.250')) = 30"),
        _define("SECOND(clock)", exact(2), "the second, 0 to 59", "SECOND(TIMEVALUE('17:30:05.250')) = 5"),
        _define("MILLISECOND(clock)", exact(3), "the thousandths of a second, 0 to 999",
                "MILLISECOND(TIMEVALUE('17:30:05.250')) = 250"),
        _define("FORMATDURATION(span, end)", results.spanned,
                "seconds as hours:minutes:seconds, with days before them when `end` is true; or the time between two "
                "times of day, or (with days) between two moments, whichever is first",
                "FORMATDURATION(93784, true) = '1:02:03:04'", 1),
    ),
    "Numbers": (
        _define("ROUND(number, decimals)", results.rounded, "rounded half away from zero", "ROUND(-2.5, 0) = -3", 1),
        _define("TRUNC(number, decimals)", results.truncated, "cut off after so many decimals, none when left out",
                "TRUNC(-8.57, 1) = -8.5", 1),
        _define("ABS(number)", results.same, "without its sign", "ABS(-7.5) = 7.5"),
        _define("FLOOR(number)", results.integer, "the next whole number towards zero", "FLOOR(-7.5) = -7"),
        _define("CEILING(number)", results.integer, "the next whole number away from zero", "CEILING(-7.5) = -8"),
        _define("MFLOOR(number)", results.integer, "the next lower whole number", "MFLOOR(-7.5) = -8"),
        _define("MCEILING(number)", results.integer, "the next higher whole number", "MCEILING(-7.5) = -7"),
        _define("MOD(number, divisor)", results.remainder, "the remainder of a division, with the sign of the number",
                "MOD(-7, 3) = -1"),
        _define("MIN(comparable)", results.one_type, "the smallest; unknown when one of them is", "MIN(3, 1, 2) = 1",
                repeats=True),
        _define("MAX(comparable)", results.one_type, "the largest; unknown when one of them is", "MAX(3, 1, 2) = 3",
                repeats=True),
        _define("SQRT(number)", NUMBER, "the square root; unknown of a negative number", "SQRT(9) = 3"),
        _define("EXP(number)", NUMBER, "e to the power of the number", "EXP(0) = 1"),
        _define("LN(number)", NUMBER, "the natural logarithm; unknown unless the number is positive", "LN(1) = 0"),
        _define("LOG(number)", NUMBER, "the logarithm to base 10; unknown unless the number is positive",
                "LOG(1000) = 3"),
        _define("PI()", exact(1, 14), "3.14159265358979", "ROUND(PI(), 2) = 3.14"),
        _define("VALUE(text)", exact(18, 10), "the number that a text spells; unknown when it spells none",
                "VALUE('12.50') = 12.5"),
    ),
    "Texts": (
        _define("TEXT(shown)", results.as_text, "a number, date, time or picklist value as text", "TEXT(1.50) = '1.5'"),
        _define("LEN(text)", COUNT, "how many characters", "LEN('Söhne') = 5"),
        _define("LEFT(text, count)", TEXT, "the first characters", "LEFT('Acme', 2) = 'Ac'"),
        _define("RIGHT(text, count)", TEXT, "the last characters", "RIGHT('Acme', 2) = 'me'"),
        _define("MID(text, start, length)", TEXT, "characters from the middle, counted from 1",
                "MID('Acme', 2, 2) = 'cm'"),
        _define("TRIM(text)", TEXT, "without blanks at both ends", "TRIM(' a b ') = 'a b'"),
        _define("UPPER(text)", TEXT, "in capitals", "UPPER('Acme') = 'ACME'"),
        _define("LOWER(text)", TEXT, "in small letters", "LOWER('Acme') = 'acme'"),
        _define("SUBSTITUTE(text, old, new)", TEXT,
                "with every `old` replaced by `new`; at most 3,900 characters where it grows",
                "SUBSTITUTE('a-b-c', '-', '') = 'abc'"),
        _define("LPAD(text, length, pad)", results.padded, "filled up, or cut, on the left to a length",
                "LPAD('7', 3, '0') = '007'", 1),
        _define("RPAD(text, length, pad)", results.padded, "filled up, or cut, on the right to a length",
                "RPAD('7', 3, '0') = '700'", 1),
        _define("FIND(search, text, start)", COUNT, "where a text has another in it, counted from 1; 0 when nowhere",
                "FIND('m', 'Acme') = 3", 1),
        _define("PICKLISTCOUNT(multi_picklist)", COUNT, "how many values a multi-select picklist has",
                "PICKLISTCOUNT('red;green') = 2"),
        _define("BR()", TEXT, "a new line", "LEN('a' & BR() & 'b') = 3"),
        _define("CASESAFEID(id)", results.identifier, "the id itself: ids always have 18 characters here",
                "CASESAFEID(OwnerId) = OwnerId"),
    ),
}  # fmt: skip
"""The functions as the reference groups them."""

FUNCTIONS = {f.name: f for group in TABLE.values() for f in group}
