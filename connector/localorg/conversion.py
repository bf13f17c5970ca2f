"""Converting a Lead into an Account, a Contact and an Opportunity. Called by org.py and the admin endpoint.

As SOAP convertLead() does: new records are made through full validation or existing ones are attached; memberships
and activities follow the person (reference 7.3). The Lead is read-only from then on.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from connector.localorg import errors, writes
from connector.localorg.platform import activities, campaigns
from connector.localorg.platform.deletion import delete_record
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_ACCOUNT_FIELDS: Mapping[str, str] = {
    "Company": "Name",
    "Industry": "Industry",
    "Website": "Website",
    "Phone": "Phone",
    "AnnualRevenue": "AnnualRevenue",
    "NumberOfEmployees": "NumberOfEmployees",
    "Street": "BillingStreet",
    "City": "BillingCity",
    "State": "BillingState",
    "PostalCode": "BillingPostalCode",
    "Country": "BillingCountry",
    "LeadSource": "AccountSource",
}
_CONTACT_FIELDS: Mapping[str, str] = {
    **{
        n: n
        for n in (
            "FirstName",
            "LastName",
            "Salutation",
            "Email",
            "Phone",
            "MobilePhone",
            "Title",
            "LeadSource",
            "HasOptedOutOfEmail",
            "DoNotCall",
        )
    },
    "Street": "MailingStreet",
    "City": "MailingCity",
    "State": "MailingState",
    "PostalCode": "MailingPostalCode",
    "Country": "MailingCountry",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a lead."""

    account_id: str
    contact_id: str
    opportunity_id: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who converts asks for; without ids new records are made."""

    account_id: str | None = None
    contact_id: str | None = None
    opportunity_name: str | None = None
    with_opportunity: bool = True
    status: str | None = None


def convert_lead(txn: Transaction, lead_id: str, wish: Wish) -> Conversion:
    """Convert a lead; raises OrgError when it is converted already or the wish does not fit together."""
    lead = writes.find_live(txn, txn.schema.get("Lead"), lead_id)
    if lead["IsConverted"]:
        raise errors.OrgError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    status = _converted_status(txn, wish.status)
    account_id = wish.account_id or _make(txn, "Account", lead, _ACCOUNT_FIELDS, {})
    contact_id = _attach_contact(txn, lead, wish, account_id)
    opportunity_id = _make_opportunity(txn, lead, wish, account_id, contact_id) if wish.with_opportunity else None
    made = Conversion(account_id, contact_id, opportunity_id)
    _move_memberships(txn, lead_id, contact_id)
    _move_activities(txn, lead_id, made)
    _close_lead(txn, lead_id, status, made)
    return made


def _converted_status(txn: Transaction, wanted: str | None) -> str:
    """The status of a converted lead must be one that LeadStatus marks so."""
    statuses = [r["MasterLabel"] for r in txn.select("LeadStatus", {"IsConverted": 1})]
    found = next((s for s in statuses if wanted in (None, s)), None)
    if found is None:
        raise errors.OrgError(400, "INVALID_STATUS", f"invalid convertedStatus: {wanted}", [])
    return str(found)


def _make(txn: Transaction, sobject: str, lead: Row, fields: Mapping[str, str], more: Row) -> str:
    definition = txn.schema.get(sobject)
    copied = {to: lead[name] for name, to in fields.items() if lead.get(name) is not None and definition.has(to)}
    for field in definition.fields.values():
        if copied.get(field.name) is not None and field.type == "boolean":
            copied[field.name] = bool(copied[field.name])
    return writes.create_one(txn, definition, {"OwnerId": lead["OwnerId"], **copied, **more})


def _attach_contact(txn: Transaction, lead: Row, wish: Wish, account_id: str) -> str:
    """A new contact of the account, or an existing one of the same account, whose blanks the lead fills."""
    if wish.contact_id is None:
        return _make(txn, "Contact", lead, _CONTACT_FIELDS, {"AccountId": account_id})
    definition = txn.schema.get("Contact")
    contact = writes.find_live(txn, definition, wish.contact_id)
    if contact["AccountId"] != account_id:
        raise errors.integrity("the contact does not belong to the account that the lead is converted into")
    blank = {to: lead[n] for n, to in _CONTACT_FIELDS.items() if contact.get(to) is None and lead.get(n) is not None}
    writes.update_one(txn, definition, wish.contact_id, blank)
    return wish.contact_id


def _make_opportunity(txn: Transaction, lead: Row, wish: Wish, account_id: str, contact_id: str) -> str:
    """The first stage, to be closed by the end of the quarter (UNVERIFIED); the person becomes its primary role."""
    stages = sorted(txn.select("OpportunityStage", {"IsActive": 1, "IsClosed": 0}), key=lambda r: int(r["SortOrder"]))
    fields: Row = {
        "Name": wish.opportunity_name or f"{lead['Company']}-",
        "AccountId": account_id,
        "StageName": stages[0]["MasterLabel"],
        "CloseDate": _quarter_end(txn.today).isoformat(),
    }
    opportunity_id = _make(txn, "Opportunity", lead, {"LeadSource": "LeadSource"}, fields)
    role = {"OpportunityId": opportunity_id, "ContactId": contact_id, "IsPrimary": True}
    writes.create_one(txn, txn.schema.get("OpportunityContactRole"), role)
    return opportunity_id


def _quarter_end(day: date) -> date:
    month = (day.month + 2) // 3 * 3
    return date(day.year, month, calendar.monthrange(day.year, month)[1])


def _move_memberships(txn: Transaction, lead_id: str, contact_id: str) -> None:
    """The member row gets ContactId too, under the same id; a contact who is a member already stays one (7.3)."""
    definition = txn.schema.get("CampaignMember")
    for member in txn.select("CampaignMember", {"LeadId": lead_id}):
        if txn.select("CampaignMember", {"CampaignId": member["CampaignId"], "ContactId": contact_id}):
            delete_record(txn, definition, member)
            continue
        changes: Row = {"ContactId": contact_id}
        campaigns.copy_person(txn, {}, changes)
        txn.update(definition, member["Id"], changes)
        campaigns.count_members(txn, member, {**member, **changes})


def _move_activities(txn: Transaction, lead_id: str, made: Conversion) -> None:
    """Tasks and events of the lead become those of the contact, about the opportunity or the account."""
    for sobject in ("Task", "Event"):
        definition = txn.schema.get(sobject)
        for row in txn.select(sobject, {"WhoId": lead_id, "IsDeleted": 0}):
            changes: Row = {"WhoId": made.contact_id, "WhatId": made.opportunity_id or made.account_id}
            activities.derive_account(txn, row, changes)
            txn.update(definition, row["Id"], changes)
            activities.roll_up_last_activity(txn, row, {**row, **changes})


def _close_lead(txn: Transaction, lead_id: str, status: str, made: Conversion) -> None:
    changes: Row = {
        "Status": status,
        "IsConverted": 1,
        "ConvertedDate": txn.today.isoformat(),
        "ConvertedAccountId": made.account_id,
        "ConvertedContactId": made.contact_id,
        "ConvertedOpportunityId": made.opportunity_id,
    }
    txn.update(txn.schema.get("Lead"), lead_id, changes)
    txn.rows_written += 1
