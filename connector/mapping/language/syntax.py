"""The unchecked tree: an expression's form, before any name is resolved.

Produced by grammar, read by check and by names. Every node knows its place in the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connector.calendar import Duration

AGGREGATES = frozenset({"count", "exists", "sum", "min", "max", "avg", "median", "distinct", "first", "latest"})


@dataclass(frozen=True)
class Syntax:
    """Part of an expression as written: text[start:end]."""

    start: int
    end: int

    @property
    def children(self) -> tuple[Syntax, ...]:
        return ()


@dataclass(frozen=True)
class Value(Syntax):
    """A literal; None is `null`."""

    value: Decimal | str | bool | Duration | None


@dataclass(frozen=True)
class Path(Syntax):
    """A name, or names joined by dots, as written."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Prefix(Syntax):
    """`not x` or `-x`."""

    op: str
    operand: Syntax

    @property
    def children(self) -> tuple[Syntax, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Infix(Syntax):
    """`left op right`; `at` is where the operator stands."""

    op: str
    left: Syntax
    right: Syntax
    at: int

    @property
    def children(self) -> tuple[Syntax, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Chain(Syntax):
    """Three or more conditions joined by the same `and` / `or`."""

    op: str
    parts: tuple[Syntax, ...]

    @property
    def children(self) -> tuple[Syntax, ...]:
        return self.parts


@dataclass(frozen=True)
class Membership(Syntax):
    """`operand [not] in (items)`."""

    operand: Syntax
    items: tuple[Syntax, ...]
    negated: bool

    @property
    def children(self) -> tuple[Syntax, ...]:
        return (self.operand, *self.items)


@dataclass(frozen=True)
class Range(Syntax):
    """`operand [not] between low and high`."""

    operand: Syntax
    low: Syntax
    high: Syntax
    negated: bool

    @property
    def children(self) -> tuple[Syntax, ...]:
        return (self.operand, self.low, self.high)


@dataclass(frozen=True)
class Nullness(Syntax):
    """`operand is [not] null`."""

    operand: Syntax
    negated: bool

    @property
    def children(self) -> tuple[Syntax, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Invocation(Syntax):
    """`name(arguments via F by D where c)`; the clauses belong to aggregates only."""

    name: str
    arguments: tuple[Syntax, ...]
    via: Path | None = None
    by: Path | None = None
    where: Syntax | None = None

    @property
    def has_clauses(self) -> bool:
        return not (self.via is None and self.by is None and self.where is None)

    @property
    def is_aggregate(self) -> bool:
        """min and max of several values are functions of one record."""
        return self.name.lower() in AGGREGATES and (len(self.arguments) == 1 or self.has_clauses)

    @property
    def children(self) -> tuple[Syntax, ...]:
        return (*self.arguments, *(c for c in (self.via, self.by, self.where) if c is not None))
