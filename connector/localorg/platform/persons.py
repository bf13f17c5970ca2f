"""Person accounts, in orgs with the feature PersonAccounts (reference 7.1; all of it UNVERIFIED).

An Account of a person record type is a person: its Name is put together, and a Contact of its own, which nobody
creates directly, holds what belongs to the person. Both records show the same values, whichever is written. Which
fields are shared is in the schema (schema/persons.py).
"""

from collections.abc import Mapping
from functools import lru_cache

from connector.localorg import errors, validation
from connector.localorg.definitions import FieldDef, Schema
from connector.localorg.formula.fields import is_formula
from connector.localorg.platform.activities import merged
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction
from connector.localorg.values import store_trusted

_SHARED = ("Phone", "Fax", "OwnerId")
"""Fields that Account and Contact have under one name, and persons once."""
_NAMES = ("FirstName", "LastName")


@lru_cache(maxsize=64)
def mirrored_fields(schema: Schema) -> Mapping[str, FieldDef]:
    """Fields of Account that belong to the person, with the fields of Contact where they are kept."""
    contact = schema.get("Contact")
    found: dict[str, FieldDef] = {}
    for field in schema.get("Account").stored_fields:
        mirrors = field.raw.get("mirrors")
        if mirrors and not is_formula(field):
            found[field.name] = contact.fields[mirrors.partition(".")[2].lower()]
    return found


def derive_person(txn: Transaction, old: Row, changes: Row) -> None:
    """A person's Name cannot be written, a company has no first name; LastName is required of a person."""
    if not txn.schema.get("Account").has("IsPersonAccount"):
        return
    if not _is_person(txn, old, changes):
        _refuse_person_fields(txn, old, changes)
        return
    if changes.get("Name") is not None:
        raise errors.field_not_writable(["Name"])
    if not old:
        _give_defaults(txn, changes)
    _require(txn, old, changes)
    changes["IsPersonAccount"] = 1
    changes["Name"] = _full_name(old, changes)


def _full_name(old: Row, changes: Row) -> str:
    return " ".join(str(v) for n in _NAMES if (v := merged(old, changes, n)))


def _is_person(txn: Transaction, old: Row, changes: Row) -> bool:
    if old:
        return bool(old.get("IsPersonAccount"))
    record_type = txn.find("RecordType", changes.get("RecordTypeId"))
    return bool(record_type and record_type.get("IsPersonType"))


def _refuse_person_fields(txn: Transaction, old: Row, changes: Row) -> None:
    refused = [n for n in mirrored_fields(txn.schema) if changes.get(n)]
    if refused:
        raise errors.field_not_writable(refused)
    if not merged(old, changes, "Name"):
        raise errors.required_missing(["Name"])


def _give_defaults(txn: Transaction, changes: Row) -> None:
    """A new person gets the defaults of Contact."""
    for name, kept in mirrored_fields(txn.schema).items():
        if changes.get(name) is None and kept.default_value is not None:
            changes[name] = store_trusted(kept, kept.default_value)


def _require(txn: Transaction, old: Row, changes: Row) -> None:
    """What is required of a Contact is required of a person."""
    required = [n for n, kept in mirrored_fields(txn.schema).items() if kept.required]
    missing = [n for n in required if merged(old, changes, n) is None]
    if missing:
        raise errors.required_missing(missing)


def keep_person_contact(txn: Transaction, old: Row, new: Row) -> None:
    """The person's Contact is made with the Account and changes with it."""
    if not new.get("IsPersonAccount"):
        return
    contact, contact_id = txn.schema.get("Contact"), old.get("PersonContactId")
    values = {n: new.get(n) for n in _SHARED}
    values |= {kept.name: new.get(n) for n, kept in mirrored_fields(txn.schema).items()}
    validation.check_unique(txn, contact, values, contact_id)
    values |= {"Name": new["Name"], "AccountId": new["Id"], "IsPersonAccount": 1}
    if contact_id:
        txn.update(contact, contact_id, values)
    else:
        made = txn.insert(contact, values)
        txn.derive(txn.schema.get("Account"), new["Id"], {"PersonContactId": made}, stamp=False)


def keep_person_account(txn: Transaction, old: Row, new: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """A change of a person's Contact is one of the person."""
    if not new.get("IsPersonAccount") or not new.get("AccountId"):
        return
    values = {n: new.get(n) for n in _SHARED}
    values |= {n: new.get(kept.name) for n, kept in mirrored_fields(txn.schema).items()}
    txn.update(txn.schema.get("Account"), str(new["AccountId"]), {**values, "Name": _full_name({}, values)})
