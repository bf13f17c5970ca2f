"""Field history: AccountHistory and its kin, for fields that are tracked (reference 7.1)."""

from typing import Any

from connector.localorg.definitions import ObjectDef
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_LONGEST_LOGGED = 255


def record_creation(txn: Transaction, definition: ObjectDef, row: Row) -> None:
    """A tracked object logs that a record was created."""
    if any(t.startswith(f"{definition.name}.") for t in txn.tracked):
        _log(txn, definition, row, "created", None, None)


def record_changes(txn: Transaction, definition: ObjectDef, old: Row, new: Row) -> None:
    """One row per changed tracked field; texts beyond 255 characters log only that they changed (7.1)."""
    for name, value in new.items():
        if f"{definition.name}.{name}" in txn.tracked and value != old.get(name):
            _log(txn, definition, new, name, old.get(name), value)


def _log(txn: Transaction, definition: ObjectDef, row: Row, name: str, before: Any, after: Any) -> None:
    log = txn.schema.find(f"{definition.name}History")
    if log is None:
        return
    too_long = any(isinstance(v, str) and len(v) > _LONGEST_LOGGED for v in (before, after))
    values = (None, None) if too_long else (_shown(before), _shown(after))
    txn.insert(log, {f"{definition.name}Id": row["Id"], "Field": name, "OldValue": values[0], "NewValue": values[1]})


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)
