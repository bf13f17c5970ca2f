"""Conditions in the words of a customer-success manager: what held, with its value, and what is still wanted.

Called by reasons.py (why a subject moved), next_stage.py (what is missing for the next stage) and explain.py. Pure:
values are handed in beside the conditions. What a sensitive fact says is never worded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from connector.calendar import Duration as Length
from connector.data import Value
from connector.describe import Describes
from connector.evaluate.leaves import Leaf, text_of
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
_DATE_WORDS = {**_WORDS, "<": "before ", "<=": "by ", ">": "after ", ">=": "from "}
_NAMES = {"time_in_stage": "time in stage", "health.band": "health", "health.score": "health score"}
_CONFIDENTIAL = "something confidential"


@dataclass(frozen=True)
class Words:
    """The labels of a model and of its org, on one day."""

    model: ModelFile
    describes: Describes
    today: date

    def label(self, node: Node) -> str:
        """What a person calls the thing that a name stands for; '' for anything but a name."""
        match node:
            case Fact():
                return _inside(self.model.facts[node.key].label or node.key.replace("_", " "))
            case Field():
                return self._field_label(node)
            case Name():
                return _NAMES.get(node.name, node.name)
            case CtaDone():
                return f"{node.key.replace('_', ' ').replace('.', ': ')} done"
            case _:
                return ""

    def _field_label(self, node: Field) -> str:
        known = self.describes.get(node.sobject)
        field = known.find(node.name) if known else None
        label = _inside(field.label if field else node.name)
        return f"{label} of the {_inside(known.label)}" if node.steps and known else label

    def is_sensitive(self, node: Node) -> bool:
        """Whether a condition speaks of something that must stay out of texts."""
        return any(isinstance(n, Fact) and self.model.facts[n.key].sensitive for n in walk(node))

    def is_told(self, leaf: Leaf) -> bool:
        """Whether a condition may be told."""
        return self._view(leaf).told

    def stage(self, key: str) -> str:
        """The stage's label."""
        stage = self.model.stage(key)
        return stage.label if stage else key

    # --- what held ----------------------------------------------------------------------------------------

    def say_held(self, leaf: Leaf, values: Sequence[Value]) -> str:
        """The condition with the values of its operands: `days to renewal is 28 days (at most 60 days)`."""
        named = self._view(leaf).named
        if named is not None and named.asked in {"blank", "filled"}:
            return f"{self.label(named.node)} is {named.asked}"
        if named is None or any(v is None for v in values):
            return self._say_plain(leaf)
        said = f"{self.label(named.node)} is {self._show(named.node, values[named.place])}"
        limit = self._limit(named, [v for n, v in enumerate(values) if n != named.place])
        return f"{said} ({limit})" if limit else said

    def say_value(self, leaf: Leaf, values: Sequence[Value]) -> str:
        """What a condition compares, whatever it came to: `days to renewal is 28 days`, `utilization is unknown`."""
        named = self._view(leaf).named
        if named is None:
            return self.label(leaf.node)
        value = values[named.place]
        return f"{self.label(named.node)} is {'unknown' if value is None else self._show(named.node, value)}"

    def say_wanted(self, leaf: Leaf) -> str:
        """What would have to become true: `days to renewal: at most 60`."""
        named = self._view(leaf).named
        if named is None:
            return self._say_plain(leaf)
        wished = self._wish(named, leaf)
        return f"{self.label(named.node)}: {wished}" if wished else self._say_plain(leaf)

    def say_node(self, expression: Expression, node: Node, *, wanted: bool = True) -> str:
        """A condition and what it is made of as a wish: `training done or days to renewal: at most 60`."""
        if isinstance(node, Not):
            return self.say_node(expression, node.operand, wanted=not wanted)
        if isinstance(node, Logic):
            word = " and " if (node.op == "and") is wanted else " or "
            return word.join(self._say_part(expression, part, wanted=wanted) for part in node.parts)
        if self.is_sensitive(node):
            return _CONFIDENTIAL
        return self.say_wanted(Leaf(node, text_of(expression, node), wanted))

    def _say_part(self, expression: Expression, part: Node, *, wanted: bool) -> str:
        said = self.say_node(expression, part, wanted=wanted)
        return f"({said})" if isinstance(part.operand if isinstance(part, Not) else part, Logic) else said

    def _say_plain(self, leaf: Leaf) -> str:
        label = self.label(leaf.node)
        if label:
            return label if leaf.wanted else f"not {label}"
        return leaf.text if leaf.wanted else f"not ({leaf.text})"

    def is_presence(self, leaf: Leaf) -> bool:
        """Whether a condition only says that there is a value, which the value itself says better."""
        named = self._view(leaf).named
        return named is not None and named.asked == "filled"

    # --- what is asked of a thing ---------------------------------------------------------------------------

    @cached_property
    def _views(self) -> dict[Leaf, _View]:
        return {}

    def _view(self, leaf: Leaf) -> _View:
        if leaf not in self._views:
            self._views[leaf] = _View(self._named(leaf), not self.is_sensitive(leaf.node))
        return self._views[leaf]

    def _named(self, leaf: Leaf) -> _Named | None:
        """The thing that a condition is about."""
        match leaf.node:
            case Compare(left=left, right=right, op=op):
                asked = op if leaf.wanted else _OPPOSITE[op]
                if self.label(left):
                    return _Named(left, 0, asked)
                return _Named(right, 1, _MIRRORED[asked]) if self.label(right) else None
            case Between(operand=operand, negated=negated) if self.label(operand):
                return _Named(operand, 0, "outside" if negated is leaf.wanted else "between")
            case In(operand=operand, negated=negated) if self.label(operand):
                return _Named(operand, 0, "!=" if negated is leaf.wanted else "in")
            case IsNull(operand=operand, negated=negated) if self.label(operand):
                return _Named(operand, 0, "filled" if negated is leaf.wanted else "blank")
            case _:
                return None

    def _limit(self, named: _Named, values: Sequence[Value]) -> str:
        """What was asked of it; '' where the value says it all."""
        if named.asked in {"=", "in"} or (named.asked == "!=" and _is_stage(named.node)):
            return ""
        shown = [self.stage(str(v)) if _is_stage(named.node) else show(v, named.node.type.kind) for v in values]
        if named.asked in {"between", "outside"}:
            return f"{named.asked} {' and '.join(shown)}"
        return _words(named.node)[named.asked] + ", ".join(shown)

    def _wish(self, named: _Named, leaf: Leaf) -> str:
        others = [self._operand(n, named.node) for n in leaf.operands if n is not named.node]
        match named.asked:
            case "blank" | "filled":
                return named.asked
            case "between" | "outside":
                return f"{named.asked} {' and '.join(others)}"
            case "in":
                return " or ".join(others)
            case asked:
                return _words(named.node)[asked] + ", ".join(others)

    def _operand(self, node: Node, named: Node) -> str:
        match node:
            case Literal(value=value):
                return self._show(named, value)
            case Duration(length=length):
                return str(length)
            case Param(key=key):
                return self._param(key)
            case Clock(name=name):
                return name
            case _:
                return self.label(node) or "a computed value"

    def _param(self, key: str) -> str:
        """A parameter's value; its name where segments have values of their own."""
        own = any(key in segment.params for segment in self.model.segments)
        return key.replace("_", " ") if own else _show_param(self.model.params[key])

    def _show(self, node: Node, value: Value) -> str:
        """A value beside the thing it belongs to: a stage by its label, a day with how far it is."""
        if value == "":
            return "not set"
        if _is_stage(node):
            return self.stage(str(value))
        if isinstance(value, date) and not isinstance(value, datetime):
            return show(value) + _distance((value - self.today).days)
        return show(value, node.type.kind)


