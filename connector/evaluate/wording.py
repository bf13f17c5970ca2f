"""Conditions in the words of a customer-success manager: what held, with its value, and what is still wanted.

Called by reasons.py (why a subject moved) and by next_stage.py (what is missing for the next stage). Pure: values are
given by the name that the rule uses; a sensitive fact is never worded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from connector.data import Value
from connector.describe import Describes
from connector.mapping.language import Expression, Kind
from connector.mapping.language.tree import (
    Between,
    Clock,
    Compare,
    CtaDone,
    Duration,
    Fact,
    Field,
    In,
    IsNull,
    Literal,
    Logic,
    Name,
    Node,
    Not,
    Param,
    walk,
)
from connector.mapping.model import ModelFile

_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WORDS = {"=": "", "!=": "other than ", "<": "below ", "<=": "at most ", ">": "above ", ">=": "at least "}
_DATE_WORDS = {**_WORDS, "<": "before ", "<=": "until ", ">": "after ", ">=": "from "}
NAMES = {"time_in_stage": "time in stage", "health.band": "health", "health.score": "health score"}


@dataclass(frozen=True)
class Leaf:
    """One condition that is not made of others, and whether the rule wants it to be true."""

    node: Node
    text: str
    """As written."""
    wanted: bool


def leaves_of(expression: Expression) -> tuple[Leaf, ...]:
    """The conditions that an expression is made of, in the order of the text."""
    return tuple(_leaves(expression, expression.tree, wanted=True))


def _leaves(expression: Expression, node: Node, *, wanted: bool) -> Iterator[Leaf]:
    if isinstance(node, Not):
        yield from _leaves(expression, node.operand, wanted=not wanted)
    elif isinstance(node, Logic):
        for part in node.parts:
            yield from _leaves(expression, part, wanted=wanted)
    else:
        yield Leaf(node, expression.text_of(node), wanted)


@dataclass(frozen=True)
class Words:
    """The labels of a model and of its org."""

    model: ModelFile
    describes: Describes

    def label(self, node: Node) -> str:
        """What a person calls the thing that a name stands for; '' for anything but a name."""
        match node:
            case Fact():
                return self.model.facts[node.key].label or node.key.replace("_", " ")
            case Field():
                return self._field_label(node)
            case Name():
                return NAMES.get(node.name, node.name)
            case CtaDone():
                return f"{node.key.replace('_', ' ').replace('.', ': ')} done"
            case Clock():
                return node.name
            case _:
                return ""

    def _field_label(self, node: Field) -> str:
        known = self.describes.get(node.sobject)
        field = known.find(node.name) if known else None
        label = field.label if field else node.name
        return f"{label} of {known.label if known else node.sobject}" if node.steps else label

    def is_sensitive(self, node: Node) -> bool:
        """Whether a condition speaks of something that must stay out of texts."""
        facts = (n.key for n in walk(node) if isinstance(n, Fact))
        return any(self.model.facts[key].sensitive for key in facts)

    def stage(self, key: str) -> str:
        stage = self.model.stage(key)
        return stage.label if stage else key

    # --- what held ----------------------------------------------------------------------------------------

    def say_held(self, leaf: Leaf, values: Mapping[str, Value]) -> str:
        """The condition with the value that it had: `days to renewal is 28 days (at most 60)`."""
        subject, limit = self._parts(leaf)
        if not subject:
            return self._say_plain(leaf)
        value = values.get(value_key(subject))
        if value is None:
            return self._say_plain(leaf)
        said = f"{self.label(subject)} is {self._show(subject, value)}"
        return f"{said} ({limit})" if limit else said

    def say_wanted(self, leaf: Leaf) -> str:
        """What would have to become true: `days to renewal at most 60`."""
        subject, limit = self._parts(leaf)
        if not subject:
            return self._say_plain(leaf)
        return f"{self.label(subject)}: {limit}" if limit else self._say_plain(leaf)

    def say_node(self, expression: Expression, node: Node, *, wanted: bool = True) -> str:
        """A condition and what it is made of as a wish: `training done or days to renewal: at most 60`."""
        if isinstance(node, Not):
            return self.say_node(expression, node.operand, wanted=not wanted)
        if isinstance(node, Logic):
            word = " and " if (node.op == "and") is wanted else " or "
            return word.join(self._say_part(expression, part, wanted=wanted) for part in node.parts)
        if self.is_sensitive(node):
            return "something confidential"
        return self.say_wanted(Leaf(node, expression.text_of(node), wanted))

    def _say_part(self, expression: Expression, part: Node, *, wanted: bool) -> str:
        said = self.say_node(expression, part, wanted=wanted)
        return f"({said})" if isinstance(part.operand if isinstance(part, Not) else part, Logic) else said

    def _say_plain(self, leaf: Leaf) -> str:
        label = self.label(leaf.node)
        if label:
            return label if leaf.wanted else f"not {label}"
        return leaf.text if leaf.wanted else f"not ({leaf.text})"

    def _parts(self, leaf: Leaf) -> tuple[Node | None, str]:
        """The named thing that a condition is about, and what is asked of it in words."""
        match leaf.node:
            case Compare(left=left, right=right, op=op):
                return self._comparison(left, op if leaf.wanted else _OPPOSITE[op], right)
            case Between(operand=operand, low=low, high=high, negated=negated) if self.label(operand):
                no = "" if negated is not leaf.wanted else "not "
                return operand, f"{no}between {self._operand(low)} and {self._operand(high)}"
            case In(operand=operand, items=items, negated=negated) if self.label(operand):
                no = "one of " if negated is not leaf.wanted else "none of "
                return operand, no + ", ".join(self._operand(i) for i in items)
            case IsNull(operand=operand, negated=negated) if self.label(operand):
                return operand, "blank" if negated is not leaf.wanted else "filled"
            case _:
                return None, ""

    def _comparison(self, left: Node, op: str, right: Node) -> tuple[Node | None, str]:
        if not self.label(left) and self.label(right):
            left, right, op = right, left, _MIRRORED[op]
        if not self.label(left) or isinstance(left, Clock):
            return None, ""
        return left, self._limit(left, op, right)

    def _limit(self, left: Node, op: str, right: Node) -> str:
        if isinstance(right, Literal) and op == "=" and left.type.kind is not Kind.NUMBER:
            return self._operand(right)
        words = _DATE_WORDS if left.type.kind in {Kind.DATE, Kind.DATETIME} else _WORDS
        return words[op] + self._operand(right)

    def _operand(self, node: Node) -> str:
        match node:
            case Literal(value=value):
                return show(value, node.type.kind)
            case Duration(length=length):
                return str(length)
            case Param(key=key):
                return self._param(key)
            case _:
                return self.label(node) or "a computed value"

    def _param(self, key: str) -> str:
        """A parameter's value; its name where segments have values of their own."""
        own = any(key in segment.params for segment in self.model.segments)
        return key.replace("_", " ") if own else str(self.model.params[key])

    def _show(self, node: Node, value: Value) -> str:
        if isinstance(node, Name) and node.name == "stage":
            return self.stage(str(value))
        return show(value, node.type.kind)


def value_key(node: Node) -> str:
    """Under which name the value of a named thing is handed over."""
    match node:
        case Fact(key=key):
            return f"fact {key}"
        case Field():
            return f"field {node.path}"
        case Name(name=name):
            return f"name {name}"
        case CtaDone(key=key):
            return f"done {key}"
        case _:
            return ""


def show(value: Value, kind: Kind | None = None) -> str:
    """A value as people write it: 2026-09-29, 90,000, 28 days, yes."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case Decimal() | int():
            number = _show_number(Decimal(value))
            return f"{number} day{'' if value == 1 else 's'}" if kind is Kind.DAYS else number
        case _:
            return str(value)


def _show_number(value: Decimal) -> str:
    whole = value.to_integral_value()
    return f"{whole:,f}" if value == whole else f"{value.normalize():,f}"
