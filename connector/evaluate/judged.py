"""The table `judged`: one row per subject with its fields, aggregates, facts, health and worth, all by SQL.

    memory                     what the org remembers of each live subject (sql/memory.sql)
    children, one per object   one GROUP BY with all its aggregates
    base                       subject, parents, aggregates
    layer 1, 2, ...            facts after the facts that they mention; then health and money

Called by evaluation.py once per run, and again for those whose segment changed on the way. Nothing here depends on
the stage. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from connector.evaluate.beside import joins, same_row
from connector.evaluate.facts import fact_layers
from connector.evaluate.frame import (
    Frame,
    RecordEnv,
    column,
    column_name,
    is_readable,
    join_parents,
    named,
    table,
    with_parent_id,
)
from connector.evaluate.lower import incomplete_reason, lower_aggregate
from connector.evaluate.lowering.sql import Sql, binary, case, cast, text
from connector.mapping.language import Expression
from connector.mapping.language.tree import Aggregate, CtaDone, Field, Param, aggregates_in, walk, walk_all
from connector.mapping.model import ModelFile


@dataclass(frozen=True)
class Contents:
    """Everything that the table has to hold for a model, found from its expressions."""

    aggregates: Mapping[Aggregate, str]
    done: tuple[str, ...]
    fields: tuple[Field, ...]


def contents_of(frame: Frame, only: Expression | None = None) -> Contents:
    """What the expressions of the model (and of the job's `only`) mention. Fields that cannot be relied on are left
    out: lowering never asks for them."""
    expressions = [*frame.mapping.expressions.values(), *([only] if only else [])]
    nodes = [n for e in expressions for n in walk(e.tree)]
    aggregates = dict.fromkeys(a for e in expressions for a in aggregates_in(e.tree))
    own = {column_name(n): n for n in nodes if isinstance(n, Field) and n.root != "child"}
    both = [n for f in own.values() for n in (f, with_parent_id(f))]
    joined = {source.name for source in joins(frame.mapping, frame.trust)}
    fields = {
        column_name(n): n
        for n in both
        if is_readable(n, frame.trust) and (n.root == "subject" or n.root_sobject in joined)
    }
    return Contents(
        {a: f"aggregate {n}" for n, a in enumerate(aggregates)},
        tuple(sorted({n.key for n in nodes if isinstance(n, CtaDone)})),
        tuple(fields[path] for path in sorted(fields)),
    )


def judged_query(frame: Frame, contents: Contents, memory: str = "memory") -> exp.Select:
    """One row per subject of the table `memory`, in no order."""
    query, last = _base(frame, contents, memory), "base"
    ctes: list[tuple[str, exp.Select]] = [("base", query)]
    for n, layer in enumerate(fact_layers(frame, contents.aggregates)):
        ctes.append((f"layer {n}", _select_from(last, [exp.Star(), *(named(v, c) for c, v in layer)])))
        last = f"layer {n}"
    aggregates = [column(name) for group in _groups(frame, contents).values() for name in group.values()]
    result = _select_from(last, [exp.Star(except_=aggregates) if aggregates else exp.Star()])
    for name, cte in ctes:
        result = result.with_(exp.to_identifier(name, quoted=True), as_=cte, copy=False)
    return result


def _select_from(name: str, columns: Iterable[exp.Expression]) -> exp.Select:
    return exp.select(*columns).from_(exp.Table(this=exp.to_identifier(name, quoted=True)))


# --- records ------------------------------------------------------------------------------------------------


def _base(frame: Frame, contents: Contents, memory: str) -> exp.Select:
    subject = frame.mapping.model.subject
    env = RecordEnv(frame)
    query = exp.select(
        column("subject", "memory"),
        named(column("Name" if frame.trust.has(subject, "Name") else "Id", "subject"), "name"),
        column("pinned", "memory"),
        *(named(column(name, "subject"), f"live {name}") for name in live_fields(frame)),
        *(named(env.column(f), column_name(f)) for f in contents.fields),
    ).from_(exp.to_table(memory).as_("memory"))
    query = query.join(table(subject, "subject"), on=_same("subject", "Id", "memory", "subject"))
    query = join_parents(query, contents.fields, frame.trust)
    for source in joins(frame.mapping, frame.trust):
        on = same_row(source, column(source.key.stored, source.name), column(source.key.field, "subject"))
        query = query.join(table(source.name, source.name), on=on, join_type="LEFT")
    for n, (group, aggregates) in enumerate(_groups(frame, contents).items()):
        children = exp.Subquery(
            this=_children(frame, *group, aggregates, memory), alias=exp.TableAlias(this=_id(f"children {n}"))
        )
        query = query.join(children, on=_same(f"children {n}", "subject", "memory", "subject"), join_type="LEFT")
        query = query.select(*(column(name, f"children {n}") for name in aggregates.values()))
    if contents.done:
        done = exp.Subquery(this=_done(contents.done), alias=exp.TableAlias(this=_id("done")))
        query = query.join(done, on=_same("done", "subject", "memory", "subject"), join_type="LEFT")
        query = query.select(*(column(f"done {key}", "done") for key in contents.done))
    return query


def live_fields(frame: Frame) -> tuple[str, ...]:
    """Every field of the subject that the model owns or reads as an override and that we may read, each once."""
    model, trust = frame.mapping.model, frame.trust
    names = [*own_fields(model), *(f.write for f in model.facts.values() if f.write)]
    return tuple(name for name in dict.fromkeys(names) if trust.has(model.subject, name))


def own_fields(model: ModelFile) -> tuple[str, ...]:
    """The fields without which the engine knows nothing of a subject: what `write` and `override` name."""
    parts = [model.write, *([model.override] if model.override else [])]
    return tuple(v for part in parts for v in part.model_dump().values() if isinstance(v, str))


def _id(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _same(left: str, left_column: str, right: str, right_column: str) -> Sql:
    return exp.EQ(this=column(left_column, left), expression=column(right_column, right))


Group = tuple[str, str]
"""(sObject or activity, field that refers to the subject)."""


def _groups(frame: Frame, contents: Contents) -> dict[Group, dict[Aggregate, str]]:
    """The aggregates that can be computed, by the records that they go over."""
    env = RecordEnv(frame)
    found: dict[Group, dict[Aggregate, str]] = {}
    for aggregate, name in contents.aggregates.items():
        if not incomplete_reason(aggregate, env):
            found.setdefault((aggregate.sobject, aggregate.via), {})[aggregate] = name
    return found


def _children(frame: Frame, sobject: str, via: str, aggregates: Mapping[Aggregate, str], memory: str) -> exp.Select:
    """One GROUP BY over a child object, with every aggregate of it; conditions are CASE inside the aggregate."""
    source, key = _source(sobject, via)
    nodes = [n for a in aggregates for n in walk_all(a)]
    fields = [n for n in nodes if isinstance(n, Field)]
    pinned = any(isinstance(n, Param) and n.key in frame.overridden for n in nodes)
    env = RecordEnv(frame, column("pinned", "pins") if pinned else None)
    query = exp.select(named(key, "subject"), *(named(lower_aggregate(a, env), n) for a, n in aggregates.items()))
    query = query.from_(source)
    if any(f.root == "subject" for f in fields):
        on = exp.EQ(this=column("Id", "subject"), expression=key.copy())
        query = query.join(table(frame.mapping.model.subject, "subject"), on=on)
    if pinned:
        on = exp.EQ(this=column("subject", "pins"), expression=key.copy())
        query = query.join(exp.to_table(memory).as_("pins"), on=on)
    query = join_parents(query, fields, frame.trust)
    if sobject != "activity":
        query = query.where(exp.Not(this=column("IsDeleted", "child")))
    within = exp.select("subject").from_(memory).subquery()
    return query.where(exp.In(this=key.copy(), query=within)).group_by(key.copy())


def _source(sobject: str, via: str) -> tuple[exp.Expr, Sql]:
    if sobject == "activity":
        return exp.to_table("activity").as_("child"), column("account", "child")
    if not via:
        return exp.to_table("members").as_("child"), column("account", "child")
    return table(sobject, "child"), column(via, "child")


def _done(keys: tuple[str, ...]) -> exp.Select:
    """Whether the latest of our Tasks with each name was done by a person."""
    picks = [named(_latest_done(key), f"done {key}") for key in keys]
    return exp.select(column("subject"), *picks).from_("our_tasks").group_by(column("subject"))


def _latest_done(key: str) -> Sql:
    """A bare key may be a CTA's or a step's; `playbook.step` is exactly one."""
    name = column("name")
    own: Sql = binary(exp.EQ, name, text(key))
    if "." not in key:
        own = exp.Or(this=own, expression=exp.Like(this=name.copy(), expression=text(f"%.{key}")))
    created = exp.Coalesce(this=cast(column("created"), "TEXT"), expressions=[text("")])
    stamp = exp.DPipe(this=created, expression=column("id"), safe=False)
    return exp.ArgMax(this=column("done"), expression=case((own, stamp)))
