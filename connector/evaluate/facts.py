"""Facts, the matching segment, health and worth as SQL, in layers: each fact after the facts that it mentions.

Called by judged.py, which puts one layer on top of the other. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from connector.evaluate.frame import Frame, SubjectEnv, column
from connector.evaluate.health import day_of, health_layers, literal_day
from connector.evaluate.lower import lower, sql_type
from connector.evaluate.lowering.sql import Sql, binary, bounded, case, text, unknown
from connector.mapping.language import Aggregate, Expression, Kind, exact
from connector.mapping.language.tree import Arithmetic, Call
from connector.mapping.model import Fact as FactRule
from connector.mapping.sources import source_name

Layer = list[tuple[str, Sql]]
"""(column, value) of one step over the step before."""


@dataclass
class _Levels:
    """In which layer each fact can be computed, and the segment that matches."""

    frame: Frame
    found: dict[str, int] = field(default_factory=dict)

    @property
    def segment(self) -> int:
        """The layer of the segment: after every fact that the segments' rules mention."""
        rules = [e for p, e in self.frame.mapping.expressions.items() if p.startswith("segments.")]
        return 1 + max((self.of(key) for e in rules for key in e.facts), default=-1)

    def of(self, key: str) -> int:
        if key not in self.found:
            self.found[key] = 0
            expressions = fact_expressions(self.frame, key)
            below = [self.of(k) for e in expressions for k in e.facts]
            if any(p in self.frame.overridden for e in expressions for p in e.params) and not self._decides(key):
                below.append(self.segment)
            self.found[key] = 1 + max(below, default=-1)
        return self.found[key]

    def _decides(self, key: str) -> bool:
        """Whether the segment depends on the fact, which then takes the parameters' usual values."""
        rules = [e for p, e in self.frame.mapping.expressions.items() if p.startswith("segments.")]
        todo, seen = [k for e in rules for k in e.facts], set[str]()
        while todo:
            fact = todo.pop()
            if fact not in seen:
                seen.add(fact)
                todo += [k for e in fact_expressions(self.frame, fact) for k in e.facts]
        return key in seen


def fact_expressions(frame: Frame, key: str) -> list[Expression]:
    """A fact's value, and its date where it has one."""
    paths = (f"facts.{key}", f"facts.{key}.dated")
    return [frame.mapping.expressions[p] for p in paths if p in frame.mapping.expressions]


def fact_layers(frame: Frame, aggregates: Mapping[Aggregate, str]) -> list[Layer]:
    levels = _Levels(frame)
    last = max([levels.segment, *(levels.of(k) for k in frame.mapping.fact_order)])
    layers: list[Layer] = [[] for _ in range(last + 1)]
    for key in frame.mapping.fact_order:
        known = levels.of(key) > levels.segment
        env = SubjectEnv(frame, segment_column() if known else None, aggregates)
        layers[levels.of(key)].append((f"fact {key}", _fact(key, frame, env)))
    layers[levels.segment].append(("segment now", _segment_now(frame, aggregates)))
    env = SubjectEnv(frame, segment_column(), aggregates)
    return [*layers, *health_layers(frame, env), [("money", _money(frame, env))]]


def segment_column(source: str = "") -> Sql:
    """The segment whose parameters apply before any rule is judged: the pinned one, else the one that matches now."""
    pinned, now = column("pinned", source), column("segment now", source)
    return exp.Paren(this=exp.Coalesce(this=pinned, expressions=[now]))


def _fact(key: str, frame: Frame, env: SubjectEnv) -> Sql:
    rule, expression = frame.mapping.model.facts[key], frame.mapping.expressions[f"facts.{key}"]
    if source_name(rule) and key in frame.doubtful_facts:
        return unknown(expression.type)
    value = _as_written(lower(expression.tree, env), rule, expression)
    dated = frame.expression(f"facts.{key}.dated")
    if dated is None or rule.stale_after is None:
        return value
    oldest = rule.stale_after.before(frame.run.today, frame.calendar)
    return case((binary(exp.GTE, day_of(dated.tree, env), literal_day(oldest)), value))


def _as_written(value: Sql, rule: FactRule, expression: Expression) -> Sql:
    """Numbers with a written type are rounded to its scale, so that rules see what the record shows; texts made of
    other texts end somewhere, or facts made of facts could grow without end."""
    kind = rule.type
    if expression.type.kind is Kind.TEXT and isinstance(expression.tree, Arithmetic | Call):
        return bounded(value)
    if kind is None or expression.type.kind not in {Kind.NUMBER, Kind.DAYS}:
        return exp.TryCast(this=value, to=sql_type(expression.type), safe=True)
    return exp.TryCast(this=value, to=sql_type(exact(kind.precision - kind.scale, kind.scale)), safe=True)


def _segment_now(frame: Frame, aggregates: Mapping[Aggregate, str]) -> Sql:
    env = SubjectEnv(frame, None, aggregates)
    rules = [(s.key, frame.mapping.expressions[f"segments.{s.key}.when"]) for s in frame.mapping.model.segments]
    if not rules:
        return text("")
    return case(*((lower(e.tree, env), text(key)) for key, e in rules), otherwise=text(""))


def _money(frame: Frame, env: SubjectEnv) -> Sql:
    worth = frame.expression("money")
    if worth is None:
        return exp.cast(exp.null(), "DECIMAL(28, 2)")
    return exp.TryCast(this=lower(worth.tree, env), to=exp.DataType.build("DECIMAL(28, 2)"), safe=True)
