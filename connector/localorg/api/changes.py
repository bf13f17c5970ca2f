"""Routes of sobjects/X/updated and /deleted: what changed in a window of time (reference 2.4).

Windows are whole minutes, the start counts and the end does not. `updated` reads stamps, `deleted` the delete log.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.localorg import errors
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.definitions import ObjectDef
from connector.localorg.values import read_datetime, wire_datetime

OLDEST_UPDATE = timedelta(days=30)
OLDEST_DELETE = timedelta(days=15)
MOST_IDS = 600_000

Window = tuple[str, str]
"""Start and end in wire form."""


def list_updated(visit: Visit, call: Call, name: str) -> Reply:
    """GET sobjects/X/updated?start=&end= : ids of records created or changed, at most 30 days back"""
    definition = _replicated(visit, name)
    start, end = _read_window(visit, call, OLDEST_UPDATE)
    live = ' AND "IsDeleted" = 0' if definition.has("IsDeleted") else ""
    sql = f'SELECT "Id" FROM "{definition.name}" WHERE "SystemModstamp" >= ? AND "SystemModstamp" < ?{live}'
    ids = [row[0] for row in visit.txn.store.connection.execute(f"{sql} ORDER BY rowid", (start, end))]
    _check_size(ids)
    return Reply(200, {"ids": ids, "latestDateCovered": _covered(visit, end)})


def list_deleted(visit: Visit, call: Call, name: str) -> Reply:
    """GET sobjects/X/deleted?start=&end= : what the delete log holds, at most 15 days back"""
    definition = _replicated(visit, name)
    start, end = _read_window(visit, call, OLDEST_DELETE)
    logged = visit.txn.store.deletions(definition.name, start, end)
    _check_size(logged)
    earliest = visit.org.clock.now() - OLDEST_DELETE
    body = {
        "deletedRecords": [{"id": i, "deletedDate": at} for i, at in logged],
        "earliestDateAvailable": wire_datetime(earliest),
        "latestDateCovered": _covered(visit, end),
    }
    return Reply(200, body)


def _replicated(visit: Visit, name: str) -> ObjectDef:
    """Only objects that describe calls replicateable have these resources (2.4; wording UNVERIFIED)."""
    definition = visit.find_object(name)
    if not definition.raw["replicateable"] or not definition.has("SystemModstamp"):
        raise errors.OrgError(400, "INVALID_TYPE", f"entity type {definition.name} is not replicateable")
    return definition


def _read_window(visit: Visit, call: Call, oldest: timedelta) -> Window:
    start, end = (_read_moment(call, n) for n in ("start", "end"))
    if end - start < timedelta(minutes=1):
        raise _refused("endDate must be later than startDate by at least one minute")
    if start < visit.org.clock.now() - oldest:
        raise _refused(f"startDate cannot be more than {oldest.days} days ago")
    return wire_datetime(start), wire_datetime(end)


def _read_moment(call: Call, name: str) -> datetime:
    """A moment of the query string; its seconds are ignored (2.4, UNVERIFIED)."""
    text = call.query.get(name)
    if not text:
        raise errors.OrgError(400, "MISSING_ARGUMENT", f"missing required parameter: {name}")
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise errors.OrgError(400, "INVALID_DATE_FORMAT", f"{name}: {text} is no ISO 8601 date and time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(second=0, microsecond=0)


def _covered(visit: Visit, end: str) -> str:
    """How far the answer is complete.

    To the window's end, to now when that is earlier, and never past a transaction that has not committed yet.
    """
    open_since = [late.stamped_at for late in visit.org.state.late]
    now = read_datetime(visit.txn.now).replace(second=0)
    return min([end, wire_datetime(now), *open_since])


def _check_size(found: list[Any]) -> None:
    if len(found) > MOST_IDS:
        raise errors.OrgError(400, "EXCEEDED_ID_LIMIT", f"more than {MOST_IDS} ids: choose a shorter window")


def _refused(text: str) -> errors.OrgError:
    return errors.OrgError(400, "INVALID_REPLICATION_DATE", text)
