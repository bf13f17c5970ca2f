"""The mirror's tables in SQL: made, filled from files, merged, replaced. Called by mirror.py and readings.py only.

Every function is one step inside somebody else's transaction. Names are quoted here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from connector.describe import STAMPS, FieldDescribe, ObjectDescribe
from connector.store.spool import column_type, name, quick_types, read_csv

Columns = Mapping[str, str]
"""Column -> DuckDB type."""

Purpose = Literal["whole", "window", "columns", "ids"]
"""What rows are for: in place of the whole table, merged into it, some of its columns, or only to be compared."""

STAGED = "staged"
"""The temporary table for rows that are stored in one go."""

_MOVES = {"MasterRecordId": "", "ConvertedContactId": "Contact", "ConvertedAccountId": "Account"}
"""Fields that name the record to which the children of this one went, and its sObject ('' for the same)."""


def table(sobject: str) -> str:
    return f"org.{name(sobject)}"


def incoming(sobject: str, purpose: Purpose = "whole") -> str:
    """Where a reading of several pages collects its rows."""
    return f"org.{name(incoming_name(sobject, purpose))}"


def incoming_name(sobject: str, purpose: Purpose) -> str:
    """A window takes the place of a reading of the whole object; columns and ids are read beside that."""
    return f"{sobject}~{'incoming' if purpose in {'whole', 'window'} else purpose}"


def columns_of(describe: ObjectDescribe, fields: Iterable[str]) -> dict[str, str]:
    """The columns that hold `fields`, and those that every table has."""
    always = [f for f in ("Id", describe.stamp, "IsDeleted") if f in describe.fields]
    names = [*always, *sorted(frozenset(fields) - frozenset(always))]
    types = {n: column_type(describe.fields[n]) for n in names if n != "IsDeleted"}
    return types | {"IsDeleted": column_type(FieldDescribe("IsDeleted", "boolean"))}


def column_types(run: duckdb.DuckDBPyConnection, table_name: str) -> dict[str, str]:
    """The columns of a table of schema org, {} when there is no such table."""
    rows = run.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE schema_name = 'org' AND table_name = ? AND database_name = current_database() ORDER BY column_index",
        [table_name],
    ).fetchall()
    return {str(column): str(kind) for column, kind in rows}


def create(run: duckdb.DuckDBPyConnection, target: str, columns: Columns, *, temporary: bool = False) -> None:
    body = ", ".join(f"{name(c)} {kind}{_default(c)}" for c, kind in columns.items())
    run.execute(f"CREATE OR REPLACE {'TEMP ' if temporary else ''}TABLE {target} ({body})")


def replace_column(run: duckdb.DuckDBPyConnection, sobject: str, column: str, kind: str, *, exists: bool) -> None:
    if exists:
        drop_column(run, sobject, column)
    run.execute(f"ALTER TABLE {table(sobject)} ADD COLUMN {name(column)} {kind}{_default(column)}")


def drop_column(run: duckdb.DuckDBPyConnection, sobject: str, column: str) -> None:
    run.execute(f"ALTER TABLE {table(sobject)} DROP COLUMN {name(column)}")


def ways_to_read(columns: Columns) -> tuple[Columns, ...]:
    """Column types for reading a file, the quickest first: numbers of 18 digits, of 28, and as text to be converted,
    for whole numbers written as 5.0."""
    return quick_types(columns), columns, dict.fromkeys(columns, "VARCHAR")


def fill(
    run: duckdb.DuckDBPyConnection, target: str, columns: Columns, file: Path, kinds: Columns, *, header: bool
) -> int:
    """Add the rows of a CSV file with these columns in this order to `target`, read as `kinds`; how many there were."""
    names = ", ".join(name(c) for c in columns)
    values = ", ".join(_value(c, kind) for c, kind in columns.items())
    source = read_csv(file, kinds, header=header)
    row = run.execute(f"INSERT INTO {target} ({names}) SELECT {values} FROM {source}").fetchone()
    return int(row[0]) if row else 0


def _value(column: str, kind: str) -> str:
    """NUL inside text exists in old orgs' data; nothing downstream takes it."""
    return f"replace({name(column)}, chr(0), '')" if kind == "VARCHAR" else f"CAST({name(column)} AS {kind})"


def count(run: duckdb.DuckDBPyConnection, target: str, where: str = "true") -> int:
    row = run.execute(f"SELECT count(*) FROM {target} WHERE {where}").fetchone()
    return int(row[0]) if row else 0


def take_in(
    run: duckdb.DuckDBPyConnection, sobject: str, source: str, columns: Iterable[str], purpose: Purpose
) -> None:
    """Do with the rows of `source` what they were read for; `source` is of no use afterwards."""
    keep_newest(run, source, columns)
    if purpose == "columns":
        update_columns(run, sobject, source, columns)
        settle_pending(run, sobject, columns)
        return
    note_moves(run, sobject, source, columns)
    if purpose == "whole":
        (take_place if source == incoming(sobject) else replace_rows)(run, sobject, source, columns)
        settle_pending(run, sobject, columns)
    else:
        merge(run, sobject, source, columns)


