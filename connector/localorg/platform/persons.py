"""Person accounts, in orgs with the feature PersonAccounts (reference 7.1; all of it UNVERIFIED).

An Account of a person record type is a person: its Name is put together, and a Contact of its own, which nobody
creates directly, holds what belongs to the person.
"""

from collections.abc import Mapping

from connector.localorg import errors
from connector.localorg.platform.activities import merged
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_SHARED = ("FirstName", "LastName", "Salutation", "Phone", "Fax", "OwnerId")
PERSON_FIELDS: Mapping[str, str] = {
    "PersonEmail": "Email",
    "PersonMobilePhone": "MobilePhone",
    "PersonTitle": "Title",
    "PersonBirthdate": "Birthdate",
    "PersonLeadSource": "LeadSource",
    "PersonHasOptedOutOfEmail": "HasOptedOutOfEmail",
    "PersonDoNotCall": "DoNotCall",
    "PersonMailingStreet": "MailingStreet",
    "PersonMailingCity": "MailingCity",
    "PersonMailingState": "MailingState",
    "PersonMailingPostalCode": "MailingPostalCode",
    "PersonMailingCountry": "MailingCountry",
}
"""Fields of the Account and where they are kept on the person's Contact."""


def derive_person(txn: Transaction, old: Row, changes: Row) -> None:
    """A person's Name cannot be written, a company has no first name; LastName is required of a person."""
    if not txn.schema.get("Account").has("IsPersonAccount"):
        return
    if not _is_person(txn, old, changes):
        refused = [n for n in ("FirstName", "LastName", *PERSON_FIELDS) if changes.get(n)]
        if refused:
            raise errors.field_not_writable(refused)
        return
    if changes.get("Name") is not None:
        raise errors.field_not_writable(["Name"])
    if not merged(old, changes, "LastName"):
        raise errors.required_missing(["LastName"])
    changes["IsPersonAccount"] = 1
    changes["Name"] = " ".join(str(v) for n in ("FirstName", "LastName") if (v := merged(old, changes, n)))


def _is_person(txn: Transaction, old: Row, changes: Row) -> bool:
    if old:
        return bool(old.get("IsPersonAccount"))
    record_type = txn.find("RecordType", changes.get("RecordTypeId"))
    return bool(record_type and record_type.get("IsPersonType"))


def keep_person_contact(txn: Transaction, old: Row, new: Row) -> None:
    """The person's Contact is made with the Account and changes with it."""
    if not new.get("IsPersonAccount"):
        return
    contact = txn.schema.get("Contact")
    values = {**{n: new.get(n) for n in _SHARED}, **{to: new.get(n) for n, to in PERSON_FIELDS.items()}}
    values = {**values, "Name": new["Name"], "AccountId": new["Id"], "IsPersonAccount": 1}
    if old.get("PersonContactId"):
        txn.update(contact, old["PersonContactId"], values)
    else:
        made = txn.insert(contact, values)
        txn.derive(txn.schema.get("Account"), new["Id"], {"PersonContactId": made}, stamp=False)
