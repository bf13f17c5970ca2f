"""Deleting and bringing back: the recycle bin, cascades, hard deletes (reference 2.4, 7.3)."""

from collections.abc import Iterator

from connector.localorg import errors
from connector.localorg.definitions import ObjectDef
from connector.localorg.platform import activities, campaigns, invitations, summaries
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

HARD_DELETED = frozenset({"CampaignMember", "CampaignMemberStatus"})


def delete_record(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """Delete a record and the children that cascade; those without a recycle bin vanish without a trace (2.4)."""
    _refuse_restricted(txn, definition, row)
    children = list(_cascading_children(txn, definition, row["Id"]))
    if definition.name in HARD_DELETED or not definition.has("IsDeleted"):
        txn.store.remove(definition.name, row["Id"])
        logged = txn.switches.hard_deletes_logged
    else:
        _put_in_bin(txn, definition, row["Id"])
        logged = True
    for child, child_row in children:
        delete_record(txn, child, child_row)
    if logged:
        txn.store.log_deletion(definition.name, row["Id"], txn.now)
    _after_delete(txn, definition, row)


def _refuse_restricted(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """A record whose children hold it cannot go, as an Account with Cases (describe: restrictedDelete)."""
    for relation in definition.children:
        child = txn.schema.find(relation.child)
        if not relation.restricted_delete or relation.cascade_delete or child is None or child.name_field is None:
            continue
        holding = txn.select(child.name, {relation.field: row["Id"], "IsDeleted": 0})
        if holding:
            names = ", ".join(str(r[child.name_field.name]) for r in holding)
            raise errors.delete_restricted(str(row.get("Name")), child.raw["labelPlural"], names)


def _put_in_bin(txn: Transaction, definition: ObjectDef, record_id: str) -> None:
    stamp = {"SystemModstamp": txn.now} if txn.switches.delete_stamps and definition.has("SystemModstamp") else {}
    txn.store.update(definition.name, record_id, {"IsDeleted": 1, **stamp})


def _cascading_children(txn: Transaction, definition: ObjectDef, record_id: str) -> Iterator[tuple[ObjectDef, Row]]:
    """Live records that go with their parent: children whose relationship cascades, and its activities."""
    for relation in definition.children:
        child = txn.schema.find(relation.child)
        if not relation.cascade_delete or child is None or not child.has(relation.field):
            continue
        where: Row = {relation.field: record_id, **({"IsDeleted": 0} if child.has("IsDeleted") else {})}
        for row in txn.select(child.name, where):
            yield child, row


def _after_delete(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    if definition.name in activities_names():
        activities.roll_up_last_activity(txn, row, {})
    if definition.name == "CampaignMember":
        campaigns.count_members(txn, {}, row)
    if definition.name == "EventRelation" and (copy := invitations.take_back(txn, row)):
        delete_record(txn, txn.schema.get("Event"), copy)
    summaries.roll_up(txn, definition, row, {})


def activities_names() -> frozenset[str]:
    """The two objects that are activities."""
    return frozenset({"Task", "Event"})


def undelete_record(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """Bring a record back under its old id with a new stamp, and the children that went in the same moment (2.4)."""
    unmerged = {"MasterRecordId": None} if definition.has("MasterRecordId") else {}
    txn.update(definition, row["Id"], {"IsDeleted": 0, **unmerged})
    txn.store.forget_deletion(row["Id"])
    for relation in definition.children:
        child = txn.schema.find(relation.child)
        if relation.cascade_delete and child is not None and child.has(relation.field) and child.has("IsDeleted"):
            where = {relation.field: row["Id"], "IsDeleted": 1, "SystemModstamp": row["SystemModstamp"]}
            for child_row in txn.select(child.name, where):
                undelete_record(txn, child, child_row)
    if definition.name in activities_names():
        activities.roll_up_last_activity(txn, row, row)
    if definition.name == "EventRelation" and (copy := invitations.find_copy(txn, row, deleted=True)):
        undelete_record(txn, txn.schema.get("Event"), copy)
    summaries.roll_up(txn, definition, {}, row)


def purge_record(txn: Transaction, definition: ObjectDef, record_id: str) -> None:
    """Take a deleted record and the children that went with it out of the recycle bin: nothing remains (2.4)."""
    for relation in definition.children:
        child = txn.schema.find(relation.child)
        if relation.cascade_delete and child is not None and child.has(relation.field) and child.has("IsDeleted"):
            for row in txn.select(child.name, {relation.field: record_id, "IsDeleted": 1}):
                purge_record(txn, child, row["Id"])
    _clear_lookups(txn, definition, record_id)
    txn.store.remove(definition.name, record_id)
    txn.store.forget_deletion(record_id)


def _clear_lookups(txn: Transaction, definition: ObjectDef, record_id: str) -> None:
    """A lookup at a record that is gone for good is empty (object reference, relationships)."""
    for relation in definition.children:
        child = txn.schema.find(relation.child)
        if not relation.cascade_delete and child is not None and child.has(relation.field):
            for row in txn.select(child.name, {relation.field: record_id}):
                txn.derive(child, row["Id"], {relation.field: None}, stamp=True)
