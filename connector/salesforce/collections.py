"""Records in bulk of up to 200 (`/composite/sobjects`): bodies to send and results to read. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.data import Value
from connector.describe import to_wire
from connector.salesforce.errors import ErrorClass, Refusal, classify, read_refusal, worst

MAX_ROWS = 200
MAX_RETRIEVED = 2000

Create = tuple[str, Mapping[str, Value]]
"""(sObject, values by field)"""
Update = tuple[str, str, Mapping[str, Value]]
"""(sObject, record id, values by field)"""

WRITE_HEADERS = {
    # Assignment rules fire and change owners when the header is absent.
    "Sforce-Auto-Assign": "FALSE",
    # Duplicate rules that only warn people would otherwise refuse us.
    "Sforce-Duplicate-Rule-Header": "allowSave=true",
}


@dataclass(frozen=True)
class RowResult:
    """What became of one row of a create or update."""

    success: bool
    id: str | None = None
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()

    @property
    def kind(self) -> ErrorClass:
        """What to do about a row that was refused."""
        return classify(self.code, message=self.message)


def create_body(rows: Sequence[Create]) -> dict[str, Any]:
    records = [{"attributes": {"type": sobject}, **_wire(values)} for sobject, values in rows]
    return {"allOrNone": False, "records": records}


def update_body(rows: Sequence[Update]) -> dict[str, Any]:
    records = [{"attributes": {"type": sobject}, "id": record, **_wire(values)} for sobject, record, values in rows]
    return {"allOrNone": False, "records": records}


def read_results(body: Any) -> list[RowResult]:
    """Results in the order of the rows."""
    return [_result(row) for row in body]


def all_refused(refusal: Refusal, count: int) -> list[RowResult]:
    """The call was refused as a whole: each of its rows was."""
    return [RowResult(False, None, refusal.code, refusal.message, refusal.fields)] * count


def _result(row: Mapping[str, Any]) -> RowResult:
    if row.get("success"):
        return RowResult(True, row["id"])
    refusal = worst(read_refusal(200, [error]) for error in row.get("errors") or ()) or Refusal("UNKNOWN_EXCEPTION", "")
    return RowResult(False, row.get("id"), refusal.code, refusal.message, refusal.fields)


def _wire(values: Mapping[str, Value]) -> dict[str, Any]:
    return {field: to_wire(value) for field, value in values.items()}
