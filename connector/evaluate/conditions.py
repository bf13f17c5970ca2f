"""The stage rules of everybody as columns, and the predicate that finds the subjects for whom anything could happen.

Called by passes.py for each pass over `standing`. What the predicate leaves out, decide.py would leave as it is; it
lets more through than has to move. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from connector.evaluate.frame import Frame, SubjectEnv, column, named
from connector.evaluate.health import day_of
from connector.evaluate.lower import lower
from connector.evaluate.lowering.sql import Sql, binary, case, text
from connector.evaluate.rules import Rules, StageRule, edge_path, enter_path

MEMORY_COLUMNS = ("stage", "state_text", "entered", "proposed", "override_stage", "override_until")


def rule_env(frame: Frame) -> SubjectEnv:
    """Where rules are judged: `judged AS j` joined with `standing AS s`."""
    return SubjectEnv(frame, column("segment", "s"), {}, "j", "s")


def conditions_query(frame: Frame, rules: Rules, *, moved: bool) -> exp.Select:
    """One row per subject: standing, scope, every rule. `moved`: only for those in the table `moved`."""
    same = exp.EQ(this=column("subject", "j"), expression=column("subject", "s"))
    query = exp.select(
        column("subject", "s"),
        named(column("stage", "s"), "standing stage"),
        named(column("since", "s"), "standing since"),
        named(column("segment", "s"), "standing segment"),
        column("segment now", "j"),
        column("money", "j"),
        *(named(value, name) for name, value in _rules(frame, rules)),
    )
    query = query.from_(exp.to_table("standing").as_("s")).join(exp.to_table("judged").as_("j"), on=same)
    if moved:
        query = query.where(exp.In(this=column("subject", "s"), query=exp.select("subject").from_("moved").subquery()))
    return query


def _rules(frame: Frame, rules: Rules) -> Iterator[tuple[str, Sql]]:
    env = rule_env(frame)
    yield "scope", lower(frame.mapping.expressions["scope"].tree, env)
    for stage in rules.stages:
        yield f"enter {stage.key}", lower(frame.mapping.expressions[enter_path(stage.key)].tree, env)
        dated = frame.expression(f"stages.{stage.key}.entered_on")
        if dated:
            yield f"entered_on {stage.key}", day_of(dated.tree, env)
        ways = {s.key: frame.expression(edge_path(s.key, stage.key)) for s in rules.stages}
        own = [(text(origin), lower(e.tree, env)) for origin, e in ways.items() if e]
        if own:
            yield f"edge {stage.key}", case(*own, of=column("stage", "s"))
    yield "leave", _leave(frame, rules, env)


def _leave(frame: Frame, rules: Rules, env: SubjectEnv) -> Sql:
    found = {s.key: frame.expression(f"stages.{s.key}.leave_when") for s in rules.stages}
    own = [(text(key), lower(e.tree, env)) for key, e in found.items() if e]
    return case(*own, of=column("stage", "s"), otherwise=exp.true()) if own else exp.true()


# --- for whom anything could happen ---------------------------------------------------------------------------


def candidates_query(rules: Rules) -> exp.Select:
    """The rows of `conditions` that decide.py has to see, with what the org remembers of them, by subject."""
    return everybody_query("conditions").where(_could_change(rules))


def everybody_query(name: str) -> exp.Select:
    """Every row of a table of conditions, with what the org remembers of the subject, by subject."""
    same = exp.EQ(this=column("subject", "m"), expression=column("subject", "c"))
    memory = [named(column(c, "m"), f"memory {c}") for c in MEMORY_COLUMNS]
    query = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier("c")), *memory)
    query = query.from_(exp.Table(this=exp.to_identifier(name, quoted=True)).as_("c"))
    return query.join(exp.to_table("memory").as_("m"), on=same).order_by(column("subject", "c"))


def _could_change(rules: Rules) -> Sql:
    """Somebody changed something, or a rule that matters where the subject stands is true."""
    in_scope = exp.Is(this=column("scope", "c"), expression=exp.true())
    branches = [(text(s.key), _could_leave(s, rules)) for s in rules.stages]
    branches.append((text(""), any_of([_enters(s) for s in rules.stages] + [_not_blank("left_stage")])))
    rule = case(*branches, of=column("standing stage", "c"), otherwise=exp.true())
    out = exp.And(
        this=exp.Is(this=column("scope", "c"), expression=exp.false()),
        expression=binary(exp.NEQ, column("standing stage", "c"), text("")),
    )
    pending = any_of([column("timing", "m"), column("outside", "m"), _not_blank("proposal")])
    waits = exp.And(this=exp.Paren(this=pending), expression=binary(exp.NEQ, column("standing stage", "c"), text("")))
    going = exp.And(this=in_scope, expression=exp.Paren(this=rule))
    return any_of([exp.Not(this=column("settled", "m")), waits, out, going])


def _could_leave(stage: StageRule, rules: Rules) -> Sql:
    listed = {e.to for e in stage.next}
    targets = [s for s in rules.stages if s.key in listed or s.reachable_from_all]
    found = [_enters(s) for s in targets if s.key != stage.key]
    if stage.otherwise or stage.leave_for:
        found.append(exp.Is(this=column("leave", "c"), expression=exp.true()))
    return any_of(found)


def _enters(stage: StageRule) -> Sql:
    return exp.Is(this=column(f"enter {stage.key}", "c"), expression=exp.true())


def _not_blank(name: str) -> Sql:
    return binary(exp.NEQ, column(name, "m"), text(""))


def any_of(parts: list[Sql]) -> Sql:
    """The parts joined by OR; false when there are none."""
    joined: Sql = exp.Paren(this=parts[0]) if parts else exp.false()
    for part in parts[1:]:
        joined = exp.Or(this=joined, expression=exp.Paren(this=part))
    return joined
