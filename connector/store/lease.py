"""One writer per org: a lease in the ledger with a fencing token.

Called by the ledger, inside its write transactions. The token grows whenever the lease changes hands; a writer
that slept through its lease is stopped by it before its next write, however long it slept.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import RetryLater
from connector.store import process


@dataclass(frozen=True)
class Lease:
    """The right to write to one org until somebody else holds a higher token."""

    org: str
    holder: str
    token: int
    until: datetime


def acquire(db: sqlite3.Connection, org: str, holder: str, ttl: timedelta, now: datetime) -> Lease:
    """The lease, if nobody alive holds it. RetryLater names who does, and until when."""
    row = db.execute("SELECT holder, process, token, until FROM leases WHERE org = ?", (org,)).fetchone()
    if row and datetime.fromisoformat(row["until"]) > now and process.is_gone(row["process"]) is not True:
        raise RetryLater(
            f"Another run is writing to org {org}: {row['holder']}, until {_clock(row['until'])} at the latest. "
            "Wait for it to end, or stop that process; then run again."
        )
    token, until = (row["token"] if row else 0) + 1, now + ttl
    db.execute(
        "INSERT OR REPLACE INTO leases (org, holder, process, token, ttl, until) VALUES (?, ?, ?, ?, ?, ?)",
        (org, holder, process.identity(), token, int(ttl.total_seconds()), until.isoformat()),
    )
    return Lease(org, holder, token, until)


def renew(db: sqlite3.Connection, lease: Lease, now: datetime) -> Lease:
    """The same lease, from now for its full time again. RetryLater when another run has taken it over."""
    row = db.execute("SELECT holder, token, ttl FROM leases WHERE org = ?", (lease.org,)).fetchone()
    if row is None or row["token"] != lease.token:
        taker = f" to {row['holder']}" if row and row["holder"] else ""
        raise RetryLater(
            f"This run lost the right to write to org {lease.org}{taker}: it was silent for too long. "
            "Nothing more was written; the next run carries on."
        )
    until = now + timedelta(seconds=row["ttl"])
    db.execute("UPDATE leases SET until = ? WHERE org = ?", (until.isoformat(), lease.org))
    return Lease(lease.org, lease.holder, lease.token, until)


def release(db: sqlite3.Connection, lease: Lease, now: datetime) -> None:
    """Lets the next run in at once; does nothing when the lease is another's by now."""
    db.execute("UPDATE leases SET until = ? WHERE org = ? AND token = ?", (now.isoformat(), lease.org, lease.token))


def _clock(until: str) -> str:
    return f"{datetime.fromisoformat(until):%Y-%m-%d %H:%M:%S} UTC"
