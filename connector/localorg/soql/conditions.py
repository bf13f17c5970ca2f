"""WHERE and HAVING: turns conditions into SQL with bound parameters. Called by compiler.py.

Semantics of SOQL, not of SQL: text compares without regard to case, `!=` and NOT IN keep records whose field is
null, and NOT is two-valued (a comparison with null is false, so its negation is true).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NoReturn

from connector.localorg.definitions import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldDef
from connector.localorg.ids import to_id18
from connector.localorg.soql.lexer import malformed, plain_text, refuse
from connector.localorg.soql.scope import Column, Scope
from connector.localorg.soql.spans import find_span
from connector.localorg.soql.syntax import (
    Call,
    Comparison,
    Condition,
    Expression,
    Includes,
    Junction,
    Membership,
    Not,
    Query,
    SemiJoin,
    Value,
)
from connector.localorg.values import wire_datetime

Sql = tuple[str, list[Any]]
Resolve = Callable[[Expression], tuple[str, FieldDef]]
CompileSubquery = Callable[[Query, Column], Sql]
_SPAN_TESTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "=": ("({0} >= ? AND {0} < ?)", ("low", "high")),
    "!=": ("({0} < ? OR {0} >= ? OR {0} IS NULL)", ("low", "high")),
    "<": ("{0} < ?", ("low",)),
    ">=": ("{0} >= ?", ("low",)),
    "<=": ("{0} < ?", ("high",)),
    ">": ("{0} >= ?", ("high",)),
}
_SQL_OPERATORS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class ConditionCompiler:
    """Compiles the conditions of one scope; knows how to resolve a left side and how to compile a semi-join's query."""

    def __init__(self, scope: Scope, resolve: Resolve, compile_subquery: CompileSubquery) -> None:
        self.scope = scope
        self.resolve = resolve
        self.compile_subquery = compile_subquery

    def compile(self, condition: Condition) -> Sql:
        """Return SQL that is true where the condition holds; null counts as false."""
        match condition:
            case Junction(operator, parts):
                compiled = [self.compile(p) for p in parts]
                return f" {operator} ".join(f"({s})" for s, _ in compiled), [v for _, vs in compiled for v in vs]
            case Not(inner):
                sql, params = self.compile(inner)
                return f"NOT IFNULL({sql}, 0)", params
            case Comparison():
                return self._comparison(condition)
            case Membership():
                return self._membership(condition)
            case SemiJoin():
                return self._semi_join(condition)
            case Includes():
                return self._includes(condition)

    def _left(self, expression: Expression) -> tuple[str, FieldDef]:
        sql, field = self.resolve(expression)
        if not field.raw["filterable"] and not isinstance(expression, Call):
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
        if test.operator == "LIKE":
            return self._like(sql, field, test)
        value = self.literal(field, test.right)
        if value is None:
            return f"{sql} IS {'NOT ' if test.operator == '!=' else ''}NULL", []
        left, mark = _folded(sql, field, [value])
        plain = f"{left} {_SQL_OPERATORS[test.operator]} {mark}"
        return (f"({plain} OR {sql} IS NULL)" if test.operator == "!=" else plain), [value]

    def _like(self, sql: str, field: FieldDef, test: Comparison) -> Sql:
        if test.right.kind != "string" or field.type not in TEXT_TYPES:
            refuse(
                self.scope.source,
                test.left.at,
                "INVALID_QUERY_FILTER_OPERATOR",
                f"invalid operator on {field.type} field",
            )
        left, mark = _folded(sql, field, [test.right.text])
        return f"{left} LIKE {mark} ESCAPE '\\'", [test.right.text]

    def _span(self, sql: str, field: FieldDef, test: Comparison) -> Sql:
        """Compare with a range of days: `=` means within, `<` before it, `>` after it."""
        if field.type not in ("date", "datetime"):
            self._refuse_literal(field, test.right)
        first, after = find_span(test.right.text, test.right.n, self.scope.today)
        tail = "T00:00:00.000+0000" if field.type == "datetime" else ""
        low, high = first.isoformat() + tail, after.isoformat() + tail
        template, bounds = _SPAN_TESTS.get(test.operator, ("", ()))
        if not template:
            malformed(self.scope.source, test.right.at, f"unexpected token: '{test.right.text}'")
        return template.format(sql), [low if bound == "low" else high for bound in bounds]

    def _membership(self, test: Membership) -> Sql:
        sql, field = self._left(test.left)
        literals = [None if v.kind == "null" else self.literal(field, v) for v in test.values]
        values = [v for v in literals if v is not None]
        left, mark = _folded(sql, field, values)
        listed = f"{left} IN ({', '.join([mark] * len(values))})" if values else "0"
        if len(values) < len(literals):
            listed = f"({listed} OR {sql} IS NULL)"
        return (f"NOT IFNULL({listed}, 0)" if test.negated else listed), values

    def _semi_join(self, test: SemiJoin) -> Sql:
        column = self.scope.resolve(test.left)
        if column.field.type not in ID_TYPES:
            refuse(
                self.scope.source,
                test.left.at,
                "MALFORMED_QUERY",
                f"The left operand '{column.field.name}' of a semi join must be an id or reference field",
            )
        sql, params = self.compile_subquery(test.query, column)
        listed = f"{column.sql} IN ({sql})"
        return (f"NOT IFNULL({listed}, 0)" if test.negated else listed), params

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
            chosen = str(self.literal(field, value)).split(";")
            groups.append(" AND ".join([f"instr(';' || sf_fold({sql}) || ';', ?) > 0"] * len(chosen)))
            params += [f";{c.casefold()};" for c in chosen]
        listed = " OR ".join(f"({g})" for g in groups)
        return (f"NOT IFNULL(({listed}), 0)" if test.negated else f"({listed})"), params

    # --- literals

    def literal(self, field: FieldDef, value: Value) -> Any:
        """Turn a literal into the stored form of the field, or refuse it when the types do not meet. '' is null."""
        if field.type in ID_TYPES:
            return self._id_literal(field, value)
        if field.type in TEXT_TYPES:
            return self._text_literal(field, value)
        wanted = {"boolean": "boolean", "date": "date", "datetime": "datetime"}.get(field.type, "number")
        if value.kind != wanted:
            self._refuse_literal(field, value)
        return _convert(wanted, value.text)

    def _text_literal(self, field: FieldDef, value: Value) -> str | None:
        if value.kind != "string":
            self._refuse_literal(field, value)
        return plain_text(value.text) or None

    def _id_literal(self, field: FieldDef, value: Value) -> str | None:
        if value.kind != "string":
            self._refuse_literal(field, value)
        if not value.text:
            return None
        found = to_id18(value.text)
        if found is None:
            refuse(self.scope.source, value.at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.text}")
        return found

    def _refuse_literal(self, field: FieldDef, value: Value) -> NoReturn:
        kind = _type_name(field)
        quotes = "should be enclosed in quotes" if kind in ("string", "ID") else "should not be enclosed in quotes"
        text = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
        refuse(self.scope.source, value.at, "INVALID_FIELD", text)


