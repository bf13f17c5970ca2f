"""Reads tokens into a syntax tree by recursive descent. Called by run.py; knows grammar, not objects or fields."""

from dataclasses import replace
from functools import lru_cache
from typing import Literal

from connector.localorg.errors import OrgError
from connector.localorg.soql.logic import read_condition
from connector.localorg.soql.reader import TokenReader
from connector.localorg.soql.syntax import (
    Branch,
    Expression,
    Fields,
    Item,
    Option,
    Order,
    ParentAlias,
    Query,
    Selected,
    Subselect,
    TypeOf,
)
from connector.localorg.soql.terms import read_expression, read_path
from connector.localorg.soql.words import CLAUSES, NO_OBJECTS, SCOPES

LONGEST_STATEMENT = 100_000
LARGEST_OFFSET = 2000
DEEPEST_SUBQUERY = 5
_EMPTY = Query((), "", 0, None, None, (), None, (), None, None)


@lru_cache(maxsize=512)
def parse_soql(source: str) -> Query:
    """Return the tree of a statement, or raise MALFORMED_QUERY with its place."""
    if len(source) > LONGEST_STATEMENT:
        raise OrgError(400, "MALFORMED_QUERY", f"SOQL statements cannot be longer than {LONGEST_STATEMENT} characters.")
    reader = TokenReader(source)
    query = read_query(reader)
    reader.expect_end()
    return query


def read_query(reader: TokenReader, depth: int = 0) -> Query:
    """A SELECT, whole or in parentheses. Clauses come in one order only."""
    reader.expect_word("SELECT")
    items = reader.listed(lambda r: _read_item(r, depth))
    reader.expect_word("FROM")
    query = _read_from(reader)
    options = [*_read_scope(reader)]
    where = read_condition(reader, _read_inner) if reader.take_word("WHERE") else None
    options += _read_with(reader)
    group_by, rollup = _read_groups(reader)
    having = read_condition(reader, _read_inner) if group_by and reader.take_word("HAVING") else None
    order_by = _read_orders(reader)
    limit = reader.integer() if reader.take_word("LIMIT") else None
    offset = _read_offset(reader)
    return replace(
        query,
        items=items,
        where=where,
        group_by=group_by,
        rollup=rollup,
        having=having,
        order_by=order_by,
        limit=limit,
        offset=offset,
        options=(*options, *_read_last_options(reader)),
    )


def _read_inner(reader: TokenReader) -> Query:
    return read_query(reader)


# --- FROM


def _read_from(reader: TokenReader) -> Query:
    """The object with its alias, then names for parents: FROM Contact c, c.Account a."""
    if reader.token.word in NO_OBJECTS:
        reader.unexpected()
    sobject = reader.expect_name()
    alias = _read_alias(reader, CLAUSES)
    parents: list[ParentAlias] = []
    while reader.take_symbol(","):
        path = read_path(reader)
        parents.append(ParentAlias(_read_alias(reader, CLAUSES) or path.parts[-1], path))
    return replace(_EMPTY, sobject=sobject.text, sobject_at=sobject.at, alias=alias, parents=tuple(parents))


def _read_alias(reader: TokenReader, taken: frozenset[str]) -> str | None:
    is_alias = reader.token.kind == "name" and reader.token.word not in taken and "." not in reader.token.text
    return reader.advance().text if is_alias else None


# --- SELECT list


def _read_item(reader: TokenReader, depth: int) -> Selected:
    at = reader.token.at
    if reader.take_symbol("("):
        if depth >= DEEPEST_SUBQUERY:
            reader.unexpected()
        query = read_query(reader, depth + 1)
        reader.expect_symbol(")")
        return Subselect(query, at)
    if reader.token.word == "TYPEOF":
        return _read_typeof(reader)
    if reader.token.word == "FIELDS" and reader.at_call:
        return _read_fields(reader)
    return Item(read_expression(reader), _read_alias(reader, CLAUSES))


def _read_fields(reader: TokenReader) -> Fields:
    at = reader.advance().at
    reader.expect_symbol("(")
    group = reader.expect_word("ALL", "STANDARD", "CUSTOM")
    reader.expect_symbol(")")
    return Fields(group.word, at)


