"""What is in the org now, as far as planning needs it: our Tasks, members, who may own Tasks, queues, campaigns.

Called by evaluation.py for the chosen subjects. Reads the mirror; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from duckdb import DuckDBPyConnection
from sqlglot import exp

from connector.data import Current, MemberRecord, TaskRecord
from connector.evaluate.conditions import any_of
from connector.evaluate.evidence import ask
from connector.evaluate.frame import Frame, column, table
from connector.evaluate.lowering.sql import Sql, binary, cast, text
from connector.mapping.model import CampaignRule
from connector.mapping.values import Rate

_LONG_AGO = datetime(1999, 1, 1, tzinfo=UTC)
"""For a Task whose creation we may not read: before any org."""


def read_current(connection: DuckDBPyConnection, frame: Frame, people: Iterable[str]) -> Current:
    """For the subjects in `chosen`, the people given, the people of our own members, and what counts for budgets."""
    campaigns = _campaigns(connection, frame)
    return Current(
        tasks=_tasks(connection, frame),
        members=_members(connection, frame, sorted(set(people))),
        users=_users(connection, frame),
        queues=find_queues(connection, frame),
        campaigns=campaigns,
        responded_statuses=_responded(connection, frame),
    )


def _spent_since(frame: Frame, rate: Rate) -> datetime:
    """What was created since then may count for a budget; a day early, because days begin at different times."""
    first = rate.per.before(frame.run.today, frame.calendar) - timedelta(days=1)
    return datetime.combine(first, time())


def _tasks(connection: DuckDBPyConnection, frame: Frame) -> dict[str, tuple[TaskRecord, ...]]:
    rows = connection.execute(
        "SELECT subject, id, key, status, is_closed, is_deleted, owner, created, completed, due, changed "
        "FROM our_tasks WHERE subject IN (SELECT subject FROM chosen) OR created >= ? ORDER BY subject, created, id",
        [_spent_since(frame, frame.mapping.model.budgets.tasks_per_owner)],
    ).fetchall()
    found: dict[str, list[TaskRecord]] = {}
    for subject, id_, key, status, closed, deleted, owner, created, completed, due, changed in rows:
        task = TaskRecord(
            id_, key, status or "", bool(closed), bool(deleted), owner or "", _aware(created) or _LONG_AGO,
            _aware(completed), due, _aware(changed),
        )  # fmt: skip
        found.setdefault(subject, []).append(task)
    return {subject: tuple(tasks) for subject, tasks in found.items()}


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _members(
    connection: DuckDBPyConnection, frame: Frame, people: Sequence[str]
) -> dict[str, tuple[MemberRecord, ...]]:
    """Every membership of these people, and of the people of the chosen who have one of ours."""
    key = frame.mapping.model.keys.member
    if not (frame.mapping.model.campaigns and frame.trust.has("CampaignMember", key)):
        return {}
    ask(connection, people)
    is_ours = exp.Like(this=column(key), expression=text(f"{frame.mapping.model.model}:%"))
    of_chosen = exp.In(this=column("account"), query=exp.select("subject").from_("chosen").subquery())
    ours = exp.select("person").from_("members").where(is_ours, any_of([of_chosen, *_recent_member(frame)]))
    wanted = exp.Or(
        this=exp.In(this=column("person"), query=exp.select("subject").from_("asked").subquery()),
        expression=exp.In(this=column("person"), query=ours.subquery()),
    )
    names = ("person", "Id", "CampaignId", "Status", "HasResponded", key, "CreatedDate", "account", "IsDeleted")
    query = exp.select(*(_member_column(frame, n) for n in names)).from_("members").where(wanted)
    found: dict[str, list[MemberRecord]] = {}
    for row in connection.execute(query.order_by(column("person"), column("Id")).sql(frame.dialect)).fetchall():
        person, id_, campaign, status, responded, own, created, account, deleted = row
        member = MemberRecord(
            id_,
            campaign,
            person,
            status or "",
            bool(responded),
            own or "",
            _aware(created),
            account or "",
            bool(deleted),
        )
        found.setdefault(person, []).append(member)
    return {person: tuple(members) for person, members in found.items()}


def _recent_member(frame: Frame) -> Iterator[Sql]:
    if frame.trust.has("CampaignMember", "CreatedDate"):
        since = _spent_since(frame, frame.mapping.model.budgets.members_per_campaign)
        yield binary(exp.GTE, column("CreatedDate"), cast(text(since.isoformat()), "TIMESTAMP"))


def _member_column(frame: Frame, name: str) -> Sql:
    known = name in {"person", "account"} or frame.trust.has("CampaignMember", name)
    return column(name) if known else exp.Null()


def _users(connection: DuckDBPyConnection, frame: Frame) -> dict[str, bool]:
    """Who is active and a person: portals, integrations and automations have user types of their own."""
    if not frame.trust.has("User", "IsActive"):
        return {}
    standard: Sql = binary(exp.EQ, column("UserType"), text("Standard"))
    kind = exp.Coalesce(this=standard, expressions=[exp.true()]) if frame.trust.has("User", "UserType") else exp.true()
    query = exp.select(column("Id"), exp.And(this=column("IsActive"), expression=kind)).from_(table("User", "u"))
    query = query.order_by(column("Id"))
    return {id_: bool(active) for id_, active in connection.execute(query.sql(frame.dialect)).fetchall()}


def find_queues(connection: DuckDBPyConnection, frame: Frame) -> dict[str, str]:
    """Developer name -> Group id."""
    if frame.trust.doubts({"Group": ("DeveloperName", "Type")}):
        return {}
    query = exp.select(column("DeveloperName"), column("Id")).from_(table("Group", "g"))
    query = query.where(binary(exp.EQ, column("Type"), text("Queue"))).order_by(column("DeveloperName"))
    return {name: id_ for name, id_ in connection.execute(query.sql(frame.dialect)).fetchall() if name}


def _campaigns(connection: DuckDBPyConnection, frame: Frame) -> dict[str, str]:
    """Of each rule the one active Campaign that it means; a name that several have means none."""
    if frame.trust.doubts({"Campaign": ("IsActive",)}):
        return {}
    found = {rule.key: _campaign_ids(connection, frame, rule) for rule in frame.mapping.model.campaigns}
    return {key: ids[0] for key, ids in found.items() if len(ids) == 1}


def _campaign_ids(connection: DuckDBPyConnection, frame: Frame, rule: CampaignRule) -> list[str]:
    field, value = (rule.campaign.field, rule.campaign.value) if rule.campaign.field else ("Id", rule.campaign.id)
    if frame.trust.doubt("Campaign", field):
        return []
    query = exp.select(column("Id")).from_(table("Campaign", "c"))
    query = query.where(
        binary(exp.EQ, column(field), text(value)), column("IsActive"), exp.Not(this=column("IsDeleted"))
    )
    return [row[0] for row in connection.execute(query.sql(frame.dialect)).fetchall()]


def _responded(connection: DuckDBPyConnection, frame: Frame) -> dict[str, frozenset[str]]:
    if frame.trust.doubts({"CampaignMemberStatus": ("CampaignId", "Label", "HasResponded")}):
        return {}
    query = exp.select(column("CampaignId"), column("Label")).from_(table("CampaignMemberStatus", "c"))
    query = query.where(column("HasResponded"), exp.Not(this=column("IsDeleted"))).order_by(column("CampaignId"))
    found: dict[str, set[str]] = {}
    for campaign, label in connection.execute(query.sql(frame.dialect)).fetchall():
        found.setdefault(campaign, set()).add(label)
    return {campaign: frozenset(labels) for campaign, labels in found.items()}


def read_team(connection: DuckDBPyConnection, frame: Frame) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """(subject, role) -> the users who have that role on the team of a chosen account."""
    if frame.trust.doubts({"AccountTeamMember": ("AccountId", "UserId", "TeamMemberRole")}):
        return {}
    query = exp.select(column("AccountId"), column("TeamMemberRole"), column("UserId"))
    query = query.from_(table("AccountTeamMember", "t")).where(
        exp.In(this=column("AccountId"), query=exp.select("subject").from_("chosen").subquery()),
        exp.Not(this=column("IsDeleted")),
    )
    found: dict[tuple[str, str], list[str]] = {}
    rows: list[tuple[Any, ...]] = connection.execute(query.order_by(column("Id")).sql(frame.dialect)).fetchall()
    for account, role, user in rows:
        found.setdefault((account, role), []).append(user)
    return {key: tuple(users) for key, users in found.items()}
