"""Campaigns and their members (reference 7.3)."""

from connector.localorg import errors
from connector.localorg.platform.activities import merged
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_DEFAULT_STATUSES = (("Sent", 1, 0, 1), ("Responded", 0, 1, 2))


def add_default_statuses(txn: Transaction, old: Row, new: Row) -> None:
    """Every new Campaign is given the statuses Sent (default) and Responded (7.3)."""
    definition = txn.schema.find("CampaignMemberStatus")
    if old or definition is None:
        return
    for label, is_default, responded, order in _DEFAULT_STATUSES:
        row = {"CampaignId": new["Id"], "Label": label, "IsDefault": is_default}
        txn.insert(definition, {**row, "HasResponded": responded, "SortOrder": order})


def keep_one_person(txn: Transaction, old: Row, changes: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """Exactly one of Contact and Lead; if both are sent only the Contact is kept (7.3)."""
    if old:
        return
    if changes.get("ContactId"):
        changes["LeadId"] = None
    elif not changes.get("LeadId"):
        raise errors.integrity("must specify either a Contact or a Lead", ["LeadId", "ContactId"])


def refuse_second_membership(txn: Transaction, old: Row, changes: Row) -> None:
    """Unique per campaign and person (7.3)."""
    if old:
        return
    name = "ContactId" if changes.get("ContactId") else "LeadId"
    if txn.select("CampaignMember", {"CampaignId": changes.get("CampaignId"), name: changes[name]}):
        raise errors.already_campaign_member()


def derive_response(txn: Transaction, old: Row, changes: Row) -> None:
    """Status defaults from the campaign; HasResponded and FirstRespondedDate follow Status (7.3)."""
    campaign = merged(old, changes, "CampaignId")
    statuses = {
        r["Label"].casefold(): r for r in txn.select("CampaignMemberStatus", {"CampaignId": campaign, "IsDeleted": 0})
    }
    default = next((r["Label"] for r in statuses.values() if r["IsDefault"]), "Sent")
    if not old and not changes.get("Status"):
        changes["Status"] = default
    if "Status" not in changes:
        return
    known = statuses.get((changes["Status"] or "").casefold())
    if known is None and (changes["Status"] is None or txn.switches.unknown_member_status == "default"):
        changes["Status"], known = default, statuses.get(default.casefold())
    changes["HasResponded"] = known["HasResponded"] if known else 0
    if changes["HasResponded"] and not old.get("FirstRespondedDate"):
        changes["FirstRespondedDate"] = txn.today.isoformat()


_COPIED = ("Salutation", "Name", "FirstName", "LastName", "Title", "Street", "City", "State", "PostalCode", "Country")
_COPIED_BOTH = (
    "Email",
    "Phone",
    "MobilePhone",
    "Fax",
    "Description",
    "DoNotCall",
    "HasOptedOutOfEmail",
    "HasOptedOutOfFax",
    "LeadSource",
)


def copy_person(txn: Transaction, old: Row, changes: Row) -> None:
    """A member shows fields of its person.

    Name, email, company, type and id in one (object reference, CampaignMember).
    """
    definition = txn.schema.get("CampaignMember")
    if old:
        return
    is_contact = bool(changes.get("ContactId"))
    person_id = changes.get("ContactId") or changes.get("LeadId")
    person = txn.find("Contact" if is_contact else "Lead", person_id) or {}
    shown = {n: person.get(n, person.get(f"Mailing{n}")) for n in (*_COPIED, *_COPIED_BOTH)}
    shown |= {
        "Type": "Contact" if is_contact else "Lead",
        "LeadOrContactId": person_id,
        "LeadOrContactOwnerId": person.get("OwnerId"),
        "CompanyOrAccount": _company(txn, person, is_contact=is_contact),
    }
    changes.update({n: v for n, v in shown.items() if definition.has(n)})


def _company(txn: Transaction, person: Row, *, is_contact: bool) -> str | None:
    if not is_contact:
        return person.get("Company")
    return (txn.find("Account", person.get("AccountId")) or {}).get("Name")


def count_members(txn: Transaction, old: Row, new: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """NumberOfContacts, NumberOfLeads and NumberOfResponses of the campaign (object reference, Campaign)."""
    campaign = new["CampaignId"]
    counts = txn.store.connection.execute(
        'SELECT COUNT("ContactId"), COUNT("LeadId") - COUNT(CASE WHEN "ContactId" IS NOT NULL THEN "LeadId" END),'
        ' COALESCE(SUM("HasResponded"), 0) FROM "CampaignMember" WHERE "CampaignId" = ?',
        (campaign,),
    ).fetchone()
    definition = txn.schema.get("Campaign")
    named = zip(("NumberOfContacts", "NumberOfLeads", "NumberOfResponses"), counts, strict=True)
    txn.derive(definition, campaign, {n: c for n, c in named if definition.has(n)}, stamp=False)
