"""Reads tokens into a syntax tree by recursive descent. Called by run.py; knows grammar, not objects or fields."""

from functools import lru_cache
from typing import Literal

from connector.localorg.errors import OrgError
from connector.localorg.soql.lexer import malformed
from connector.localorg.soql.reader import TokenReader
from connector.localorg.soql.spans import COUNTED_SPANS, FIXED_SPANS
from connector.localorg.soql.syntax import (
    Call,
    Comparison,
    Condition,
    Expression,
    Fields,
    Includes,
    Item,
    Junction,
    Membership,
    Not,
    Operator,
    Order,
    Path,
    Query,
    SemiJoin,
    Subselect,
    Value,
)

LONGEST_STATEMENT = 100_000
_CLAUSE_WORDS = (
    """FROM WHERE GROUP HAVING ORDER LIMIT OFFSET FOR USING WITH ALL UPDATE AND OR NOT IN LIKE ASC DESC NULLS"""
)
_CLAUSES = frozenset(_CLAUSE_WORDS.split())
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


@lru_cache(maxsize=512)
def parse_soql(source: str) -> Query:
    """Return the tree of a statement, or raise MALFORMED_QUERY with its place."""
    if len(source) > LONGEST_STATEMENT:
        raise OrgError(400, "MALFORMED_QUERY", f"SOQL statements cannot be longer than {LONGEST_STATEMENT} characters.")
    parser = _Parser(source)
    query = parser.query()
    parser.expect_end()
    return query


