"""Health as SQL: points of each measure, the score out of the weights that are known, the band.

Called by judged.py, which adds these columns after the facts. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlglot import exp

from connector.evaluate.frame import Frame, SubjectEnv, column
from connector.evaluate.lower import incomplete_reason, lower
from connector.evaluate.lowering.sql import Sql, binary, case, cast, is_known, is_null, number, paren, text
from connector.mapping.language import Kind
from connector.mapping.language.tree import Call, Node
from connector.mapping.language.types import DATE
from connector.mapping.model import Health, Measure

Columns = list[tuple[str, Sql]]
SCORE, BAND = "name health.score", "name health.band"
_POINTS = {"green": 100, "yellow": 50, "red": 0}


def health_layers(frame: Frame, env: SubjectEnv) -> list[Columns]:
    """Columns to add one layer after the other; nothing for a model without health."""
    health = frame.mapping.model.health
    if health is None:
        return []
    points = [(_points_column(m), _points(m, frame, env)) for m in health.measures]
    return [points, [(SCORE, _score(health, frame, env))], [(BAND, _band(health, env))]]


def day_of(node: Node, env: SubjectEnv) -> Sql:
    """The day of a date or moment, in the model's zone."""
    return lower(node if node.type.kind is Kind.DATE else Call(DATE, "DATEVALUE", (node,)), env)


def literal_day(day: date) -> Sql:
    return cast(text(day.isoformat()), "DATE")


def _points_column(measure: Measure) -> str:
    return f"points {measure.key}"


def _points(measure: Measure, frame: Frame, env: SubjectEnv) -> Sql:
    value = lower(frame.mapping.expressions[_path(measure)].tree, env)
    at_least = exp.GTE if measure.better == "high" else exp.LTE
    return case(
        (binary(at_least, value, number(measure.green)), number(100)),
        (binary(at_least, value.copy(), number(measure.yellow)), number(50)),
        (is_known(value.copy()), number(0)),
        otherwise=exp.Null() if measure.missing == "drop" or _is_doubtful(measure, frame, env) else _missing(measure),
    )


def _missing(measure: Measure) -> Sql:
    return number(_POINTS[measure.missing])


def _path(measure: Measure) -> str:
    return f"health.measures.{measure.key}"


def _is_doubtful(measure: Measure, frame: Frame, env: SubjectEnv) -> bool:
    return incomplete_reason(frame.mapping.expressions[_path(measure)].tree, env) is not None


def _score(health: Health, frame: Frame, env: SubjectEnv) -> Sql:
    """Weighted mean of the known points. Unknown in the grace period, below the coverage asked for, and while a
    measure is missing only because it was not completely pulled."""
    known = _sum([case((is_known(_points_of(m, env)), number(m.weight)), otherwise=number(0)) for m in health.measures])
    gained = _sum([
        exp.Coalesce(this=binary(exp.Mul, number(m.weight), _points_of(m, env)), expressions=[number(0)])
        for m in health.measures
    ])  # fmt: skip
    mean = exp.Div(this=cast(gained, "DOUBLE"), expression=exp.Nullif(this=cast(known, "DOUBLE"), expression=number(0)))
    doubts = [is_null(_points_of(m, env)) for m in health.measures if _is_doubtful(m, frame, env)]
    least = health.min_coverage * sum(m.weight for m in health.measures) / 100
    refusals = [*doubts, *_in_grace(health, frame, env), binary(exp.LT, paren(known.copy()), number(least))]
    score = exp.TryCast(this=mean, to=exp.DataType.build("DECIMAL(5, 2)"), safe=True)
    return case(*((refusal, exp.Null()) for refusal in refusals), otherwise=score)


def _in_grace(health: Health, frame: Frame, env: SubjectEnv) -> list[Sql]:
    start = frame.expression("health.grace_from")
    if health.grace is None or start is None:
        return []
    cutoff = health.grace.before(frame.run.today, frame.calendar)
    return [binary(exp.GT, day_of(start.tree, env), literal_day(cutoff))]


def _points_of(measure: Measure, env: SubjectEnv) -> Sql:
    return column(_points_column(measure), env.judged)


def _sum(parts: Sequence[Sql]) -> Sql:
    total = parts[0]
    for part in parts[1:]:
        total = exp.Add(this=total, expression=part)
    return exp.Paren(this=total)


def _band(health: Health, env: SubjectEnv) -> Sql:
    score = column(SCORE, env.judged)
    forced = [(binary(exp.EQ, _points_of(m, env), number(0)), text("red")) for m in health.measures if m.red_forces_red]
    return case(
        (is_null(score), exp.Null()),
        *forced,
        (binary(exp.GTE, score.copy(), number(health.bands.green)), text("green")),
        (binary(exp.GTE, score.copy(), number(health.bands.yellow)), text("yellow")),
        otherwise=text("red"),
    )
