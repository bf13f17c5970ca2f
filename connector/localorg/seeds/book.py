"""A book of records before it has ids: rows by object, pointing at each other by `Ref`.

Filled by the seeds, poured into an org by `load_book`. Generating stays pure: no org, no clock, no ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.localorg.org import Org

Row = dict[str, Any]

LOAD_ORDER = (
    "UserRole",
    "User",
    "Group",
    "GroupMember",
    "QueueSobject",
    "TaskStatus",
    "Holiday",
    "Product2",
    "Campaign",
    "CampaignMemberStatus",
    "Account",
    "AccountTeamMember",
    "AccountHistory",
    "Contact",
    "Contract",
    "Opportunity",
    "OpportunityHistory",
    "OpportunityContactRole",
    "Asset",
    "Case",
    "Lead",
    "Task",
    "Event",
    "EmailMessage",
    "CampaignMember",
)


@dataclass(frozen=True, slots=True)
class Ref:
    """The nth row of an object in the same book; becomes an id when the book is loaded."""

    sobject: str
    index: int


@dataclass(slots=True)
class Book:
    """Rows by object in the order in which they were written."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, sobject: str, /, **fields: Any) -> Ref:
        """Write one row and return where it stands."""
        rows = self.rows.setdefault(sobject, [])
        rows.append(fields)
        return Ref(sobject, len(rows) - 1)

    def row(self, ref: Ref) -> Row:
        """The row that a reference points at, to be completed."""
        return self.rows[ref.sobject][ref.index]


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """A moment of a day, UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


def stamps(created: datetime, modified: datetime | None = None) -> Row:
    """Audit fields of a row written at `created` and last touched at `modified`."""
    last = modified or created
    return {"CreatedDate": created, "LastModifiedDate": last, "SystemModstamp": last}


def load_book(org: Org, book: Book) -> dict[Ref, str]:
    """Load every row, parents before children, and return the ids by reference."""
    unknown = set(book.rows) - set(LOAD_ORDER)
    if unknown:
        raise ValueError(f"a book cannot hold {sorted(unknown)}: not in LOAD_ORDER")
    ids: dict[Ref, str] = {}
    for sobject in LOAD_ORDER:
        pending = [(Ref(sobject, i), row) for i, row in enumerate(book.rows.get(sobject, []))]
        while pending:
            pending = _load_wave(org, sobject, pending, ids)
    return ids


def _load_wave(org: Org, sobject: str, pending: list[tuple[Ref, Row]], ids: dict[Ref, str]) -> list[tuple[Ref, Row]]:
    """Load the rows whose references are all known and return those that must wait for them."""
    ready = [(ref, row) for ref, row in pending if _is_ready(row, ids)]
    if not ready:
        raise ValueError(f"{sobject}: rows refer to each other in a circle or to rows that are not in the book")
    done = org.load(sobject, [{k: _resolved(v, ids) for k, v in row.items()} for _, row in ready])
    ids.update(zip((ref for ref, _ in ready), done, strict=True))
    return [(ref, row) for ref, row in pending if ref not in ids]


def _is_ready(row: Row, ids: dict[Ref, str]) -> bool:
    return all(value in ids for value in row.values() if isinstance(value, Ref))


def _resolved(value: Any, ids: dict[Ref, str]) -> Any:
    return ids[value] if isinstance(value, Ref) else value