def _read_typeof(reader: TokenReader) -> TypeOf:
    at = reader.advance().at
    path = read_path(reader)
    branches = [_read_branch(reader)]
    while reader.token.word == "WHEN":
        branches.append(_read_branch(reader))
    otherwise = reader.listed(read_path) if reader.take_word("ELSE") else ()
    reader.expect_word("END")
    return TypeOf(path, tuple(branches), otherwise, at)


def _read_branch(reader: TokenReader) -> Branch:
    reader.expect_word("WHEN")
    sobject = reader.expect_name()
    reader.expect_word("THEN")
    return Branch(sobject.text, reader.listed(read_path), sobject.at)


# --- options


def _read_scope(reader: TokenReader) -> list[Option]:
    if not reader.take_word("USING"):
        return []
    reader.expect_word("SCOPE")
    scope = reader.expect_word(*SCOPES)
    return [Option("USING SCOPE", scope.word, scope.at)]


def _read_with(reader: TokenReader) -> list[Option]:
    """WITH: only the words are told apart; what belongs to data categories is not read any further."""
    at = reader.token.at
    if not reader.take_word("WITH"):
        return []
    kind = reader.expect_word("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE", "DATA")
    if kind.word == "DATA":
        _read_categories(reader)
    return [Option("WITH", kind.word if kind.word != "DATA" else "DATA CATEGORY", at)]


def _read_categories(reader: TokenReader) -> None:
    reader.expect_word("CATEGORY")
    while True:
        reader.expect_name()
        reader.expect_word("AT", "ABOVE", "BELOW", "ABOVE_OR_BELOW")
        if reader.take_symbol("("):
            reader.listed(TokenReader.expect_name)
            reader.expect_symbol(")")
        else:
            reader.expect_name()
        if not reader.take_word("AND"):
            return


def _read_last_options(reader: TokenReader) -> list[Option]:
    options: list[Option] = []
    at = reader.token.at
    if reader.take_word("ALL"):
        reader.expect_word("ROWS")
        options.append(Option("ALL ROWS", "", at))
    while reader.token.word == "FOR":
        at = reader.advance().at
        options.append(Option("FOR", reader.expect_word("VIEW", "REFERENCE", "UPDATE").word, at))
    at = reader.token.at
    if reader.take_word("UPDATE"):
        words = reader.listed(lambda r: r.expect_word("TRACKING", "VIEWSTAT"))
        options += [Option("UPDATE", word.word, at) for word in words]
    return options


def _read_offset(reader: TokenReader) -> int | None:
    if not reader.take_word("OFFSET"):
        return None
    offset = reader.integer()
    if offset > LARGEST_OFFSET:
        raise OrgError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {LARGEST_OFFSET}")
    return offset


# --- GROUP BY, ORDER BY


def _read_groups(reader: TokenReader) -> tuple[tuple[Expression, ...], Literal["ROLLUP", "CUBE"] | None]:
    if not reader.take_word("GROUP"):
        return (), None
    reader.expect_word("BY")
    if reader.token.word not in ("ROLLUP", "CUBE") or not reader.at_call:
        return reader.listed(read_expression), None
    kind: Literal["ROLLUP", "CUBE"] = "ROLLUP" if reader.advance().word == "ROLLUP" else "CUBE"
    reader.expect_symbol("(")
    groups = reader.listed(read_path)
    reader.expect_symbol(")")
    return groups, kind


def _read_orders(reader: TokenReader) -> tuple[Order, ...]:
    if not reader.take_word("ORDER"):
        return ()
    reader.expect_word("BY")
    return reader.listed(_read_order)


def _read_order(reader: TokenReader) -> Order:
    expression = read_expression(reader)
    descending = reader.take_word("DESC")
    if not descending:
        reader.take_word("ASC")
    nulls_last = reader.take_word("NULLS") and reader.expect_word("FIRST", "LAST").word == "LAST"
    return Order(expression, descending, nulls_last)
