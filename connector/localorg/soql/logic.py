"""Reads the conditions of WHERE and HAVING out of tokens. Called by parser.py.

AND and OR do not mix without parentheses, and NOT stands only at the beginning of an expression (what Salesforce
says to `a AND NOT b` is unexpected token: 'NOT').
"""

from collections.abc import Callable

from connector.localorg.soql.reader import TokenReader
from connector.localorg.soql.syntax import (
    Comparison,
    Condition,
    Expression,
    Includes,
    Junction,
    Membership,
    Not,
    Operator,
    Path,
    Query,
    SemiJoin,
)
from connector.localorg.soql.terms import read_expression, read_value, read_values

ReadQuery = Callable[[TokenReader], Query]
_OPERATORS: dict[str, Operator] = {
    "=": "=",
    "!=": "!=",
    "<>": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "LIKE": "LIKE",
}
DEEPEST_NESTING = 100


def read_condition(reader: TokenReader, read_query: ReadQuery, depth: int = 0) -> Condition:
    """Tests joined by AND, or by OR; the first one may be negated."""
    first = _read_first(reader, read_query, depth)
    joiner = reader.token.word
    if joiner not in ("AND", "OR"):
        return first
    parts = [first]
    while reader.take_word(joiner):
        parts.append(_read_part(reader, read_query, depth))
    if reader.token.word in ("AND", "OR"):
        reader.unexpected()
    return Junction("AND" if joiner == "AND" else "OR", tuple(parts))


def _read_first(reader: TokenReader, read_query: ReadQuery, depth: int) -> Condition:
    if reader.take_word("NOT"):
        return Not(_read_part(reader, read_query, depth))
    return _read_part(reader, read_query, depth)


def _read_part(reader: TokenReader, read_query: ReadQuery, depth: int) -> Condition:
    if not reader.at_symbol("("):
        return _read_test(reader, read_query)
    if depth >= DEEPEST_NESTING:
        reader.unexpected()
    reader.advance()
    inner = read_condition(reader, read_query, depth + 1)
    reader.expect_symbol(")")
    return inner


def _read_test(reader: TokenReader, read_query: ReadQuery) -> Condition:
    left = read_expression(reader)
    negated = reader.take_word("NOT")
    if negated or reader.token.word == "IN":
        reader.expect_word("IN")
        return _read_membership(reader, read_query, left, negated=negated)
    if reader.token.word in ("INCLUDES", "EXCLUDES") and isinstance(left, Path):
        excludes = reader.advance().word == "EXCLUDES"
        return Includes(left, excludes, read_values(reader))
    operator = _OPERATORS.get(reader.token.word or reader.token.text)
    if operator is None or reader.token.kind == "string":
        reader.unexpected()
    reader.advance()
    return Comparison(left, operator, read_value(reader))


def _read_membership(reader: TokenReader, read_query: ReadQuery, left: Expression, *, negated: bool) -> Condition:
    if reader.at_symbol("(") and reader.next_token.word == "SELECT" and isinstance(left, Path):
        reader.advance()
        query = read_query(reader)
        reader.expect_symbol(")")
        return SemiJoin(left, negated, query)
    return Membership(left, negated, read_values(reader))
