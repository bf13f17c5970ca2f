"""The request ledger.

What every request asked, cost and changed. Written by the server, read by tests and the admin endpoints.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Subrequest:
    """One request inside a composite or batch."""

    method: str
    path: str
    status: int
    rows_read: int
    rows_written: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One HTTP request. `headers` keeps only those that change what a write does."""

    n: int
    at: datetime
    method: str
    path: str
    status: int
    api_calls: int
    rows_read: int
    rows_written: int
    is_write: bool
    user_id: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    subrequests: tuple[Subrequest, ...] = ()
    fault: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as plain JSON values."""
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass(slots=True)
class RequestLedger:
    """All requests since the last clear; API use is counted over the last 24 hours whatever was cleared."""

    entries: list[Entry] = field(default_factory=list)
    _usage: list[tuple[datetime, int]] = field(default_factory=list)
    _used: int = 0

    def add(self, entry: Entry) -> None:
        """Write a request down."""
        self.entries.append(entry)
        if entry.api_calls:
            self._usage.append((entry.at, entry.api_calls))
            self._used += entry.api_calls

    def clear(self) -> None:
        """Forget the entries, not the API use."""
        self.entries.clear()

    def writes(self) -> list[Entry]:
        """Requests that asked to change records, whether or not they did."""
        return [e for e in self.entries if e.is_write]

    def api_calls(self) -> int:
        """API calls of the entries kept."""
        return sum(e.api_calls for e in self.entries)

    def api_usage(self, now: datetime) -> int:
        """API calls of the last 24 hours, as Sforce-Limit-Info reports them."""
        while self._usage and now - self._usage[0][0] >= _DAY:
            self._used -= self._usage.pop(0)[1]
        return self._used
