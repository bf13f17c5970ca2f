"""Checked expressions -> sqlglot trees: the only place where a rule becomes SQL.

Called by evaluate, and so by explain: what decides is also what explains. Pure; rows, tables and joins are the
caller's, who says through Env what a field or a fact is called there. Logic is SQL's own three-valued one; this module
sees to it that NULL means unknown and nothing else:

- Blank text of a record that exists is the known text ''; a blank reference, number or date is unknown.
- Whatever rests on an object or field that was not completely read is unknown, aggregates and `is null` included.
- count, distinct, sum and exists of nothing are 0 or false.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal

from sqlglot import exp

from connector.evaluate.lowering.arithmetic import arithmetic, in_days, negative
from connector.evaluate.lowering.env import Env
from connector.evaluate.lowering.functions import TABLES
from connector.evaluate.lowering.sql import (
    Sql,
    binary,
    case,
    cast,
    is_known,
    is_null,
    number,
    paren,
    sql_type,
    text,
    unknown,
)
from connector.mapping.language.tree import (
    ROW,
    Aggregate,
    Arithmetic,
    Between,
    Call,
    Clock,
    Compare,
    CtaDone,
    Duration,
    Fact,
    Field,
    In,
    IsNull,
    Literal,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    Param,
    reads_of,
    walk,
)
from connector.mapping.language.types import TEXT, Kind, Type, in_base_unit

__all__ = ["Env", "incomplete_reason", "lower", "lower_aggregate", "sql_type"]

_COMPARISONS: dict[str, type[exp.Expression]] = {
    "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip


def lower(node: Node, env: Env) -> Sql:
    """The SQL of a checked expression; NULL where its value is unknown."""
    if node.type.kind is Kind.ERROR:
        return exp.Null()  # over a column of which nothing was ever read: of no type, so that it fits everywhere
    match node:
        case Literal():
            return _literal(node)
        case Duration():
            return number(in_base_unit(node.length)[0])
        case Field():
            return _field(node, env)
        case Fact() | Name():
            return env.column(node)
        case Param():
            return env.param(node)
        case Clock():
            return _clock(node, env)
        case CtaDone():
            return _nothing_is(exp.false(), env.column(node), node, env)
        case Aggregate():
            return _aggregate(node, env)
        case Logic():
            return _logic(node, env)
        case Not():
            return exp.Not(this=paren(lower(node.operand, env)))
        case Compare():
            left, right = _aligned(node.left, node.right, env), _aligned(node.right, node.left, env)
            return binary(_COMPARISONS[node.op], left, right)
        case In():
            return _in(node, env)
        case Between():
            return _between(node, env)
        case IsNull():
            return _blankness(node, env)
        case Negative():
            return negative(lower(node.operand, env))
        case Arithmetic():
            return arithmetic(node, lower(node.left, env), lower(node.right, env), env)
        case Call():
            return _call(node, env)
    raise AssertionError(f"a checked tree has no {node!r}")


def incomplete_reason(node: Node, env: Env) -> str | None:
    """Why `node` rests on something that was not completely read in this run; None when it does not."""
    for part in walk(node):
        for sobject, field in reads_of(part):
            if sobject != "activity" and (reason := env.incomplete(sobject, field)):
                return reason
        if isinstance(part, Fact) and (reason := env.incomplete_fact(part.key)):
            return reason
    return None


# --- values -----------------------------------------------------------------------------------------------


def _literal(node: Literal) -> Sql:
    match node.value:
        case None:
            return exp.Null()
        case bool():
            return exp.true() if node.value else exp.false()
        case Decimal():
            return number(node.value)
        case date():
            return cast(text(node.value.isoformat()), "DATE")
        case str():
            return text(node.value)


def _clock(node: Clock, env: Env) -> Sql:
    if node.name == "today":
        return cast(text(env.today.isoformat()), "DATE")
    return cast(text(env.now.astimezone(UTC).replace(tzinfo=None).isoformat(" ")), "TIMESTAMP")


def _field(node: Field, env: Env) -> Sql:
    if incomplete_reason(node, env):
        return unknown(node.type)
    column = env.column(node)
    if node.type.kind is not Kind.TEXT or node.type.lookup:
        return column
    blank = exp.Coalesce(this=column, expressions=[text("")])
    if node.root != "source" and not node.steps:
        return blank
    record = env.column(replace(node, name=ROW if node.root == "source" else "Id", type=replace(TEXT, lookup=True)))
    return case((is_known(record), blank))


def _aggregate(node: Aggregate, env: Env) -> Sql:
    match node.kind:
        case "count" | "distinct" | "sum":
            return _nothing_is(number(0), env.aggregate(node), node, env)
        case "exists":
            return _nothing_is(exp.false(), env.aggregate(node), node, env)
        case _:
            return unknown(node.type) if incomplete_reason(node, env) else env.aggregate(node)


def _nothing_is(value: Sql, column: Sql, node: Node, env: Env) -> Sql:
    """`column`, with `value` where there was nothing to aggregate; unknown over what was not completely read."""
    if incomplete_reason(node, env):
        return unknown(node.type)
    return exp.Coalesce(this=column, expressions=[value])


# --- conditions -------------------------------------------------------------------------------------------


def _logic(node: Logic, env: Env) -> Sql:
    join = exp.And if node.op == "and" else exp.Or
    parts = [paren(lower(part, env)) for part in node.parts]
    joined = parts[0]
    for part in parts[1:]:
        joined = join(this=joined, expression=part)
    return joined


def _aligned(node: Node, other: Node, env: Env) -> Sql:
    """One side of a comparison; a duration compared with days is counted in days."""
    if node.type.kind is Kind.DURATION and other.type.kind is Kind.DAYS:
        return in_days(lower(node, env), node.type)
    return lower(node, env)


def _in(node: In, env: Env) -> Sql:
    if not node.items:
        return exp.true() if node.negated else exp.false()
    items = [_aligned(item, node.operand, env) for item in node.items]
    return _negated(exp.In(this=paren(lower(node.operand, env)), expressions=items), node.negated)


def _between(node: Between, env: Env) -> Sql:
    low, high = (paren(_aligned(end, node.operand, env)) for end in (node.low, node.high))
    return _negated(exp.Between(this=paren(lower(node.operand, env)), low=low, high=high), node.negated)


def _negated(condition: Sql, negated: bool) -> Sql:
    return exp.Not(this=exp.Paren(this=condition)) if negated else condition


def _blankness(node: IsNull, env: Env) -> Sql:
    """`is null` is known, except of something that we could not read: there a missing value proves nothing."""
    operand, readable = lower(node.operand, env), not incomplete_reason(node.operand, env)
    if node.operand.type.kind is Kind.TEXT and not node.operand.type.lookup:
        known = exp.Coalesce(this=operand, expressions=[text("")]) if readable else operand
        return binary(exp.NEQ if node.negated else exp.EQ, known, text(""))
    if readable:
        return is_known(operand) if node.negated else is_null(operand)
    return (
        exp.Nullif(this=is_known(operand), expression=exp.false())
        if node.negated
        else exp.Nullif(this=is_null(operand), expression=exp.true())
    )


# --- calls ------------------------------------------------------------------------------------------------


def _call(node: Call, env: Env) -> Sql:
    arguments = [lower(a, env) for a in node.arguments]
    if node.function == "BLANKVALUE" and incomplete_reason(node.arguments[0], env):
        return _stand_in_for_blank_text(node.arguments[0].type, arguments)
    return TABLES[env.dialect][node.function](node, arguments, env)


def _stand_in_for_blank_text(kind: Type, arguments: list[Sql]) -> Sql:
    """BLANKVALUE of something that we could not read: only a blank that was seen is one."""
    value, otherwise = arguments
    if kind.kind is not Kind.TEXT or kind.lookup:
        return value
    return case((text(""), otherwise), of=value.copy(), otherwise=value)


# --- aggregates over child rows ---------------------------------------------------------------------------


def lower_aggregate(node: Aggregate, env: Env) -> Sql:
    """The aggregate function over the child's rows, for a SELECT grouped by subject; `env` is the child's.

    The caller leaves out deleted records, and counts each person once where members are counted. Records for which
    the condition is unknown do not count.
    """
    if incomplete_reason(node, env):
        return unknown(node.type)
    condition = lower(node.where, env) if node.where else None
    value = lower(node.value, env) if node.value else exp.Literal.number(1)
    chosen = case((condition, value)) if condition else value
    match node.kind:
        case "count":
            return exp.Count(this=chosen if condition else exp.Star())
        case "exists":
            return binary(exp.GT, exp.Count(this=chosen if condition else exp.Star()), number(0))
        case "sum":
            return exp.Sum(this=chosen)
        case "min":
            return exp.Min(this=chosen)
        case "max":
            return exp.Max(this=chosen)
        case "avg":
            count = exp.Nullif(this=exp.Count(this=chosen.copy()), expression=number(0))
            return exp.Div(this=cast(exp.Sum(this=chosen), "DOUBLE"), expression=count)
        case "median":
            return exp.Median(this=cast(chosen, "DOUBLE"))
        case "distinct":
            return exp.Count(this=exp.Distinct(expressions=[_not_blank(chosen, node)]))
        case "first" | "latest":
            return _by_time(node, value, condition, env)


def _not_blank(value: Sql, node: Aggregate) -> Sql:
    is_text = node.value is not None and node.value.type.kind is Kind.TEXT
    return exp.Nullif(this=value, expression=text("")) if is_text else value


def _by_time(node: Aggregate, value: Sql, condition: Sql | None, env: Env) -> Sql:
    """ARG_MAX over a text key: the time, then the Id, so that equal times give the same record on every engine. A
    blank sorts before the fraction of a second that may follow a time."""
    if node.by is None or node.value is None:
        raise AssertionError("the checker lets no first or latest through without its fields")
    own = Field(replace(TEXT, lookup=True), "child", node.sobject, (), "Id")
    by = lower(node.by, env)
    known = exp.And(this=is_known(value.copy()), expression=is_known(by.copy()))
    wanted = exp.And(this=paren(condition), expression=known) if condition else known
    key = exp.DPipe(this=exp.DPipe(this=cast(by, "TEXT"), expression=text(" "), safe=False), expression=env.column(own))
    pick = exp.ArgMin if node.kind == "first" else exp.ArgMax
    return pick(this=value, expression=case((wanted, key)))
