"""WHERE and HAVING: turns conditions into SQL with bound parameters. Called by compiler.py.

Semantics of SOQL, not of SQL: text compares without regard to case, `!=` and NOT IN keep records whose field is
null, and NOT is two-valued (a comparison with null is false, so its negation is true).
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from connector.localorg.definitions import TEXT_TYPES, FieldDef
from connector.localorg.soql.currencies import literal_worth
from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.literals import check_length, refuse_literal, stored_literal, stored_span
from connector.localorg.soql.scope import Scope
from connector.localorg.soql.syntax import (
    Call,
    Comparison,
    Condition,
    Distance,
    Expression,
    Includes,
    Junction,
    Membership,
    Not,
    SemiJoin,
)

Sql = tuple[str, list[Any]]
Resolve = Callable[[Expression], tuple[str, FieldDef]]
_SPAN_TESTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "=": ("({0} >= ? AND {0} < ?)", ("low", "high")),
    "!=": ("({0} < ? OR {0} >= ? OR {0} IS NULL)", ("low", "high")),
    "<": ("{0} < ?", ("low",)),
    ">=": ("{0} >= ?", ("low",)),
    "<=": ("{0} < ?", ("high",)),
    ">": ("{0} >= ?", ("high",)),
}
_ORDERED = frozenset({"<", "<=", ">", ">="})
_UNORDERED_TYPES = frozenset({"boolean", "multipicklist"})
_SQL_OPERATORS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class SemiJoinCompiler(Protocol):
    """What a condition needs from the statement around it."""

    def compile_semi_join(self, scope: Scope, test: SemiJoin) -> Sql:
        """Compile `field [NOT] IN (SELECT ...)`."""


class ConditionCompiler:
    """Compiles the conditions of one scope; `resolve` knows what a left side may be."""

    def __init__(self, scope: Scope, resolve: Resolve, semi_joins: SemiJoinCompiler) -> None:
        self.scope = scope
        self.resolve = resolve
        self.semi_joins = semi_joins

    def compile(self, condition: Condition) -> Sql:
        """Return SQL that is true where the condition holds; null counts as false."""
        match condition:
            case Junction(operator, parts):
                compiled = [self.compile(p) for p in parts]
                return _balanced([s for s, _ in compiled], operator), [v for _, vs in compiled for v in vs]
            case Not(inner):
                sql, params = self.compile(inner)
                return f"NOT IFNULL({sql}, 0)", params
            case Comparison():
                return self._comparison(condition)
            case Membership():
                return self._membership(condition)
            case SemiJoin():
                return self.semi_joins.compile_semi_join(self.scope, condition)
            case Includes():
                return self._includes(condition)

    def _left(self, expression: Expression) -> tuple[str, FieldDef]:
        sql, field = self.resolve(expression)
        if not field.raw["filterable"] and not isinstance(expression, Call | Distance):
            refuse(
                self.scope.source,
                expression.at,
                "INVALID_FIELD",
                f"field '{field.name}' can not be filtered in a query call",
            )
        return sql, field

    def _comparison(self, test: Comparison) -> Sql:
        sql, field = self._left(test.left)
        if test.right.kind == "null":
            if test.operator not in ("=", "!="):
                malformed(self.scope.source, test.right.at, f"unexpected token: '{test.right.text}'")
            return f"{sql} IS {'NOT ' if test.operator == '!=' else ''}NULL", []
        if test.right.kind == "span":
            return self._span(sql, field, test)
        if test.right.kind == "currency":
            return self._money(sql, test)
        if test.operator == "LIKE":
            return self._like(sql, field, test)
        self._refuse_operator(field, test)
        value = stored_literal(self.scope, field, test.right)
        if value is None:
            return f"{sql} IS {'NOT ' if test.operator == '!=' else ''}NULL", []
        left, mark = _folded(sql, field, [value])
        plain = f"{left} {_SQL_OPERATORS[test.operator]} {mark}"
        return (f"({plain} OR {sql} IS NULL)" if test.operator == "!=" else plain), [value]

    def _refuse_operator(self, field: FieldDef, test: Comparison) -> None:
        """Some types have no order, and a distance has nothing but order."""
        wrong = test.operator in _ORDERED and field.type in _UNORDERED_TYPES
        if wrong or (isinstance(test.left, Distance) and test.operator not in _ORDERED):
            text = f"invalid operator on {field.type} field"
            refuse(self.scope.source, test.left.at, "INVALID_QUERY_FILTER_OPERATOR", text)

    def _like(self, sql: str, field: FieldDef, test: Comparison) -> Sql:
        if test.right.kind != "string" or field.type not in TEXT_TYPES:
            refuse(
                self.scope.source,
                test.left.at,
                "INVALID_QUERY_FILTER_OPERATOR",
                f"invalid operator on {field.type} field",
            )
        check_length(self.scope, test.right)
        left, mark = _folded(sql, field, [test.right.text])
        return f"{left} LIKE {mark} ESCAPE '\\'", [test.right.text]

    def _span(self, sql: str, field: FieldDef, test: Comparison) -> Sql:
        """Compare with a range of days: `=` means within, `<` before it, `>` after it."""
        low, high = stored_span(self.scope, field, test.right)
        template, bounds = _SPAN_TESTS.get(test.operator, ("", ()))
        if not template:
            malformed(self.scope.source, test.right.at, f"unexpected token: '{test.right.text}'")
        return template.format(sql), [low if bound == "low" else high for bound in bounds]

    def _money(self, sql: str, test: Comparison) -> Sql:
        """Amount > USD5000: by worth, whatever the currency of the record."""
        if test.operator == "LIKE":
            malformed(self.scope.source, test.right.at, f"unexpected token: '{test.right.text}'")
        worth, amount = literal_worth(self.scope, test.left, test.right)
        plain = f"{worth} {_SQL_OPERATORS[test.operator]} ?"
        return (f"({plain} OR {sql} IS NULL)" if test.operator == "!=" else plain), [amount]

    def _money_list(self, sql: str, test: Membership) -> Sql:
        """Amount IN (USD5, EUR7): amounts with and without a currency do not mix (SOQL reference, convertCurrency)."""
        plain = next((v for v in test.values if v.kind not in ("currency", "null")), None)
        if plain is not None:
            malformed(self.scope.source, plain.at, "a list cannot mix values with and without a currency")
        pairs = [literal_worth(self.scope, test.left, v) for v in test.values if v.kind == "currency"]
        tests = [f"{worth} = ?" for worth, _ in pairs] + [f"{sql} IS NULL"] * (len(pairs) < len(test.values))
        listed = f"({' OR '.join(tests)})"
        return (f"NOT IFNULL({listed}, 0)" if test.negated else listed), [amount for _, amount in pairs]

    def _membership(self, test: Membership) -> Sql:
        sql, field = self._left(test.left)
        if any(v.kind == "currency" for v in test.values):
            return self._money_list(sql, test)
        literals = [None if v.kind == "null" else stored_literal(self.scope, field, v) for v in test.values]
        values = [v for v in literals if v is not None]
        left, mark = _folded(sql, field, values)
        listed = f"{left} IN ({', '.join([mark] * len(values))})" if values else "0"
        if len(values) < len(literals):
            listed = f"({listed} OR {sql} IS NULL)"
        return (f"NOT IFNULL({listed}, 0)" if test.negated else listed), values

    def _includes(self, test: Includes) -> Sql:
        """INCLUDES('a;b', 'c'): both a and b, or c."""
        sql, field = self._left(test.left)
        if field.type != "multipicklist":
            refuse(
                self.scope.source,
                test.left.at,
                "INVALID_QUERY_FILTER_OPERATOR",
                "includes or excludes operator only valid on multipicklist field",
            )
        groups, params = [], []
        for value in test.values:
            if value.kind != "string":
                refuse_literal(self.scope, field, value)
            chosen = str(stored_literal(self.scope, field, value)).split(";")
            groups.append(" AND ".join([f"instr(';' || sf_fold({sql}) || ';', ?) > 0"] * len(chosen)))
            params += [f";{c.casefold()};" for c in chosen]
        listed = " OR ".join(f"({g})" for g in groups)
        return (f"NOT IFNULL(({listed}), 0)" if test.negated else f"({listed})"), params


def _balanced(parts: Sequence[str], operator: str) -> str:
    """Parts joined as a shallow tree: SQLite bounds how deep an expression may nest."""
    if len(parts) == 1:
        return f"({parts[0]})"
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], operator)} {operator} {_balanced(parts[middle:], operator)})"


def _folded(sql: str, field: FieldDef, values: Sequence[Any]) -> tuple[str, str]:
    """Columns compare without regard to ASCII case by themselves; other scripts are folded on both sides."""
    if (
        field.type in TEXT_TYPES
        and not field.case_sensitive
        and any(isinstance(v, str) and not v.isascii() for v in values)
    ):
        return f"sf_fold({sql})", "sf_fold(?)"
    return sql, "?"
