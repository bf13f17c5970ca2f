"""Calls of scalar functions: the right arguments, and functions that are another way of writing something else.

Called by check with arguments that are checked already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from connector.describe import nearest
from connector.mapping.language.aggregates import usage_problem
from connector.mapping.language.findings import Findings
from connector.mapping.language.functions import FUNCTIONS, Function
from connector.mapping.language.results import whole
from connector.mapping.language.scope import Scope
from connector.mapping.language.syntax import AGGREGATES, Invocation, Value
from connector.mapping.language.tree import Call, Clock, Compare, CtaDone, IsNull, Literal, Node, condition
from connector.mapping.language.types import BOOLEAN, DATE, ERROR, TIME, Kind, Type, either
from connector.mapping.language.unavailable import UNAVAILABLE

_CONSTANTS: Mapping[str, str | Decimal] = {"BR": "\n", "PI": Decimal("3.14159265358979")}


def call(syntax: Invocation, arguments: tuple[Node, ...], findings: Findings, scope: Scope) -> Node:
    """The checked call of a function that is no aggregate."""
    function = FUNCTIONS.get(syntax.name.upper())
    if function is None or (syntax.name.lower() in AGGREGATES and not arguments):
        return findings.wrong(syntax, _no_function(syntax))
    if not function.accepts(len(arguments)):
        given = "1 value" if len(arguments) == 1 else f"{len(arguments)} values"
        return findings.wrong(syntax, f"{function.name} is used as {function.usage}, not with {given}")
    if False in [_fits(function, i, a, findings) for i, a in enumerate(arguments)]:
        return Node(ERROR, start=syntax.start, end=syntax.end)
    result = function.result if isinstance(function.result, Type) else function.result(arguments)
    if isinstance(result, str):
        return findings.wrong(syntax, result)
    return _rewritten(Call(result, function.name, arguments, start=syntax.start, end=syntax.end), findings, scope)


def _no_function(syntax: Invocation) -> str:
    name = syntax.name.upper()
    if name.lower() in AGGREGATES:
        return usage_problem(syntax)
    if reason := UNAVAILABLE.get(name):
        return f"{name} is not available: {reason}"
    guess = nearest(name, [*FUNCTIONS, *AGGREGATES, "cta_done"])
    return f"unknown function {syntax.name!r}" + (
        f"; did you mean {guess}?" if guess else "; the reference lists them all"
    )


def _fits(function: Function, index: int, node: Node, findings: Findings) -> bool:
    parameter = function.parameter(index)
    if node.type.kind in parameter.kinds or node.type.kind is Kind.ERROR:
        return node.type.kind is not Kind.ERROR
    found = f"{parameter.name} must be {either(parameter.kinds)}, but {findings.quote(node)} is {node.type.kind.phrase}"
    findings.report(node.start, f"{function.usage}: {found}")
    return False


def _rewritten(node: Call, findings: Findings, scope: Scope) -> Node:
    arguments, start, end = node.arguments, node.start, node.end
    match node.function:
        case "AND" | "OR":
            return condition("and" if node.function == "AND" else "or", arguments, start, end)
        case "ISBLANK" | "ISNULL":
            return IsNull(BOOLEAN, arguments[0], start=start, end=end)
        case "NULLVALUE":
            return replace(node, function="BLANKVALUE")
        case "ISPICKVAL":
            findings.compare("=", arguments[0], arguments[1], start, scope)
            return Compare(BOOLEAN, "=", arguments[0], arguments[1], start=start, end=end)
        case "TODAY" | "NOW":
            return Clock.of("today" if node.function == "TODAY" else "now", start, end)
        case "TIMENOW":
            return Call(TIME, "TIMEVALUE", (Clock.of("now", start, end),), start=start, end=end)
        case "BR" | "PI":
            return Literal(node.type, _CONSTANTS[node.function], start=start, end=end)
        case "CASESAFEID":
            return replace(arguments[0], start=start, end=end)
        case "DATE":
            return _date(node, findings)
        case "INCLUDES":
            findings.written_value(arguments[0], arguments[1], scope)
        case "CASE":
            for case in arguments[1:-1:2]:
                findings.compare("=", arguments[0], case, case.start, scope)
    return node


def _date(node: Call, findings: Findings) -> Node:
    """A date that is written out is one value, and must exist."""
    parts = [whole(a) for a in node.arguments]
    if None in parts:
        return node
    year, month, day = (p or 0 for p in parts)
    try:
        return Literal(DATE, date(year, month, day), start=node.start, end=node.end)
    except (ValueError, OverflowError):
        return findings.wrong(node, f"there is no day {year}-{month}-{day}; DATE takes year, month, day")


def cta_done(syntax: Invocation, findings: Findings, scope: Scope) -> Node:
    """The checked `cta_done('key')`."""
    argument = syntax.arguments[0] if len(syntax.arguments) == 1 else None
    if not (isinstance(argument, Value) and isinstance(argument.value, str)):
        return findings.wrong(syntax, "cta_done takes the key of a CTA or playbook step, such as cta_done('kickoff')")
    if argument.value in scope.cta_keys:
        return CtaDone(BOOLEAN, argument.value, start=syntax.start, end=syntax.end)
    guess = nearest(argument.value, scope.cta_keys)
    advice = f"did you mean {guess!r}?" if guess else "it takes the key of a CTA, or of a playbook step"
    return findings.wrong(argument, f"no CTA or playbook step is called {argument.value!r}; {advice}")
