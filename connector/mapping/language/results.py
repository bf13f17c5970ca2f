"""Types of results that depend on the arguments of a function.

Read by the table in functions.py. Each takes the checked arguments and gives the result's Type, or a sentence that says
why there is none.
"""

from __future__ import annotations

from decimal import Decimal

from connector.mapping.language.operators import Verdict, merged
from connector.mapping.language.pattern import fault_of
from connector.mapping.language.tree import Literal, Negative, Node
from connector.mapping.language.types import BOOLEAN, NUMBER, TEXT, Kind, Type, exact

MAX_PAD = 3900


def same(arguments: tuple[Node, ...]) -> Type:
    return arguments[0].type


def one_type(nodes: tuple[Node, ...]) -> Verdict:
    result: Verdict = nodes[0].type
    for node in nodes[1:]:
        if isinstance(result, str):
            return result
        result = merged(result, node.type)
    return result


def branches(arguments: tuple[Node, ...]) -> Verdict:
    return one_type(arguments[1:])


def cases(arguments: tuple[Node, ...]) -> Verdict:
    if len(arguments) % 2:
        return "CASE ends with what it gives otherwise: CASE(value, case, result, ..., otherwise)"
    return one_type((*arguments[2:-1:2], arguments[-1]))


def whole(node: Node) -> int | None:
    """The number that is written here, when it is a whole one."""
    sign, literal = (-1, node.operand) if isinstance(node, Negative) else (1, node)
    value = literal.value if isinstance(literal, Literal) else None
    return sign * int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else None


def rounded(arguments: tuple[Node, ...]) -> Verdict:
    decimals = whole(arguments[1]) if len(arguments) > 1 else 0
    if decimals is None or not -9 <= decimals <= 10:
        return "ROUND takes its decimals as a plain number between -9 and 10"
    return exact(28, max(decimals, 0))


def integer(arguments: tuple[Node, ...]) -> Type:
    digits = arguments[0].type.digits
    return exact(digits[0] + 1) if digits else exact(28)


def padded(arguments: tuple[Node, ...]) -> Verdict:
    length = whole(arguments[1])
    if length is None or not 0 <= length <= MAX_PAD:
        return f"the length is a plain number up to {MAX_PAD}"
    if len(arguments) > 2 and not (isinstance(arguments[2], Literal) and arguments[2].value):
        return "a text is filled up with a written text that is not blank"
    return TEXT


def remainder(arguments: tuple[Node, ...]) -> Type:
    left, right = arguments[0].type.digits, arguments[1].type.digits
    return exact(max(left[0], right[0]), max(left[1], right[1])) if left and right else NUMBER


def truncated(arguments: tuple[Node, ...]) -> Verdict:
    if len(arguments) == 1:
        return integer(arguments)
    decimals = whole(arguments[1])
    if decimals is None or not -9 <= decimals <= 10:
        return "TRUNC takes its decimals as a plain number between -9 and 10"
    return exact(28, max(decimals, 0))


def matched(arguments: tuple[Node, ...]) -> Verdict:
    pattern = arguments[1]
    if not (isinstance(pattern, Literal) and isinstance(pattern.value, str)):
        return "a pattern is a written text, such as REGEX(Phone, '[0-9 ]+')"
    return fault_of(pattern.value) or BOOLEAN


def spanned(arguments: tuple[Node, ...]) -> Verdict:
    if len(arguments) == 1:
        counted = arguments[0].type.kind in {Kind.NUMBER, Kind.DAYS}
        return TEXT if counted else "FORMATDURATION takes a number of seconds, or two times to go between"
    first, second = (a.type.kind for a in arguments)
    if first is second or (first in {Kind.NUMBER, Kind.DAYS} and second is Kind.BOOLEAN):
        return TEXT
    return "FORMATDURATION goes between two of one kind, or takes seconds and whether to count days"


def identifier(arguments: tuple[Node, ...]) -> Verdict:
    """Ids have 18 characters wherever they come from; a text that holds an id may have 15."""
    return arguments[0].type if arguments[0].type.lookup else "CASESAFEID takes an id; a text is compared as it is"


def as_text(arguments: tuple[Node, ...]) -> Type:
    """A picklist stays one, so that its values are still known."""
    return arguments[0].type if arguments[0].type.kind is Kind.TEXT else TEXT
