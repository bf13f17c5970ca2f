"""The org's SQLite database.

One table per object, one column per field, a few tables for what is not a record.

Called by core.py, transaction.py and the SOQL compiler's runner. Knows definitions, not rules: nothing here
refuses a value.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connector.localorg.definitions import ID_TYPES, NUMBER_TYPES, FieldDef, ObjectDef, Schema

Row = dict[str, Any]

_META = """
CREATE TABLE IF NOT EXISTS "__meta" (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "__counter" (prefix TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "__deleted" (id TEXT PRIMARY KEY, sobject TEXT, at TEXT) WITHOUT ROWID;
"""
_UNINDEXED = frozenset({"OwnerId", "CreatedById", "LastModifiedById", "RecordTypeId"})
_CHUNK = 500


class Store:
    """One database, in memory or in a file. Not thread-safe by itself: the org's lock guards it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        self.connection = connection
        self._inserts: dict[str, str] = {}
        connection.create_function("sf_fold", 1, _fold, deterministic=True)
        connection.executescript(_META)

    @classmethod
    def in_memory(cls) -> "Store":
        """A database that ends with the process."""
        return cls(sqlite3.connect(":memory:", check_same_thread=False, cached_statements=512))

    @classmethod
    def in_file(cls, path: Path) -> "Store":
        """A database that lasts; every transaction is on disk when its answer is sent."""
        connection = sqlite3.connect(path, check_same_thread=False, cached_statements=512)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return cls(connection)

    @classmethod
    def from_image(cls, image: bytes) -> "Store":
        """A database in memory from the bytes of another one."""
        connection = sqlite3.connect(":memory:", check_same_thread=False, cached_statements=512)
        connection.deserialize(image)
        return cls(connection)

    def image(self) -> bytes:
        """The whole database as bytes."""
        return self.connection.serialize()

    def create_tables(self, schema: Schema) -> None:
        """Make tables, columns and indexes that are still missing."""
        self._inserts.clear()
        for definition in schema.objects.values():
            have = {r[1] for r in self.connection.execute(f'PRAGMA table_info("{definition.name}")')}
            if not have:
                columns = ", ".join(_column(f) for f in definition.stored_fields)
                self.connection.execute(f'CREATE TABLE "{definition.name}" ({columns})')
            for field in definition.stored_fields:
                if have and field.name not in have:
                    self.connection.execute(f'ALTER TABLE "{definition.name}" ADD COLUMN {_column(field)}')
                if _is_indexed(field):
                    name, table = f"{definition.name}.{field.name}", definition.name
                    self.connection.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" ("{field.name}")')

    def insert(self, definition: ObjectDef, row: Mapping[str, Any]) -> None:
        """Add one row; fields that it does not name stay null."""
        self.insert_many(definition, (row,))

    def insert_many(self, definition: ObjectDef, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows of one object."""
        names = [f.name for f in definition.stored_fields]
        sql = self._inserts.get(definition.name)
        if sql is None:
            columns, marks = ", ".join(f'"{n}"' for n in names), ", ".join("?" * len(names))
            sql = self._inserts[definition.name] = f'INSERT INTO "{definition.name}" ({columns}) VALUES ({marks})'
        self.connection.executemany(sql, ([row.get(n) for n in names] for row in rows))

    def update(self, sobject: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """Change columns of one row."""
        sets = ", ".join(f'"{n}" = ?' for n in changes)
        self.connection.execute(f'UPDATE "{sobject}" SET {sets} WHERE "Id" = ?', (*changes.values(), record_id))

    def remove(self, sobject: str, record_id: str) -> None:
        """Take one row out for good."""
        self.connection.execute(f'DELETE FROM "{sobject}" WHERE "Id" = ?', (record_id,))

    def log_deletion(self, sobject: str, record_id: str, at: str) -> None:
        """Note in the delete log that a record was deleted."""
        self.connection.execute('INSERT OR REPLACE INTO "__deleted" VALUES (?, ?, ?)', (record_id, sobject, at))

    def forget_deletion(self, record_id: str) -> None:
        """Take a record out of the delete log: it came back, or nothing is left of it."""
        self.connection.execute('DELETE FROM "__deleted" WHERE id = ?', (record_id,))

    def deletions(self, sobject: str, start: str, end: str) -> list[tuple[str, str]]:
        """Ids and moments of deletion of one object in a half-open window, oldest first."""
        sql = 'SELECT id, at FROM "__deleted" WHERE sobject = ? AND at >= ? AND at < ? ORDER BY at, id'
        return self.connection.execute(sql, (sobject, start, end)).fetchall()

    def deletions_before(self, at: str) -> list[tuple[str, str]]:
        """Ids and objects of what was deleted before a moment, oldest first."""
        sql = 'SELECT id, sobject FROM "__deleted" WHERE at < ? ORDER BY at, id'
        return self.connection.execute(sql, (at,)).fetchall()

    def fetch(self, definition: ObjectDef, record_id: str) -> Row | None:
        """Return the row with this id, deleted or not."""
        rows = self.select(definition, '"Id" = ?', (record_id,))
        return rows[0] if rows else None

    def fetch_many(self, definition: ObjectDef, record_ids: Sequence[str]) -> dict[str, Row]:
        """Return rows by id; missing ids are left out."""
        found: dict[str, Row] = {}
        for start in range(0, len(record_ids), _CHUNK):
            chunk = record_ids[start : start + _CHUNK]
            rows = self.select(definition, f'"Id" IN ({", ".join("?" * len(chunk))})', chunk)
            found |= {r["Id"]: r for r in rows}
        return found

    def select(self, definition: ObjectDef, condition: str = "1", params: Sequence[Any] = ()) -> list[Row]:
        """Return rows under an SQL condition of our own making, in the order in which they were created."""
        names = [f.name for f in definition.stored_fields]
        columns = ", ".join(f'"{n}"' for n in names)
        cursor = self.connection.execute(
            f'SELECT {columns} FROM "{definition.name}" WHERE {condition} ORDER BY rowid', tuple(params)
        )
        return [dict(zip(names, values, strict=True)) for values in cursor]

    def scalar(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, or None."""
        found = self.connection.execute(sql, tuple(params)).fetchone()
        return None if found is None else found[0]

    def get_meta(self, key: str) -> str | None:
        """Read one value of the org's own memory."""
        found: str | None = self.scalar('SELECT value FROM "__meta" WHERE key = ?', (key,))
        return found

    def set_meta(self, key: str, value: str) -> None:
        """Write one value of the org's own memory."""
        self.connection.execute('INSERT OR REPLACE INTO "__meta" VALUES (?, ?)', (key, value))

    def next_counter(self, prefix: str) -> int:
        """Return the next number of a key prefix; numbers are never used twice, not even after a hard delete."""
        self.connection.execute(
            'INSERT INTO "__counter" VALUES (?, 1) ON CONFLICT (prefix) DO UPDATE SET n = n + 1', (prefix,)
        )
        return int(self.scalar('SELECT n FROM "__counter" WHERE prefix = ?', (prefix,)))

    def reserve_counters(self, prefix: str, count: int) -> int:
        """Take a run of numbers at once and return the first one."""
        last = int(self.scalar('SELECT n FROM "__counter" WHERE prefix = ?', (prefix,)) or 0)
        self.connection.execute('INSERT OR REPLACE INTO "__counter" VALUES (?, ?)', (prefix, last + count))
        return last + 1


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _column(field: FieldDef) -> str:
    if field.name == "Id":
        return '"Id" TEXT PRIMARY KEY'
    return f'"{field.name}" {_affinity(field)}'


def _affinity(field: FieldDef) -> str:
    if field.type in ("boolean", "int"):
        return "INTEGER"
    if field.type in NUMBER_TYPES:
        return "REAL"
    return "TEXT" if field.type in ID_TYPES or field.type in ("date", "datetime", "time") else "TEXT COLLATE NOCASE"


def _is_indexed(field: FieldDef) -> bool:
    if field.name == "SystemModstamp" or field.unique or field.external_id:
        return True
    return field.type == "reference" and field.name not in _UNINDEXED
