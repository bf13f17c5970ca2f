"""Contacts, Leads and Users: the name put together, and the lock on converted leads (reference 7.3)."""

from connector.localorg import errors
from connector.localorg.platform.activities import merged
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction

_PARTS = ("FirstName", "MiddleName", "LastName", "Suffix")


def derive_name(txn: Transaction, old: Row, changes: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """Name of a person is first name, blank, last name; the salutation is not part of it (describe: compound Name)."""
    if old and not any(p in changes for p in _PARTS):
        return
    changes["Name"] = " ".join(str(v) for p in _PARTS if (v := merged(old, changes, p)))


def refuse_converted_lead(txn: Transaction, old: Row, changes: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """Converted leads are read-only through the API (7.3)."""
    if old.get("IsConverted"):
        raise errors.OrgError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
