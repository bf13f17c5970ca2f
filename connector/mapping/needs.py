"""Which fields of which sObjects a mapping needs in the mirror: what its expressions mention, and what the engine
itself looks at to decide, to write and to recognise its own.

Nobody lists fields by hand. Fields that the describes do not know are kept where the model itself is to create them
and left out otherwise (expressions over them have been refused before). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.data import Needs
from connector.describe import Describes
from connector.mapping.check_created import written_fields
from connector.mapping.language import Expression
from connector.mapping.model import ModelFile
from connector.mapping.texts import TEAM

_TASK = ("Status", "IsClosed", "AccountId", "WhatId", "OwnerId", "ActivityDate", "CompletedDateTime", "CreatedDate",
         "Subject", "IsRecurrence")  # fmt: skip
_MEMBER = ("CampaignId", "ContactId", "LeadId", "Status", "HasResponded", "CreatedDate")
_CONTACT = ("AccountId", "Name", "HasOptedOutOfEmail", "IsEmailBounced")
_USER = ("Name", "IsActive", "UserType", "ManagerId")
_HOLIDAY = (
    "ActivityDate", "IsAllDay", "IsRecurrence", "RecurrenceStartDate", "RecurrenceEndDateOnly", "RecurrenceType",
    "RecurrenceInterval", "RecurrenceDayOfWeekMask", "RecurrenceDayOfMonth", "RecurrenceInstance",
    "RecurrenceMonthOfYear",
)  # fmt: skip


def needs_of(model: ModelFile, expressions: Mapping[str, Expression], describes: Describes) -> Needs:
    """Everything that has to be pulled for this model."""
    fields: dict[str, set[str]] = {}
    for sobject, names in (*_mentioned(expressions.values()), *_engine(model)):
        fields.setdefault(sobject, set()).update(names)
    ours = {name.lower() for name, _ in written_fields(model)} | {model.keys.task.lower(), model.keys.member.lower()}
    return Needs(
        {name: _known(name, names, describes, ours) for name, names in sorted(fields.items()) if name in describes}
    )


def _mentioned(expressions: Iterable[Expression]) -> Iterable[tuple[str, Iterable[str]]]:
    for expression in expressions:
        yield from expression.fields.items()


def _engine(model: ModelFile) -> Iterable[tuple[str, Iterable[str]]]:
    yield model.subject, ("Id", "Name", "OwnerId", *(name for name, _ in written_fields(model)))
    yield model.subject, (fact.key.field for fact in model.facts.values() if fact.key)
    yield "User", _USER
    if model.calendar == "org":
        yield "Holiday", _HOLIDAY
    if model.ctas or model.playbooks:
        yield "Task", (model.keys.task, *_TASK)
        yield "TaskStatus", ("MasterLabel", "ApiName", "IsClosed")
        yield from _owners(model)
    if model.campaigns:
        yield from _campaigns(model)


def _owners(model: ModelFile) -> Iterable[tuple[str, Iterable[str]]]:
    chains = [cta.owner for cta in model.ctas] + [step.owner for book in model.playbooks for step in book.steps]
    owners = {item for chain in chains for item in chain}
    yield "Group", ("Name", "DeveloperName", "Type")
    if any(item.startswith(TEAM) for item in owners):
        yield "AccountTeamMember", ("AccountId", "UserId", "TeamMemberRole")


def _campaigns(model: ModelFile) -> Iterable[tuple[str, Iterable[str]]]:
    yield "Campaign", ("Name", "IsActive", *(r.campaign.field for r in model.campaigns if r.campaign.field))
    yield "CampaignMember", (model.keys.member, *_MEMBER)
    yield "CampaignMemberStatus", ("CampaignId", "Label", "HasResponded")
    yield "Contact", _CONTACT
    yield "Lead", ("IsConverted", "ConvertedAccountId", "ConvertedContactId")
    for rule in model.campaigns:
        order = (rule.people.order_by,) if rule.people.order_by else ()
        if rule.people.roles_from:
            yield rule.people.roles_from, ("ContactId", "OpportunityId", "Role", "IsPrimary", *order)
            yield "Opportunity", ("AccountId",)
        else:
            yield rule.people.who, order


def _known(sobject: str, names: Iterable[str], describes: Describes, ours: set[str]) -> frozenset[str]:
    """Spelled as the org spells them."""
    known = ((name, describes[sobject].find(name)) for name in names)
    return frozenset(field.name if field else name for name, field in known if field or name.lower() in ours)
