"""Which subjects CTAs, playbooks and campaigns ask something for, seen against what there is already, as SQL.

Called by outcome.py. Lets through whom planning has to look at, and some more; never leaves one out. Pure: gives
sqlglot trees over `judged AS j` and `standing AS s`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from connector.evaluate.conditions import any_of, rule_env
from connector.evaluate.frame import Frame, SubjectEnv, column, table
from connector.evaluate.lower import lower
from connector.evaluate.lowering.sql import Sql, binary, cast, is_known, number, text
from connector.evaluate.people import BARS
from connector.mapping.model import CampaignRule, Cta


def find_asks(frame: Frame) -> Iterator[Sql]:
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


def find_leftovers(frame: Frame) -> Iterator[Sql]:
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
