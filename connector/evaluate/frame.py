"""What an expression's names are called in the tables of a run: the Env that lower.py asks.

Called by every module here that compiles something. The table `judged` has one row per subject with the columns
`field <path>`, `fact <key>`, `aggregate <n>`, `done <key>` and `name health.*`; what changes from pass to pass
(stage, since, segment) is in `standing`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Literal as Choice

from sqlglot import exp

from connector.calendar import Calendar
from connector.calendar import Duration as Length
from connector.data import Value
from connector.evaluate.beside import doubt_of_source
from connector.evaluate.lower import lower, sql_type
from connector.evaluate.lowering.sql import Sql, case, cast, number, text, unknown
from connector.evaluate.prepared import Run
from connector.evaluate.trust import Trust, doubts_of
from connector.mapping import Mapping as Model
from connector.mapping.language import DATE, DAYS, Expression
from connector.mapping.language.scope import is_source
from connector.mapping.language.tree import (
    ROW,
    Aggregate,
    Arithmetic,
    Clock,
    CtaDone,
    Fact,
    Field,
    Name,
    Node,
    Param,
    Step,
)
from connector.mapping.language.types import in_base_unit

Steps = tuple[Step, ...]


def column(name: str, table: str = "") -> Sql:
    """A column by its exact name."""
    return exp.column(name, table=table or None, quoted=True)


def table(sobject: str, alias: str) -> exp.Table:
    """The mirror's table of an sObject or of a source."""
    return exp.Table(
        this=exp.to_identifier(sobject, quoted=True),
        db=exp.to_identifier("sources" if is_source(sobject) else "org"),
        alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)),
    )  # fmt: skip


def named(value: Sql, name: str) -> exp.Alias:
    """`value AS "name"`."""
    return exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))


@dataclass(frozen=True)
class Frame:
    """The model, the moment and what may be relied on: what every Env of a run shares."""

    mapping: Model
    run: Run
    trust: Trust
    calendar: Calendar
    dialect: str = "duckdb"

    @cached_property
    def overridden(self) -> Mapping[str, tuple[tuple[str, Value | Length], ...]]:
        """Parameter -> (segment, value) where a segment has a value of its own."""
        found: dict[str, list[tuple[str, Value | Length]]] = {}
        for segment in self.mapping.model.segments:
            for key, value in segment.params.items():
                found.setdefault(key, []).append((segment.key, value))
        return {key: tuple(values) for key, values in found.items()}

    @cached_property
    def doubtful_facts(self) -> Mapping[str, str]:
        """Fact -> why what it rests on was not completely read."""
        found = {k: self._doubts_of_fact(k) for k in self.mapping.fact_order}
        return {key: doubts[0] for key, doubts in found.items() if doubts}

    def _doubts_of_fact(self, key: str) -> tuple[str, ...]:
        paths = [p for p in (f"facts.{key}", f"facts.{key}.dated") if p in self.mapping.expressions]
        found = [d for p in paths for d in doubts_of(self.mapping, self.mapping.expressions[p], self.trust)]
        below = dict.fromkeys(k for p in paths for k in sorted(self.mapping.expressions[p].facts))
        own = doubt_of_source(self.mapping, key, self.trust, self.run, self.calendar)
        return (*([own] if own else []), *found, *(d for k in below for d in self._doubts_of_fact(k)))

    def expression(self, path: str) -> Expression | None:
        return self.mapping.expressions.get(path)


@dataclass(frozen=True)
class _Env:
    """What all places have in common."""

    frame: Frame
    segment: Sql | None = None
    """The column that says by which segment's values parameters go; None where no segment is known yet."""

    @property
    def dialect(self) -> str:
        return self.frame.dialect

    @property
    def today(self) -> date:
        return self.frame.run.today

    @property
    def now(self) -> datetime:
        return self.frame.run.as_of

    @property
    def zone(self) -> str:
        return self.frame.run.zone

    def calendar(self) -> exp.Table:
        return exp.to_table("calendar")

    def incomplete(self, sobject: str, field: str) -> str | None:
        return self.frame.trust.doubt(sobject, field) or None

    def incomplete_fact(self, key: str) -> str | None:
        return self.frame.doubtful_facts.get(key)

    def param(self, node: Param) -> Sql:
        usual = _constant(self.frame.mapping.model.params[node.key])
        special = self.frame.overridden.get(node.key)
        if not special or self.segment is None:
            return usual
        branches = [(text(segment), _constant(value)) for segment, value in special]
        return case(*branches, of=self.segment.copy(), otherwise=usual)


