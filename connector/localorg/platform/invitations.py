"""Group events: who is invited (EventRelation), and the copies of the event in the calendars of invited users
(reference 7.4; Object Reference, EventRelation and Event).

A Contact or Lead who is invited gets no copy. Which copy belongs to whom is not in any field that the API shows: it is
found by its owner and by what it shares with the event.
"""

from connector.localorg import errors
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_IDENTITY = ("Subject", "StartDateTime", "ActivityDate")
_OWN = frozenset({
    "Id", "OwnerId", "IsChild", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
    "IsReminderSet", "ReminderDateTime",
})  # fmt: skip
"""Fields that a copy has for itself."""
NOT_GROUP, GROUP = {"IsGroupEvent": 0, "GroupEventType": "0"}, {"IsGroupEvent": 1, "GroupEventType": "1"}


def refuse_copy(txn: Transaction, old: Row, changes: Row) -> None:
    """Nobody is invited to a copy (Object Reference; the code is UNVERIFIED)."""
    event = txn.find("Event", changes.get("EventId"))
    if not old and event and event["IsChild"]:
        raise errors.integrity("invitees belong to the event, not to an invitee's copy of it", ["EventId"])


def invite(txn: Transaction, old: Row, new: Row) -> None:
    """The event becomes a group event; an invited user gets a copy of it."""
    event = None if old else txn.find("Event", new["EventId"])
    if event is None:
        return
    definition = txn.schema.get("Event")
    if not event["IsGroupEvent"]:
        txn.derive(definition, event["Id"], GROUP, stamp=True)
    if _is_user(txn, new["RelationId"]) and new["RelationId"] != event["OwnerId"]:
        kept = {n: v for n, v in event.items() if n in _shared(txn)}
        txn.insert(definition, {**kept, **GROUP, "IsChild": 1, "OwnerId": new["RelationId"]})


def take_back(txn: Transaction, relation: Row) -> Row | None:
    """Without invitees it is no group event any more; returns the copy that goes with the invitation."""
    event = txn.find("Event", relation["EventId"])
    if event and not event["IsDeleted"] and not _relations(txn, event):
        txn.derive(txn.schema.get("Event"), event["Id"], NOT_GROUP, stamp=True)
    return find_copy(txn, relation, deleted=False)


def find_copy(txn: Transaction, relation: Row, *, deleted: bool) -> Row | None:
    """The event as it stands in the calendar of the user whom `relation` invites."""
    event = txn.find("Event", relation["EventId"])
    if event is None or not _is_user(txn, relation["RelationId"]):
        return None
    return next(iter(_copies(txn, event, relation["RelationId"], deleted=deleted)), None)


def keep_copies(txn: Transaction, old: Row, new: Row) -> None:
    """What changes in the event changes in its copies."""
    changes = {n: new[n] for n in _shared(txn) if old and new.get(n) != old.get(n)}
    if not changes or old["IsChild"]:
        return
    for relation in _relations(txn, old):
        for copy in _copies(txn, old, relation["RelationId"], deleted=False):
            txn.update(txn.schema.get("Event"), copy["Id"], changes)


def _copies(txn: Transaction, event: Row, owner: str, *, deleted: bool) -> list[Row]:
    same = {n: event[n] for n in _IDENTITY}
    return txn.select("Event", {**same, "OwnerId": owner, "IsChild": 1, "IsDeleted": int(deleted)})


def _relations(txn: Transaction, event: Row) -> list[Row]:
    return txn.select("EventRelation", {"EventId": event["Id"], "IsDeleted": 0})


def _shared(txn: Transaction) -> frozenset[str]:
    """Fields that a copy has from its event; unique ones would be refused."""
    fields = txn.schema.get("Event").stored_fields
    return frozenset(f.name for f in fields if f.name not in _OWN and not f.raw["unique"])


def _is_user(txn: Transaction, record_id: str) -> bool:
    return txn.schema.of_id(record_id) is txn.schema.find("User")