def keep_newest(run: duckdb.DuckDBPyConnection, target: str, columns: Iterable[str]) -> None:
    """Of several rows with one Id leave the newest; an org sends a record twice when it changes between two pages."""
    row = run.execute(f'SELECT count(*) - count(DISTINCT "Id") FROM {target}').fetchone()
    if row and row[0]:
        stamp = stamp_in(columns)
        run.execute(
            f"DELETE FROM {target} WHERE rowid NOT IN (SELECT rowid FROM {target} "
            f'QUALIFY row_number() OVER (PARTITION BY "Id" ORDER BY {name(stamp) if stamp else "NULL"} DESC) = 1)'
        )


def merge(run: duckdb.DuckDBPyConnection, sobject: str, source: str, columns: Iterable[str]) -> None:
    """Put the rows of `source` in place of those with the same Id that are not newer."""
    into, names = table(sobject), ", ".join(name(c) for c in columns)
    if stamp := stamp_in(columns):
        column = name(stamp)
        run.execute(
            f'DELETE FROM {source} USING {into} AS old WHERE old."Id" = {source}."Id" '
            f"AND old.{column} > {source}.{column}"
        )
    run.execute(f'DELETE FROM {into} WHERE "Id" IN (SELECT "Id" FROM {source})')
    run.execute(f"INSERT INTO {into} ({names}) SELECT {names} FROM {source}")


def replace_rows(run: duckdb.DuckDBPyConnection, sobject: str, source: str, columns: Iterable[str]) -> None:
    """Put the rows of `source` in place of the whole table."""
    names = ", ".join(name(c) for c in columns)
    run.execute(f"DELETE FROM {table(sobject)}")
    run.execute(f"INSERT INTO {table(sobject)} ({names}) SELECT {names} FROM {source}")


def take_place(run: duckdb.DuckDBPyConnection, sobject: str, source: str, columns: Iterable[str]) -> None:
    """Make the incoming table, which has all columns, the table of `sobject` without copying it."""
    if frozenset(column_types(run, sobject)) - frozenset(columns) - {"IsDeleted"}:
        replace_rows(run, sobject, source, columns)
        return
    run.execute(f"DROP TABLE IF EXISTS {table(sobject)}")
    run.execute(f"ALTER TABLE {source} RENAME TO {name(sobject)}")


def update_columns(run: duckdb.DuckDBPyConnection, sobject: str, source: str, columns: Iterable[str]) -> None:
    """Take only these columns from `source`, for rows that are not newer and where they differ."""
    values = [c for c in columns if c not in {"Id", "IsDeleted", *STAMPS}]
    stamp = stamp_in(columns)
    sets = ", ".join(f"{name(c)} = new.{name(c)}" for c in values)
    differ = " OR ".join(f"old.{name(c)} IS DISTINCT FROM new.{name(c)}" for c in values)
    not_newer = f"AND old.{name(stamp)} <= new.{name(stamp)}" if stamp else ""
    run.execute(
        f"UPDATE {table(sobject)} AS old SET {sets} FROM {source} AS new "
        f'WHERE old."Id" = new."Id" {not_newer} AND ({differ})'
    )


def note_moves(run: duckdb.DuckDBPyConnection, sobject: str, source: str, columns: Iterable[str]) -> None:
    """Remember to which records the children of newly merged or converted ones of `source` went."""
    movers = [c for c in columns if c in _MOVES]
    known = column_types(run, sobject) if movers else {}
    for column in movers:
        old = f"old.{name(column)}" if column in known else "NULL"
        run.execute(
            f"INSERT INTO meta.moves SELECT DISTINCT ?, new.{name(column)} FROM {source} AS new "
            f'LEFT JOIN {table(sobject)} AS old ON old."Id" = new."Id" '
            f"WHERE new.{name(column)} IS NOT NULL AND new.{name(column)} IS DISTINCT FROM {old}",
            [_MOVES[column] or sobject],
        )


def settle_pending(run: duckdb.DuckDBPyConnection, sobject: str, columns: Iterable[str]) -> None:
    """These columns are complete, or gone."""
    if not count(run, "meta.pending"):  # as nearly always: looking costs a tenth of deleting
        return
    run.execute(
        "DELETE FROM meta.pending WHERE sobject = ? AND field IN (SELECT unnest(?))", [sobject, sorted(columns)]
    )


def set_cursor(run: duckdb.DuckDBPyConnection, sobject: str, cursor: datetime) -> None:
    run.execute("DELETE FROM meta.cursors WHERE sobject = ?", [sobject])
    run.execute("INSERT INTO meta.cursors VALUES (?, ?)", [sobject, naive(cursor)])


def naive(at: datetime) -> datetime:
    """Org time as the mirror keeps it."""
    return at.astimezone(UTC).replace(tzinfo=None)


def aware(at: datetime) -> datetime:
    """Org time as everybody else sees it."""
    return at.replace(tzinfo=UTC)


def stamp_in(columns: Iterable[str]) -> str:
    """The column by which rows are older or newer than one another, '' when there is none."""
    present = frozenset(columns)
    return next((s for s in STAMPS if s in present), "")


def _default(column: str) -> str:
    return " DEFAULT false" if column == "IsDeleted" else ""