@dataclass(frozen=True)
class SubjectEnv(_Env):
    """Over rows of `judged` (or the part of it that exists so far), joined with `standing` where rules are judged."""

    aggregates: Mapping[Aggregate, str] = field(default_factory=dict)
    judged: str = ""
    """Table or alias that has the subject's columns."""
    standing: str = ""
    """Alias of `standing`; '' for facts, which know nothing of stages."""

    def column(self, node: Field | Fact | Name | CtaDone) -> Sql:
        if isinstance(node, Name) and self.standing:
            match node.name:
                case "stage" | "segment":
                    return column(node.name, self.standing)
                case "entered":
                    return column("since", self.standing)
                case "time_in_stage":
                    today = Clock.of("today", 0, 0)
                    return lower(Arithmetic(DAYS, "-", today, Name(DATE, "entered")), self)
        return column(column_name(node), self.judged)

    def aggregate(self, node: Aggregate) -> Sql:
        return column(self.aggregates[node], self.judged)


@dataclass(frozen=True)
class RecordEnv(_Env):
    """Over records as they are in the mirror, with their parents joined; facts are those of the subject in `j`."""

    def column(self, node: Field | Fact | Name | CtaDone) -> Sql:
        if not isinstance(node, Field):
            return column(column_name(node), "j")
        if node.root == "source":
            found = column(node.name, node.root_sobject)
            return found if node.name == ROW else typed(found, node)  # a column without any value is of no type
        return column(node.name, alias_of(node.root, node.steps))

    def aggregate(self, node: Aggregate) -> Sql:
        raise TypeError(f"an aggregate inside an aggregate: {node!r}")


def column_name(node: Field | Fact | Name | CtaDone) -> str:
    """What `judged` calls the value of a name."""
    match node:
        case Field():
            return f"field {node.root_sobject}.{node.name}" if node.root == "source" else f"field {node.path}"
        case Fact():
            return f"fact {node.key}"
        case Name():
            return f"name {node.name}"
        case CtaDone():
            return f"done {node.key}"


def _constant(value: Value | Length) -> Sql:
    match value:
        case bool():
            return exp.true() if value else exp.false()
        case Length():
            return number(in_base_unit(value)[0])
        case int():
            return number(value)
        case str():
            return text(value)
        case date():
            return cast(text(value.isoformat()), "DATE")
        case None:
            return exp.Null()
        case _:
            return number(value)


# --- records and their parents ------------------------------------------------------------------------------

Root = Choice["subject", "child", "source"]


def alias_of(root: Root, steps: Iterable[Step]) -> str:
    """The alias under which a record or a parent of it is joined."""
    return ".".join([root, *(s.reference for s in steps)])


def join_parents(query: exp.Select, fields: Iterable[Field], trust: Trust) -> exp.Select:
    """`query` with every parent that the fields go through; a deleted parent is no parent."""
    chains = {(f.root, f.root_sobject, f.steps[: n + 1]) for f in fields for n in range(len(f.steps))}
    for root, sobject, steps in sorted(chains, key=lambda c: (c[0], len(c[2]), alias_of(c[0], c[2]))):
        owner = steps[-2].sobject if len(steps) > 1 else sobject
        if trust.has(owner, steps[-1].reference) and trust.has(steps[-1].sobject):
            query = _join_parent(query, root, steps)
    return query


def _join_parent(query: exp.Select, root: Root, steps: Steps) -> exp.Select:
    alias = alias_of(root, steps)
    same = exp.EQ(this=column("Id", alias), expression=column(steps[-1].reference, alias_of(root, steps[:-1])))
    alive = exp.Not(this=column("IsDeleted", alias))
    return query.join(table(steps[-1].sobject, alias), on=exp.And(this=same, expression=alive), join_type="LEFT")


def is_readable(node: Field, trust: Trust) -> bool:
    """Whether every field on the way can be relied on; the others are never asked for."""
    return not any(trust.doubt(sobject, name) for sobject, name in node.reads)


def with_parent_id(node: Field) -> Field:
    """The Id of the record (the number of the row) that has the field: lowering asks whether there is one."""
    return replace(node, name=ROW if node.root == "source" else "Id")


def typed(value: Sql, node: Node) -> Sql:
    """`value` in the type that expressions expect of `node`; what does not fit is unknown."""
    return exp.TryCast(this=value, to=sql_type(node.type), safe=True)


def nothing(node: Node) -> Sql:
    return unknown(node.type)
