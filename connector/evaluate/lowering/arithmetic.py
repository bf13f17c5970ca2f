"""Arithmetic on numbers, dates and durations, for engines with intervals and exact decimals (DuckDB, Spark).

Called by lower.py. Results keep the types that the checker gave them: exact numbers stay DECIMAL (money is never
summed in binary), a division is DOUBLE, and what does not fit or cannot be divided is unknown, never an error that
would end the run.
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
    whole,
)
from connector.mapping.language.tree import Arithmetic
from connector.mapping.language.types import Kind, Type

_NUMERIC = frozenset({Kind.NUMBER, Kind.DAYS})
_SECONDS_PER_DAY = 86_400
_MILLISECONDS_PER_DAY = 86_400_000
_WIDE = 19
_MICROSECONDS_PER_DAY = "86400000000.0"
_OPERATORS: dict[str, type[exp.Expression]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
_UNITS = {"hours": "HOUR", "days": "DAY", "months": "MONTH"}


def arithmetic(node: Arithmetic, left: Sql, right: Sql, env: Env) -> Sql:
    """`left op right`, by the types of the operands."""
    kinds = (node.left.type.kind, node.right.type.kind)
    if node.op == "&" or kinds == (Kind.TEXT, Kind.TEXT):
        return exp.DPipe(this=paren(left), expression=paren(right), safe=False)
    if node.op in {"*", "/", "^"}:
        return _numbers(node, left, right)
    if kinds[0] is Kind.TIME:
        return _time_of_day(node, left, right)
    if kinds in {(Kind.DATE, Kind.DATE), (Kind.DATETIME, Kind.DATETIME)}:
        return _between_times(kinds[0], left, right)
    if kinds[1] in {Kind.DATE, Kind.DATETIME}:
        return shifted(right, node.right.type, left, node.left.type, env)
    if kinds[0] in {Kind.DATE, Kind.DATETIME}:
        return shifted(left, node.left.type, right if node.op == "+" else negative(right), node.right.type, env)
    if Kind.DURATION in kinds:
        return binary(_OPERATORS[node.op], _count(left, node.left.type), _count(right, node.right.type))
    return _numbers(node, left, right)


def negative(value: Sql) -> Sql:
    return exp.Paren(this=exp.Neg(this=paren(value)))


def in_days(count: Sql, duration: Type) -> Sql:
    """A duration in hours or days as a number of days."""
    if duration.unit == "hours":
        return binary(exp.Div, cast(count, "DOUBLE"), exp.Literal.number("24.0"))
    return count


def _count(value: Sql, kind: Type) -> Sql:
    return value if kind.kind is Kind.DURATION else paren(value)


# --- numbers ----------------------------------------------------------------------------------------------


def _numbers(node: Arithmetic, left: Sql, right: Sql) -> Sql:
    if node.op == "/":
        divisor = exp.Nullif(this=cast(right, "DOUBLE"), expression=number(0))
        return exp.Div(this=cast(left, "DOUBLE"), expression=divisor, typed=False, safe=False)
    if node.op == "^":
        return finite(function("POWER", cast(left, "DOUBLE"), cast(right, "DOUBLE")))
    operator = _OPERATORS[node.op]
    if node.type.digits is None:
        return operator(this=cast(left, "DOUBLE"), expression=cast(right, "DOUBLE"))
    width = sum(node.type.digits)
    result = operator(this=_exact(left, node.left.type, width), expression=_exact(right, node.right.type, width))
    return cast(result, "BIGINT") if node.type.kind is Kind.DAYS and not node.type.digits[1] else result


def _exact(value: Sql, kind: Type, width: int) -> Sql:
    """As wide as the checker reckoned with, so that a result of `width` digits can never overflow: DuckDB keeps a
    result in 64 bits while both operands have at most 18 digits."""
    if kind.kind is Kind.DURATION or kind.digits is None:
        return cast(value, decimal(9, 0))
    own = sum(kind.digits)
    return cast_or_unknown(value, decimal(max(own, _WIDE) if width >= _WIDE else own, kind.digits[1]))


def finite(value: Sql) -> Sql:
    """Unknown instead of infinity and not-a-number."""
    return case((function("ISFINITE", value.copy()), value))


def _time_of_day(node: Arithmetic, left: Sql, right: Sql) -> Sql:
    """Milliseconds between two times of day, or a time of day so many milliseconds on, past midnight if need be."""
    if node.right.type.kind is Kind.TIME:
        return binary(exp.Sub, left, right)
    moved = binary(_OPERATORS[node.op], left, cast(whole(right, 9), "BIGINT"))
    wrapped = binary(exp.Add, binary(exp.Mod, moved, number(_MILLISECONDS_PER_DAY)), number(_MILLISECONDS_PER_DAY))
    return binary(exp.Mod, wrapped, number(_MILLISECONDS_PER_DAY))


# --- dates ------------------------------------------------------------------------------------------------


def _between_times(kind: Kind, later: Sql, earlier: Sql) -> Sql:
    if kind is Kind.DATE:
        return exp.DateDiff(this=later, expression=earlier, unit=exp.var("DAY"))
    micros = exp.DateDiff(this=later, expression=earlier, unit=exp.var("MICROSECOND"))
    return exp.Div(this=cast(micros, "DOUBLE"), expression=exp.Literal.number(_MICROSECONDS_PER_DAY))


def shifted(time: Sql, kind: Type, amount: Sql, length: Type, env: Env) -> Sql:
    """A date or time moved by a number of days or by a duration (its count, negative for earlier)."""
    if length.unit == "business days":
        return business_day(time, amount, env)
    unit = _UNITS.get(length.unit, "DAY")
    if length.kind in _NUMERIC and kind.kind is Kind.DATETIME:
        seconds = binary(exp.Mul, cast(amount, "DOUBLE"), number(_SECONDS_PER_DAY))
        return _moved(time, whole(function("ROUND", seconds), 9), "SECOND")
    count = whole(amount) if length.kind in _NUMERIC else cast(amount, "INT")
    moved = _moved(time, count, unit)
    return cast(moved, "DATE") if kind.kind is Kind.DATE else moved


def _moved(time: Sql, count: Sql, unit: str) -> Sql:
    return binary(exp.Add, time, exp.Interval(this=exp.Paren(this=count), unit=exp.var(unit)))


def months_later(time: Sql, months: Sql) -> Sql:
    """`months` calendar months later, an INTEGER; the last day where that month is shorter."""
    return _moved(time, months, "MONTH")


def business_day(day: Sql, count: Sql, env: Env) -> Sql:
    """The `count`-th worked day after `day` (before it when negative); 0 is `day` or the next worked day.

    From the calendar's running number n of worked days: unknown outside the days that the calendar has.
    """
    start, goal = env.calendar(), env.calendar()
    start.set("alias", exp.TableAlias(this=exp.to_identifier("start_day")))
    goal.set("alias", exp.TableAlias(this=exp.to_identifier("goal_day")))
    working = case((_of("start_day", "working"), number(1)), otherwise=number(0))
    steps = case(
        (binary(exp.GT, count, number(0)), count.copy()),
        (binary(exp.LT, count.copy(), number(0)), exp.Add(this=exp.Sub(this=paren(count.copy()), expression=working),
                                                        expression=number(1))),
        otherwise=exp.Sub(this=number(1), expression=working.copy()),
    )  # fmt: skip
    reached = binary(exp.EQ, _of("goal_day", "n"), exp.Add(this=_of("start_day", "n"), expression=steps))
    found = (
        exp.select(exp.Min(this=_of("goal_day", "day")))
        .from_(start)
        .join(goal, on=exp.And(this=_of("goal_day", "working"), expression=reached))
        .where(binary(exp.EQ, _of("start_day", "day"), day))
    )
    return exp.Subquery(this=found)


def _of(table: str, column: str) -> exp.Column:
    return exp.column(column, table=table, quoted=True)
