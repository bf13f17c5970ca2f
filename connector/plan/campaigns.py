"""Who joins which Campaign and who leaves it, decided for all subjects in one go: a person is one person everywhere.

Called once by plan.py. Only members that carry our key are changed, a responder is never demoted, and whoever
opted out, bounced, or may have done so, is never added. A person has at most one membership in a group; the
campaign that comes first in the mapping wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.data import Change, Guard, Person, Reason, Value
from connector.mapping.model import CampaignRule
from connector.plan.compare import new_record
from connector.plan.context import Context, Draft, Judged, Trouble
from connector.plan.keys import member_key
from connector.plan.roster import Membership, Roster, build_roster

STILL_REACHABLE = ("HasOptedOutOfEmail", "IsEmailBounced", "IsConverted")
"""Must be false just before a person is added, as far as the person's sObject has them."""


def plan_campaigns(judged: Sequence[Judged], context: Context) -> Iterator[Draft]:
    """Memberships to end and to begin."""
    roster = build_roster(judged, context)
    staying = [m for m in roster.memberships if _why_leave(m) is None]
    lost = {m.member.id for m in staying if not roster.seat(m)}
    for membership in roster.memberships:
        because = _group_taken(membership) if membership.member.id in lost else _why_leave(membership)
        if because:
            yield from _exit(membership, because, roster, context)
    for place, rule in enumerate(context.model.campaigns):
        yield from _fill(place, rule, judged, roster, context)


# --- leaving ----------------------------------------------------------------------------------------------


def _why_leave(membership: Membership) -> Reason | None:
    judged, rule, signal, person = membership.judged, membership.rule, membership.signal, membership.person
    if judged is None:
        return None
    path = f"campaigns.{rule.key}"
    if judged.left_scope:
        return Reason(path, f"{judged.evaluation.name} is no longer in the scope of the model.")
    if person is not None and person.reachable is False:
        return Reason(f"{path}.people", f"{person.name} opted out, or their mail bounced.")
    if signal is not None and signal.add is False:
        return Reason(f"{path}.add_when", f"No longer true: {rule.add_when}.")
    return None


def _group_taken(membership: Membership) -> Reason:
    rule = membership.rule
    return Reason(f"campaigns.{rule.key}.group", f"Already in another campaign of the group {rule.group}.")


def _exit(membership: Membership, because: Reason, roster: Roster, context: Context) -> Iterator[Change]:
    """The change of status that ends a membership; none for a responder whom it would demote."""
    member, rule, judged = membership.member, membership.rule, membership.judged
    status = rule.status.left_responded if member.has_responded else rule.status.left
    responded = context.current.responded_statuses.get(member.campaign, frozenset())
    if judged is None or member.status == status or (member.has_responded and status not in responded):
        return
    if status == rule.status.left:
        roster.leave(membership)
    evaluation = judged.evaluation
    yield Change(
        id=f"CampaignMember:{member.id}", kind="member_status", model=evaluation.model, sobject="CampaignMember",
        record=member.id, subject=evaluation.subject, subject_name=evaluation.name,
        before={"Status": member.status, "HasResponded": member.has_responded}, after={"Status": status},
        because=because, depends_on=judged.depends_on, owner=member.campaign, money=evaluation.money,
    )  # fmt: skip


# --- joining ----------------------------------------------------------------------------------------------


def _fill(
    place: int, rule: CampaignRule, judged: Sequence[Judged], roster: Roster, context: Context
) -> Iterator[Draft]:
    campaign = context.current.campaigns.get(rule.key)
    for one in judged:
        signal = roster.signal(one, rule)
        if one.left_scope or signal is None or signal.add is not True:
            continue
        if campaign is None:
            what = f"campaigns.{rule.key}: there is no active Campaign {rule.campaign}; nobody was added"
            yield Trouble(what, one.evaluation.name)
        else:
            yield from _add_people(place, rule, campaign, one, signal.people, roster, context)


def _add_people(
    place: int, rule: CampaignRule, campaign: str, judged: Judged, people: Sequence[Person], roster: Roster,
    context: Context,
) -> Iterator[Draft]:  # fmt: skip
    since = judged.evaluation.decision.state.since
    keys = {p.id: member_key(context.model.model, rule.key, p.id, since) for p in people}
    free = rule.people.at_most - sum(roster.takes_a_place(p.id, campaign, keys[p.id], rule) for p in people)
    for person in people:
        if free <= 0:
            return
        if person.reachable is not True or roster.is_known(person.id, campaign, keys[person.id]):
            continue
        if not roster.may_join(person.id, place, rule):
            continue
        yield from _join(place, rule, campaign, keys[person.id], person, judged, roster, context)
        free -= 1


def _join(
    place: int, rule: CampaignRule, campaign: str, key: str, person: Person, judged: Judged, roster: Roster,
    context: Context,
) -> Iterator[Draft]:  # fmt: skip
    """The new membership, and the end of the one that it takes the group's place from."""
    exits: list[Change] = []
    loser = roster.join(person.id, place, rule)
    if loser:
        because = Reason(f"campaigns.{loser.rule.key}.group", f"{rule.label or rule.key} comes before it in the group.")
        exits = list(_exit(loser, because, roster, context))
    yield from exits
    found = new_record(_fields(rule, campaign, key, person, context), context.describe("CampaignMember"))
    for what in found.troubles:
        yield Trouble(f"{what}; {person.sobject} was not added", judged.evaluation.name)
    if found.troubles:
        return
    evaluation = judged.evaluation
    yield Change(
        id=key, kind="member_add", model=evaluation.model, sobject="CampaignMember", record=None,
        subject=evaluation.subject, subject_name=evaluation.name, before={}, after=found.after,
        because=Reason(f"campaigns.{rule.key}.add_when", f"{person.name} joins: {rule.add_when}."),
        key_field=context.model.keys.member, guards=(judged.stage_guard(context), *_person_guards(person, context)),
        depends_on=(*judged.depends_on, *(e.id for e in exits)), owner=campaign, money=evaluation.money,
    )  # fmt: skip


def _fields(rule: CampaignRule, campaign: str, key: str, person: Person, context: Context) -> dict[str, Value]:
    return {
        "CampaignId": campaign,
        f"{person.sobject}Id": person.id,
        "Status": rule.status.added,
        context.model.keys.member: key,
    }


def _person_guards(person: Person, context: Context) -> tuple[Guard, ...]:
    describe = context.describe(person.sobject)
    words = f"{person.name} may still be written to"
    return tuple(
        Guard(person.sobject, person.id, name, False, words) for name in STILL_REACHABLE if describe.find(name)
    )
