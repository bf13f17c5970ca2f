"""Contracts and Cases: what their status and term decide (reference 7.5)."""

import calendar
from datetime import date, timedelta

from connector.localorg import errors
from connector.localorg.platform.activities import merged
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction


def _status_code(txn: Transaction, status: str | None) -> str:
    """Draft, InApproval or Activated; ContractStatus says which one a label means."""
    rows = txn.select("ContractStatus", {"MasterLabel": status})
    if rows and rows[0].get("StatusCode"):
        return str(rows[0]["StatusCode"])
    return {"Activated": "Activated", "In Approval Process": "InApproval"}.get(str(status), "Draft")


def refuse_activated_create(txn: Transaction, old: Row, changes: Row) -> None:
    """A contract must be created as Draft (7.5; wording UNVERIFIED)."""
    if not old and changes.get("Status") and _status_code(txn, changes["Status"]) == "Activated":
        raise errors.OrgError(
            400, "FAILED_ACTIVATION", "Choose a valid contract status and save your changes.", ["Status"]
        )


def derive_status(txn: Transaction, old: Row, changes: Row) -> None:
    """StatusCode follows Status; activation is dated (7.5)."""
    if not old:
        changes["Status"] = changes.get("Status") or "Draft"
    if "Status" not in changes or changes["Status"] == old.get("Status"):
        return
    changes["StatusCode"] = _status_code(txn, changes["Status"])
    if changes["StatusCode"] == "Activated" and old:
        changes["ActivatedDate"], changes["ActivatedById"] = txn.now, txn.user_id


def derive_end(txn: Transaction, old: Row, changes: Row) -> None:  # noqa: ARG001 - one signature for all behaviours
    """EndDate is the last day of the term: start plus months, less one day (7.5)."""
    start, term = merged(old, changes, "StartDate"), merged(old, changes, "ContractTerm")
    if "StartDate" in changes or "ContractTerm" in changes:
        changes["EndDate"] = _last_day(start, term).isoformat() if start and term else None


def _last_day(start: str, months: int) -> date:
    first = date.fromisoformat(start)
    year, month = divmod(first.year * 12 + first.month - 1 + int(months), 12)
    day = min(first.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=1)


def derive_case_closed(txn: Transaction, old: Row, changes: Row) -> None:
    """IsClosed and ClosedDate of a case follow CaseStatus (7.5)."""
    if not old:
        changes["Status"] = changes.get("Status") or "New"
    if "Status" not in changes or changes["Status"] == old.get("Status"):
        return
    closed = any(r["IsClosed"] for r in txn.select("CaseStatus", {"MasterLabel": changes["Status"]}))
    changes["IsClosed"] = int(closed)
    if not closed:
        changes["ClosedDate"] = None
    elif not old.get("IsClosed"):
        changes["ClosedDate"] = txn.now
