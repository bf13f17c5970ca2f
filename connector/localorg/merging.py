"""Merging up to three records into one, as people and SOAP merge() do. Called by org.py and the admin endpoint.

The losers go to the recycle bin and name the winner in MasterRecordId; everything that pointed at them points at
the winner afterwards (reference 2.4). Whether stamps move is a switch.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.localorg import errors, writes
from connector.localorg.definitions import FieldDef, ObjectDef
from connector.localorg.platform import activities, campaigns, summaries
from connector.localorg.platform.deletion import delete_record
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

MOST_LOSERS = 2


def merge_records(
    txn: Transaction, definition: ObjectDef, master_id: str, loser_ids: Sequence[str], values: Mapping[str, Any]
) -> None:
    """Merge losers into the master, which takes `values` on top; raises OrgError."""
    _check(definition, master_id, loser_ids)
    master = writes.find_live(txn, definition, master_id)
    losers = [writes.find_live(txn, definition, i) for i in loser_ids]
    _merge_persons(txn, master, losers)
    for loser in losers:
        _move_children(txn, definition, loser["Id"], master_id)
        _bury(txn, definition, loser["Id"], master_id)
    writes.update_one(txn, definition, master_id, values)
    _note_in_history(txn, definition, master_id)
    txn.rows_written += len(losers)


def _check(definition: ObjectDef, master_id: str, loser_ids: Sequence[str]) -> None:
    """Accounts, Contacts, Leads and Cases can be merged, two or three at a time (2.4; wordings UNVERIFIED)."""
    if not definition.raw["mergeable"] or not definition.has("MasterRecordId"):
        raise errors.operation_refused(definition.name, "merge")
    if not 1 <= len(loser_ids) <= MOST_LOSERS:
        raise errors.OrgError(400, "INVALID_NUMBER_OF_MERGE_RECORDS", f"merge takes 1 to {MOST_LOSERS} records", [])
    if len({master_id, *loser_ids}) <= len(loser_ids):
        raise errors.OrgError(400, "INVALID_ID_FIELD", "records to merge must be different", [])


def _merge_persons(txn: Transaction, master: Row, losers: Sequence[Row]) -> None:
    """Merging person accounts merges their contacts; a person and a company cannot be one (7.1, UNVERIFIED)."""
    if len({bool(r.get("IsPersonAccount")) for r in (master, *losers)}) > 1:
        raise errors.integrity("person accounts can only be merged with person accounts")
    if master.get("PersonContactId"):
        contacts = [str(r["PersonContactId"]) for r in losers]
        merge_records(txn, txn.schema.get("Contact"), str(master["PersonContactId"]), contacts, {})


def _bury(txn: Transaction, definition: ObjectDef, loser_id: str, master_id: str) -> None:
    stamp = {"SystemModstamp": txn.now} if txn.switches.merge_stamps_losers else {}
    txn.store.update(definition.name, loser_id, {"IsDeleted": 1, "MasterRecordId": master_id, **stamp})
    txn.store.log_deletion(definition.name, loser_id, txn.now)


def _references(txn: Transaction, definition: ObjectDef) -> Iterator[tuple[ObjectDef, FieldDef]]:
    """Every field of the org that may point at this object, but for logs of the record itself."""
    for child in txn.schema.objects.values():
        if child.name == f"{definition.name}History":
            continue
        for field in child.stored_fields:
            if definition.name in field.reference_to and field.name != "MasterRecordId":
                yield child, field


def _move_children(txn: Transaction, definition: ObjectDef, loser_id: str, master_id: str) -> None:
    for child, field in _references(txn, definition):
        where = {field.name: loser_id, **({"IsDeleted": 0} if child.has("IsDeleted") else {})}
        for row in txn.select(child.name, where):
            _move(txn, child, row, {field.name: None if row["Id"] == master_id else master_id})


def _move(txn: Transaction, child: ObjectDef, row: Row, changes: Row) -> None:
    """Point one child at the winner; what is computed from the pointer follows."""
    if child.name == "CampaignMember" and _is_member_already(txn, row, changes):
        delete_record(txn, child, row)
        return
    if child.name in ("Task", "Event"):
        activities.derive_account(txn, row, changes)
    txn.derive(child, row["Id"], changes, stamp=txn.switches.merge_stamps_children)
    if child.name in ("Task", "Event"):
        activities.roll_up_last_activity(txn, row, {**row, **changes})
    if child.name == "CampaignMember":
        campaigns.count_members(txn, row, {**row, **changes})
    summaries.roll_up(txn, child, {}, {**row, **changes})


def _is_member_already(txn: Transaction, row: Row, changes: Row) -> bool:
    """A person is in a campaign once (7.3): of two memberships the winner's stays."""
    name, person = next(iter(changes.items()))
    others = txn.select("CampaignMember", {"CampaignId": row["CampaignId"], name: person})
    return any(other["Id"] != row["Id"] for other in others)


def _note_in_history(txn: Transaction, definition: ObjectDef, master_id: str) -> None:
    """AccountHistory gets a row accountMerged when the object is tracked (2.4)."""
    log = txn.schema.find(f"{definition.name}History")
    if log is not None and any(t.startswith(f"{definition.name}.") for t in txn.tracked):
        txn.insert(log, {f"{definition.name}Id": master_id, "Field": f"{definition.name.lower()}Merged"})
