"""Why one subject is in its stage, why not in the others, and what is missing for the next.

Called by the command line with an open mirror. Runs the same compiled rules through the same procedure for one
subject, as a run now would; every condition is shown with the value that it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from duckdb import DuckDBPyConnection
from sqlglot import exp

from connector.calendar import Calendar
from connector.data import Decision, Evaluation, PullResult, Reason, Truth, Value
from connector.describe import Describes
from connector.errors import FixFirst
from connector.evaluate.beside import source_of
from connector.evaluate.chosen import judge_chosen
from connector.evaluate.conditions import conditions_query, rule_env
from connector.evaluate.edges import Verdict, Weighed, stand_at, weigh_edges
from connector.evaluate.evaluation import lay_out
from connector.evaluate.evidence import Seen, ask, see_conditions
from connector.evaluate.frame import Frame, column, named
from connector.evaluate.health import day_of
from connector.evaluate.passes import Work, decide_all, read_conditions, read_rows
from connector.evaluate.prepared import Run
from connector.evaluate.refusals import refuse_unreadable
from connector.evaluate.rules import Conditions, edge_path, enter_path
from connector.evaluate.trust import read_trust
from connector.evaluate.wording import show
from connector.mapping import Mapping as Model
from connector.mapping.language import Expression


@dataclass(frozen=True)
class FactLine:
    """One fact; `why_unknown` is '' for a known one."""

    key: str
    label: str
    value: Value
    text: str
    why_unknown: str = ""
    source: str = ""
    """Of a fact from a file or a database: which, and how old it is."""


@dataclass(frozen=True)
class ConditionLine:
    """One condition of a rule, as written, with the value that it has."""

    text: str
    truth: Truth
    wanted: bool
    """Whether the rule wants it true: what stands under a `not` is wanted false."""
    said: str
    """In words, with the values that it compares."""
    depth: int = 0
    """More than 0: a condition of the fact named before it."""


@dataclass(frozen=True)
class StageLine:
    """One stage: its rule, and why the subject is or is not in it."""

    key: str
    label: str
    here: bool
    rule: str
    holds: Truth
    conditions: tuple[ConditionLine, ...]
    edge: bool
    """Whether an edge leads there from the present stage."""
    verdict: str
    until: date | None = None


@dataclass(frozen=True)
class Explanation:
    """The answer to "why?" for one subject, as a run now would decide."""

    evaluation: Evaluation
    scope: Truth
    scope_conditions: tuple[ConditionLine, ...]
    stage_label: str
    reason: Reason
    """Of this run's last move; of the visit that goes on otherwise."""
    stages: tuple[StageLine, ...]
    """In the order in which the model tries them."""
    leaving: tuple[ConditionLine, ...]
    """What has to be true for the present stage to be left, but for terminal stages; empty when nothing has."""
    facts: tuple[FactLine, ...]

    @property
    def decision(self) -> Decision:
        return self.evaluation.decision


def explain(
    connection: DuckDBPyConnection, mapping: Model, pulled: PullResult, subject: str, *, describes: Describes,
    calendar: Calendar, installation: str = "",
) -> Explanation:  # fmt: skip
    """Explains the subject with this 18-character id. FixFirst when there is no such live record."""
    trust = read_trust(connection, pulled.objects)
    run = Run(pulled.as_of, mapping.model.zone or pulled.zone, pulled.org_id, installation)
    frame = Frame(mapping, run, trust, calendar)
    refuse_unreadable(frame)
    work = lay_out(connection, frame, describes, accounts=frozenset({subject}))
    decided = decide_all(work, everybody=True)
    evaluations, _ = judge_chosen(work, decided, describes, everybody=True)
    if not evaluations:
        raise FixFirst(
            f"There is no {mapping.model.subject} with the id {subject} in the mirror; check the id, or pull first."
        )
    return _explanation(work, evaluations[0])


def _explanation(work: Work, evaluation: Evaluation) -> Explanation:
    ask(work.connection, [evaluation.subject])
    (row,) = read_rows(work.connection, conditions_query(work.frame, work.rules, moved=False).sql(work.frame.dialect))
    conditions, words = read_conditions(row, work.rules), work.reasons.words
    decision = evaluation.decision
    leave = work.frame.expression(f"stages.{decision.stage}.leave_when")
    return Explanation(
        evaluation=evaluation,
        scope=conditions.scope,
        scope_conditions=_condition_lines(work, [work.frame.mapping.expressions["scope"]]),
        stage_label=words.stage(decision.stage) if decision.stage else "no stage",
        reason=_reason(work, evaluation),
        stages=_stage_lines(work, decision, conditions),
        leaving=_condition_lines(work, [leave] if leave else []),
        facts=_fact_lines(work, evaluation),
    )


def _reason(work: Work, evaluation: Evaluation) -> Reason:
    decision, name = evaluation.decision, work.frame.mapping.model.write.reason
    if decision.moves:
        return decision.moves[-1].because
    written = str(evaluation.live.get(name) or "") if name else ""
    since = f"{work.reasons.words.stage(decision.stage)} since {decision.state.since} ({decision.state.via})"
    rule = enter_path(decision.stage) if decision.stage else ""
    return Reason(rule, written or (since if decision.stage else "No rule holds."))


# --- stages ---------------------------------------------------------------------------------------------------


def _stage_lines(work: Work, decision: Decision, conditions: Conditions) -> tuple[StageLine, ...]:
    weighed = _weigh(work, decision, conditions)
    return tuple(_stage_line(work, key, decision, conditions, weighed) for key in work.rules.by_key)


