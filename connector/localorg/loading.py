"""Bulk loading for seeds: trusted rows with their own history, thousands per second. Called by Org.load.

No validation. Ids, audit fields and derived fields are taken from the row when given and computed when not.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.localorg import platform
from connector.localorg.definitions import ObjectDef
from connector.localorg.ids import make_id
from connector.localorg.platform.summaries import recalculate_over
from connector.localorg.storage import Row
from connector.localorg.transaction import Transaction
from connector.localorg.values import store_trusted
from connector.localorg.writes import format_auto_number


class UnknownSeedFieldError(ValueError):
    """A seed row names a field that the object does not have."""


def load_rows(
    txn: Transaction, definition: ObjectDef, rows: Iterable[Mapping[str, Any]], *, preserve_audit: bool
) -> list[str]:
    """Insert rows and return their ids; LastActivityDate of accounts is brought up to date after activities."""
    stored = [_read_row(definition, row) for row in rows]
    _give_ids(txn, definition, stored)
    _give_numbers(txn, definition, stored)
    _give_currency(txn, definition, stored)
    for row in stored:
        platform.derive_loaded(txn, definition, row)
        _give_defaults(txn, definition, row, preserve_audit=preserve_audit)
    txn.store.insert_many(definition, stored)
    for row in stored:
        if row.get("IsDeleted"):
            txn.store.log_deletion(definition.name, row["Id"], row.get("SystemModstamp") or txn.now)
    txn.rows_written += len(stored)
    if definition.name in ("Task", "Event"):
        roll_up_activities(txn)
    recalculate_over(txn, definition)
    return [row["Id"] for row in stored]


def _read_row(definition: ObjectDef, row: Mapping[str, Any]) -> Row:
    try:
        return {(f := definition.fields[n.lower()]).name: store_trusted(f, v) for n, v in row.items()}
    except KeyError as unknown:
        raise UnknownSeedFieldError(f"{definition.name} has no field {unknown}; define it first") from None


def _give_ids(txn: Transaction, definition: ObjectDef, rows: list[Row]) -> None:
    missing = [row for row in rows if not row.get("Id")]
    first = txn.store.reserve_counters(definition.key_prefix, len(missing)) if missing else 0
    for n, row in enumerate(missing, start=first):
        row["Id"] = make_id(definition.key_prefix, txn.pod, n)


def _give_numbers(txn: Transaction, definition: ObjectDef, rows: list[Row]) -> None:
    for field in definition.stored_fields:
        if field.raw["autoNumber"]:
            first = txn.store.reserve_counters(f"{definition.name}.{field.name}", len(rows))
            for n, row in enumerate(rows, start=first):
                row.setdefault(field.name, format_auto_number(field, n))


def _give_currency(txn: Transaction, definition: ObjectDef, rows: list[Row]) -> None:
    """Records that name no currency are in the corporate one, in an org with several."""
    if definition.has("CurrencyIsoCode"):
        corporate = txn.corporate_currency()
        for row in rows:
            row["CurrencyIsoCode"] = row.get("CurrencyIsoCode") or corporate


def _give_defaults(txn: Transaction, definition: ObjectDef, row: Row, *, preserve_audit: bool) -> None:
    created = row.get("CreatedDate") if preserve_audit else None
    modified = row.get("LastModifiedDate") if preserve_audit else None
    stamp = row.get("SystemModstamp") if preserve_audit else None
    audit: Row = {
        "IsDeleted": row.get("IsDeleted", 0),
        "CreatedDate": created or stamp or txn.now,
        "LastModifiedDate": modified or stamp or created or txn.now,
        "SystemModstamp": stamp or modified or created or txn.now,
        "CreatedById": row.get("CreatedById") or txn.user_id,
        "LastModifiedById": row.get("LastModifiedById") or txn.user_id,
        "OwnerId": row.get("OwnerId") or txn.user_id,
    }
    row.update({n: v for n, v in audit.items() if definition.has(n)})
    for field in definition.stored_fields:
        if field.default_value is not None and row.get(field.name) is None:
            row[field.name] = store_trusted(field, field.default_value)


def roll_up_activities(txn: Transaction) -> None:
    """LastActivityDate of every account from its activities, without stamping: seeded records keep their history."""
    txn.store.connection.execute(
        'UPDATE "Account" SET "LastActivityDate" = x.d FROM (SELECT "AccountId" AS id, MAX("ActivityDate") AS d FROM ('
        'SELECT "AccountId", "ActivityDate" FROM "Task"'
        ' WHERE "IsClosed" = 1 AND "IsDeleted" = 0 AND "AccountId" IS NOT NULL'
        ' UNION ALL SELECT "AccountId", "ActivityDate" FROM "Event" WHERE "IsDeleted" = 0 AND "AccountId" IS NOT NULL)'
        ' GROUP BY "AccountId") AS x WHERE "Account"."Id" = x.id AND x.d IS NOT NULL'
        ' AND ("LastActivityDate" IS NULL OR "LastActivityDate" < x.d)'
    )
