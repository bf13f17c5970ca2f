"""Who joins a campaign and who leaves it: one membership in a group, nobody who opted out, no responder demoted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from plan_book import (
    ACME,
    AS_OF,
    BETA,
    CAMPAIGN,
    DESCRIBES,
    SINCE,
    TODAY,
    UPSELL,
    WELCOME,
    a_customer,
    a_member,
    a_model,
    a_move,
    a_person,
    a_state,
    an_object,
    an_org,
    campaigns_signal,
    only,
    plan_for,
)  # fmt: skip

from connector.data import Change, Guard, Person, Reason

ONE, TWO, THREE, FOUR, FIVE = (a_person(n) for n in range(1, 6))
UP = {"key": "upsell", "campaign": UPSELL, "add_when": "stage = 'launched'"}


def key(person: Person, campaign: str = "welcome", since=SINCE) -> str:
    return f"m:{campaign}:{person.id}:{since}"


def ours(person: Person, campaign: str = WELCOME, **more):
    name = "welcome" if campaign == WELCOME else "upsell"
    return a_member(person, campaign, **{"key": key(person, name), **more})


def plan_members(*signals, members=(), customer=None, campaigns=None, limits=None, **more):
    customer = replace(customer or a_customer(), campaigns=signals)
    parts = {"campaigns": campaigns or [CAMPAIGN], **({"people_limits": limits} if limits else {})}
    return plan_for(customer, model=a_model(**parts), org=more.pop("org", None) or an_org(members=members), **more)


def added(plan, campaign: str = WELCOME) -> list[str]:
    adds = [c for c in plan.changes if c.kind == "member_add" and c.owner == campaign]
    return sorted(str(c.after.get("ContactId") or c.after.get("LeadId")) for c in adds)


def exits(plan) -> dict[str, object]:
    return {str(c.record): c.after["Status"] for c in plan.changes if c.kind == "member_status"}


def people(*persons: Person) -> list[str]:
    return sorted(p.id for p in persons)


def test_a_person_joins_with_key_status_and_guards() -> None:
    change = only(plan_members(campaigns_signal(ONE)))
    assert change.after == {
        "CampaignId": WELCOME, "ContactId": ONE.id, "Status": "Planned", "Lifecycle_Key__c": key(ONE)}  # fmt: skip
    assert (change.id, change.kind, change.record, change.key_field) == (
        key(ONE), "member_add", None, "Lifecycle_Key__c")  # fmt: skip
    assert (change.owner, change.subject, change.subject_name, change.money) == (WELCOME, ACME, "Acme", 1000)
    assert (change.model, change.sobject, change.before) == ("m", "CampaignMember", {})
    assert change.because.rule == "campaigns.welcome.add_when"
    assert change.because.sentence == "Person 1 joins: stage = 'onboarding'."
    assert change.guards == (
        Guard("Account", ACME, "Stage__c", "onboarding", "its stage is still Onboarding"),
        Guard("Contact", ONE.id, "HasOptedOutOfEmail", False, "Person 1 may still be written to"),
        Guard("Contact", ONE.id, "IsEmailBounced", False, "Person 1 may still be written to"),
    )


def test_a_lead_joins_as_a_lead() -> None:
    lead = a_person(1, sobject="Lead")
    change = only(plan_members(campaigns_signal(lead)))
    assert (change.after["LeadId"], "ContactId" in change.after) == (lead.id, False)
    assert [g.field for g in change.guards[1:]] == ["HasOptedOutOfEmail", "IsConverted"]


def test_joining_waits_for_the_move() -> None:
    customer = a_customer(a_state(since=TODAY), before=a_state(""), moves=[a_move("", "onboarding")])
    plan = plan_members(campaigns_signal(ONE), customer=customer)
    assert [(c.kind, c.depends_on) for c in plan.changes] == [("move", ()), ("member_add", (f"m:Account:{ACME}",))]


def test_the_first_three_in_the_order_of_the_mapping_join() -> None:
    plan = plan_members(campaigns_signal(FOUR, TWO, FIVE, ONE))
    assert added(plan) == people(FOUR, TWO, FIVE)


NEVER = {
    "who opted out": a_person(1, reachable=False),
    "of whom it is not known whether they opted out": a_person(1, reachable=None),
}


@pytest.mark.parametrize("case", NEVER)
def test_nobody_is_added(case: str) -> None:
    assert added(plan_members(campaigns_signal(NEVER[case], TWO))) == people(TWO)


@pytest.mark.parametrize("add", [False, None])
def test_nobody_is_added_while_the_rule_does_not_hold(add) -> None:
    assert plan_members(campaigns_signal(ONE, add=add)).changes == ()


ALREADY = {
    "added by somebody else": a_member(ONE),
    "ours, of this visit": ours(ONE),
    "ours, of an earlier visit": ours(ONE, key=key(ONE, since="2020-01-01")),
    "ours, and left": ours(ONE, status="Exited"),
    "ours, and removed by a person in this visit": ours(ONE, is_deleted=True),
}


@pytest.mark.parametrize("case", ALREADY)
def test_nothing_is_written_for_a_member(case: str) -> None:
    assert plan_members(campaigns_signal(ONE), members=[ALREADY[case]]).changes == ()


def test_one_who_was_removed_in_an_earlier_visit_is_offered_again() -> None:
    gone = ours(ONE, is_deleted=True, key=key(ONE, since="2020-01-01"))
    assert added(plan_members(campaigns_signal(ONE), members=[gone])) == people(ONE)


def test_being_in_another_campaign_does_not_matter() -> None:
    assert added(plan_members(campaigns_signal(ONE), members=[a_member(ONE, UPSELL)])) == people(ONE)


PLACES = {
    "members take their places, whoever added them": ([ours(FOUR), a_member(FIVE)], [ONE]),
    "one whom a person removed keeps the place": ([ours(FOUR, is_deleted=True)], [ONE, TWO]),
    "one removed in an earlier visit does not": (
        [ours(FOUR, is_deleted=True, key=key(FOUR, since="2020-01-01"))], [ONE, TWO, THREE]),
    "one who left in an earlier visit does not": (
        [ours(FOUR, status="Exited", key=key(FOUR, since="2020-01-01"))], [ONE, TWO, THREE]),
    "all places taken": ([ours(FOUR), a_member(FIVE), ours(THREE)], []),
    "more members than places": ([ours(TWO), ours(FOUR), a_member(FIVE), ours(THREE)], []),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACES)
def test_at_most_three(case: str) -> None:
    members, expected = PLACES[case]
    plan = plan_members(campaigns_signal(ONE, TWO, THREE, FOUR, FIVE), members=members)
    assert added(plan) == people(*expected)


def test_a_place_that_this_plan_frees_is_taken_at_once() -> None:
    left_behind = ours(FOUR, key=key(FOUR, since="2020-01-01"))
    opted_out = a_person(4, reachable=False)
    one_place = [{**CAMPAIGN, "people": {"at_most": 1}}]
    plan = plan_members(campaigns_signal(opted_out, ONE), members=[left_behind], campaigns=one_place)
    assert exits(plan) == {left_behind.id: "Exited"}
    assert added(plan) == people(ONE)


def test_a_place_in_this_visit_stays_taken_by_who_opted_out() -> None:
    one_place = [{**CAMPAIGN, "people": {"at_most": 1}}]
    plan = plan_members(campaigns_signal(a_person(4, reachable=False), ONE), members=[ours(FOUR)], campaigns=one_place)
    assert (exits(plan), added(plan)) == ({ours(FOUR).id: "Exited"}, [])


def test_a_campaign_that_is_gone_or_inactive_is_told_once() -> None:
    plan = plan_members(campaigns_signal(ONE, TWO), org=an_org(campaigns={}))
    assert plan.changes == ()
    assert plan.problems == (
        f"campaigns.welcome: there is no active Campaign {WELCOME}; nobody was added (Acme)",)  # fmt: skip


def test_without_the_key_field_nobody_is_added() -> None:
    fields = [f for n, f in DESCRIBES["CampaignMember"].fields.items() if n != "Lifecycle_Key__c"]
    describes = {**DESCRIBES, "CampaignMember": an_object("CampaignMember", *fields)}
    plan = plan_members(campaigns_signal(ONE), describes=describes)
    assert plan.changes == ()
    assert "CampaignMember.Lifecycle_Key__c does not exist in the org" in plan.problems[0]


# --- leaving ----------------------------------------------------------------------------------------------

EXITS = {
    "the stage was left": (ours(ONE), campaigns_signal(ONE, add=False), "Exited"),
    "the person opted out": (ours(ONE), campaigns_signal(a_person(1, reachable=False)), "Exited"),
    "the person is no longer listed, and the stage was left": (ours(ONE), campaigns_signal(add=False), "Exited"),
    "a responder leaves by a responded status": (
        ours(ONE, status="Clicked", has_responded=True), campaigns_signal(ONE, add=False), "Responded"),
    "of an earlier visit, too": (
        ours(ONE, key=key(ONE, since="2020-01-01")), campaigns_signal(ONE, add=False), "Exited"),
}  # fmt: skip


@pytest.mark.parametrize("case", EXITS)
def test_a_membership_ends(case: str) -> None:
    member, signal, status = EXITS[case]
    change = only(plan_members(signal, members=[member]))
    assert replace(change, because=NO_REASON) == Change(
        id=f"CampaignMember:{member.id}", kind="member_status", model="m", sobject="CampaignMember", record=member.id,
        subject=ACME, subject_name="Acme", before={"Status": member.status, "HasResponded": member.has_responded},
        after={"Status": status}, because=NO_REASON, owner=WELCOME, money=Decimal(1000),
    )  # fmt: skip


NO_REASON = Reason("", "")


def test_leaving_waits_for_the_move() -> None:
    customer = a_customer(a_state("launched", since=TODAY), before=a_state(), moves=[a_move()])
    plan = plan_members(campaigns_signal(ONE, add=False), members=[ours(ONE)], customer=customer)
    assert [(c.kind, c.depends_on) for c in plan.changes] == [("move", ()), ("member_status", (f"m:Account:{ACME}",))]


STAYS = {
    "the rule is unknown": (ours(ONE), campaigns_signal(ONE, add=None)),
    "the rule holds": (ours(ONE), campaigns_signal(ONE)),
    "the rule holds in another visit": (ours(ONE, key=key(ONE, since="2020-01-01")), campaigns_signal(ONE)),
    "it is not known whether the person opted out": (ours(ONE), campaigns_signal(a_person(1, reachable=None))),
    "somebody else added the person": (a_member(ONE), campaigns_signal(ONE, add=False)),
    "another model added the person": (
        a_member(ONE, key=f"n:welcome:{ONE.id}:{SINCE}"), campaigns_signal(ONE, add=False)),
    "the membership was removed": (ours(ONE, is_deleted=True), campaigns_signal(ONE, add=False)),
    "they left already": (ours(ONE, status="Exited"), campaigns_signal(ONE, add=False)),
    "they responded and left already": (
        ours(ONE, status="Responded", has_responded=True), campaigns_signal(ONE, add=False)),
    "the campaign says nothing of this customer": (ours(ONE), campaigns_signal(ONE, campaign="upsell", add=False)),
    "the person belongs to a customer who was not judged": (ours(ONE, subject=BETA), campaigns_signal(ONE, add=False)),
}  # fmt: skip


@pytest.mark.parametrize("case", STAYS)
def test_a_membership_stays_as_it_is_when(case: str) -> None:
    member, signal = STAYS[case]
    assert plan_members(signal, members=[member]).changes == ()


def test_a_responder_is_never_demoted() -> None:
    responder = ours(ONE, status="Clicked", has_responded=True)
    odd = [{**CAMPAIGN, "status": {"left_responded": "Gone"}}]
    assert plan_members(campaigns_signal(ONE, add=False), members=[responder], campaigns=odd).changes == ()
    unknown = an_org(members=[responder], responded_statuses={})
    assert plan_members(campaigns_signal(ONE, add=False), org=unknown).changes == ()


def test_a_member_is_found_through_the_customer_s_people_when_the_record_does_not_say() -> None:
    member = ours(ONE, subject="")
    assert exits(plan_members(campaigns_signal(ONE, add=False), members=[member])) == {member.id: "Exited"}


def test_everybody_leaves_with_a_customer_out_of_scope() -> None:
    customer = a_customer(a_state("", outside=TODAY, left="onboarding"))
    plan = plan_members(campaigns_signal(ONE, TWO), members=[ours(ONE)], customer=customer)
    assert exits(plan) == {ours(ONE).id: "Exited"}
    assert added(plan) == []
    assert plan.changes[0].because == Reason("campaigns.welcome", "Acme is no longer in the scope of the model.")


def test_reasons_for_leaving_are_told_apart() -> None:
    opted_out = only(plan_members(campaigns_signal(a_person(1, reachable=False)), members=[ours(ONE)]))
    assert (opted_out.because.rule, opted_out.because.sentence) == (
        "campaigns.welcome.people", "Person 1 opted out, or their mail bounced.")  # fmt: skip
    left = only(plan_members(campaigns_signal(ONE, add=False), members=[ours(ONE)]))
    assert (left.because.rule, left.because.sentence) == (
        "campaigns.welcome.add_when", "No longer true: stage = 'onboarding'.")  # fmt: skip


# --- groups -----------------------------------------------------------------------------------------------

GROUP = [{**CAMPAIGN, "group": "core"}, {**UP, "group": "core"}]


def both(person: Person = ONE, *, welcome=True, upsell=True):
    return campaigns_signal(person, add=welcome), campaigns_signal(person, add=upsell, campaign="upsell")


def test_the_earlier_campaign_of_a_group_wins() -> None:
    plan = plan_members(*both(), campaigns=GROUP)
    assert (added(plan), added(plan, UPSELL)) == (people(ONE), [])


def test_without_a_group_a_person_may_be_in_both() -> None:
    plan = plan_members(*both(), campaigns=[CAMPAIGN, UP])
    assert (added(plan), added(plan, UPSELL)) == (people(ONE), people(ONE))


def test_groups_do_not_know_each_other() -> None:
    plan = plan_members(*both(), campaigns=[{**CAMPAIGN, "group": "core"}, {**UP, "group": "extra"}])
    assert (added(plan), added(plan, UPSELL)) == (people(ONE), people(ONE))


def test_a_later_campaign_does_not_take_from_an_earlier_one() -> None:
    assert plan_members(*both(), members=[ours(ONE)], campaigns=GROUP).changes == ()


def test_an_earlier_campaign_takes_over_and_the_join_waits_for_the_exit() -> None:
    member = ours(ONE, UPSELL)
    plan = plan_members(*both(), members=[member], campaigns=GROUP)
    assert exits(plan) == {member.id: "Exited"}
    assert added(plan) == people(ONE)
    leave, join = plan.changes
    assert join.depends_on == (leave.id,)
    assert leave.because == Reason("campaigns.upsell.group", "welcome comes before it in the group.")


def test_moving_on_leaves_one_campaign_and_joins_the_next_at_once() -> None:
    member = ours(ONE)
    plan = plan_members(*both(welcome=False), members=[member], campaigns=GROUP)
    assert exits(plan) == {member.id: "Exited"}
    assert added(plan, UPSELL) == people(ONE)


def test_somebody_elses_membership_in_the_group_keeps_us_out() -> None:
    assert plan_members(*both(), members=[a_member(ONE, UPSELL)], campaigns=GROUP).changes == ()


def test_somebody_elses_deleted_membership_does_not() -> None:
    gone = a_member(ONE, UPSELL, is_deleted=True)
    assert added(plan_members(*both(upsell=False), members=[gone], campaigns=GROUP)) == people(ONE)


def test_two_memberships_in_one_group_become_one() -> None:
    plan = plan_members(*both(), members=[ours(ONE), ours(ONE, UPSELL)], campaigns=GROUP)
    assert exits(plan) == {ours(ONE, UPSELL).id: "Exited"}
    assert plan.changes[0].because == Reason("campaigns.upsell.group", "Already in another campaign of the group core.")


def test_one_who_left_a_campaign_is_free_for_the_next() -> None:
    member = ours(ONE, status="Exited")
    assert added(plan_members(*both(welcome=False), members=[member], campaigns=GROUP), UPSELL) == people(ONE)


def test_one_who_left_although_the_rule_still_holds_is_free_for_the_next() -> None:
    assert added(plan_members(*both(), members=[ours(ONE, status="Exited")], campaigns=GROUP), UPSELL) == people(ONE)


def test_memberships_without_a_group_do_not_end_one_another() -> None:
    members = [ours(ONE), ours(ONE, UPSELL)]
    assert plan_members(*both(), members=members, campaigns=[CAMPAIGN, UP]).changes == ()


def test_customers_are_looked_at_one_by_one() -> None:
    acme = replace(a_customer(), campaigns=(campaigns_signal(ONE, add=False),))
    beta = replace(a_customer(subject=BETA), campaigns=(campaigns_signal(TWO),))
    plan = plan_for(acme, beta, model=a_model(campaigns=[CAMPAIGN]))
    assert [c.subject for c in plan.changes] == [BETA]


def test_a_person_of_two_customers_joins_once() -> None:
    acme = replace(a_customer(), campaigns=(campaigns_signal(ONE),))
    beta = replace(a_customer(subject=BETA), campaigns=(campaigns_signal(ONE),))
    plan = plan_for(acme, beta, model=a_model(campaigns=[CAMPAIGN]))
    assert [(c.id, c.subject) for c in plan.changes] == [(key(ONE), ACME)]


# --- frequency --------------------------------------------------------------------------------------------

TWO_A_MONTH = {"new_memberships": "2 per 30 days"}
OTHERS = ["701000000000011AAA", "701000000000012AAA"]


def joined(days_ago: int, number: int = 0, **more):
    return a_member(ONE, OTHERS[number], created=AS_OF - timedelta(days=days_ago), **more)


CAP = {
    "two in the last 30 days: no third": ([joined(1), joined(29, 1)], False),
    "one in the last 30 days: one more": ([joined(1), joined(30, 1)], True),
    "none yet": ([], True),
    "also those that a person removed": ([joined(1, is_deleted=True), joined(2, 1)], False),
    "also those of unknown age": ([joined(1), replace(joined(2, 1), created=None)], False),
}


@pytest.mark.parametrize("case", CAP)
def test_two_new_memberships_in_30_days(case: str) -> None:
    members, expected = CAP[case]
    plan = plan_members(campaigns_signal(ONE), members=members, limits=TWO_A_MONTH)
    assert added(plan) == (people(ONE) if expected else [])


def test_the_cap_lets_a_person_into_two_campaigns_at_once() -> None:
    plan = plan_members(*both(), campaigns=[CAMPAIGN, UP], limits=TWO_A_MONTH)
    assert (added(plan), added(plan, UPSELL)) == (people(ONE), people(ONE))


def test_the_cap_counts_what_the_same_plan_begins() -> None:
    plan = plan_members(
        *both(), members=[joined(1)], campaigns=[CAMPAIGN, UP], limits=TWO_A_MONTH
    )  # fmt: skip
    assert (added(plan), added(plan, UPSELL)) == (people(ONE), [])


def test_one_over_the_cap_does_not_lose_the_campaign_they_are_in() -> None:
    members = [ours(ONE, UPSELL), joined(1), joined(2, 1)]
    assert plan_members(*both(), members=members, campaigns=GROUP, limits=TWO_A_MONTH).changes == ()


def test_one_over_the_cap_leaves_the_place_to_the_next() -> None:
    plan = plan_members(
        campaigns_signal(ONE, TWO), members=[joined(1), joined(2, 1)], limits=TWO_A_MONTH,
        campaigns=[{**CAMPAIGN, "people": {"at_most": 1}}],
    )  # fmt: skip
    assert added(plan) == people(TWO)
