"""Building blocks of sqlglot trees that all lowering shares.

Every helper takes and gives unshared trees: what is used twice is copied.
"""

from __future__ import annotations

from decimal import Decimal

from sqlglot import exp

from connector.mapping.language.types import MAX_DIGITS, Kind, Type

Sql = exp.Expression

MAX_TEXT = 3900
"""Characters of a text that formulas make, as in Salesforce: texts made of texts cannot grow without end."""

_TYPES = {
    Kind.BOOLEAN: "BOOLEAN", Kind.TEXT: "TEXT", Kind.DATE: "DATE", Kind.DATETIME: "TIMESTAMP",
    Kind.DURATION: "BIGINT", Kind.TIME: "BIGINT", Kind.NULL: "TEXT", Kind.ERROR: "TEXT",
}  # fmt: skip


def sql_type(kind: Type) -> exp.DataType:
    """The engine's type for values of `kind`: exact numbers are DECIMAL, others DOUBLE, moments TIMESTAMP in UTC, and
    times of day milliseconds since midnight (not every engine has a type for them)."""
    if kind.kind in _TYPES:
        return exp.DataType.build(_TYPES[kind.kind])
    if kind.digits is None:
        return exp.DataType.build("DOUBLE")
    before, after = kind.digits
    return exp.DataType.build("BIGINT") if kind.kind is Kind.DAYS and not after else decimal(before + after, after)


def decimal(precision: int, scale: int) -> exp.DataType:
    return exp.DataType.build(f"DECIMAL({min(precision, MAX_DIGITS)}, {scale})")


def unknown(kind: Type) -> Sql:
    """A value that is not known."""
    return exp.Cast(this=exp.Null(), to=sql_type(kind))


def number(value: Decimal | int) -> Sql:
    """A written number; negative ones as a signed literal in parentheses."""
    literal = exp.Literal.number(f"{abs(Decimal(value)):f}")
    return exp.Paren(this=exp.Neg(this=literal)) if value < 0 else literal


def text(value: str) -> Sql:
    return exp.Literal.string(value)


def cast(value: Sql, kind: str | exp.DataType) -> Sql:
    return exp.Cast(this=value, to=exp.DataType.build(kind))


def cast_or_unknown(value: Sql, kind: str | exp.DataType) -> Sql:
    """Like cast, but what does not fit is unknown instead of an error that ends the run."""
    return exp.TryCast(this=value, to=exp.DataType.build(kind), safe=True)


def paren(value: Sql) -> Sql:
    """`value`, safe as an operand of anything."""
    closed = exp.Column | exp.Literal | exp.Paren | exp.Cast | exp.TryCast | exp.Func | exp.Subquery | exp.Boolean
    return value if isinstance(value, closed) and not isinstance(value, exp.Connector) else exp.Paren(this=value)


def case(*branches: tuple[Sql, Sql], of: Sql | None = None, otherwise: Sql | None = None) -> Sql:
    """CASE [of] WHEN condition THEN value ... [ELSE otherwise] END."""
    return exp.Case(this=of, ifs=[exp.If(this=c, true=v) for c, v in branches], default=otherwise)


def function(name: str, *arguments: Sql) -> Sql:
    """A function that sqlglot would otherwise rewrite, by the engine's own name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def is_null(value: Sql) -> Sql:
    return exp.Is(this=paren(value), expression=exp.Null())


def is_known(value: Sql) -> Sql:
    return exp.Not(this=is_null(value))


def binary(kind: type[exp.Expression], left: Sql, right: Sql) -> Sql:
    return kind(this=paren(left), expression=paren(right))


def whole(value: Sql, digits: int = 6) -> Sql:
    """`value` without its decimals as an INTEGER; unknown when it has more digits than make sense."""
    return cast(cast_or_unknown(function("TRUNC", value), decimal(digits, 0)), "INT")


def bounded(value: Sql, longest: int = MAX_TEXT) -> Sql:
    """A text cut to a length."""
    return function("LEFT", value, number(longest))
