"""For whom something may have to be written once the stages are decided, and what the other rules say of them.

Called by evaluation.py after the passes. `chosen_query` is the diff of the whole book in one statement; everything
else is asked for the chosen only. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from connector.describe import FieldDescribe, ObjectDescribe
from connector.evaluate.asks import find_asks, find_leftovers
from connector.evaluate.conditions import any_of, rule_env
from connector.evaluate.frame import Frame, column, named
from connector.evaluate.health import BAND, SCORE, day_of
from connector.evaluate.judged import live_fields
from connector.evaluate.lower import lower
from connector.evaluate.lowering.sql import Sql, case, function, is_known, is_null, number, text
from connector.evaluate.next_stage import next_text
from connector.evaluate.rules import Rules
from connector.evaluate.wording import Words
from connector.mapping.model import ModelFile

NEXT = "next text"
ENTERED_ON = "entered on"


def kpi_columns(frame: Frame) -> dict[str, str]:
    """Field of the subject -> column of `judged` with the value that it should have."""
    model = frame.mapping.model
    found = {f.write: f"fact {key}" for key, f in model.facts.items() if f.write}
    found |= {name: source for name, source in _health_columns(model).items() if name}
    return {name: source for name, source in found.items() if frame.trust.has(model.subject, name)}


def _health_columns(model: ModelFile) -> dict[str | None, str]:
    return {model.write.health_score: SCORE, model.write.health_band: BAND}


# --- for whom -------------------------------------------------------------------------------------------------


def chosen_query(frame: Frame, rules: Rules, words: Words, subject: ObjectDescribe) -> exp.Select:
    """Subjects for whom something may have to be written: those in `changed`, a field that differs, a rule that is
    true, a Task or a membership of ours that may have to end. By id."""
    news = any_of([*_kpis_differ(frame, subject), *find_asks(frame)])
    in_scope = exp.Is(this=_scope(frame), expression=exp.true())
    changed = exp.In(this=column("subject", "j"), query=exp.select("subject").from_("changed").subquery())
    in_play = exp.And(this=in_scope, expression=exp.Paren(this=news))
    someone = any_of([changed, in_play, *find_leftovers(frame), *_own_fields_differ(frame, rules, words, subject)])
    return _judged([column("subject", "j")]).where(someone).order_by(column("subject", "j"))


def _scope(frame: Frame) -> Sql:
    return exp.Paren(this=lower(frame.mapping.expressions["scope"].tree, rule_env(frame)))


def _judged(columns: list[exp.Expression]) -> exp.Select:
    same = exp.EQ(this=column("subject", "j"), expression=column("subject", "s"))
    query = exp.select(*columns).from_(exp.to_table("judged").as_("j"))
    return query.join(exp.to_table("standing").as_("s"), on=same)


def _kpis_differ(frame: Frame, subject: ObjectDescribe) -> Iterator[Sql]:
    """A written value that the org would notice."""
    model = frame.mapping.model
    once = {f.write for f in model.facts.values() if f.write_once}
    for name, source in kpi_columns(frame).items():
        field = subject.find(name)
        if field:
            yield _is_news(column(source, "j"), column(f"live {name}", "j"), field, once=name in once)


def _own_fields_differ(frame: Frame, rules: Rules, words: Words, subject: ObjectDescribe) -> Iterator[Sql]:
    """The start of the visit and what is next, which are put right in and out of scope."""
    write = frame.mapping.model.write
    if write.entered:
        yield exp.NullSafeNEQ(this=column("since", "s"), expression=column(f"live {write.entered}", "j"))
    field = subject.find(write.next) if write.next else None
    if field:
        wanted = next_text(frame, rules, words)
        other = exp.NullSafeNEQ(this=_as_stored(wanted, field), expression=column(f"live {write.next}", "j"))
        yield exp.And(this=is_known(wanted.copy()), expression=exp.Paren(this=other))


def _is_news(value: Sql, live: Sql, field: FieldDescribe, *, once: bool) -> Sql:
    """A known value that is not there; one that is written once, only while there is none."""
    stored = _as_stored(value, field)
    known = is_known(stored)
    other = is_null(live) if once else exp.NullSafeNEQ(this=stored.copy(), expression=live)
    return exp.And(this=known, expression=exp.Paren(this=other))


def _as_stored(value: Sql, field: FieldDescribe) -> Sql:
    """As the org would hand it back: rounded to the field's scale, trimmed, cut to its length, blank as null."""
    if field.is_number:
        kind = exp.DataType.build(f"DECIMAL(28, {min(field.scale, 18)})")
        return exp.TryCast(this=value, to=kind, safe=True)
    if not field.is_text:
        return value
    trimmed = exp.Trim(this=value)
    if not field.length or field.type in {"id", "reference", "picklist"}:
        return exp.Nullif(this=trimmed, expression=text(""))
    cut = exp.DPipe(
        this=function("rtrim", function("left", trimmed.copy(), number(field.length - 1))),
        expression=text("…"),
        safe=False,
    )
    too_long = exp.GT(this=exp.Length(this=trimmed.copy()), expression=number(field.length))
    return exp.Nullif(this=case((too_long, cut), otherwise=trimmed), expression=text(""))


