"""For whom something may have to be written once the stages are decided, and what the other rules say of them.

Called by evaluation.py after the passes. `chosen_query` is the diff of the whole book in one statement; everything
else is asked for the chosen only. Pure: gives sqlglot trees.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from connector.describe import FieldDescribe, ObjectDescribe
from connector.evaluate.conditions import any_of, rule_env
from connector.evaluate.frame import Frame, SubjectEnv, column, named, table
from connector.evaluate.health import BAND, SCORE, day_of
from connector.evaluate.judged import live_fields
from connector.evaluate.lower import lower
from connector.evaluate.lowering.sql import Sql, binary, case, cast, function, is_known, is_null, number, text
from connector.evaluate.next_stage import next_text
from connector.evaluate.people import BARS
from connector.evaluate.rules import Rules
from connector.evaluate.wording import Words
from connector.mapping.model import CampaignRule, Cta

NEXT = "next text"
ENTERED_ON = "entered on"


def kpi_columns(frame: Frame) -> dict[str, str]:
    """Field of the subject -> column of `judged` with the value that it should have."""
    model = frame.mapping.model
    found = {f.write: f"fact {key}" for key, f in model.facts.items() if f.write}
    found |= {
        name: column for name, column in ((model.write.health_score, SCORE), (model.write.health_band, BAND)) if name
    }
    return {name: column for name, column in found.items() if frame.trust.has(model.subject, name)}


# --- for whom -------------------------------------------------------------------------------------------------


def chosen_query(frame: Frame, rules: Rules, words: Words, subject: ObjectDescribe) -> exp.Select:
    """Subjects for whom something may have to be written: those in `changed`, a field that differs, a rule that is
    true, a Task or a membership of ours that may have to end. By id."""
    in_scope = exp.Is(this=_scope(frame), expression=exp.true())
    rest = exp.And(
        this=in_scope, expression=exp.Paren(this=any_of([*_differs(frame, rules, words, subject), *_asks(frame)]))
    )
    changed = exp.In(this=column("subject", "j"), query=exp.select("subject").from_("changed").subquery())
    return (
        _judged([column("subject", "j")])
        .where(any_of([changed, *_lingers(frame), rest]))
        .order_by(column("subject", "j"))
    )


def _scope(frame: Frame) -> Sql:
    return exp.Paren(this=lower(frame.mapping.expressions["scope"].tree, rule_env(frame)))


def _judged(columns: list[exp.Expression]) -> exp.Select:
    same = exp.EQ(this=column("subject", "j"), expression=column("subject", "s"))
    query = exp.select(*columns).from_(exp.to_table("judged").as_("j"))
    return query.join(exp.to_table("standing").as_("s"), on=same)


def _differs(frame: Frame, rules: Rules, words: Words, subject: ObjectDescribe) -> Iterator[Sql]:
    """A written value that the org would notice."""
    model = frame.mapping.model
    once = {f.write for f in model.facts.values() if f.write_once}
    for name, source in kpi_columns(frame).items():
        field = subject.find(name)
        if field:
            yield _is_news(column(source, "j"), column(f"live {name}", "j"), field, once=name in once)
    field = subject.find(model.write.next) if model.write.next else None
    if field and model.write.next:
        live = column(f"live {model.write.next}", "j")
        wanted = _as_stored(next_text(frame, rules, words), field)
        yield exp.NullSafeNEQ(this=wanted, expression=live)


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


def _asks(frame: Frame) -> Iterator[Sql]:
    """A CTA to open or to close, a campaign to join, a playbook under way."""
    env, model = rule_env(frame), frame.mapping.model
    for cta in model.ctas:
        yield from _cta_asks(frame, cta, env)
    for campaign in model.campaigns:
        wanted = _is_true(frame, f"campaigns.{campaign.key}.add_when", env)
        yield exp.And(this=wanted, expression=_has_people_left(frame, campaign))
    for playbook in model.playbooks:
        here = binary(exp.EQ, column("stage", "s"), text(playbook.on_enter))
        yield exp.And(this=here, expression=exp.Paren(this=_has_steps_left(playbook.key, len(playbook.steps))))


def _cta_asks(frame: Frame, cta: Cta, env: SubjectEnv) -> Iterator[Sql]:
    """Open without an open Task for its period; or no longer needed, with an open Task."""
    rule = f"ctas.{cta.key}"
    mine = _open_tasks().where(binary(exp.EQ, column("name", "t"), text(cta.key)))
    period = frame.expression(f"{rule}.period")
    same = mine.where(binary(exp.EQ, column("part", "t"), cast(lower(period.tree, env), "TEXT"))) if period else mine
    missing = exp.Not(this=exp.Exists(this=same))
    yield exp.And(this=_is_true(frame, f"{rule}.open_when", env), expression=missing)
    if cta.close_when:
        ends = _is_true(frame, f"{rule}.close_when", env)
    else:
        ends = exp.Is(this=_condition(frame, f"{rule}.open_when", env), expression=exp.false())
    yield exp.And(this=ends, expression=exp.Exists(this=mine.copy()))


def _open_tasks() -> exp.Select:
    query = exp.select("1").from_(exp.to_table("our_tasks").as_("t"))
    return query.where(column("open", "t"), binary(exp.EQ, column("subject", "t"), column("subject", "j")))


def _condition(frame: Frame, path: str, env: SubjectEnv) -> Sql:
    return exp.Paren(this=lower(frame.mapping.expressions[path].tree, env))


def _is_true(frame: Frame, path: str, env: SubjectEnv) -> Sql:
    return exp.Is(this=_condition(frame, path, env), expression=exp.true())


def _has_steps_left(playbook: str, steps: int) -> Sql:
    """Fewer Tasks of this visit than the playbook has steps."""
    begun = exp.select(exp.Count(this=exp.Star())).from_(exp.to_table("our_tasks").as_("t"))
    begun = begun.where(
        binary(exp.EQ, column("subject", "t"), column("subject", "j")),
        exp.Like(this=column("name", "t"), expression=text(f"{playbook}.%")),
        binary(exp.EQ, column("part", "t"), cast(column("since", "s"), "TEXT")),
    )
    return binary(exp.LT, begun.subquery(), number(steps))


def _has_people_left(frame: Frame, campaign: CampaignRule) -> Sql:
    """Somebody at the subject whom the campaign has not taken yet."""
    model, who = frame.mapping.model, campaign.people.who
    if not (frame.trust.has("CampaignMember", model.keys.member) and frame.trust.has(who, "AccountId")):
        return exp.false()
    ours = exp.Like(this=column(model.keys.member), expression=text(f"{model.model}:{campaign.key}:%"))
    taken = exp.select(column("person")).from_("members").where(ours, is_known(column("person")))
    people = exp.select("1").from_(table(who, "p")).where(
        binary(exp.EQ, column("AccountId", "p"), column("subject", "j")),
        exp.Not(this=column("IsDeleted", "p")),
        exp.Not(this=exp.In(this=column("Id", "p"), query=taken.subquery())),
    )  # fmt: skip
    return exp.Exists(this=people)


def _lingers(frame: Frame) -> Iterator[Sql]:
    """Something of ours goes on that the stage does not carry any more: Tasks of a visit or a scope that was left,
    memberships that a campaign has not ended."""
    model = frame.mapping.model
    left = binary(exp.EQ, column("stage", "s"), text(""))
    yield exp.And(this=left, expression=exp.Exists(this=_open_tasks()))
    for playbook in model.playbooks:
        steps = _open_tasks().where(exp.Like(this=column("name", "t"), expression=text(f"{playbook.key}.%")))
        here = binary(exp.EQ, column("stage", "s"), text(playbook.on_enter))
        visit = binary(exp.EQ, column("part", "t"), cast(column("since", "s"), "TEXT"))
        runs = exp.Coalesce(this=exp.Paren(this=exp.And(this=here, expression=visit)), expressions=[exp.false()])
        yield exp.Exists(this=steps.where(exp.Not(this=runs)))
    if frame.trust.has("CampaignMember", model.keys.member):
        for campaign in model.campaigns:
            yield from _memberships_end(frame, campaign)


def _memberships_end(frame: Frame, campaign: CampaignRule) -> Iterator[Sql]:
    """A membership of ours goes on although the campaign does not want the subject, or the person opted out."""
    path, who = f"campaigns.{campaign.key}.add_when", campaign.people.who
    unwanted = exp.Not(this=_is_true(frame, path, rule_env(frame)))
    yield exp.And(this=unwanted, expression=exp.Exists(this=_members_of(frame, campaign)))
    bars: list[Sql] = [column(name, "p") for name in BARS if frame.trust.has(who, name)]
    if bars:
        person = exp.EQ(this=column("Id", "p"), expression=column("person", "m"))
        barred = _members_of(frame, campaign).join(table(who, "p"), on=person).where(any_of(bars))
        yield exp.Exists(this=barred)


def _members_of(frame: Frame, campaign: CampaignRule) -> exp.Select:
    """The subject's memberships of ours that have not ended."""
    model, status = frame.mapping.model, campaign.status
    query = exp.select("1").from_(exp.to_table("members").as_("m"))
    return query.where(
        exp.Like(this=column(model.keys.member, "m"), expression=text(f"{model.model}:{campaign.key}:%")),
        exp.Not(this=column("IsDeleted", "m")),
        exp.Not(this=exp.In(this=column("Status", "m"), expressions=[text(status.left), text(status.left_responded)])),
        binary(exp.EQ, column("account", "m"), column("subject", "j")),
    )


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
