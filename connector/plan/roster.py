"""Which people are members of what, as pulled and as planned so far: exclusivity, frequency cap, places taken.

Made and filled by campaigns.py while it plans; nobody else holds one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from connector.data import CampaignSignal, MemberRecord, Person
from connector.mapping.model import CampaignRule
from connector.plan.context import Context, Judged
from connector.plan.keys import read_member_key


@dataclass(frozen=True)
class Membership:
    """One of our members, with the rule that made it and what its subject says now, as far as it was judged."""

    member: MemberRecord
    rule: CampaignRule
    place: int
    judged: Judged | None
    signal: CampaignSignal | None
    person: Person | None


@dataclass(frozen=True)
class Occupant:
    """Who holds a person's one place in a group."""

    place: int
    membership: Membership | None
    """None for one that was just planned, or that somebody else made: neither is ever ended for another."""


BY_HAND = -1
Seat = tuple[str, str]
"""(person, group)."""


@dataclass
class Roster:
    memberships: tuple[Membership, ...]
    context: Context
    signals: dict[tuple[str, str], CampaignSignal]
    seats: dict[Seat, Occupant] = field(default_factory=dict)
    joined: dict[str, int] = field(default_factory=dict)
    """Person -> memberships that this plan begins."""
    planned: set[Seat] = field(default_factory=set)
    """(person, campaign key) of those."""
    leaving: set[str] = field(default_factory=set)
    """Members that this plan gives the status of those who left."""

    def signal(self, judged: Judged, rule: CampaignRule) -> CampaignSignal | None:
        return self.signals.get((judged.evaluation.subject, rule.key))

    def leave(self, membership: Membership) -> None:
        """The plan ends the membership: its place is free as it will be for the next run."""
        self.leaving.add(membership.member.id)

    def is_known(self, person: str, campaign: str, key: str) -> bool:
        """Whether the person is a member already, or was one in this visit until somebody removed them."""
        return any((m.campaign == campaign and not m.is_deleted) or m.key == key for m in self._members(person))

    def takes_a_place(self, person: str, campaign: str, key: str, rule: CampaignRule) -> bool:
        """Whether the person counts towards `at_most`: all known ones except those who left in an earlier visit."""
        return any(
            m.key == key or (m.campaign == campaign and not m.is_deleted and not self._has_left(m, rule))
            for m in self._members(person)
        )

    def _has_left(self, member: MemberRecord, rule: CampaignRule) -> bool:
        return member.status == rule.status.left or member.id in self.leaving

    def may_join(self, person: str, place: int, rule: CampaignRule) -> bool:
        """Whether frequency cap and group let the person in."""
        return (person, rule.key) not in self.planned and self._under_cap(person) and self._free(person, place, rule)

    def join(self, person: str, place: int, rule: CampaignRule) -> Membership | None:
        """Books the person in; the membership that has to end for it, if any."""
        self.joined[person] = self.joined.get(person, 0) + 1
        self.planned.add((person, rule.key))
        if not rule.group:
            return None
        before = self.seats.get((person, rule.group))
        self.seats[person, rule.group] = Occupant(place, None)
        return before.membership if before else None

    def seat(self, membership: Membership) -> bool:
        """Gives the membership its place in its group; False when somebody else has it."""
        rule, member = membership.rule, membership.member
        if not rule.group or member.status == rule.status.left:
            return True
        mine = Occupant(membership.place, membership)
        return self.seats.setdefault((member.person, rule.group), mine) == mine

    def _members(self, person: str) -> tuple[MemberRecord, ...]:
        return self.context.current.members.get(person, ())

    def _under_cap(self, person: str) -> bool:
        cap = self.context.model.people_limits.new_memberships
        if cap is None:
            return True
        since = cap.per.before(self.context.today, self.context.calendar)
        recent = sum(m.created is None or self.context.day_of(m.created) > since for m in self._members(person))
        return recent + self.joined.get(person, 0) < cap.count

    def _free(self, person: str, place: int, rule: CampaignRule) -> bool:
        held = self.seats.get((person, rule.group or ""))
        return held is None or not rule.group or (held.membership is not None and held.place > place)


def build_roster(judged: Sequence[Judged], context: Context) -> Roster:
    """The members as pulled; places in groups are taken so far by those whom other people added."""
    signals = {(j.evaluation.subject, s.campaign): s for j in judged for s in j.evaluation.campaigns}
    roster = Roster(tuple(_memberships(judged, signals, context)), context, signals)
    for seat in _by_hand(context):
        roster.seats[seat] = Occupant(BY_HAND, None)
    return roster


def _memberships(
    judged: Sequence[Judged], signals: dict[tuple[str, str], CampaignSignal], context: Context
) -> Iterator[Membership]:
    """Ours, in the order of the mapping, then by person."""
    subjects = {j.evaluation.subject: j for j in judged}
    homes = {p.id: j for j in judged for s in j.evaluation.campaigns for p in s.people}
    members = sorted((m for ms in context.current.members.values() for m in ms if not m.is_deleted), key=lambda m: m.id)
    for place, rule in enumerate(context.model.campaigns):
        for member in members:
            key = read_member_key(member.key, context.model.model)
            if key and key.campaign == rule.key:
                home = subjects.get(member.subject) if member.subject else homes.get(member.person)
                signal = signals.get((home.evaluation.subject, rule.key)) if home else None
                people = signal.people if signal else ()
                person = next((p for p in people if p.id == member.person), None)
                yield Membership(member, rule, place, home, signal, person)


def _by_hand(context: Context) -> Iterator[Seat]:
    """Places in groups that people gave out themselves: they stay."""
    groups = {
        context.current.campaigns[r.key]: r.group
        for r in context.model.campaigns
        if r.group and r.key in context.current.campaigns
    }
    for person, members in context.current.members.items():
        for member in members:
            ours = read_member_key(member.key, context.model.model)
            if member.campaign in groups and not ours and not member.is_deleted:
                yield person, groups[member.campaign]