# --- what the rules say -----------------------------------------------------------------------------------------


def outcome_query(frame: Frame, rules: Rules, words: Words) -> exp.Select:
    """Everything that is to be known of the subjects in `chosen`, by id; rules by their key paths."""
    columns = [
        column("subject", "j"), column("name", "j"), column("money", "j"),
        named(_scope(frame), "scope"),
        *(named(column(f"live {name}", "j"), f"live {name}") for name in live_fields(frame)),
        *(named(column(f"fact {key}", "j"), f"fact {key}") for key in frame.mapping.fact_order),
        *(named(column(c, "j"), f"kpi {name}") for name, c in kpi_columns(frame).items()),
        named(next_text(frame, rules, words), NEXT),
        named(_entered_on(frame, rules), ENTERED_ON),
        *(named(value, path) for path, value in _signals(frame)),
    ]  # fmt: skip
    chosen = exp.In(this=column("subject", "j"), query=exp.select("subject").from_("chosen").subquery())
    query = _judged(columns).where(chosen)
    same = exp.EQ(this=column("subject", "m"), expression=column("subject", "j"))
    memory = [named(column(c, "m"), f"memory {c}") for c in _MEMORY]
    return query.join(exp.to_table("memory").as_("m"), on=same).select(*memory).order_by(column("subject", "j"))


_MEMORY = ("stage", "state_text", "entered", "proposed", "override_stage", "override_until")


def _entered_on(frame: Frame, rules: Rules) -> Sql:
    found = [(s.key, frame.expression(f"stages.{s.key}.entered_on")) for s in rules.stages]
    own = [(text(key), day_of(e.tree, rule_env(frame))) for key, e in found if e]
    return case(*own, of=column("stage", "s")) if own else exp.Null()


def _signals(frame: Frame) -> Iterator[tuple[str, Sql]]:
    """The rules of CTAs, playbooks and campaigns. Out of scope, or while it is not known what exists already, they are
    unknown: nothing opens, nothing closes."""
    env = rule_env(frame)
    for path, expression in frame.mapping.expressions.items():
        part, last = path.partition(".")[0], path.rpartition(".")[2]
        if part not in {"ctas", "playbooks", "campaigns"} or path.endswith(".people.where"):
            continue
        if last == "due":
            yield path, day_of(expression.tree, env)
        elif last in {"open_when", "close_when", "add_when", "when"}:
            yield path, _if_settled(lower(expression.tree, env), frame, part)
        else:
            yield path, lower(expression.tree, env)
    for playbook in frame.mapping.model.playbooks:
        for step in playbook.steps:
            if step.when is None:
                yield f"playbooks.{playbook.key}.steps.{step.key}.when", _if_settled(exp.true(), frame, "playbooks")


def _if_settled(condition: Sql, frame: Frame, part: str) -> Sql:
    if what_exists_is_doubtful(frame, part):
        return exp.cast(exp.null(), "BOOLEAN")
    return case((_scope(frame), condition))


def what_exists_is_doubtful(frame: Frame, part: str) -> str:
    """Why it is not known which Tasks or memberships of ours there are; '' when it is."""
    keys = frame.mapping.model.keys
    if part == "campaigns":
        fields = {
            "CampaignMember": (keys.member, "CampaignId", "Status", "ContactId", "LeadId"),
            "Contact": ("AccountId",),
        }
    else:
        fields = {"Task": (keys.task, "Status", "IsClosed", "OwnerId")}
    return next(iter(frame.trust.doubts(fields)), "")
