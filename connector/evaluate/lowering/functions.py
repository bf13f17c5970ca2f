"""The functions of the language as each engine says them: one table per dialect, by the names of functions.FUNCTIONS.

Called by lower.py with arguments that are lowered already. Salesforce's meaning wins over the engine's: FLOOR goes
towards zero, WEEKDAY counts from Sunday 1, ADDMONTHS keeps the end of the month, a text is never longer or shorter
than asked for by error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from sqlglot import exp

from connector.evaluate.lowering import times
from connector.evaluate.lowering.arithmetic import finite, months_later
from connector.evaluate.lowering.env import Env
from connector.evaluate.lowering.sql import (
    Sql,
    binary,
    bounded,
    case,
    cast,
    cast_or_unknown,
    decimal,
    function,
    is_known,
    is_null,
    number,
    paren,
    sql_type,
    text,
    whole,
)
from connector.mapping.language.results import whole as written_whole
from connector.mapping.language.tree import Call, Literal
from connector.mapping.language.types import Kind

Lowering = Callable[[Call, list[Sql], Env], Sql]
_GUARD_DIGITS = 6
"""More decimals than asked for, so that a binary number is rounded as its decimal form would be."""
_SHOWN_DECIMALS = 10
_LONGEST_SUBSTITUTE = 100


def _plain(name: str) -> Lowering:
    """A function that the engine has under this name, with the same meaning."""
    return lambda _, arguments, __: function(name, *arguments)


def _shaped(build: Callable[..., Sql]) -> Lowering:
    """A function that needs its arguments only."""
    return lambda _, arguments, __: build(*arguments)


# --- choices ----------------------------------------------------------------------------------------------


def _if(condition: Sql, result: Sql, otherwise: Sql) -> Sql:
    return case((exp.true(), result), (exp.false(), otherwise), of=condition)


def _case(_: Call, arguments: list[Sql], __: Env) -> Sql:
    value, *rest = arguments
    pairs = list(zip(rest[:-1:2], rest[1:-1:2], strict=True))
    chosen = case(*pairs, of=value, otherwise=rest[-1])
    return case((is_known(value.copy()), chosen))


def _blank_value(node: Call, arguments: list[Sql], __: Env) -> Sql:
    value, otherwise = arguments
    if node.arguments[0].type.kind is Kind.TEXT:
        value = exp.Nullif(this=value, expression=text(""))
    return exp.Coalesce(this=value, expressions=[otherwise])


def _extreme(name: str) -> Lowering:
    """Engines skip NULLs in GREATEST and LEAST; here one unknown makes the result unknown."""

    def build(_: Call, arguments: list[Sql], __: Env) -> Sql:
        if len(arguments) == 1:
            return arguments[0]
        missing: Sql = is_null(arguments[0].copy())
        for argument in arguments[1:]:
            missing = exp.Or(this=missing, expression=is_null(argument.copy()))
        return case((exp.Not(this=exp.Paren(this=missing)), function(name, *arguments)))

    return build


# --- texts ------------------------------------------------------------------------------------------------


def _includes(values: Sql, wanted: Sql) -> Sql:
    return binary(exp.GT, function("STRPOS", _fenced(values), _fenced(wanted)), number(0))


def _fenced(value: Sql) -> Sql:
    opened = exp.DPipe(this=text(";"), expression=paren(value), safe=False)
    return exp.DPipe(this=opened, expression=text(";"), safe=False)


def _contains(value: Sql, wanted: Sql) -> Sql:
    return binary(exp.GT, function("STRPOS", value, wanted), number(0))


def _is_number(value: Sql) -> Sql:
    read = cast_or_unknown(function("TRIM", value), decimal(38, _SHOWN_DECIMALS))
    return case((is_known(value.copy()), is_known(read)))


def _value(node: Call, arguments: list[Sql], __: Env) -> Sql:
    return cast_or_unknown(function("TRIM", arguments[0]), sql_type(node.type))


def _text(node: Call, arguments: list[Sql], __: Env) -> Sql:
    value, kind = arguments[0], node.arguments[0].type
    if kind.kind is Kind.TEXT:
        return value
    if kind.kind is Kind.DATETIME:
        return function("STRFTIME", value, text("%Y-%m-%d %H:%M:%SZ"))
    if kind.kind is Kind.TIME:
        return times.written(value)
    if kind.kind in {Kind.NUMBER, Kind.DAYS} and (kind.digits is None or kind.digits[1]):
        after = kind.digits[1] if kind.digits else _SHOWN_DECIMALS
        written = cast(cast_or_unknown(value, decimal(38, after)), "TEXT")
        return function("RTRIM", function("RTRIM", written, text("0")), text("."))
    return cast(value, "TEXT")


def _substitute(node: Call, arguments: list[Sql], __: Env) -> Sql:
    """Only where a text can become longer it is bounded: one pass over it can make it many times as long."""
    value, old, new = arguments
    found, put = (a.value if isinstance(a, Literal) else None for a in node.arguments[1:])
    if isinstance(found, str) and isinstance(put, str) and len(put) <= len(found):
        return function("REPLACE", value, old, new)
    return bounded(function("REPLACE", bounded(value), old, bounded(new, _LONGEST_SUBSTITUTE)))


def _at_least(value: Sql, least: int) -> Sql:
    """A count or position that engines would read in ways of their own when it is too small."""
    count = whole(value)
    return case((binary(exp.LT, count.copy(), number(least)), number(least)), otherwise=count)


def _left(value: Sql, count: Sql) -> Sql:
    return function("LEFT", value, _at_least(count, 0))


def _right(value: Sql, count: Sql) -> Sql:
    return function("RIGHT", value, _at_least(count, 0))


def _mid(value: Sql, start: Sql, length: Sql) -> Sql:
    return function("SUBSTRING", value, _at_least(start, 1), _at_least(length, 0))


def _find(search: Sql, value: Sql, start: Sql | None = None) -> Sql:
    if start is None:
        return function("STRPOS", value, search)
    first = _at_least(start, 1)
    found = function("STRPOS", function("SUBSTRING", value, first), search)
    there = exp.Sub(this=exp.Add(this=found.copy(), expression=paren(first.copy())), expression=number(1))
    return case((number(0), number(0)), of=found, otherwise=there)


def _padded(name: str) -> Lowering:
    def build(node: Call, arguments: list[Sql], __: Env) -> Sql:
        pad = arguments[2] if len(arguments) > 2 else text(" ")
        return function(name, arguments[0], number(written_whole(node.arguments[1]) or 0), pad)

    return build


def _picklist_count(values: Sql) -> Sql:
    separators = exp.Sub(
        this=function("LENGTH", values),
        expression=function("LENGTH", function("REPLACE", values.copy(), text(";"), text(""))),
    )
    return case((text(""), number(0)), of=values.copy(), otherwise=exp.Add(this=separators, expression=number(1)))


# --- numbers ----------------------------------------------------------------------------------------------


def _rounded(node: Call, arguments: list[Sql], __: Env) -> Sql:
    decimals = (written_whole(node.arguments[1]) or 0) if len(arguments) > 1 else 0
    guarded = cast_or_unknown(arguments[0], decimal(38, max(decimals, 0) + _GUARD_DIGITS))
    return cast_or_unknown(function("ROUND", guarded, number(decimals)), sql_type(node.type))


def _truncated(node: Call, arguments: list[Sql], __: Env) -> Sql:
    """Rounded, and one step back where that went away from zero: exact, where a detour over powers of ten is not."""
    decimals = (written_whole(node.arguments[1]) or 0) if len(arguments) > 1 else 0
    value = cast_or_unknown(arguments[0], decimal(38, max(decimals, 0) + _GUARD_DIGITS))
    rounded = function("ROUND", value, number(decimals))
    step = binary(exp.Mul, function("SIGN", value.copy()), number(Decimal(1).scaleb(-decimals)))
    back = binary(exp.Sub, rounded.copy(), step)
    too_far = binary(exp.GT, function("ABS", rounded.copy()), function("ABS", value.copy()))
    return cast_or_unknown(case((too_far, back), otherwise=rounded), sql_type(node.type))


def _to_whole(build: Callable[[Sql], Sql]) -> Lowering:
    return lambda node, arguments, _: cast_or_unknown(build(arguments[0]), sql_type(node.type))


def _away_from_zero(value: Sql) -> Sql:
    down, up = function("FLOOR", value.copy()), function("CEIL", value.copy())
    return case((binary(exp.LT, value, number(0)), down), otherwise=up)


def _remainder(node: Call, arguments: list[Sql], __: Env) -> Sql:
    kind = sql_type(node.type)
    value, divisor = (cast_or_unknown(a, kind.copy()) for a in arguments)
    return exp.Mod(this=value, expression=exp.Nullif(this=divisor, expression=number(0)))


def _positive_only(name: str, comparison: type[exp.Expression] = exp.GT) -> Lowering:
    """Engines stop at the logarithm or root of a number that has none."""

    def build(_: Call, arguments: list[Sql], __: Env) -> Sql:
        value = cast(arguments[0], "DOUBLE")
        return finite(function(name, case((comparison(this=value.copy(), expression=number(0)), value))))

    return build


# --- dates ------------------------------------------------------------------------------------------------


def _date(year: Sql, month: Sql, day: Sql) -> Sql:
    parts = [_digits(year, 4), _digits(month, 2), _digits(day, 2)]
    joined = parts[0]
    for part in parts[1:]:
        joined = exp.DPipe(this=exp.DPipe(this=joined, expression=text("-"), safe=False), expression=part, safe=False)
    return cast_or_unknown(joined, "DATE")


def _digits(value: Sql, count: int) -> Sql:
    return function("LPAD", cast(whole(value, count), "TEXT"), number(count), text("0"))


def _day_of(node: Call, arguments: list[Sql], env: Env) -> Sql:
    value = arguments[0]
    match node.arguments[0].type.kind:
        case Kind.DATE:
            return value
        case Kind.DATETIME:
            return cast(_local(value, env.zone), "DATE")
        case _:
            return cast_or_unknown(value, "DATE")


def _local(moment: Sql, zone: str) -> Sql:
    """The wall clock's time in `zone` at a moment that is kept in UTC."""
    if zone == "UTC":
        return moment
    return exp.AtTimeZone(this=exp.AtTimeZone(this=paren(moment), zone=text("UTC")), zone=text(zone))


