"""How large an expression becomes when an engine is told it.

Called by check. Some operations can only be said by writing an argument more than once (x / y is unknown when y is 0),
and DuckDB itself writes the operand of CASE and NULLIF out again; nested, the copies multiply. So the size is bounded
before anything is built.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.mapping.language.tree import Aggregate, Arithmetic, Call, IsNull, Node
from connector.mapping.language.types import Kind

MAX_SIZE = 5_000
_STEP_OVER_BUSINESS_DAYS = 40

_COPIES: Mapping[str, tuple[int, ...]] = {
    "IF": (2,), "BLANKVALUE": (2,), "ADDMONTHS": (2, 2), "CEILING": (3,), "LEFT": (1, 2), "RIGHT": (1, 2),
    "MID": (1, 2, 2), "FIND": (2, 2, 4), "LN": (4,), "LOG": (4,), "SQRT": (4,), "EXP": (2,), "ISNUMBER": (2,),
    "PICKLISTCOUNT": (3,), "MOD": (1, 2), "TRUNC": (5,), "TIMEVALUE": (3,), "FORMATDURATION": (8, 4),
}  # fmt: skip
"""Function -> how often its first, second, ... argument is written; once where nothing is said."""


def size_of(node: Node) -> int:
    """About how many parts the node has once it is written out."""
    children = node.children
    copies = (*_copies(node), *(1 for _ in children))
    return _own(node) + sum(times * size_of(child) for times, child in zip(copies, children, strict=False))


def _own(node: Node) -> int:
    """A step over business days is a query of its own over the calendar; what an aggregate is made of is beside it."""
    if isinstance(node, Aggregate):
        return 1 + sum(size_of(part) for part in node.parts)
    return _STEP_OVER_BUSINESS_DAYS if _over_business_days(node) else 1


def _over_business_days(node: Node) -> bool:
    return isinstance(node, Arithmetic) and node.right.type.unit == "business days" and node.type.kind is Kind.DATE


def _copies(node: Node) -> tuple[int, ...]:
    match node:
        case Call(function="CASE"):
            return (len(node.arguments) // 2,)
        case Call(function="MIN" | "MAX"):
            return tuple(2 for _ in node.arguments)
        case Call():
            return _COPIES.get(node.function, ())
        case IsNull():
            return (2,)
        case Arithmetic():
            return _copies_of_operands(node)
    return ()


def _copies_of_operands(node: Arithmetic) -> tuple[int, ...]:
    if node.op == "^":
        return (2, 2)
    if node.op == "/":
        return (1, 2)
    return (2, 4) if _over_business_days(node) else ()
