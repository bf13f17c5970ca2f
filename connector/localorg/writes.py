"""Create, update, upsert, delete and undelete of one record: validation, then platform behaviour, then storage.

Called by org.py and by the HTTP routes, always inside a transaction. One record per call; collections loop over it.
"""

from collections.abc import Mapping
from typing import Any

from connector.localorg import errors, platform, rules, validation
from connector.localorg.definitions import FieldDef, ObjectDef
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction
from connector.localorg.values import store_json

Body = Mapping[str, Any]


def create_one(txn: Transaction, definition: ObjectDef, body: Body) -> str:
    """Create a record and return its id."""
    if not (definition.createable and txn.access.allows(definition, "Create")):
        raise errors.operation_refused(definition.name, "create")
    row = validation.read_body(txn, definition, body, creating=True)
    given = dict(row)
    rules.give_defaults(txn, definition, row)
    rules.check_before_save(txn, definition, {}, row)
    validation.apply_defaults(txn, definition, row)
    _number(txn, definition, row)
    platform.before_create(txn, definition, row)
    validation.check_required(definition, row, creating=True)
    validation.check_references(txn, definition, given)
    validation.check_owner(txn, definition, row)
    validation.check_unique(txn, definition, row, None)
    txn.insert(definition, row)
    txn.rows_written += 1
    rules.apply_to_saved(txn, definition, str(row["Id"]), None)
    platform.after_create(txn, definition, row)
    return str(row["Id"])


def _number(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """Give auto-number fields their next number, such as Case.CaseNumber 00001000."""
    for field in definition.stored_fields:
        if field.raw["autoNumber"]:
            n = txn.store.next_counter(f"{definition.name}.{field.name}")
            row[field.name] = format_auto_number(field, n)


def format_auto_number(field: FieldDef, n: int) -> str:
    """Render the nth number in the field's display format, by default eight digits."""
    shape = str(field.raw.get("displayFormat") or "{00000000}")
    head, _, rest = shape.partition("{")
    zeros, _, tail = rest.partition("}")
    return f"{head}{n:0{len(zeros)}d}{tail}"


def find_live(txn: Transaction, definition: ObjectDef, record_id: str) -> Row:
    """Return a record that may be changed: one that exists and is not in the recycle bin."""
    row = txn.store.fetch(definition, record_id)
    if row is None:
        raise errors.record_missing(record_id)
    if row.get("IsDeleted"):
        raise errors.entity_deleted()
    return row


def update_one(txn: Transaction, definition: ObjectDef, record_id: str, body: Body) -> None:
    """Change a record. A body without real changes still stamps it, as in Salesforce."""
    if not (definition.updateable and txn.access.allows(definition, "Edit")):
        raise errors.operation_refused(definition.name, "update")
    changes = validation.read_body(txn, definition, body, creating=False)
    old = find_live(txn, definition, record_id)
    rules.check_lock(txn, record_id)
    rules.check_before_save(txn, definition, old, changes)
    validation.check_required(definition, changes, creating=False)
    validation.check_references(txn, definition, _moved(old, changes))
    validation.check_owner(txn, definition, _moved(old, changes))
    validation.check_unique(txn, definition, changes, record_id)
    platform.before_update(txn, definition, old, changes)
    txn.update(definition, record_id, changes)
    txn.rows_written += 1
    rules.apply_to_saved(txn, definition, record_id, old)
    platform.after_update(txn, definition, old, {**old, **changes})


def _moved(old: Row, changes: Row) -> Row:
    return {n: v for n, v in changes.items() if v != old.get(n)}


def delete_one(txn: Transaction, definition: ObjectDef, record_id: str) -> None:
    """Delete a record with what cascades; into the recycle bin where the object has one."""
    if not (definition.deletable and txn.access.allows(definition, "Delete")):
        raise errors.operation_refused(definition.name, "delete")
    row = find_live(txn, definition, record_id)
    rules.check_lock(txn, record_id)
    platform.delete_record(txn, definition, row)
    txn.rows_written += 1


def undelete_one(txn: Transaction, definition: ObjectDef, record_id: str) -> None:
    """Bring a record back with everything that went with it."""
    row = txn.store.fetch(definition, record_id)
    if row is None or not row.get("IsDeleted"):
        raise errors.OrgError(400, "UNDELETE_FAILED", "Entity is not in the recycle bin", [])
    validation.check_unique(txn, definition, row, record_id)
    platform.undelete_record(txn, definition, row)
    txn.rows_written += 1


def find_by_external_id(txn: Transaction, definition: ObjectDef, field: FieldDef, value: Any) -> list[str]:
    """Return the ids of live records with this external id, oldest first."""
    stored = store_json(field, value)
    if stored is None:
        return []
    where: Row = {field.name: stored}
    if definition.has("IsDeleted"):
        where["IsDeleted"] = 0
    return [r["Id"] for r in txn.select(definition.name, where)]


def upsert_one(
    txn: Transaction, definition: ObjectDef, field: FieldDef, value: Any, body: Body, new: Body | None = None
) -> tuple[str, bool]:
    """Update the record that has this external id, or create one (from `new` where that differs).

    Returns its id and whether it is new. A body's Id must have been taken out.
    """
    if field.name != "Id" and value is None:
        raise errors.OrgError(400, "MISSING_ARGUMENT", f"{field.name} not specified", [])
    ids = find_by_external_id(txn, definition, field, value)
    if len(ids) > 1:
        text = f"{field.name}: more than one record found for external id field: [{', '.join(ids)}]"
        raise errors.OrgError(400, "DUPLICATE_EXTERNAL_ID", text, [])
    if not ids and field.name == "Id" and value is not None:
        raise errors.reference_missing()
    if not ids:
        return create_one(txn, definition, body if new is None else new), True
    update_one(txn, definition, ids[0], body)
    return ids[0], False


def purge_one(txn: Transaction, definition: ObjectDef, record_id: str) -> None:
    """Delete a record for good, past the recycle bin, with what cascades (Bulk hardDelete)."""
    delete_one(txn, definition, record_id)
    platform.purge_record(txn, definition, record_id)


def purge_any(txn: Transaction, definition: ObjectDef, record_id: str) -> None:
    """Leave nothing of a record, whether it is alive or in the recycle bin."""
    row = txn.store.fetch(definition, record_id)
    if row is not None and row.get("IsDeleted"):
        platform.purge_record(txn, definition, record_id)
        txn.rows_written += 1
    else:
        purge_one(txn, definition, record_id)