def _moment(value: Sql) -> Sql:
    return cast_or_unknown(value, "TIMESTAMP")


def _part(name: str, plus: int = 0) -> Lowering:
    def build(_: Call, arguments: list[Sql], __: Env) -> Sql:
        part = exp.Extract(this=exp.var(name), expression=arguments[0])
        return exp.Paren(this=exp.Add(this=part, expression=number(plus))) if plus else part

    return build


def _add_months(node: Call, arguments: list[Sql], __: Env) -> Sql:
    """The later of two ways of counting: only from the last day of a month does the detour over its next day end
    later, and then on the last day."""
    time, count = arguments[0], whole(arguments[1], 5)
    a_day = exp.Interval(this=number(1), unit=exp.var("DAY"))
    next_day = exp.Paren(this=binary(exp.Add, time.copy(), a_day))
    detour = exp.Sub(this=months_later(next_day, count.copy()), expression=a_day.copy())
    return cast(function("GREATEST", months_later(time, count), detour), sql_type(node.type))


# --- tables -----------------------------------------------------------------------------------------------

DUCKDB: Mapping[str, Lowering] = {
    "IF": _shaped(_if), "CASE": _case, "BLANKVALUE": _blank_value,
    "MIN": _extreme("LEAST"), "MAX": _extreme("GREATEST"),
    "INCLUDES": _shaped(_includes), "CONTAINS": _shaped(_contains), "BEGINS": _plain("STARTS_WITH"),
    "REGEX": _plain("REGEXP_FULL_MATCH"),
    "ISNUMBER": _shaped(_is_number), "VALUE": _value, "TEXT": _text, "LEN": _plain("LENGTH"), "LEFT": _shaped(_left),
    "RIGHT": _shaped(_right), "MID": _shaped(_mid), "TRIM": _plain("TRIM"), "UPPER": _plain("UPPER"),
    "LOWER": _plain("LOWER"), "SUBSTITUTE": _substitute, "LPAD": _padded("LPAD"), "RPAD": _padded("RPAD"),
    "FIND": _shaped(_find), "PICKLISTCOUNT": _shaped(_picklist_count),
    "ROUND": _rounded, "ABS": _plain("ABS"), "FLOOR": _to_whole(lambda v: function("TRUNC", v)),
    "TRUNC": _truncated, "CEILING": _to_whole(_away_from_zero),
    "MFLOOR": _to_whole(lambda v: function("FLOOR", v)), "MCEILING": _to_whole(lambda v: function("CEIL", v)),
    "MOD": _remainder, "SQRT": _positive_only("SQRT", exp.GTE), "LN": _positive_only("LN"),
    "LOG": _positive_only("LOG10"), "EXP": lambda _, a, __: finite(function("EXP", cast(a[0], "DOUBLE"))),
    "DATE": _shaped(_date), "DATEVALUE": _day_of, "DATETIMEVALUE": _shaped(_moment), "YEAR": _part("YEAR"),
    "MONTH": _part("MONTH"), "DAY": _part("DAY"), "WEEKDAY": _part("DOW", plus=1), "DAYOFYEAR": _part("DOY"),
    "ADDMONTHS": _add_months, "ISOWEEK": _part("WEEK"), "ISOYEAR": _part("ISOYEAR"),
    "UNIXTIMESTAMP": times.unix_time, "FROMUNIXTIME": _shaped(times.from_unix_time), "TIMEVALUE": times.time_of_day,
    "HOUR": _shaped(times.hour), "MINUTE": _shaped(times.minute), "SECOND": _shaped(times.second),
    "MILLISECOND": _shaped(times.millisecond), "FORMATDURATION": times.duration,
}  # fmt: skip

TABLES: Mapping[str, Mapping[str, Lowering]] = {"duckdb": DUCKDB}
"""By the name that sqlglot gives the dialect. A further dialect is DUCKDB with its own entries laid over."""