class _Parser(TokenReader):
    """One method per rule of the grammar."""

    # --- statement

    def query(self) -> Query:
        self.expect_word("SELECT")
        items = self.items()
        self.expect_word("FROM")
        sobject = self.expect_name()
        if self.token.text == "," and self.token.kind == "symbol":
            self.unsupported("more than one object in FROM")
        alias = self.alias()
        self.scope()
        where = self.condition() if self.take_word("WHERE") else None
        if self.token.word == "WITH":
            self.unsupported("WITH")
        group_by = self.group_by()
        having = self.condition() if group_by and self.take_word("HAVING") else None
        order_by = self.order_by()
        limit = self.integer() if self.take_word("LIMIT") else None
        offset = self.offset()
        self.viewing()
        return Query(items, sobject.text, sobject.at, alias, where, group_by, having, order_by, limit, offset)

    def alias(self) -> str | None:
        self.take_word("AS")
        is_alias = self.token.kind == "name" and self.token.word not in _CLAUSES
        return self.advance().text if is_alias else None

    def scope(self) -> None:
        """USING SCOPE everything is what happens anyway.

        Any other scope needs sharing, which this org does not have.
        """
        if self.take_word("USING"):
            self.expect_word("SCOPE")
            if self.token.word != "EVERYTHING":
                self.unsupported(f"USING SCOPE {self.token.text}")
            self.advance()

    def offset(self) -> int | None:
        if not self.take_word("OFFSET"):
            return None
        offset = self.integer()
        if offset > 2000:
            raise OrgError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        return offset

    def viewing(self) -> None:
        """FOR VIEW and FOR REFERENCE only touch the recently-viewed list; they change nothing that is kept here."""
        while self.take_word("FOR"):
            if self.token.word not in ("VIEW", "REFERENCE"):
                self.unsupported(f"FOR {self.token.text}")
            self.advance()

    # --- SELECT list

    def items(self) -> tuple[Item | Subselect | Fields, ...]:
        found = [self.item()]
        while self.take_symbol(","):
            found.append(self.item())
        return tuple(found)

    def item(self) -> Item | Subselect | Fields:
        at = self.token.at
        if self.take_symbol("("):
            query = self.query()
            self.expect_symbol(")")
            return Subselect(query, at)
        if self.token.word == "TYPEOF":
            self.unsupported("TYPEOF")
        if self.token.word == "FIELDS":
            return self.fields()
        if self.token.word in _CLAUSES:
            self.unexpected()
        return Item(self.expression(), self.alias())

    def fields(self) -> Fields:
        at = self.advance().at
        self.expect_symbol("(")
        group = self.expect_name()
        if group.word not in ("ALL", "STANDARD", "CUSTOM"):
            malformed(self.source, group.at, f"unexpected token: '{group.text}'")
        self.expect_symbol(")")
        return Fields(group.word, at)

    def expression(self) -> Expression:
        name = self.expect_name()
        if not self.take_symbol("("):
            return Path(tuple(name.text.split(".")), name.at)
        argument = None
        if self.token.kind == "name":
            inner = self.expression()
            if isinstance(inner, Call):
                malformed(
                    self.source, inner.at, f"function {inner.name} inside a function is not supported by the local org"
                )
            argument = inner
        self.expect_symbol(")")
        return Call(name.text.upper(), argument, name.at)

    # --- conditions

    def condition(self) -> Condition:
        first = self.negation()
        joiner = self.token.word
        if joiner not in ("AND", "OR"):
            return first
        parts = [first]
        while self.take_word(joiner):
            parts.append(self.negation())
        if self.token.word in ("AND", "OR"):
            self.unexpected()
        operator: Literal["AND", "OR"] = "AND" if joiner == "AND" else "OR"
        return Junction(operator, tuple(parts))

    def negation(self) -> Condition:
        if self.take_word("NOT"):
            return Not(self.negation())
        if self.take_symbol("("):
            inner = self.condition()
            self.expect_symbol(")")
            return inner
        return self.test()

    def test(self) -> Condition:
        if self.token.word in _CLAUSES:
            self.unexpected()
        left = self.expression()
        negated = self.take_word("NOT")
        if negated or self.token.word == "IN":
            self.expect_word("IN")
            return self.membership(left, negated=negated)
        if self.token.word in ("INCLUDES", "EXCLUDES") and isinstance(left, Path):
            excludes = self.advance().word == "EXCLUDES"
            return Includes(left, excludes, self.values())
        operator = _OPERATORS.get(self.token.word or self.token.text)
        if operator is None:
            self.unexpected()
        self.advance()
        return Comparison(left, operator, self.value())

    def membership(self, left: Expression, *, negated: bool) -> Condition:
        if self.token.kind == "symbol" and self.token.text == ":":
            self.unsupported("a bind variable")
        if self.tokens[self.index + 1].word == "SELECT" and isinstance(left, Path):
            self.expect_symbol("(")
            query = self.query()
            self.expect_symbol(")")
            return SemiJoin(left, negated, query)
        return Membership(left, negated, self.values())

    def values(self) -> tuple[Value, ...]:
        self.expect_symbol("(")
        found = [self.value()]
        while self.take_symbol(","):
            found.append(self.value())
        self.expect_symbol(")")
        return tuple(found)

    def value(self) -> Value:
        token = self.token
        if token.kind in ("string", "number", "date", "datetime"):
            self.advance()
            return Value(token.kind, token.text, token.at)
        if token.word in ("TRUE", "FALSE"):
            self.advance()
            return Value("boolean", token.word, token.at)
        if token.word == "NULL":
            self.advance()
            return Value("null", "NULL", token.at)
        return self.span()

    def span(self) -> Value:
        token = self.token
        if token.word in FIXED_SPANS:
            self.advance()
            return Value("span", token.word, token.at)
        if token.word not in COUNTED_SPANS:
            self.unexpected()
        self.advance()
        self.expect_symbol(":")
        return Value("span", token.word, token.at, self.integer())

    # --- GROUP BY, ORDER BY

    def group_by(self) -> tuple[Expression, ...]:
        if not self.take_word("GROUP"):
            return ()
        self.expect_word("BY")
        if self.token.word in ("ROLLUP", "CUBE"):
            self.unsupported(f"GROUP BY {self.token.word}")
        found = [self.expression()]
        while self.take_symbol(","):
            found.append(self.expression())
        return tuple(found)

    def order_by(self) -> tuple[Order, ...]:
        if not self.take_word("ORDER"):
            return ()
        self.expect_word("BY")
        found = [self.order()]
        while self.take_symbol(","):
            found.append(self.order())
        return tuple(found)

    def order(self) -> Order:
        expression = self.expression()
        descending = self.take_word("DESC")
        if not descending:
            self.take_word("ASC")
        nulls_last = False
        if self.take_word("NULLS"):
            nulls_last = self.take_word("LAST")
            if not nulls_last:
                self.expect_word("FIRST")
        return Order(expression, descending, nulls_last)
