"""Unchecked tree -> checked tree: names resolved, types fitted, every finding with its place.

Called by expression. Goes on after an error (what was wrong has the type ERROR, which fits everywhere), so that one
reading reports everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from connector.calendar import Duration as Length
from connector.mapping.language import aggregates, calls, habits
from connector.mapping.language.drift import is_counter
from connector.mapping.language.findings import Finding, Findings
from connector.mapping.language.names import Unresolved, child_field, resolve
from connector.mapping.language.operators import calculated
from connector.mapping.language.scope import Listed, Scope, spelled
from connector.mapping.language.size import MAX_SIZE, size_of
from connector.mapping.language.syntax import (
    Chain,
    Infix,
    Invocation,
    Membership,
    Nullness,
    Path,
    Prefix,
    Range,
    Syntax,
    Value,
)
from connector.mapping.language.tree import (
    Aggregate,
    AggregateKind,
    Arithmetic,
    ArithmeticOp,
    Between,
    Compare,
    CompareOp,
    Duration,
    Field,
    In,
    IsNull,
    Literal,
    Negative,
    Node,
    Not,
    condition,
)
from connector.mapping.language.types import BOOLEAN, ERROR, NULL, TEXT, Kind, Type, exact, type_of_duration

COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_SIGNED = (Kind.NUMBER, Kind.DAYS, Kind.DURATION)
_TIMES = (Kind.DATE, Kind.DATETIME)


@dataclass(frozen=True)
class Checked:
    """A checked tree and what was found on the way."""

    tree: Node
    findings: tuple[Finding, ...]
    counter: bool


def check(syntax: Syntax, text: str, scope: Scope, want: tuple[Kind, ...]) -> Checked:
    """`syntax` resolved and typed in `scope`; `want` says which kinds of value its place can use, any when empty."""
    checker = _Checker(Findings(text))
    tree = checker.visit(syntax, scope)
    if tree.type.kind is Kind.NULL:
        checker.findings.report(tree.start, "this is null in every case; give it a value in one")
    if tree.type.kind is Kind.TIME:
        checker.findings.report(tree.start, "a time of day is no value of its own; compare it, or take HOUR(...) of it")
    if size_of(tree) > MAX_SIZE:
        checker.findings.report(tree.start, "too much is nested here; give an inner part a name as a fact")
    checker.findings.expect(tree, want, "this must be")
    for node, message in habits.warnings(tree):
        checker.findings.report(node.start, message.format(checker.findings.written(node)), "warning")
    return Checked(tree, tuple(dict.fromkeys(checker.findings.found)), is_counter(tree, scope.counters))


class _Checker:
    """One reading of one expression."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def visit(self, syntax: Syntax, scope: Scope) -> Node:
        match syntax:
            case Value():
                return _value(syntax)
            case Path():
                return self._path(syntax, scope)
            case Prefix():
                return self._prefix(syntax, scope)
            case Infix():
                return self._infix(syntax, scope)
            case Chain():
                parts = tuple(
                    self._condition(p, scope, f"`{syntax.op}` joins conditions; each must be") for p in syntax.parts
                )
                return condition("and" if syntax.op == "and" else "or", parts, syntax.start, syntax.end)
            case Membership():
                return self._membership(syntax, scope)
            case Range():
                return self._range(syntax, scope)
            case Nullness():
                operand = self.visit(syntax.operand, scope)
                return IsNull(BOOLEAN, operand, syntax.negated, start=syntax.start, end=syntax.end)
            case Invocation():
                return self._invocation(syntax, scope)
        raise AssertionError(syntax)

    def _path(self, syntax: Path, scope: Scope) -> Node:
        try:
            return resolve(syntax, scope)
        except Unresolved as problem:
            return self.findings.unresolved(syntax, problem)

    def _condition(self, syntax: Syntax, scope: Scope, where: str) -> Node:
        node = self.visit(syntax, scope)
        self.findings.expect(node, (Kind.BOOLEAN,), where)
        return node

    def _prefix(self, syntax: Prefix, scope: Scope) -> Node:
        if syntax.op == "not":
            operand = self._condition(syntax.operand, scope, "what follows `not` must be")
            return Not(BOOLEAN, operand, start=syntax.start, end=syntax.end)
        operand = self.visit(syntax.operand, scope)
        self.findings.expect(operand, _SIGNED, "what follows `-` must be")
        return Negative(operand.type, operand, start=syntax.start, end=syntax.end)

    def _infix(self, syntax: Infix, scope: Scope) -> Node:
        left, right = self.visit(syntax.left, scope), self.visit(syntax.right, scope)
        if syntax.op in COMPARISONS:
            self.findings.compare(syntax.op, left, right, syntax.at, scope)
            op = cast("CompareOp", syntax.op)
            return Compare(BOOLEAN, op, left, right, start=syntax.start, end=syntax.end)
        verdict = calculated(syntax.op, left.type, right.type)
        if isinstance(verdict, str):
            self.findings.report(syntax.at, verdict)
            verdict = ERROR
        return Arithmetic(verdict, cast("ArithmeticOp", syntax.op), left, right, start=syntax.start, end=syntax.end)

    def _range(self, syntax: Range, scope: Scope) -> Node:
        operand, low, high = (self.visit(s, scope) for s in (syntax.operand, syntax.low, syntax.high))
        for end in (low, high):
            self.findings.compare("<=", operand, end, end.start, scope)
        return Between(BOOLEAN, operand, low, high, syntax.negated, start=syntax.start, end=syntax.end)

    def _membership(self, syntax: Membership, scope: Scope) -> Node:
        operand = self.visit(syntax.operand, scope)
        items: list[Node] = []
        key = ""
        for item in syntax.items:
            found = spelled(str(item), scope.lists) if isinstance(item, Path) else None
            key = found or key
            items += _listed(item, scope.lists[found]) if found else [self.visit(item, scope)]
        for node in items:
            self.findings.compare("=", operand, node, node.start, scope)
        return In(BOOLEAN, operand, tuple(items), syntax.negated, key, start=syntax.start, end=syntax.end)

    # --- calls --------------------------------------------------------------------------------------------

    def _invocation(self, syntax: Invocation, scope: Scope) -> Node:
        if syntax.is_aggregate:
            return self._aggregate(syntax, scope)
        if syntax.has_clauses:
            message = f"{syntax.name} takes no where, by or via; those belong to count, sum, latest and their like"
            return self.findings.wrong(syntax, message)
        if syntax.name.lower() == "cta_done":
            return calls.cta_done(syntax, self.findings, scope)
        arguments = tuple(self.visit(a, scope) for a in syntax.arguments)
        return calls.call(syntax, arguments, self.findings, scope)

    def _aggregate(self, syntax: Invocation, scope: Scope) -> Node:
        if scope.child:
            return self.findings.wrong(syntax, f"{syntax.name} cannot stand here; make it a fact of its own")
        if not scope.aggregates:
            written = self.findings.written(syntax)
            return self.findings.wrong(
                syntax, f"only facts read child records; make `{written}` a fact and name it here"
            )
        if problem := aggregates.usage_problem(syntax):
            return self.findings.wrong(syntax, problem)
        return self._over_children(syntax, cast("Path", syntax.arguments[0]), scope)

    def _over_children(self, syntax: Invocation, path: Path, scope: Scope) -> Node:
        kind = cast("AggregateKind", syntax.name.lower())
        named = path
        try:
            sobject = aggregates.child_of(path, scope)
            named = syntax.via or path
            via, joins = aggregates.join_of(sobject, syntax.via, scope)
        except Unresolved as problem:
            return self.findings.unresolved(named, problem)
        inner = aggregates.child_scope(scope, sobject)
        value = self._child_field(path, 1, inner) if kind not in aggregates.OF_RECORDS else None
        by = self._child_field(syntax.by, 0, inner) if syntax.by else None
        where = self._condition(syntax.where, inner, "what follows `where` must be") if syntax.where else None
        if value and (problem_text := aggregates.unfit(kind, value)):
            return self.findings.wrong(path, problem_text)
        if by:
            self.findings.expect(by, _TIMES, f"{syntax.name} goes by the order of time: what follows `by` must be")
        result = aggregates.result_of(kind, value)
        place = {"start": syntax.start, "end": syntax.end}
        return Aggregate(result, kind, sobject, via, value, by, where, joins, **place)

    def _child_field(self, path: Path, skip: int, scope: Scope) -> Field | None:
        try:
            return child_field(path, skip, scope)
        except Unresolved as problem:
            self.findings.unresolved(path, problem)
            return None


def _value(syntax: Value) -> Node:
    if isinstance(syntax.value, Length):
        return Duration(type_of_duration(syntax.value), syntax.value, start=syntax.start, end=syntax.end)
    return Literal(type_of_literal(syntax.value), syntax.value, start=syntax.start, end=syntax.end)


def _listed(place: Syntax, values: tuple[Listed, ...]) -> list[Node]:
    plain = [v if isinstance(v, str) else Decimal(v) for v in values]
    return [Literal(type_of_literal(v), v, start=place.start, end=place.end) for v in plain]


def type_of_literal(value: Decimal | str | bool | None) -> Type:
    """The type of a written value."""
    if isinstance(value, Decimal):
        return _type_of_number(value)
    return NULL if value is None else BOOLEAN if isinstance(value, bool) else TEXT


def _type_of_number(value: Decimal) -> Type:
    _, digits, exponent = value.as_tuple()
    after = max(0, -cast("int", exponent))
    return exact(max(1, len(digits) - after), after)
