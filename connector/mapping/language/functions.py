"""The functions of the language: what each takes and gives, and which of Salesforce's are left out and why.

Read by check; evaluate's lowering tables have one entry for each name here that ends up as a Call. Names, argument
orders and meanings are Salesforce's formula functions (Salesforce Help, "Formula Operators and Functions A-Z").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from connector.mapping.language.operators import Verdict, merged
from connector.mapping.language.tree import Literal, Negative, Node
from connector.mapping.language.types import BOOLEAN, COUNT, DATE, DATETIME, NUMBER, TEXT, Kind, Type, exact

MAX_PAD = 4000


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
    optional: int = 0
    """How many of the last parameters may be left out."""
    repeats: bool = False
    """The last parameter may be given any number of times."""

    @property
    def usage(self) -> str:
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
    "value": _VALUE, "case": _VALUE, "result": _RESULT, "otherwise": _RESULT, "comparable": _ORDERED,
}  # fmt: skip
"""Name of a parameter -> the kinds of value it takes. One name, one meaning."""


def _define(
    usage: str,
    result: Type | Callable[[tuple[Node, ...]], Verdict],
    meaning: str,
    optional: int = 0,
    *,
    repeats: bool = False,
) -> Function:
    name, _, rest = usage.rstrip(")").partition("(")
    parameters = tuple(Parameter(p, _SPELLED[p]) for p in rest.split(", ") if p)
    return Function(name, parameters, result, meaning, optional, repeats)


# --- results that depend on the arguments -------------------------------------------------------------------


def _same(arguments: tuple[Node, ...]) -> Type:
    return arguments[0].type


def _one_type(nodes: tuple[Node, ...]) -> Verdict:
    result: Verdict = nodes[0].type
    for node in nodes[1:]:
        if isinstance(result, str):
            return result
        result = merged(result, node.type)
    return result


def _branches(arguments: tuple[Node, ...]) -> Verdict:
    return _one_type(arguments[1:])


def _cases(arguments: tuple[Node, ...]) -> Verdict:
    if len(arguments) % 2:
        return "CASE ends with what it gives otherwise: CASE(value, case, result, ..., otherwise)"
    return _one_type((*arguments[2:-1:2], arguments[-1]))


def whole(node: Node) -> int | None:
    """The number that is written here, when it is a whole one."""
    sign, literal = (-1, node.operand) if isinstance(node, Negative) else (1, node)
    value = literal.value if isinstance(literal, Literal) else None
    return sign * int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else None


def _rounded(arguments: tuple[Node, ...]) -> Verdict:
    decimals = whole(arguments[1]) if len(arguments) > 1 else 0
    if decimals is None or not -9 <= decimals <= 10:
        return "ROUND takes its decimals as a plain number between -9 and 10"
    return exact(28, max(decimals, 0))


def _integer(arguments: tuple[Node, ...]) -> Type:
    digits = arguments[0].type.digits
    return exact(digits[0] + 1) if digits else exact(28)


def _padded(arguments: tuple[Node, ...]) -> Verdict:
    length = whole(arguments[1])
    if length is None or not 0 <= length <= MAX_PAD:
        return f"the length is a plain number up to {MAX_PAD}"
    if len(arguments) > 2 and not (isinstance(arguments[2], Literal) and arguments[2].value):
        return "a text is filled up with a written text that is not blank"
    return TEXT


def _remainder(arguments: tuple[Node, ...]) -> Type:
    left, right = arguments[0].type.digits, arguments[1].type.digits
    return exact(max(left[0], right[0]), max(left[1], right[1])) if left and right else NUMBER


# --- the table ----------------------------------------------------------------------------------------------

_TABLE = (
    # conditions
    _define("AND(condition)", BOOLEAN, "true when all conditions are", repeats=True),
    _define("OR(condition)", BOOLEAN, "true when one of the conditions is", repeats=True),
    _define("NOT(condition)", BOOLEAN, "true when the condition is false"),
    _define("IF(condition, result, otherwise)", _branches, "one of two values; unknown when the condition is"),
    _define("CASE(value, case, result, otherwise)", _cases, "the result of the first case that the value equals",
            repeats=True),
    _define("ISBLANK(value)", BOOLEAN, "true when there is no value, or a blank text"),
    _define("ISNULL(value)", BOOLEAN, "the same as ISBLANK"),
    _define("BLANKVALUE(value, otherwise)", _one_type, "the value, or a stand-in where there is none"),
    _define("NULLVALUE(value, otherwise)", _one_type, "the same as BLANKVALUE"),
    _define("ISPICKVAL(picklist, text)", BOOLEAN, "whether a picklist has this value"),
    _define("INCLUDES(multi_picklist, text)", BOOLEAN, "whether a multi-select picklist has this value among others"),
    _define("BEGINS(text, search)", BOOLEAN, "whether a text begins with another"),
    _define("CONTAINS(text, search)", BOOLEAN, "whether a text has another in it"),
    _define("ISNUMBER(text)", BOOLEAN, "whether a text can be read as a number"),
    # dates
    _define("TODAY()", DATE, "the day of the run, in the model's time zone"),
    _define("NOW()", DATETIME, "the moment of the run"),
    _define("DATE(year, month, day)", DATE, "a date from its parts; unknown when there is no such day"),
    _define("DATEVALUE(moment)", DATE, "the day of a moment in the model's time zone, or of a text like '2026-12-31'"),
    _define("DATETIMEVALUE(moment)", DATETIME, "a text like '2026-12-31 17:00:00' in UTC; of a date, its start in UTC"),
    _define("YEAR(date)", exact(4), "the year"),
    _define("MONTH(date)", exact(2), "the month, 1 to 12"),
    _define("DAY(date)", exact(2), "the day of the month"),
    _define("WEEKDAY(date)", exact(1), "1 for Sunday to 7 for Saturday"),
    _define("DAYOFYEAR(date)", exact(3), "1 for the first of January"),
    _define("ADDMONTHS(time, months)", _same, "so many months later; from the last day of a month to the last day"),
    # numbers
    _define("ROUND(number, decimals)", _rounded, "rounded half away from zero", 1),
    _define("ABS(number)", _same, "without its sign"),
    _define("FLOOR(number)", _integer, "the next whole number towards zero"),
    _define("CEILING(number)", _integer, "the next whole number away from zero"),
    _define("MFLOOR(number)", _integer, "the next lower whole number"),
    _define("MCEILING(number)", _integer, "the next higher whole number"),
    _define("TRUNC(number)", _integer, "without its decimals"),
    _define("MOD(number, divisor)", _remainder, "the remainder of a division, with the sign of the number"),
    _define("MIN(comparable)", _one_type, "the smallest; unknown when one of them is", repeats=True),
    _define("MAX(comparable)", _one_type, "the largest; unknown when one of them is", repeats=True),
    _define("SQRT(number)", NUMBER, "the square root; unknown of a negative number"),
    _define("EXP(number)", NUMBER, "e to the power of the number"),
    _define("LN(number)", NUMBER, "the natural logarithm; unknown unless the number is positive"),
    _define("LOG(number)", NUMBER, "the logarithm to base 10; unknown unless the number is positive"),
    _define("VALUE(text)", exact(18, 10), "the number that a text spells; unknown when it spells none"),
    # texts
    _define("TEXT(value)", TEXT, "a number, date or picklist value as text"),
    _define("LEN(text)", COUNT, "how many characters"),
    _define("LEFT(text, count)", TEXT, "the first characters"),
    _define("RIGHT(text, count)", TEXT, "the last characters"),
    _define("MID(text, start, length)", TEXT, "characters from the middle, counted from 1"),
    _define("TRIM(text)", TEXT, "without blanks at both ends"),
    _define("UPPER(text)", TEXT, "in capitals"),
    _define("LOWER(text)", TEXT, "in small letters"),
    _define("SUBSTITUTE(text, old, new)", TEXT, "with every `old` replaced by `new`"),
    _define("LPAD(text, length, pad)", _padded, "filled up, or cut, on the left to a length", 1),
    _define("RPAD(text, length, pad)", _padded, "filled up, or cut, on the right to a length", 1),
    _define("FIND(search, text, start)", COUNT, "where a text has another in it, counted from 1; 0 when nowhere", 1),
    _define("PICKLISTCOUNT(multi_picklist)", COUNT, "how many values a multi-select picklist has"),
)  # fmt: skip
FUNCTIONS = {f.name: f for f in _TABLE}

_SCREEN = "it makes a link, an image or a page, not a value"
_TRIGGER = "it looks at a record while a person saves it; rules look at records as they are"
_HISTORY = "rules that look back at visits or earlier values are not available yet"
_CLOCK_TIME = "times of day are not available; write DATEVALUE(...) for the day, or subtract two dates with time"
_REFERENCE = "it makes no sense outside a page or a report"

UNAVAILABLE = {
    **dict.fromkeys(("HYPERLINK", "IMAGE", "IMAGEPROXYURL", "URLFOR", "LINKTO", "INCLUDE", "REQUIRESCRIPT"), _SCREEN),
    **dict.fromkeys(("HTMLENCODE", "JSENCODE", "JSINHTMLENCODE", "URLENCODE", "BR"), _SCREEN),
    **dict.fromkeys(("GETSESSIONID", "GETRECORDIDS", "JUNCTIONIDLIST", "PREDICT"), _REFERENCE),
    **dict.fromkeys(("PARENTGROUPVAL", "PREVGROUPVAL"), _REFERENCE),
    **dict.fromkeys(("ISCHANGED", "ISNEW", "ISCLONE", "PRIORVALUE"), _TRIGGER),
    **dict.fromkeys(("VISITS", "TOTAL_TIME_IN", "TOTAL_DAYS_IN", "EVER_IN", "PRIOR"), _HISTORY),
    **dict.fromkeys(("TIMENOW", "TIMEVALUE", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "FORMATDURATION"), _CLOCK_TIME),
    **dict.fromkeys(("UNIXTIMESTAMP", "FROMUNIXTIME"), "it counts seconds; subtract two dates with time instead"),
    **dict.fromkeys(("ISOWEEK", "ISOYEAR"), "weeks of the year are not available"),
    **dict.fromkeys(("GEOLOCATION", "DISTANCE"), "places on the map are not available"),
    **dict.fromkeys(("CHR", "ASCII", "REVERSE", "INITCAP"), "it is not available; its result differs between engines"),
    **dict.fromkeys(("ACOS", "ASIN", "ATAN", "ATAN2", "COS", "SIN", "TAN", "PI"), "trigonometry is not available"),
    "VLOOKUP": "it searches other records; write latest(X.Field by CreatedDate where ...) as a fact",
    "REGEX": "patterns are not available; use BEGINS, CONTAINS or `in`",
    "CASESAFEID": "ids always have 18 characters here, so it is not needed",
    "CURRENCYRATE": "money is always compared in the corporate currency, so it is not needed",
    "POWER": "write x ^ 2",
    "COALESCE": "write BLANKVALUE(value, otherwise)",
    "DATEDIFF": "write later - earlier for the days between two dates",
    "LIKE": "write BEGINS(...) or CONTAINS(...)",
    "SUMIF": "write sum(X.Field where ...) as a fact",
    "COUNTIF": "write count(X where ...) as a fact",
    "AVERAGE": "write avg(X.Field where ...) as a fact",
}  # fmt: skip
"""Functions that people will try -> why they are not there and what to write instead."""
