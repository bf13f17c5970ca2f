"""What Salesforce does in the background as days pass: archiving activities, emptying the recycle bin.

Called by background.py in the first transaction of a day. Nobody's request; nothing is counted.
"""

from datetime import timedelta

from connector.localorg.platform.deletion import purge_record
from connector.localorg.transaction import Transaction
from connector.localorg.values import read_datetime, wire_datetime

ARCHIVE_AFTER = timedelta(days=365)
BIN_KEEPS = timedelta(days=15)


def run_daily_jobs(txn: Transaction) -> None:
    """Do what is due on the transaction's day."""
    archive_activities(txn)
    expire_bin(txn)


def archive_activities(txn: Transaction) -> None:
    """Events, and closed Tasks, of 365 days ago or earlier; a Task without a date counts from its creation (7.4)."""
    before = (txn.today - ARCHIVE_AFTER).isoformat()
    day = 'COALESCE("ActivityDate", substr("CreatedDate", 1, 10))'
    stamp = ', "SystemModstamp" = ?' if txn.switches.archive_stamps else ""
    given = (txn.now,) if stamp else ()
    for sobject, closed in (("Task", ' AND "IsClosed" = 1'), ("Event", "")):
        txn.store.connection.execute(
            f'UPDATE "{sobject}" SET "IsArchived" = 1{stamp}'
            f' WHERE "IsArchived" = 0 AND "IsDeleted" = 0{closed} AND {day} <= ?',
            (*given, before),
        )


def expire_bin(txn: Transaction) -> None:
    """What has been in the recycle bin for 15 days is gone for good, and leaves the delete log (2.4)."""
    before = wire_datetime(read_datetime(txn.now) - BIN_KEEPS)
    for record_id, sobject in txn.store.deletions_before(before):
        definition = txn.schema.find(sobject)
        if definition is not None:
            purge_record(txn, definition, record_id)
