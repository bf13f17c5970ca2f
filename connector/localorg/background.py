"""What time brings by itself: late commits and the daily jobs. Called by core.py before each transaction.

A long transaction stamps its records when it writes them and shows them when it commits (reference 2.3). Here such
a write waits in the org's state and is made under its old stamp once the clock has moved on.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connector.localorg import platform, writes
from connector.localorg.errors import OrgError
from connector.localorg.state import LateWrite
from connector.localorg.values import wire_datetime, wire_value

if TYPE_CHECKING:
    from connector.localorg.core import OrgCore


def catch_up(org: "OrgCore") -> None:
    """Do what has become due since the last transaction; what was written late comes before the day's jobs."""
    now = org.now_wire()
    due = [late for late in org.state.late if late.visible_at <= now]
    if due:
        org.state.late = [late for late in org.state.late if late not in due]
        for late in due:
            _commit(org, late)
    if org.state.jobs_ran_on < now[:10]:
        if org.state.jobs_ran_on:
            with org.open_transaction(None, now) as txn:
                platform.run_daily_jobs(txn)
        org.state.jobs_ran_on = now[:10]


def _commit(org: "OrgCore", late: LateWrite) -> None:
    """Make a change visible under its old stamp; one that is refused by then is lost, as its transaction is."""
    definition = org.schema.get(late.sobject)
    with suppress(OrgError), org.open_transaction(late.user_id, late.stamped_at) as txn:
        if late.record_id is None:
            writes.create_one(txn, definition, late.values)
        else:
            writes.update_one(txn, definition, late.record_id, late.values)


def write_late(
    org: "OrgCore", sobject: str, values: Mapping[str, Any], wait: timedelta, record_id: str | None, user: str | None
) -> None:
    """Put a change aside that is stamped now and committed when the clock has moved on by `wait`."""
    now = org.clock.now()
    stored = {n: wire_value(v) for n, v in values.items()}
    late = LateWrite(wire_datetime(now), wire_datetime(now + wait), sobject, record_id, stored, user)
    with org.lock:
        org.state.late.append(late)
