"""Every expression and template of a model, parsed and typed in the scope of its place.

Facts first, each after the facts it mentions; then everything else over the facts' types. Problems are collected;
a fact that cannot be typed gets the type that fits everywhere, so that one slip gives one problem. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter

from connector.calendar import Duration
from connector.describe import Describes
from connector.errors import Problem
from connector.files import Document, Path
from connector.files import Position as Place
from connector.mapping.language import (
    BOOLEAN,
    DATE,
    TEXT,
    Expression,
    Kind,
    Position,
    Scope,
    TemplatePart,
    Type,
    exact,
    names_in,
    try_parse,
    try_parse_template,
    type_of_duration,
)
from connector.mapping.language.types import ERROR
from connector.mapping.model import ModelFile
from connector.mapping.shape import Shaped
from connector.mapping.sources import describe_source, source_name, sources_of
from connector.mapping.texts import ExpressionAt, TemplateAt, View, Wanted, facts_of, rules_of, templates_of
from connector.mapping.values import FieldType

_KINDS: Mapping[Wanted, tuple[Kind, ...]] = {
    "condition": (Kind.BOOLEAN,),
    "day": (Kind.DATE, Kind.DATETIME),
    "moment": (Kind.DATE, Kind.DATETIME),
    "text": (Kind.TEXT,),
    "number": (Kind.NUMBER,),
    "measure": (Kind.NUMBER, Kind.DAYS),
    "any": (),
}
RENDERED_NAMES = frozenset({"reason"})
"""Names in texts whose value is known only when the text is rendered; they are no expressions to evaluate."""
KINDS_OF_TYPE: Mapping[str, tuple[Kind, ...]] = {
    "number": (Kind.NUMBER, Kind.DAYS), "currency": (Kind.NUMBER,), "percent": (Kind.NUMBER,), "text": (Kind.TEXT,),
    "picklist": (Kind.TEXT,), "date": (Kind.DATE,), "datetime": (Kind.DATETIME,), "boolean": (Kind.BOOLEAN,),
}  # fmt: skip
"""What a fact of a written type may be computed as."""


@dataclass
class Compiled:
    """What compiling gave so far."""

    expressions: dict[str, Expression] = field(default_factory=dict)
    """By rule key path."""
    templates: dict[str, tuple[TemplatePart, ...]] = field(default_factory=dict)
    """By rule key path; the expression of a name in it is also at `<path>{<name>}`."""
    fact_order: tuple[str, ...] = ()
    """Every fact after those that it mentions."""
    problems: list[Problem] = field(default_factory=list)


def compile_model(
    model: ModelFile, document: Document, shaped: Shaped, describes: Describes, sources: Describes, *,
    known_values: bool,
) -> Compiled:  # fmt: skip
    """All expressions of the model. `sources`: the columns of those that have been read. `known_values`: the describes
    are the org's own, picklists included."""
    beside = {source.name: describe_source(source, sources, model) for source in sources_of(model)}
    scope = _scope(model, {**describes, **beside}, known_values=known_values)
    work = _Work(model, document, shaped, scope, Compiled(), frozenset(beside.keys() - sources.keys()))
    work.compile_facts()
    for item in rules_of(model):
        work.compile_rule(item)
    for text in templates_of(model):
        work.compile_template(text)
    return work.done


def _scope(model: ModelFile, describes: Describes, *, known_values: bool) -> Scope:
    steps = {(book.key, step.key) for book in model.playbooks for step in book.steps}
    return Scope(
        describes=describes,
        subject=model.subject,
        params={key: type_of_param(value) for key, value in model.params.items()},
        lists=model.lists,
        stages=tuple(stage.key for stage in model.stages),
        segments=tuple(segment.key for segment in model.segments),
        cta_keys=frozenset({cta.key for cta in model.ctas} | {s for _, s in steps} | {f"{b}.{s}" for b, s in steps}),
        known_values=known_values,
        task_key=_task_key(model, describes),
    )


def _task_key(model: ModelFile, describes: Describes) -> str:
    """A model that creates no Tasks need not have the field; another model of the org may have brought it."""
    task, name = describes.get("Task"), model.keys.task
    return name if model.ctas or model.playbooks or (task and task.find(name)) else ""