def _type_name(field: FieldDef) -> str:
    if field.type in NUMBER_TYPES:
        return "double"
    named = {
        "datetime": "dateTime",
        "reference": "ID",
        "id": "ID",
        "boolean": "boolean",
        "int": "int",
        "date": "date",
        "time": "time",
    }
    return named.get(field.type, "string")


def _convert(kind: str, text: str) -> Any:
    match kind:
        case "boolean":
            return int(text == "TRUE")
        case "number":
            return float(text) if "." in text or "e" in text.lower() else int(text)
        case "datetime":
            return read_moment(text)
    return text


def read_moment(text: str) -> str:
    """The stored form of a datetime literal; milliseconds are kept for comparing."""
    zoned = text[:-1] + "+00:00" if text[-1] in "zZ" else text
    moment = datetime.fromisoformat(zoned)
    return wire_datetime(moment).replace(".000+", f".{moment.microsecond // 1000:03d}+")


def _folded(sql: str, field: FieldDef, values: Sequence[Any]) -> tuple[str, str]:
    """Columns compare without regard to ASCII case by themselves; other scripts are folded on both sides."""
    if (
        field.type in TEXT_TYPES
        and not field.case_sensitive
        and any(isinstance(v, str) and not v.isascii() for v in values)
    ):
        return f"sf_fold({sql})", "sf_fold(?)"
    return sql, "?"
