"""Where a formula pasted from Salesforce would mean something else here, although it reads the same: warnings.

Called by check with the whole checked tree. Salesforce reads a missing number as zero (unless the formula says "treat
blank fields as blanks") and a percentage as its share; here a missing number is unknown, and 50 % is 50 as in the API.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from connector.mapping.language.tree import (
    Aggregate,
    Arithmetic,
    Between,
    Call,
    Compare,
    Field,
    IsNull,
    Literal,
    Node,
    walk,
)
from connector.mapping.language.types import Kind

Warned = tuple[Node, str]

_HOLDS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def warnings(tree: Node) -> Iterator[Warned]:
    """Each place once, with what it means here and how to say what Salesforce would make of it; {0} is for the place's
    own text."""
    for part in (tree, *(n.where for n in walk(tree) if isinstance(n, Aggregate) and n.where)):
        guarded = {f for n in walk(part) if isinstance(n, IsNull) for f in walk(n) if isinstance(f, Field)}
        yield from _blank_as_zero(part, guarded)
        yield from _shares(part, scaled=False)


def _blank_as_zero(part: Node, guarded: set[Field]) -> Iterator[Warned]:
    for node in walk(part):
        if isinstance(node, Compare):
            found = _met_by_zero(node)
        elif isinstance(node, Between):
            found = _around_zero(node)
        elif isinstance(node, Arithmetic) and node.op in {"+", "-"}:
            found = [side for side in (node.left, node.right) if isinstance(side, Field) and _is_number(side)]
        else:
            continue
        for field in found:
            if field not in guarded:
                yield field, _UNKNOWN


_UNKNOWN = (
    "where {0} is blank this is unknown, while a formula in Salesforce counts 0; for that write BLANKVALUE({0}, 0)"
)

_PERCENT = "{0} is a percentage: 50 % is 50 here, 0.5 in a formula; write {0} / 100"


def _met_by_zero(node: Compare) -> list[Field]:
    """The field that is compared with a written number which zero would meet."""
    for side, other, op in ((node.left, node.right, node.op), (node.right, node.left, _MIRRORED.get(node.op, node.op))):
        value = _written(other)
        if isinstance(side, Field) and _is_number(side) and value is not None and op != "!=":
            return [side] if _HOLDS[op](Decimal(0), value) else []
    return []


def _around_zero(node: Between) -> list[Field]:
    low, high, field = _written(node.low), _written(node.high), node.operand
    if low is None or high is None or not (isinstance(field, Field) and _is_number(field)):
        return []
    return [field] if low <= 0 <= high and not node.negated else []


def _written(node: Node) -> Decimal | None:
    return node.value if isinstance(node, Literal) and isinstance(node.value, Decimal) else None


def _is_number(node: Field) -> bool:
    return node.root != "source" and node.type.kind is Kind.NUMBER


def _shares(node: Node, *, scaled: bool) -> Iterator[Warned]:
    """Percentages that are multiplied without having been divided by 100."""
    if isinstance(node, Arithmetic):
        scaled = scaled or (node.op in {"/", "*"} and _is_hundred(node))
        for side in (node.left, node.right):
            if node.op == "*" and not scaled and isinstance(side, Field) and side.datatype == "percent":
                yield side, _PERCENT
    elif isinstance(node, Call | Compare):
        scaled = False
    for child in node.children:
        yield from _shares(child, scaled=scaled)


def _is_hundred(node: Arithmetic) -> bool:
    return _written(node.right) == (Decimal(100) if node.op == "/" else Decimal("0.01"))
