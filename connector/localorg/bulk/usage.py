"""What Bulk API 2.0 was used for in the last 24 hours, counted against its allocations (reference 3.1, 3.2).

Kept apart from the jobs, since deleting a job gives nothing back. Asked by the routes and by `limits`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Allocation = Literal["query jobs", "result bytes", "batches"]
ALLOCATIONS: dict[Allocation, int] = {"query jobs": 10_000, "result bytes": 10**12, "batches": 15_000}
ROWS_PER_BATCH = 10_000
_DAY = timedelta(hours=24)


@dataclass(slots=True)
class Usage:
    """What was used, and when."""

    entries: list[tuple[datetime, Allocation, int]] = field(default_factory=list)

    def spend(self, what: Allocation, amount: int, now: datetime) -> None:
        """Count something."""
        self.entries.append((now, what, amount))

    def spent(self, what: Allocation, now: datetime) -> int:
        """How much of it the last 24 hours saw."""
        self.entries = [e for e in self.entries if now - e[0] < _DAY]
        return sum(amount for _, kind, amount in self.entries if kind == what)

    def left(self, what: Allocation, now: datetime) -> int:
        """How much of it may still be used."""
        return max(0, ALLOCATIONS[what] - self.spent(what, now))


def batches_of(rows: int) -> int:
    """How many batches Salesforce makes of so many rows of an ingest job."""
    return -(-rows // ROWS_PER_BATCH)