def type_of_param(value: bool | int | Decimal | date | Duration | str) -> Type:
    """The type that rules see a parameter in."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, Duration):
        return type_of_duration(value)
    if isinstance(value, date):
        return DATE
    if isinstance(value, str):
        return TEXT
    after = max(0, -int(Decimal(value).as_tuple().exponent))
    return exact(18, after)


@dataclass
class _Work:
    model: ModelFile
    document: Document
    shaped: Shaped
    scope: Scope
    done: Compiled
    unread: frozenset[str]
    """Sources of which nothing is known but what the mapping itself says."""

    def compile_facts(self) -> None:
        facts = {item.where[1]: item for item in facts_of(self.model)}
        self.done.fact_order = self._order({str(key): item for key, item in facts.items()})
        types = dict.fromkeys(map(str, facts), ERROR)
        for key in self.done.fact_order:
            self.scope = replace(self.scope, facts=types)
            expression = self._parse(facts[key], self._scope_of_fact(key), self._kinds_of_fact(key))
            if expression is not None:
                types = {**types, key: self._type_of_fact(key, expression)}
                if expression.counter:
                    self.scope = replace(self.scope, counters=self.scope.counters | {key})
        self.scope = replace(self.scope, facts=types)

    def _order(self, facts: Mapping[str, ExpressionAt]) -> tuple[str, ...]:
        by_name = {key.lower(): key for key in facts}
        texts = {key: "" if source_name(self.model.facts[key]) else item.text for key, item in facts.items()}
        needs = {key: {by_name[n] for n in names_in(text) & by_name.keys()} for key, text in texts.items()}
        loops = self._without_loops(needs)
        for loop in loops:
            chain = " -> ".join([*loop, loop[0]])
            self._problem(
                facts[loop[0]].where, f"these facts need one another: {chain}; break the circle at one of them"
            )
        return tuple(TopologicalSorter({key: sorted(names) for key, names in needs.items()}).static_order())

    def _without_loops(self, needs: dict[str, set[str]]) -> list[list[str]]:
        """Every circle, and `needs` without its last link."""
        loops = []
        while True:
            try:
                TopologicalSorter(needs).prepare()
            except CycleError as error:
                circle = list(reversed(error.args[1][1:]))
                start = circle.index(min(circle, key=list(needs).index))
                loops.append(circle[start:] + circle[:start])
                needs[loops[-1][-1]].discard(loops[-1][0])
                continue
            return loops

    def _kinds_of_fact(self, key: str) -> tuple[Kind, ...]:
        written = self.model.facts[key].type
        return KINDS_OF_TYPE[written.kind] if written else ()

    def _type_of_fact(self, key: str, expression: Expression) -> Type:
        written = self.model.facts[key].type
        if isinstance(written, FieldType) and expression.type.kind is Kind.NUMBER and written.kind != "text":
            return exact(written.precision - written.scale, written.scale)
        return expression.type

    def compile_rule(self, item: ExpressionAt) -> None:
        of_fact = item.rule.startswith("facts.")
        scope = self._scope_of_fact(str(item.where[1])) if of_fact else self._scope_of(item.view)
        self._parse(item, scope, _KINDS[item.wants])

    def compile_template(self, text: TemplateAt) -> None:
        if self._is_broken(text.where):
            return
        place, found = self._place(text.where), list[Problem]()
        scope = replace(self._scope_of("stage"), extra=dict.fromkeys(RENDERED_NAMES, TEXT))
        parts = try_parse_template(text.text, _language_position(place), scope, found)
        self.done.problems += _with_lines(found, place)
        if parts is None:
            return
        self.done.templates[text.rule] = parts
        for part in parts:
            if isinstance(part, Expression) and part.names.isdisjoint(RENDERED_NAMES):
                self.done.expressions[f"{text.rule}{{{part.text.strip()}}}"] = part

    def _scope_of(self, view: View) -> Scope:
        return replace(
            self.scope,
            visit=view == "stage",
            health=view == "stage" and self.model.health is not None,
            aggregates=False,
            child="Contact" if view == "person" else None,
        )

    def _scope_of_fact(self, key: str) -> Scope:
        """A fact reads the subject's records; one of a source, its row there."""
        scope, source = self._scope_of("facts"), source_name(self.model.facts[key])
        if not source:
            return replace(scope, aggregates=True)
        return replace(scope, child=source, facts={}, open_child=source in self.unread)

    def _parse(self, item: ExpressionAt, scope: Scope, kinds: tuple[Kind, ...]) -> Expression | None:
        if self._is_broken(item.where):
            return None
        return self._parse_at(item.rule, item.text, self._place(item.where), scope, kinds)

    def _parse_at(self, rule: str, text: str, place: Place, scope: Scope, kinds: tuple[Kind, ...]) -> Expression | None:
        found: list[Problem] = []
        expression = try_parse(text, _language_position(place), scope, found, want=kinds)
        self.done.problems += _with_lines(found, place)
        if expression is not None:
            self.done.expressions[rule] = expression
        return expression

    def _is_broken(self, where: Path) -> bool:
        return any(where[: len(path)] == path for path in self.shaped.broken)

    def _place(self, where: Path) -> Place:
        return place_of(self.document, self.shaped, where)

    def _problem(self, where: Path, message: str, *, offset: int = 0) -> None:
        self.done.problems.append(self._place(where).problem(message, offset=offset))


def place_of(document: Document, shaped: Shaped, where: Path) -> Place:
    """Where a value of the model stands, also one that was read under a misspelt key or written in short form."""
    for length in range(len(where), 0, -1):
        if where[:length] in shaped.moved:
            where = (*shaped.moved[where[:length]], *where[length:])
            break
    return document.at(where)


def _language_position(place: Place) -> Position:
    pieces = tuple((offset, line, column) for offset, line, column, _ in place.more)
    return Position(place.file, place.line, place.column, pieces=((0, place.line, place.column), *pieces))


def _with_lines(problems: Iterable[Problem], place: Place) -> list[Problem]:
    """The problems with the lines they point at, which the language does not know."""
    lines = {place.line: place.source, **{line: source for _, line, _, source in place.more}}
    return [replace(problem, source=lines.get(problem.line, "")) for problem in problems]