def _weigh(work: Work, decision: Decision, conditions: Conditions) -> Mapping[str, Weighed]:
    """The edges from where the subject stands after this run."""
    if decision.stage not in work.rules.by_key or decision.problem:
        return {}
    today = work.frame.run.today
    here = stand_at(decision.state, conditions, work.rules, today, visited=frozenset({decision.stage}))
    return {w.target.key: w for w in weigh_edges(here)}


def _stage_line(
    work: Work, key: str, decision: Decision, conditions: Conditions, weighed: Mapping[str, Weighed]
) -> StageLine:
    paths = [enter_path(key), edge_path(decision.stage, key)]
    expressions = [e for e in map(work.frame.expression, paths) if e]
    edge = weighed.get(key)
    return StageLine(
        key=key,
        label=work.reasons.words.stage(key),
        here=key == decision.stage,
        rule=enter_path(key),
        holds=conditions.enter.get(key),
        conditions=_condition_lines(work, expressions),
        edge=edge is not None,
        verdict=_verdict(key, decision, conditions, edge),
        until=edge.until if edge else None,
    )


def _verdict(key: str, decision: Decision, conditions: Conditions, edge: Weighed | None) -> str:
    if key == decision.stage:
        return "the present stage"
    if decision.problem:
        return decision.problem
    if decision.state.override and decision.state.via == "override":
        return "an override stands: no rule is consulted"
    if not decision.stage:
        return _no_placement(conditions, key)
    if edge is None:
        holds = conditions.enter.get(key)
        return "its rule holds, but no edge leads there" if holds else "its rule does not hold, and no edge leads there"
    if edge.verdict is Verdict.OPEN and edge.target.needs_person:
        return "proposed: a person sets this stage"
    return str(edge.verdict)


def _no_placement(conditions: Conditions, key: str) -> str:
    if conditions.scope is not True:
        return "out of scope" if conditions.scope is False else "it is not known whether the subject is in scope"
    return {True: "its rule holds", False: "its rule does not hold", None: "a condition is unknown"}[
        conditions.enter[key]
    ]


def _condition_lines(work: Work, expressions: list[Expression]) -> tuple[ConditionLine, ...]:
    """Of the one subject that was asked for."""
    if not expressions:
        return ()
    (seen,) = see_conditions(work.connection, work.frame, expressions).values()
    return tuple(_condition_line(work, one) for one in seen)


def _condition_line(work: Work, seen: Seen) -> ConditionLine:
    leaf, words = seen.leaf, work.reasons.words
    said = words.say_value(leaf, seen.values) if words.is_told(leaf) else "confidential"
    return ConditionLine(leaf.text, seen.truth, leaf.wanted, said, leaf.depth)


# --- facts ------------------------------------------------------------------------------------------------------


def _fact_lines(work: Work, evaluation: Evaluation) -> tuple[FactLine, ...]:
    dates = _dates(work)
    return tuple(_fact_line(work, key, evaluation.facts[key], dates) for key in work.frame.mapping.model.facts)


def _fact_line(work: Work, key: str, value: Value, dates: Mapping[str, Any]) -> FactLine:
    fact, expression = work.frame.mapping.model.facts[key], work.frame.mapping.expressions[f"facts.{key}"]
    label = fact.label or key.replace("_", " ")
    source = _source(work.frame, key)
    if value is None:
        return FactLine(key, label, None, "unknown", _why_unknown(work.frame, key, dates), source)
    text = "confidential" if fact.sensitive else show(value, expression.type.kind)
    return FactLine(key, label, None if fact.sensitive else value, text, source=source)


def _source(frame: Frame, key: str) -> str:
    """Which file or query a fact is from, and when that was written or answered."""
    source = source_of(frame.mapping, key)
    if source is None:
        return ""
    pull = frame.trust.pulled.get(source.name)
    if pull is None or pull.written is None:
        return source.shown
    days = (frame.run.today - pull.written.astimezone(frame.run.tz).date()).days
    age = "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    return f"{source.shown}, {'written' if source.path else 'asked'} {age}"


def _why_unknown(frame: Frame, key: str, dates: Mapping[str, Any]) -> str:
    doubt, fact = frame.doubtful_facts.get(key), frame.mapping.model.facts[key]
    if doubt:
        return doubt
    if key in dates and dates[key] is None and source_of(frame.mapping, key) is not None:
        return "it has no row there, or the row has no date"
    if key in dates and dates[key] is None:
        return "the date that it is from is unknown"
    if key in dates and fact.stale_after and dates[key] < fact.stale_after.before(frame.run.today, frame.calendar):
        return f"it is from {dates[key]}, older than {fact.stale_after}"
    if source := source_of(frame.mapping, key):
        return f"it has no value in {source.shown}"
    return "there is nothing to compute it from"


def _dates(work: Work) -> Mapping[str, Any]:
    """The date that each dated fact of the subject is from."""
    frame = work.frame
    found = {key: frame.expression(f"facts.{key}.dated") for key in frame.mapping.fact_order}
    dated = {key: e for key, e in found.items() if e}
    if not dated:
        return {}
    columns = [named(day_of(e.tree, rule_env(frame)), key) for key, e in dated.items()]
    same = exp.EQ(this=column("subject", "s"), expression=column("subject", "j"))
    query = exp.select(*columns).from_(exp.to_table("judged").as_("j")).join(exp.to_table("standing").as_("s"), on=same)
    (row,) = read_rows(work.connection, query.sql(frame.dialect))
    return row
