"""Times of day, seconds since 1970 and durations in words of a clock, for engines with intervals (DuckDB, Spark).

Called by the tables in functions.py. A time of day is the milliseconds since midnight in UTC, as a BIGINT: not every
engine has a type for it.
"""

from __future__ import annotations

from sqlglot import exp

from connector.evaluate.lowering.env import Env
from connector.evaluate.lowering.sql import (
    Sql,
    binary,
    case,
    cast,
    cast_or_unknown,
    decimal,
    function,
    number,
    paren,
    text,
)
from connector.mapping.language.tree import Call
from connector.mapping.language.types import Kind

_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_EPOCH = "1970-01-01 00:00:00"


def time_of_day(node: Call, arguments: list[Sql], _: Env) -> Sql:
    """TIMEVALUE: of a moment its time in UTC, of a text what it spells."""
    value = arguments[0]
    match node.arguments[0].type.kind:
        case Kind.TIME:
            return value
        case Kind.DATETIME:
            return _since_midnight(value)
        case _:
            return _since_midnight(_spelled(value))


def _spelled(value: Sql) -> Sql:
    """The moment on some day at the time that a text spells, as Time fields do (17:30:05.250Z)."""
    shape = function("REGEXP_FULL_MATCH", value, text("([01][0-9]|2[0-3]):[0-5][0-9](:[0-9]{2}([.][0-9]{1,3})?)?Z?"))
    digits = function("RTRIM", value.copy(), text("Z"))
    day = exp.DPipe(this=text(_EPOCH[:11]), expression=digits, safe=False)
    return case((shape, cast_or_unknown(day, "TIMESTAMP")))


def _since_midnight(moment: Sql) -> Sql:
    midnight = cast(cast(moment.copy(), "DATE"), "TIMESTAMP")
    return exp.DateDiff(this=moment, expression=midnight, unit=exp.var("MILLISECOND"))


def hour(clock: Sql) -> Sql:
    return _whole_parts(clock, _HOUR)


def minute(clock: Sql) -> Sql:
    return binary(exp.Mod, _whole_parts(clock, _MINUTE), number(60))


def second(clock: Sql) -> Sql:
    return binary(exp.Mod, _whole_parts(clock, _SECOND), number(60))


def millisecond(clock: Sql) -> Sql:
    return exp.Paren(this=binary(exp.Mod, clock, number(_SECOND)))


def _whole_parts(value: Sql, size: int) -> Sql:
    return exp.Paren(this=binary(exp.IntDiv, value, number(size)))


def written(clock: Sql) -> Sql:
    """A time of day as Salesforce writes it: 17:30:05.250."""
    parts = [hour(clock), text(":"), minute(clock.copy()), text(":"), second(clock.copy()), text(".")]
    padded = [p if isinstance(p, exp.Literal) else _digits(p, 2) for p in parts]
    return _joined([*padded, _digits(millisecond(clock.copy()), 3)])


# --- seconds ----------------------------------------------------------------------------------------------


def unix_time(node: Call, arguments: list[Sql], _: Env) -> Sql:
    """UNIXTIMESTAMP: whole seconds since 1970, or since midnight."""
    if node.arguments[0].type.kind is Kind.TIME:
        return _whole_parts(arguments[0], _SECOND)
    return _seconds_between(cast(text(_EPOCH), "TIMESTAMP"), cast(arguments[0], "TIMESTAMP"))


def from_unix_time(seconds: Sql) -> Sql:
    """FROMUNIXTIME, to the year 5138; unknown beyond."""
    count = cast(cast_or_unknown(function("TRUNC", seconds), decimal(11, 0)), "BIGINT")
    return binary(
        exp.Add, cast(text(_EPOCH), "TIMESTAMP"), exp.Interval(this=exp.Paren(this=count), unit=exp.var("SECOND"))
    )


def _seconds_between(start: Sql, end: Sql) -> Sql:
    return exp.DateDiff(this=end, expression=start, unit=exp.var("SECOND"))


def duration(node: Call, arguments: list[Sql], _: Env) -> Sql:
    """FORMATDURATION of seconds, or between two times; its sign is dropped."""
    first, kind = arguments[0], node.arguments[0].type.kind
    match kind:
        case Kind.DATETIME:
            return _clock_text(_without_sign(_elapsed(first, arguments[1])), exp.true())
        case Kind.TIME:
            between = _whole_parts(exp.Paren(this=binary(exp.Sub, arguments[1], first)), _SECOND)
            return _clock_text(_without_sign(between), exp.false())
        case _:
            count = cast(cast_or_unknown(function("TRUNC", first), decimal(15, 0)), "BIGINT")
            return _clock_text(_without_sign(count), arguments[1] if len(arguments) > 1 else exp.false())


def _elapsed(start: Sql, end: Sql) -> Sql:
    """Whole seconds that have passed, where a difference by the clock would count a second that was only begun."""
    milliseconds = exp.DateDiff(this=end, expression=start, unit=exp.var("MILLISECOND"))
    return _whole_parts(milliseconds, _SECOND)


def _without_sign(value: Sql) -> Sql:
    return function("ABS", value)


def _clock_text(seconds: Sql, with_days: Sql) -> Sql:
    rest = [
        text(":"), _digits(binary(exp.Mod, _whole_parts(seconds.copy(), 60), number(60)), 2),
        text(":"), _digits(binary(exp.Mod, seconds.copy(), number(60)), 2),
    ]  # fmt: skip
    hours = _whole_parts(seconds.copy(), 3600)
    in_day = _digits(binary(exp.Mod, hours.copy(), number(24)), 2)
    days = cast(_whole_parts(seconds.copy(), 86_400), "TEXT")
    long = _joined([days, text(":"), in_day, *(r.copy() for r in rest)])
    return case((exp.true(), long), (exp.false(), _joined([_digits(hours, 2), *rest])), of=with_days)


def _digits(value: Sql, count: int) -> Sql:
    """A whole number with zeros before it, and never cut."""
    shown = cast(exp.Paren(this=value), "TEXT")
    wide = function("GREATEST", function("LENGTH", shown.copy()), number(count))
    return function("LPAD", shown, cast(wide, "INT"), text("0"))


def _joined(parts: list[Sql]) -> Sql:
    whole: Sql = parts[0]
    for part in parts[1:]:
        whole = exp.DPipe(this=whole, expression=paren(part), safe=False)
    return exp.Paren(this=whole)