@dataclass(frozen=True)
class _Named:
    """The thing that a condition is about, its place among the operands, and what is asked of it."""

    node: Node
    place: int
    asked: str


@dataclass(frozen=True)
class _View:
    """What is the same about a condition for every subject."""

    named: _Named | None
    told: bool


def _words(node: Node) -> dict[str, str]:
    return _DATE_WORDS if node.type.kind in {Kind.DATE, Kind.DATETIME} else _WORDS


def _is_stage(node: Node) -> bool:
    return isinstance(node, Name) and node.name == "stage"


def _inside(label: str) -> str:
    """A label as it stands inside a sentence; abbreviations keep their capitals."""
    return " ".join(w[:1].lower() + w[1:] if w[1:2].islower() else w for w in label.split())


def _distance(days: int) -> str:
    if abs(days) > 400:
        return ""
    return f", in {days} days" if days > 1 else f", {-days} days ago" if days < -1 else ", " + _NEAR[days]


_NEAR = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def _show_param(value: Value | Length) -> str:
    return str(value) if isinstance(value, Length) else show(value)


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
            if kind is Kind.TIME:
                return f"{int(value) // 3_600_000:02d}:{int(value) // 60_000 % 60:02d} UTC"
            number = _show_number(Decimal(value))
            return f"{number} day{'' if value == 1 else 's'}" if kind is Kind.DAYS else number
        case _:
            return str(value)


def _show_number(value: Decimal) -> str:
    whole = value.to_integral_value()
    return f"{whole:,f}" if value == whole else f"{value.normalize():,f}"
