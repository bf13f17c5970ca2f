"""The people whom a campaign may take: of which subject, in which order, and whether they may be written to.

Called by evaluation.py for the subjects that a campaign wants. Unknown counts as not reachable: opt-outs and bounces
are honoured even where we may not read them.
"""

from __future__ import annotations

from collections.abc import Mapping

from duckdb import DuckDBPyConnection
from sqlglot import exp

from connector.data import Person
from connector.evaluate.frame import Frame, RecordEnv, column, join_parents, named, table
from connector.evaluate.lower import lower
from connector.evaluate.lowering.sql import Sql, is_known
from connector.mapping.language.tree import Field, walk_all
from connector.mapping.model import CampaignRule

BARS = ("HasOptedOutOfEmail", "IsEmailBounced")
"""Either of these keeps a person from being written to."""


def find_people(connection: DuckDBPyConnection, frame: Frame, rule: CampaignRule) -> Mapping[str, tuple[Person, ...]]:
    """The people of the subjects in `asked`, by subject, in the order that the mapping prefers."""
    if frame.trust.doubts({rule.people.who: ("AccountId", "Name"), **_roles(rule)}):
        return {}
    found: dict[str, list[Person]] = {}
    for subject, person, name, reachable in connection.execute(_query(frame, rule).sql(frame.dialect)).fetchall():
        found.setdefault(subject, []).append(Person(person, rule.people.who, name or "", reachable))
    return {subject: tuple(people) for subject, people in found.items()}


def _roles(rule: CampaignRule) -> dict[str, tuple[str, ...]]:
    source = rule.people.roles_from
    return {source: ("ContactId", "OpportunityId"), "Opportunity": ("AccountId",)} if source else {}


def _query(frame: Frame, rule: CampaignRule) -> exp.Select:
    person, account = column("Id", "child"), column("AccountId", "child")
    query = exp.select(
        named(account, "subject"), person, column("Name", "child"), named(_reachable(frame, rule), "reachable")
    )
    query = query.from_(table(rule.people.who, "child")).join(
        exp.to_table("asked").as_("a"), on=exp.EQ(this=column("subject", "a"), expression=account.copy())
    )
    query = query.join(
        exp.to_table("judged").as_("j"), on=exp.EQ(this=column("subject", "j"), expression=account.copy())
    )
    query = _with_condition(query, frame, rule).where(exp.Not(this=column("IsDeleted", "child")))
    if rule.people.roles_from:
        roles = exp.Subquery(this=_with_roles(frame, rule), alias=exp.TableAlias(this=exp.to_identifier("roles")))
        same = exp.and_(
            exp.EQ(this=column("contact", "roles"), expression=person.copy()),
            exp.EQ(this=column("account", "roles"), expression=account.copy()),
        )
        query = query.join(roles, on=same)
    return query.order_by(account.copy(), *_order(frame, rule), person.copy())


def _with_condition(query: exp.Select, frame: Frame, rule: CampaignRule) -> exp.Select:
    condition = frame.expression(f"campaigns.{rule.key}.people.where")
    if condition is None:
        return query
    fields = [n for n in walk_all(condition.tree) if isinstance(n, Field)]
    if any(f.root == "subject" for f in fields):
        on = exp.EQ(this=column("Id", "subject"), expression=column("AccountId", "child"))
        query = query.join(table(frame.mapping.model.subject, "subject"), on=on)
    query = join_parents(query, fields, frame.trust)
    return query.where(exp.Is(this=exp.Paren(this=lower(condition.tree, RecordEnv(frame))), expression=exp.true()))


def _reachable(frame: Frame, rule: CampaignRule) -> Sql:
    """True only when every bar is known to be down."""
    bars: list[Sql] = [
        exp.null() if frame.trust.doubt(rule.people.who, name) else column(name, "child") for name in BARS
    ]
    barred: Sql = exp.Cast(this=bars[0], to=exp.DataType.build("BOOLEAN"))
    for bar in bars[1:]:
        barred = exp.Or(this=barred, expression=exp.Cast(this=bar, to=exp.DataType.build("BOOLEAN")))
    return exp.Not(this=exp.Paren(this=barred))


def _with_roles(frame: Frame, rule: CampaignRule) -> exp.Select:
    """(contact, account, what to order by) of everybody with a role in a deal of the account."""
    source = str(rule.people.roles_from)
    order = rule.people.order_by
    best = exp.select(named(column("ContactId", "r"), "contact"), named(column("AccountId", "o"), "account"))
    if order and frame.trust.has(source, order):
        best = best.select(named(_best(frame, source, order, "r"), "best"))
    same = exp.EQ(this=column("Id", "o"), expression=column("OpportunityId", "r"))
    best = best.from_(table(source, "r")).join(table("Opportunity", "o"), on=same)
    best = best.where(exp.Not(this=column("IsDeleted", "r")), exp.Not(this=column("IsDeleted", "o")))
    return best.where(is_known(column("ContactId", "r"))).group_by(column("ContactId", "r"), column("AccountId", "o"))


def _best(frame: Frame, sobject: str, field: str, source: str) -> Sql:
    """Of several roles of one person the one that sorts first: true before false, else the smallest."""
    value = column(field, source)
    if frame.trust.columns[sobject][field] == "BOOLEAN":
        return exp.Not(this=exp.Anonymous(this="bool_or", expressions=[value]))
    return exp.Min(this=value)


def _order(frame: Frame, rule: CampaignRule) -> list[exp.Ordered]:
    order, source = rule.people.order_by, rule.people.roles_from
    if not order:
        return []
    if source and frame.trust.has(source, order):
        return [exp.Ordered(this=column("best", "roles"), nulls_first=False)]
    if not frame.trust.has(rule.people.who, order):
        return []
    value: Sql = column(order, "child")
    if frame.trust.columns[rule.people.who][order] == "BOOLEAN":
        value = exp.Not(this=value)
    return [exp.Ordered(this=value, nulls_first=False)]
