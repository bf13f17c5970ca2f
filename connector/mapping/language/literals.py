"""Written values that a field can never equal: unknown picklist values, blank or short ids, shares of percentages.

Called by findings for every comparison of something with a written value.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal as Choice

from connector.describe import nearest
from connector.errors import FixFirst
from connector.ids import full_id
from connector.mapping.language.scope import Scope
from connector.mapping.language.tree import Field, Literal, Node
from connector.mapping.language.types import Type

Severity = Choice["error", "warning"]
Doubt = tuple[str, Severity]
_LISTED = 8
_ID_LENGTH = 18


def doubts(node: Node, literal: Node, scope: Scope) -> Iterator[Doubt]:
    """What is wrong, or looks wrong, with comparing `node` with a written value."""
    if not isinstance(literal, Literal):
        return
    if isinstance(literal.value, str):
        yield from _picklist(node.type, literal.value, scope)
        yield from _reference(node, literal.value)
    if isinstance(literal.value, Decimal) and isinstance(node, Field) and node.datatype == "percent":
        yield from _share(node, literal.value)


def _picklist(kind: Type, value: str, scope: Scope) -> Iterator[Doubt]:
    if not kind.values or value == "" or value in kind.values:
        return
    guess = nearest(value, kind.values)
    listed = ", ".join(map(repr, kind.values[:_LISTED])) + (", ..." if len(kind.values) > _LISTED else "")
    advice = f"did you mean {guess!r}?" if guess else f"allowed: {listed}"
    severity: Severity = "error" if kind.restricted or scope.known_values else "warning"
    yield f"{value!r} is not a value that this can have; {advice}", severity


def _reference(node: Node, value: str) -> Iterator[Doubt]:
    """A blank reference is unknown, and ids are kept with 18 characters: both comparisons would never be true."""
    if not node.type.lookup:
        return
    if value == "":
        yield "a reference is never blank text; write `is null`, or `is not null`", "error"
        return
    try:
        whole = full_id(value)
    except FixFirst as problem:
        yield f"a reference is compared with a record id; {problem}", "error"
        return
    if len(value) < _ID_LENGTH:
        yield f"ids have {_ID_LENGTH} characters here; write {whole!r}", "error"


def _share(field: Field, value: Decimal) -> Iterator[Doubt]:
    """Formulas see 50 % as 0.5; the API, the mirror and so mappings see 50."""
    if 0 < value < 1:
        yield f"{field.name} is a percentage: 50 % is 50 here, not 0.5; did you mean {value * 100:f}?", "warning"
