"""An expression of a mapping, parsed and checked: the way into this package.

Called by mapping, jobs and orgsetup with the text of a rule and its place; the result goes to evaluate. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.errors import FileProblems, Problem
from connector.mapping.language.check import check
from connector.mapping.language.grammar import KEYWORDS, parse_syntax
from connector.mapping.language.position import Position
from connector.mapping.language.scope import Scope
from connector.mapping.language.syntax import Invocation, Path, Syntax
from connector.mapping.language.tokens import Mark, SyntaxProblem, tokenize
from connector.mapping.language.tree import (
    Aggregate,
    Clock,
    CtaDone,
    Fact,
    Logic,
    Name,
    Node,
    Not,
    Param,
    aggregates_in,
    reads_of,
    walk_all,
)
from connector.mapping.language.types import Kind, Type


@dataclass(frozen=True)
class Condition:
    """One condition inside an expression, for showing why it held."""

    tree: Node
    text: str
    """As written, on one line."""
    depth: int
    """How many `and` / `or` / `not` stand above it."""
    leaf: bool


@dataclass(frozen=True)
class Expression:
    """A checked expression."""

    text: str
    at: Position
    tree: Node
    counter: bool
    """The value differs every day by the mere passing of time; such a value cannot be written continuously."""
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def type(self) -> Type:
        return self.tree.type

    @property
    def fields(self) -> Mapping[str, frozenset[str]]:
        """The org's fields that the expression reads, by sObject: what has to be pulled for it."""
        found: dict[str, set[str]] = {}
        for node in walk_all(self.tree):
            for sobject, name in reads_of(node):
                if sobject != "activity":
                    found.setdefault(sobject, set()).add(name)
        return {sobject: frozenset(names) for sobject, names in sorted(found.items())}

    @property
    def facts(self) -> frozenset[str]:
        return frozenset(n.key for n in walk_all(self.tree) if isinstance(n, Fact))

    @property
    def params(self) -> frozenset[str]:
        return frozenset(n.key for n in walk_all(self.tree) if isinstance(n, Param))

    @property
    def cta_keys(self) -> frozenset[str]:
        return frozenset(n.key for n in walk_all(self.tree) if isinstance(n, CtaDone))

    @property
    def names(self) -> frozenset[str]:
        """The engine's own names that are mentioned: `stage`, `health.band`, ..."""
        return frozenset(n.name for n in walk_all(self.tree) if isinstance(n, Name))

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        return aggregates_in(self.tree)

    @property
    def clock(self) -> bool:
        """Whether the passing of time alone may change the value."""
        return "time_in_stage" in self.names or any(isinstance(n, Clock) for n in walk_all(self.tree))

    @property
    def stage_dependent(self) -> bool:
        """Whether a move from stage to stage may change the value."""
        return not self.names.isdisjoint({"stage", "entered", "time_in_stage"})

    def conditions(self) -> tuple[Condition, ...]:
        """The conditions in the expression, whole ones before their parts, in the order of the text; empty when the
        expression is no condition."""
        if self.type.kind is not Kind.BOOLEAN:
            return ()
        return tuple(self._conditions(self.tree, 0))

    def _conditions(self, node: Node, depth: int) -> list[Condition]:
        inner = node.operand if isinstance(node, Not) else node
        leaf = not isinstance(inner, Logic)
        found = [Condition(node, self.text_of(node), depth, leaf)]
        for part in inner.children if isinstance(inner, Logic) else ():
            found += self._conditions(part, depth + 1)
        return found

    def text_of(self, node: Node) -> str:
        """The text of a part of this expression as written, on one line."""
        return " ".join(self.text[node.start : node.end].split())


def parse(text: str, at: Position, scope: Scope, *, want: Kind | tuple[Kind, ...] = ()) -> Expression:
    """The checked expression. `want`: the kinds of value that its place can use, any when empty.

    Raises FileProblems with everything that is wrong with it.
    """
    problems: list[Problem] = []
    expression = try_parse(text, at, scope, problems, want=want)
    if expression is None:
        raise FileProblems(problems)
    return expression


def try_parse(
    text: str, at: Position, scope: Scope, problems: list[Problem], *, want: Kind | tuple[Kind, ...] = ()
) -> Expression | None:
    """Like parse, but adds errors and warnings to `problems`; None after an error."""
    try:
        syntax = parse_syntax(text)
    except SyntaxProblem as problem:
        problems.append(at.problem(text, problem.offset, problem.message))
        return None
    checked = check(syntax, text, scope, (want,) if isinstance(want, Kind) else want)
    found = tuple(at.problem(text, offset, message, severity) for offset, message, severity in checked.findings)
    problems += found
    if any(p.severity == "error" for p in found):
        return None
    return Expression(text, at, checked.tree, checked.counter, found)


def names_in(text: str) -> frozenset[str]:
    """The names that an expression mentions outside any `where`, in lower case: what it may depend on. Never raises;
    of a text that is no expression, all its words."""
    try:
        return frozenset(_names(parse_syntax(text)))
    except SyntaxProblem:
        return _words(text)


def _names(node: Syntax) -> list[str]:
    if isinstance(node, Path):
        return [str(node).lower()]
    below = node.children
    if isinstance(node, Invocation):
        below = () if node.is_aggregate else node.arguments
    return [name for child in below for name in _names(child)]


def _words(text: str) -> frozenset[str]:
    try:
        return frozenset(t.word for t in tokenize(text) if t.mark is Mark.NAME and t.word not in KEYWORDS)
    except SyntaxProblem:
        return frozenset()
