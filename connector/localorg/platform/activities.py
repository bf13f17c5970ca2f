"""Tasks and Events: derived fields, and the roll-up of LastActivityDate on what they are about (reference 7.4, 2.2)."""

from datetime import datetime, timedelta
from typing import Any

from connector.localorg import errors
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction
from connector.localorg.values import read_datetime, wire_datetime


def merged(old: Row, changes: Row, name: str) -> Any:
    """The value that a field will have."""
    return changes[name] if name in changes else old.get(name)


def refuse_lead_with_what(txn: Transaction, old: Row, changes: Row) -> None:
    """If WhoId is a Lead, WhatId must be null (7.4; UNVERIFIED)."""
    who, what = merged(old, changes, "WhoId"), merged(old, changes, "WhatId")
    if who and what and txn.schema.of_id(who) is txn.schema.find("Lead"):
        raise errors.integrity("WhatId must be null when WhoId is a lead", ["WhatId"])


def derive_task(txn: Transaction, old: Row, changes: Row) -> None:
    """Status defaults from TaskStatus.

    IsClosed and CompletedDateTime follow Status at save; unchanged if re-saved closed (7.4).
    """
    if not old:
        changes["Status"] = changes.get("Status") or _default_status(txn)
        changes["Priority"] = changes.get("Priority") or "Normal"
        changes["TaskSubtype"] = changes.get("TaskSubtype") or "Task"
    if "Priority" in changes:
        changes["IsHighPriority"] = int(changes["Priority"] == "High")
    if "Status" not in changes or (old and changes["Status"] == old.get("Status")):
        return
    closed = is_closed_status(txn, changes["Status"])
    changes["IsClosed"] = int(closed)
    if not closed:
        changes["CompletedDateTime"] = None
    elif not old.get("IsClosed"):
        changes["CompletedDateTime"] = txn.now


def _default_status(txn: Transaction) -> str:
    rows = txn.select("TaskStatus", {"IsDefault": 1})
    return str(rows[0]["MasterLabel"]) if rows else "Not Started"


def is_closed_status(txn: Transaction, status: str) -> bool:
    """Whether TaskStatus calls a status closed; a value that it does not list is open."""
    return any(r["IsClosed"] for r in txn.select("TaskStatus", {"MasterLabel": status}))


def derive_event(txn: Transaction, old: Row, changes: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """End follows start and duration, or the other way round; ActivityDate is the day of the start (7.4)."""
    start = merged(old, changes, "StartDateTime") or merged(old, changes, "ActivityDateTime")
    if not start:
        return
    begins = read_datetime(start)
    minutes = _minutes(old, changes, begins)
    changes["StartDateTime"] = changes["ActivityDateTime"] = start
    changes["EndDateTime"] = wire_datetime(begins + timedelta(minutes=minutes))
    changes["DurationInMinutes"] = minutes
    changes["ActivityDate"] = start[:10]


def _minutes(old: Row, changes: Row, begins: datetime) -> int:
    """Event length in minutes: a given end wins over a given duration, an old duration over the default hour."""
    if changes.get("EndDateTime"):
        return int((read_datetime(changes["EndDateTime"]) - begins).total_seconds() // 60)
    return int(changes.get("DurationInMinutes") or old.get("DurationInMinutes") or 60)


def derive_account(txn: Transaction, old: Row, changes: Row) -> None:
    """AccountId: that of WhatId where it is an Account or gives one, else that of the Contact in WhoId, else null
    (7.4).
    """
    if old and "WhatId" not in changes and "WhoId" not in changes:
        return
    what, who = merged(old, changes, "WhatId"), merged(old, changes, "WhoId")
    field = _account_field(txn, what, _GIVE_THEIR_ACCOUNT) if what else None
    if what and field:
        changes["AccountId"] = _value(txn, what, field)
    else:
        changes["AccountId"] = _value(txn, who, "AccountId") if _account_field(txn, who, ("Contact",)) else None


_GIVE_THEIR_ACCOUNT = ("Account", "Opportunity", "Contract")
"""And custom objects that are children of Account; Cases and Assets are not among them (7.4)."""


def _account_field(txn: Transaction, record_id: str | None, objects: tuple[str, ...]) -> str | None:
    """The field of the record that names its account, where its object gives it to activities."""
    definition = txn.schema.of_id(record_id) if record_id else None
    if definition is None or (definition.name not in objects and not definition.name.endswith("__c")):
        return None
    if definition.name == "Account":
        return "Id"
    return next((name for name in ("AccountId", "Account__c") if definition.has(name)), None)


def _value(txn: Transaction, record_id: str | None, field: str) -> str | None:
    definition = txn.schema.of_id(record_id) if record_id else None
    if definition is None:
        return None
    found: str | None = txn.store.scalar(f'SELECT "{field}" FROM "{definition.name}" WHERE "Id" = ?', (record_id,))
    return found


def roll_up_last_activity(txn: Transaction, old: Row, new: Row) -> None:
    """LastActivityDate of everything the activity is or was about, and the Account's SystemModstamp with it
    (2.2, 7.1).
    """
    related = {(str(r[n]), n) for r in (old, new) for n in ("AccountId", "WhatId", "WhoId") if r.get(n)}
    for record_id, name in sorted(related):
        definition = txn.schema.of_id(record_id)
        if (
            definition is None
            or not definition.has("LastActivityDate")
            or (name == "WhatId" and record_id.startswith("001"))
        ):
            continue
        latest = last_activity_date(txn, name, record_id)
        before = txn.store.scalar(f'SELECT "LastActivityDate" FROM "{definition.name}" WHERE "Id" = ?', (record_id,))
        always = name == "AccountId" and txn.switches.activity_stamps_account == "always"
        if always or latest != before:
            txn.derive(definition, record_id, {"LastActivityDate": latest}, stamp=True)


def last_activity_date(txn: Transaction, name: str, record_id: str) -> str | None:
    """The latest due date of closed Tasks and of Events, as the object reference defines Last Activity."""
    tasks = f'SELECT MAX("ActivityDate") AS d FROM "Task" WHERE "{name}" = ? AND "IsClosed" = 1 AND "IsDeleted" = 0'
    events = f'SELECT MAX("ActivityDate") FROM "Event" WHERE "{name}" = ? AND "IsDeleted" = 0'
    found: str | None = txn.store.scalar(f"SELECT MAX(d) FROM ({tasks} UNION ALL {events})", (record_id, record_id))
    return found
