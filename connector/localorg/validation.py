"""The one strict path from a client's body to stored values. Called by writes.py for every way of writing.

Order as in Salesforce: names, JSON types and lengths while reading the body; then read-only fields, required
fields, references, owners and unique values against the org. Seeds do not pass here (org.load is trusted).
"""

from collections.abc import Mapping
from typing import Any

from connector.localorg import errors
from connector.localorg.definitions import FieldDef, ObjectDef
from connector.localorg.ids import to_id18
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction
from connector.localorg.values import store_json, store_trusted

NEEDS_ACTIVE_OWNER = frozenset({"Task", "Event", "Contact", "Lead", "Case"})


def read_body(txn: Transaction, definition: ObjectDef, body: Mapping[str, Any], *, creating: bool) -> Row:
    """Turn a body into stored values by canonical field name, refusing what the object or the user does not have."""
    values: Row = {}
    refused: list[str] = []
    for name, value in body.items():
        if name == "attributes":
            continue
        field, stored = _read_entry(txn, definition, name, value)
        if field.name == "Id":
            raise errors.id_not_writable()
        if not _may_write(txn, definition, field, creating=creating):
            refused.append(field.name)
        values[field.name] = stored
    if refused:
        raise errors.field_not_writable(refused)
    return values


def _may_write(txn: Transaction, definition: ObjectDef, field: FieldDef, *, creating: bool) -> bool:
    natural = field.createable if creating else field.updateable
    return natural and txn.access.writes(definition, field)


def _read_entry(txn: Transaction, definition: ObjectDef, name: str, value: Any) -> tuple[FieldDef, Any]:
    field = txn.access.field(definition, name)
    if field is not None:
        return field, store_json(field, value)
    reference = definition.relationships.get(name.lower())
    if reference is None or not isinstance(value, Mapping) or not txn.access.sees(definition, reference):
        raise errors.unknown_field(name, definition.name)
    return reference, _resolve_parent(txn, definition, reference, value)


def _resolve_parent(txn: Transaction, definition: ObjectDef, reference: FieldDef, key: Mapping[str, Any]) -> str:
    """A parent named by external id, `{"Account".

    {"Ext__c": "A-1"}}`; polymorphic ones name their type (reference 4.1).
    """
    parent = txn.schema.find(type_of(key) or reference.reference_to[0])
    pairs = [(n, v) for n, v in key.items() if n != "attributes"]
    if parent is None or parent.name not in reference.reference_to or len(pairs) != 1:
        raise errors.unknown_field(str(reference.relationship_name), definition.name)
    field = txn.access.field(parent, pairs[0][0])
    if field is None or not (field.external_id or field.id_lookup):
        raise errors.unknown_field(pairs[0][0], parent.name)
    alive = {"IsDeleted": 0} if parent.has("IsDeleted") else {}
    found = txn.select(parent.name, {field.name: store_json(field, pairs[0][1]), **alive})
    if len(found) != 1:
        raise errors.foreign_key_missing(field.name, pairs[0][1], parent.name)
    return str(found[0]["Id"])


def type_of(body: Mapping[str, Any]) -> str | None:
    """The object that a body names in attributes.type, if it does."""
    attributes = body.get("attributes")
    named = attributes.get("type") if isinstance(attributes, Mapping) else None
    return named if isinstance(named, str) else None


def apply_defaults(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """Fill in what a new record gets by itself: default values, false for booleans, the user as owner."""
    for field in definition.stored_fields:
        if field.default_value is not None and row.get(field.name) is None:
            row[field.name] = store_trusted(field, field.default_value)
    if definition.has("OwnerId") and row.get("OwnerId") is None:
        row["OwnerId"] = txn.user_id


def check_required(definition: ObjectDef, row: Row, *, creating: bool) -> None:
    """Refuse a create without, or an update that empties, a required field."""
    if creating:
        missing = [f.name for f in definition.stored_fields if f.required and row.get(f.name) is None]
    else:
        missing = [n for n, v in row.items() if v is None and not definition.fields[n.lower()].nillable]
    if missing:
        raise errors.required_missing(missing)


def check_references(txn: Transaction, definition: ObjectDef, values: Row) -> None:
    """Refuse ids of the wrong object, of no record, or of a record in the recycle bin."""
    for name, value in values.items():
        field = definition.fields[name.lower()]
        if field.type == "reference" and value is not None:
            _check_reference(txn, field, value)


def _check_reference(txn: Transaction, field: FieldDef, value: str) -> None:
    target = txn.schema.of_id(value)
    if target is None or target.name not in field.reference_to:
        raise errors.id_of_wrong_type(field.label, field.name, value)
    deleted = '"IsDeleted"' if target.has("IsDeleted") else "0"
    if txn.store.scalar(f'SELECT {deleted} FROM "{target.name}" WHERE "Id" = ?', (value,)) != 0:
        raise errors.reference_missing(field.name)


def check_owner(txn: Transaction, definition: ObjectDef, values: Row) -> None:
    """Refuse an inactive owner where the platform wants an active one (reference 7.5)."""
    owner = values.get("OwnerId")
    if owner is None or definition.name not in NEEDS_ACTIVE_OWNER or not owner.startswith("005"):
        return
    if not txn.store.scalar('SELECT "IsActive" FROM "User" WHERE "Id" = ?', (owner,)):
        raise errors.owner_inactive(owner, definition.name)


def check_unique(txn: Transaction, definition: ObjectDef, values: Row, record_id: str | None) -> None:
    """Refuse a value of a unique field that another record has.

    Text without regard to case unless the field says so.
    """
    for name, value in values.items():
        field = definition.fields[name.lower()]
        if field.unique and value is not None:
            taken = find_taken(txn, definition, field, value, record_id)
            if taken is not None:
                raise errors.duplicate_value(field.name, taken)


def find_taken(
    txn: Transaction, definition: ObjectDef, field: FieldDef, value: Any, record_id: str | None
) -> str | None:
    """Return the id of another record with this value, as far as bins and archives count (switches)."""
    condition = f'"{field.name}" = ?'
    if isinstance(value, str) and not value.isascii() and not field.case_sensitive:
        condition = f'sf_fold("{field.name}") = sf_fold(?)'
    condition += ' AND "Id" IS NOT ?'
    if definition.has("IsDeleted") and not txn.switches.unique_counts_deleted:
        condition += ' AND "IsDeleted" = 0'
    if definition.has("IsArchived") and not txn.switches.unique_counts_archived:
        condition += ' AND "IsArchived" = 0'
    found: str | None = txn.store.scalar(
        f'SELECT "Id" FROM "{definition.name}" WHERE {condition} LIMIT 1', (value, record_id)
    )
    return found


def read_record_id(definition: ObjectDef, value: Any) -> str:
    """Turn the id of an update or delete into 18 characters, or refuse it."""
    found = to_id18(value) if isinstance(value, str) else None
    if found is None or not found.startswith(definition.key_prefix):
        raise errors.id_malformed(f"{definition.label} ID", "Id", value)
    return found
