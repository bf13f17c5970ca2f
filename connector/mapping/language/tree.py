"""The checked tree of an expression: what `check` produces and `evaluate` turns into SQL.

Frozen and hashable: equal trees mean equal values, wherever they were written (`start` and `end`, the node's place
in its text, do not count), so equal aggregates are computed once. Every name is resolved: fields are spelled as the
org spells them, keys as the mapping spells them. Nothing here depends on an engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal as Choice

from connector.calendar import Duration as Length
from connector.mapping.language.types import BOOLEAN, DATE, DATETIME, Type

Reads = tuple[tuple[str, str], ...]
"""(sObject, field) pairs, sorted."""

ActivityField = Choice["date", "done", "two_way", "channel", "subject", "owner"]


@dataclass(frozen=True)
class Node:
    """Part of a checked expression."""

    type: Type
    start: int = field(compare=False, kw_only=True, default=0)
    end: int = field(compare=False, kw_only=True, default=0)

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes directly below, in the order of the text."""
        return ()


@dataclass(frozen=True)
class Literal(Node):
    """A number (Decimal), text, true, false, a date, or null (None)."""

    value: Decimal | str | bool | date | None


@dataclass(frozen=True)
class Duration(Node):
    length: Length


@dataclass(frozen=True)
class Step:
    """One step from a record to its parent: the reference field followed, and the parent's sObject."""

    reference: str
    sobject: str


@dataclass(frozen=True)
class Field(Node):
    """A field of the subject or of the child record, or of a parent of it; or a column of the subject's row in a
    source."""

    root: Choice["subject", "child", "source"]
    root_sobject: str
    """`activity` for the stream; its fields are those of ActivityField, and Id. The name of a source."""
    steps: tuple[Step, ...]
    name: str
    datatype: str = field(compare=False, default="")
    """Type in describe, such as `currency`; empty for the activity stream."""

    @property
    def sobject(self) -> str:
        """The sObject that has the field."""
        return self.steps[-1].sobject if self.steps else self.root_sobject

    @property
    def path(self) -> str:
        """The field as SOQL would name it, by reference fields: `OwnerId.ManagerId.Name`."""
        return ".".join([*(s.reference for s in self.steps), self.name])

    @property
    def reads(self) -> Reads:
        objects = [self.root_sobject, *(s.sobject for s in self.steps)]
        names = [*(s.reference for s in self.steps), self.name]
        return tuple(sorted(set(zip(objects, names, strict=True))))


@dataclass(frozen=True)
class Fact(Node):
    key: str


@dataclass(frozen=True)
class Param(Node):
    """A parameter; the visit's segment may override its value."""

    key: str


@dataclass(frozen=True)
class Name(Node):
    """What the engine itself knows about the subject: `stage` (key as text), `entered` (first day of the visit),
    `time_in_stage` (whole days), `segment`, `health.band`, `health.score`, and what Scope.extra adds."""

    name: str


@dataclass(frozen=True)
class Clock(Node):
    """`today` (date in the model's zone) or `now`."""

    name: Choice["today", "now"]

    @staticmethod
    def of(name: Choice["today", "now"], start: int, end: int) -> Clock:
        return Clock(DATE if name == "today" else DATETIME, name, start=start, end=end)


@dataclass(frozen=True)
class CtaDone(Node):
    """Whether a person completed the latest Task of this CTA or playbook step for the subject."""

    key: str

    @property
    def reads(self) -> Reads:
        return (("Task", "IsClosed"), ("Task", "IsDeleted"), ("Task", "Status"))


@dataclass(frozen=True)
class Logic(Node):
    """`and` / `or` over two or more conditions."""

    op: Choice["and", "or"]
    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.parts


@dataclass(frozen=True)
class Not(Node):
    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


CompareOp = Choice["=", "!=", "<", "<=", ">", ">="]
ArithmeticOp = Choice["+", "-", "*", "/", "^", "&"]


@dataclass(frozen=True)
class Compare(Node):
    op: CompareOp
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class In(Node):
    """`items` are written values; `list_key` names the list they came from, if one did."""

    operand: Node
    items: tuple[Node, ...]
    negated: bool = False
    list_key: str = field(compare=False, default="")

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand, *self.items)


@dataclass(frozen=True)
class Between(Node):
    """Both ends included."""

    operand: Node
    low: Node
    high: Node
    negated: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand, self.low, self.high)


@dataclass(frozen=True)
class IsNull(Node):
    """`is null`, ISBLANK, ISNULL: true when there is no value or a blank text."""

    operand: Node
    negated: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Arithmetic(Node):
    """`&` joins texts. The types of the operands say which arithmetic is meant (dates, durations, numbers)."""

    op: ArithmeticOp
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Negative(Node):
    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Call(Node):
    """A scalar function by its upper-case name in functions.FUNCTIONS."""

    function: str
    arguments: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments


AggregateKind = Choice["count", "exists", "sum", "min", "max", "avg", "median", "distinct", "first", "latest"]


@dataclass(frozen=True)
class Aggregate(Node):
    """A value over the subject's child records.

    Only `env.aggregate` and `lower_aggregate` look below it: `children` is empty, because its parts belong to the
    child's scope.
    """

    kind: AggregateKind
    sobject: str
    """The child's sObject, or `activity`."""
    via: str
    """The child's field that refers to the subject; empty for `activity`, and for CampaignMember of an Account,
    which is reached through Contact.AccountId or a converted Lead.ConvertedAccountId, each person once."""
    value: Field | None = None
    by: Field | None = None
    where: Node | None = None
    joins: Reads = field(compare=False, default=())
    """Fields that reaching the child takes, as far as the org has them."""

    @property
    def parts(self) -> tuple[Node, ...]:
        return tuple(n for n in (self.value, self.by, self.where) if n is not None)

    @property
    def reads(self) -> Reads:
        found = {pair for part in self.parts for node in walk(part) for pair in reads_of(node)}
        return tuple(sorted((found | set(self.joins)) - {(s, n) for s, n in found if s == "activity"}))


ROW = "_row"
"""The column of a source's table that numbers its rows: known exactly where there is a row."""


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it in the same scope, parents first, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def walk_all(node: Node) -> Iterator[Node]:
    """Like walk, and into aggregates too."""
    yield node
    below = node.parts if isinstance(node, Aggregate) else node.children
    for child in below:
        yield from walk_all(child)


def reads_of(node: Node) -> Reads:
    """The org's fields that this one node reads (without what lies below it)."""
    return node.reads if isinstance(node, (Field, Aggregate, CtaDone)) else ()


def aggregates_in(node: Node) -> tuple[Aggregate, ...]:
    """The aggregates that `node` uses, in the order of the text, each once."""
    return tuple(dict.fromkeys(n for n in walk(node) if isinstance(n, Aggregate)))


def condition(op: Choice["and", "or"], parts: tuple[Node, ...], start: int, end: int) -> Node:
    """`parts` joined by `op`, nested joins of the same kind flattened; a single part stays itself."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Logic) and part.op == op else (part,)
    return flat[0] if len(flat) == 1 else Logic(BOOLEAN, op, tuple(flat), start=start, end=end)
