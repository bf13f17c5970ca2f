"""What all jobs of this installation spent on one org in the last 24 hours, kept in the ledger's file.

Opened by begin.py once the ledger is; written by the session before each call, from whichever thread makes it, through
a connection of its own. What is noted outlives the process, not a power cut: a few calls forgotten do no harm.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

_KEPT = timedelta(hours=48)


class Spending:
    """An open book of API calls, noted for `job`. Shared between threads; a context manager."""

    def __init__(self, db: sqlite3.Connection, org: str, job: str) -> None:
        self._db, self._org, self._job = db, org, job
        self._lock = threading.Lock()
        self._minute = ""

    @classmethod
    def open(cls, ledger: Path, org: str, job: str) -> Self:
        """The file must be an open ledger's, which has brought its schema up to date."""
        db = sqlite3.connect(ledger, timeout=30, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA synchronous = NORMAL")
        return cls(db, org, job)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._db.close()

    def note(self, at: datetime, calls: int) -> None:
        """`calls` more, at this time of the org's clock."""
        minute = _minute(at)
        sql = (
            "INSERT INTO api_spending (org, minute, job, calls) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET calls = calls + excluded.calls"
        )
        with self._lock:
            if minute != self._minute:
                self._forget_before(_minute(at - _KEPT))
                self._minute = minute
            self._db.execute(sql, (self._org, minute, self._job, calls))

    def spent_since(self, at: datetime) -> Mapping[str, int]:
        """Calls since this minute of the org's clock, by job."""
        sql = "SELECT job, sum(calls) FROM api_spending WHERE org = ? AND minute >= ? GROUP BY job"
        with self._lock:
            return dict(self._db.execute(sql, (self._org, _minute(at))).fetchall())

    def spent_until(self, since: datetime, calls: int) -> datetime | None:
        """The end of the minute since `since` by which so many calls had been made; None when there were fewer."""
        sql = (
            "SELECT minute FROM (SELECT minute, sum(sum(calls)) OVER (ORDER BY minute) AS made FROM api_spending "
            "WHERE org = ? AND minute >= ? GROUP BY minute) WHERE made >= ? ORDER BY minute LIMIT 1"
        )
        with self._lock:
            row = self._db.execute(sql, (self._org, _minute(since), calls)).fetchone()
        return datetime.fromisoformat(row[0]).replace(tzinfo=UTC) + timedelta(minutes=1) if row else None

    @property
    def allowed(self) -> int | None:
        """What the org allowed all its clients in 24 hours when it was last heard."""
        with self._lock:
            row = self._db.execute("SELECT allowed FROM api_allowances WHERE org = ?", (self._org,)).fetchone()
        return int(row[0]) if row else None

    def remember_allowed(self, calls: int) -> None:
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO api_allowances VALUES (?, ?)", (self._org, calls))

    def _forget_before(self, minute: str) -> None:
        self._db.execute("DELETE FROM api_spending WHERE org = ? AND minute < ?", (self._org, minute))


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
