"""A rule taken apart into the conditions that it is made of, facts that are conditions themselves included.

Called by evidence.py, next_stage.py and explain.py. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from connector.mapping.language import Expression
from connector.mapping.language.tree import Between, Compare, Fact, In, IsNull, Logic, Node, Not, aggregates_in

MAX_DEPTH = 4
"""How many facts deep a reason looks."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """One condition that is not made of others, and whether the rule wants it to be true. The same for every subject
    of a question, so that what is said about it is worked out once."""

    node: Node
    text: str
    """As written."""
    wanted: bool
    depth: int = 0
    """0: in the rule itself; 1: in a fact that the rule names, and so on."""
    opened: bool = False
    """A fact whose own conditions follow."""
    path: tuple[tuple[str, int], ...] = ()
    """The way to it from the rule: at each fork whether "all" or "any" of the parts must hold, and in which it is."""

    @cached_property
    def operands(self) -> tuple[Node, ...]:
        """What it compares: the values that say why it held."""
        return self.node.children if isinstance(self.node, Compare | Between | In | IsNull) else ()


def leaves_of(
    expression: Expression, facts: Mapping[str, Expression] | None = None, *, place: int = 0
) -> tuple[Leaf, ...]:
    """The conditions that an expression is made of, in the order of the text. `facts`: by key, to look into those that
    are conditions over facts and fields themselves. `place` among the expressions that must all hold."""
    return tuple(_leaves(expression, expression.tree, facts or {}, wanted=True, depth=0, path=(("all", place),)))


def text_of(expression: Expression, node: Node) -> str:
    """A part of an expression as written, without brackets around all of it."""
    text = expression.text_of(node)
    while text.startswith("(") and text.endswith(")") and _closes_at_the_end(text):
        text = text[1:-1].strip()
    return text


def _closes_at_the_end(text: str) -> bool:
    """Whether the bracket that opens a text is the one that ends it."""
    depth = 0
    for at, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return at == len(text) - 1
    return False


def _leaves(
    expression: Expression, node: Node, facts: Mapping[str, Expression], *, wanted: bool, depth: int,
    path: tuple[tuple[str, int], ...],
) -> Iterator[Leaf]:  # fmt: skip
    if isinstance(node, Not):
        yield from _leaves(expression, node.operand, facts, wanted=not wanted, depth=depth, path=path)
    elif isinstance(node, Logic):
        asked = "all" if (node.op == "and") is wanted else "any"
        for n, part in enumerate(node.parts):
            yield from _leaves(expression, part, facts, wanted=wanted, depth=depth, path=(*path, (asked, n)))
    else:
        below = _conditions_of(node, facts) if depth < MAX_DEPTH else None
        yield Leaf(node, text_of(expression, node), wanted, depth, opened=below is not None, path=path)
        if below is not None:
            yield from _leaves(below, below.tree, facts, wanted=wanted, depth=depth + 1, path=path)


def _conditions_of(node: Node, facts: Mapping[str, Expression]) -> Expression | None:
    """The expression of a fact that is a condition over facts and fields; none for one that reads records."""
    found = facts.get(node.key) if isinstance(node, Fact) else None
    if found is None or isinstance(found.tree, Fact) or aggregates_in(found.tree):
        return None
    made_of = isinstance(found.tree, Logic | Not | Compare | Between | In | IsNull)
    return found if made_of else None
