"""The mirror: what the org says, in one DuckDB file with one table per sObject; disposable, pulled again when lost.

Called by pull (writes), evaluate and explain (read through `connection`), run (opens and closes it). Must not know
rules, plans or HTTP. Rows and the cursor that they complete are committed together.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from connector.describe import FieldDescribe, ObjectDescribe, read_describe
from connector.errors import FixFirst
from connector.store.mirror_file import SPOOLED, open_file, open_in_memory
from connector.store.spool import column_type, name, quick_types, read_csv, write_rows

_ALWAYS = ("Id", "SystemModstamp", "IsDeleted")


class Mirror:
    """An open mirror. Use as a context manager; one process at a time can have a file open."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        spool: Path,
        notice: str = "",
        scratch: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.connection = connection
        self.notice = notice
        """What a person should know about this opening (rebuilt from nothing, and why); '' normally."""
        self._spool, self._scratch = spool, scratch
        self._describes: dict[str, ObjectDescribe] | None = None

    @classmethod
    def open(cls, path: Path | str, *, memory_limit: str = "1GB") -> Mirror:
        """The mirror in the file `path`, made when absent; ':memory:' for one that ends with the process.

        A file that is damaged or of another format is renamed to `<file>.unreadable` and a new one begun, with a
        notice. Raises RetryLater when another process has the file open.
        """
        if str(path) == ":memory:":
            scratch = tempfile.TemporaryDirectory(prefix="connector-")
            connection = open_in_memory(Path(scratch.name), memory_limit)
            return cls(connection, Path(scratch.name), scratch=scratch)
        spool = Path(path).parent / "spool"
        connection, notice = open_file(Path(path), spool, memory_limit)
        return cls(connection, spool, notice)

    def close(self) -> None:
        self.connection.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- what the mirror knows about itself ---------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self.connection.execute("SELECT value FROM meta.entries WHERE key = ?", [key]).fetchone()
        return str(row[0]) if row else None

    def set_meta(self, key: str, value: str) -> None:
        with self._transaction():
            self.connection.execute("DELETE FROM meta.entries WHERE key = ?", [key])
            self.connection.execute("INSERT INTO meta.entries VALUES (?, ?)", [key, value])

    @property
    def organization(self) -> tuple[str, str] | None:
        """(organization id, time zone) of the org that was pulled, None before the first pull."""
        org_id = self.meta("org_id")
        return (org_id, self.meta("zone") or "UTC") if org_id else None

    def set_organization(self, org_id: str, zone: str) -> None:
        """Remember whose records these are; FixFirst when they are another org's."""
        known = self.meta("org_id")
        if known and known != org_id:
            raise FixFirst(
                f"The mirror holds the records of org {known}, but this is org {org_id}. Give each org its own "
                "[store] directory in config.toml; or, if the sandbox was refreshed, delete mirror.duckdb."
            )
        if known != org_id or self.meta("zone") != zone:
            self.set_meta("zone", zone)
            self.set_meta("org_id", org_id)

    # --- describes ----------------------------------------------------------------------------------------

    def describes(self) -> dict[str, ObjectDescribe]:
        """Every describe that was saved, by sObject."""
        if self._describes is None:
            rows = self.connection.execute("SELECT sobject, body FROM meta.describes ORDER BY sobject").fetchall()
            self._describes = {sobject: read_describe(json.loads(body)) for sobject, body in rows}
        return dict(self._describes)

    def save_describe(self, body: Mapping[str, Any], at: datetime) -> ObjectDescribe:
        """Keep the JSON of one object's describe as of the org time `at`."""
        described = read_describe(body)
        with self._transaction():
            self.connection.execute("DELETE FROM meta.describes WHERE sobject = ?", [described.name])
            values = [described.name, json.dumps(body), _naive(at)]
            self.connection.execute("INSERT INTO meta.describes VALUES (?, ?, ?)", values)
        self._describes = None
        return described

    def described_at(self, sobject: str) -> datetime | None:
        """Org time at which the describe of `sobject` was asked for, None when there is none."""
        row = self.connection.execute("SELECT read_at FROM meta.describes WHERE sobject = ?", [sobject]).fetchone()
        return _aware(row[0]) if row else None

    # --- records ------------------------------------------------------------------------------------------

    def ensure(self, describe: ObjectDescribe, fields: Iterable[str]) -> bool:
        """Have a table with these fields (and Id, SystemModstamp, IsDeleted where there are such).

        True when a column appeared or changed its type: the cursor is then dropped, because the column is only good
        for rules when the whole object has been read again.
        """
        wanted = _columns(describe, fields)
        with self._transaction():
            had = self._column_types(describe.name)
            changed = [c for c, kind in wanted.items() if had.get(c) != kind]
            if not had:
                self._create_table(describe.name, wanted)
            for column in changed if had else ():
                self._replace_column(describe.name, column, wanted[column], exists=column in had)
            if changed:
                self.connection.execute("DELETE FROM meta.cursors WHERE sobject = ?", [describe.name])
        return bool(changed)

    def columns(self, sobject: str) -> frozenset[str]:
        """Fields that the table of `sobject` has; empty when there is no table."""
        return frozenset(self._column_types(sobject))

    def forget(self, sobject: str, fields: Iterable[str]) -> None:
        """Drop these fields' values, for example because our user may no longer read them."""
        gone = self.columns(sobject) & frozenset(fields) - frozenset(_ALWAYS)
        for column in sorted(gone):
            self.connection.execute(f"ALTER TABLE {_table(sobject)} DROP COLUMN {name(column)}")

    def cursor(self, sobject: str) -> datetime | None:
        """How far `sobject` has been completely read, in org time; None: read it from the beginning."""
        row = self.connection.execute("SELECT cursor FROM meta.cursors WHERE sobject = ?", [sobject]).fetchone()
        return _aware(row[0]) if row else None

    def store(
        self, sobject: str, fields: Sequence[str], rows: Iterable[Sequence[Any]], cursor: datetime, *, replace: bool
    ) -> int:
        """Merge `rows` (values in the order of `fields`) by Id and move the cursor, in one transaction.

        A row that is older than the one already there is left out; of several with one Id the newest stamp wins;
        columns not in `fields` become null. `replace` puts `rows` in place of the whole table. Returns the number of
        rows given. Whatever `rows` raises while it is read leaves the mirror as it was.
        """
        known = self._column_types(sobject)
        columns = {f: known[f] for f in fields}
        with tempfile.TemporaryDirectory(dir=self._spool, prefix=SPOOLED) as directory:
            file = Path(directory) / "rows.csv"
            count = write_rows(file, rows)
            self._stage(columns, file)
            with self._transaction():
                self._merge(sobject, columns, replace=replace)
                self._set_cursor(sobject, cursor)
        return count

    def count(self, sobject: str) -> int:
        """Number of records of `sobject` that are not deleted."""
        row = self.connection.execute(f'SELECT count(*) FROM {_table(sobject)} WHERE NOT "IsDeleted"').fetchone()
        return int(row[0]) if row else 0

    # --- inside -------------------------------------------------------------------------------------------

    def _merge(self, sobject: str, columns: dict[str, str], *, replace: bool) -> None:
        run, table, names = self.connection.execute, _table(sobject), ", ".join(name(c) for c in columns)
        if replace:
            run(f"DELETE FROM {table}")
        else:
            if "SystemModstamp" in columns:
                run(
                    f'DELETE FROM staged USING {table} AS old WHERE old."Id" = staged."Id" '
                    'AND old."SystemModstamp" > staged."SystemModstamp"'
                )
            run(f'DELETE FROM {table} WHERE "Id" IN (SELECT "Id" FROM staged)')
        run(f"INSERT INTO {table} ({names}) SELECT {names} FROM staged")
        run("DROP TABLE staged")

    def _stage(self, columns: dict[str, str], file: Path) -> None:
        """The rows of `file` in a temporary table, the newest of each Id."""
        names = ", ".join(f"CAST({name(c)} AS {kind}) AS {name(c)}" for c, kind in columns.items())
        stamp = name("SystemModstamp") if "SystemModstamp" in columns else "NULL"
        for kinds in (quick_types(columns), columns):
            try:
                self.connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE staged AS SELECT {names} FROM {read_csv(file, kinds)} "
                    f'QUALIFY row_number() OVER (PARTITION BY "Id" ORDER BY {stamp} DESC) = 1'
                )
            except duckdb.ConversionException:
                if kinds == columns:
                    raise
            else:
                return

    def _set_cursor(self, sobject: str, cursor: datetime) -> None:
        self.connection.execute("DELETE FROM meta.cursors WHERE sobject = ?", [sobject])
        self.connection.execute("INSERT INTO meta.cursors VALUES (?, ?)", [sobject, _naive(cursor)])

    def _column_types(self, sobject: str) -> dict[str, str]:
        rows = self.connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'org' AND table_name = ? AND database_name = current_database() ORDER BY column_index",
            [sobject],
        ).fetchall()
        return {str(column): str(kind) for column, kind in rows}

    def _create_table(self, sobject: str, columns: dict[str, str]) -> None:
        body = ", ".join(f"{name(c)} {kind}{_default(c)}" for c, kind in columns.items())
        self.connection.execute(f"CREATE TABLE {_table(sobject)} ({body})")

    def _replace_column(self, sobject: str, column: str, kind: str, *, exists: bool) -> None:
        if exists:
            self.connection.execute(f"ALTER TABLE {_table(sobject)} DROP COLUMN {name(column)}")
        self.connection.execute(f"ALTER TABLE {_table(sobject)} ADD COLUMN {name(column)} {kind}{_default(column)}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")


# --- SQL text -------------------------------------------------------------------------------------------------


def _columns(describe: ObjectDescribe, fields: Iterable[str]) -> dict[str, str]:
    always = [f for f in _ALWAYS if f in describe.fields]
    names = [*always, *sorted(frozenset(fields) - frozenset(always))]
    types = {n: column_type(describe.fields[n]) for n in names if n != "IsDeleted"}
    return types | {"IsDeleted": column_type(FieldDescribe("IsDeleted", "boolean"))}


def _default(column: str) -> str:
    return " DEFAULT false" if column == "IsDeleted" else ""


def _table(sobject: str) -> str:
    return f"org.{name(sobject)}"


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
