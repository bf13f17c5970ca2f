"""The mirror: what the org says, in one DuckDB file with one table per sObject; disposable, pulled again when lost.

Called by pull (writes), evaluate and explain (read through `connection`), run (opens and closes it). Must not know
rules, plans or HTTP. Rows and the cursor that they complete are committed together.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from connector.describe import STAMPS, ObjectDescribe, read_describe
from connector.errors import FixFirst, RetryLater
from connector.store import tables
from connector.store.mirror_file import SPOOLED, open_file, open_in_memory
from connector.store.spool import write_rows
from connector.store.tables import Purpose, aware, naive


class Unreadable(RetryLater):
    """What the org sent is not what its describe had led us to expect; says nothing of the values."""


@dataclass(frozen=True)
class Described:
    """Org times of a describe."""

    read: datetime
    """When it was asked for whatever its age."""
    checked: datetime
    """When the org said last that it has not changed."""
    modified: datetime
    """When the schema changed last."""


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
        self.spool, self._scratch = spool, scratch
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
        with self.transaction():
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

    def save_describe(self, body: Mapping[str, Any], at: datetime, modified: datetime | None = None) -> ObjectDescribe:
        """Keep the JSON of one object's describe as of the org time `at`; `modified`: when the schema changed last."""
        described = read_describe(body)
        with self.transaction() as run:
            run.execute("DELETE FROM meta.describes WHERE sobject = ?", [described.name])
            values = [described.name, json.dumps(body), naive(at), naive(at), naive(modified or at)]
            run.execute("INSERT INTO meta.describes VALUES (?, ?, ?, ?, ?)", values)
        self._describes = None
        return described

    def confirm_describe(self, sobject: str, at: datetime) -> None:
        """The schema of `sobject` has not changed by the org time `at`."""
        self.connection.execute("UPDATE meta.describes SET checked_at = ? WHERE sobject = ?", [naive(at), sobject])

    def described_at(self) -> dict[str, Described]:
        """When the describe of each object was asked for."""
        rows = self.connection.execute(
            "SELECT sobject, read_at, checked_at, modified_at FROM meta.describes"
        ).fetchall()
        return {str(sobject): Described(*map(aware, times)) for sobject, *times in rows}

    def good_describes(self) -> dict[str, ObjectDescribe]:
        """The describes by which the mappings last made sense, by sObject."""
        rows = self.connection.execute("SELECT sobject, body FROM meta.good_describes ORDER BY sobject").fetchall()
        return {sobject: read_describe(json.loads(body)) for sobject, body in rows}

    def keep_good_describes(self, sobjects: Iterable[str]) -> None:
        """The mappings make sense by the describes of these objects as they are now."""
        names = sorted(sobjects)
        now = (
            "SELECT sobject, d.body, d.read_at FROM meta.describes AS d "
            "LEFT JOIN meta.good_describes AS g USING (sobject) "
            "WHERE sobject IN (SELECT unnest(?)) AND g.read_at IS DISTINCT FROM d.read_at"
        )
        with self.transaction() as run:
            changed = run.execute(now, [names]).fetchall()
            for sobject, body, read_at in changed:
                run.execute("DELETE FROM meta.good_describes WHERE sobject = ?", [sobject])
                run.execute("INSERT INTO meta.good_describes VALUES (?, ?, ?)", [sobject, body, read_at])

    # --- records ------------------------------------------------------------------------------------------

    def ensure(self, describe: ObjectDescribe, fields: Iterable[str]) -> bool:
        """Have a table with these fields (and Id, the stamp and IsDeleted where there are such).

        True when a column appeared or changed its type: it is then pending, which means that its values are only good
        for rules when they have been read for every record.
        """
        wanted = tables.columns_of(describe, fields)
        with self.transaction() as run:
            had = tables.column_types(run, describe.name)
            changed = [c for c, kind in wanted.items() if had.get(c) != kind]
            if not had:
                tables.create(run, tables.table(describe.name), wanted)
            for column in changed if had else ():
                tables.replace_column(run, describe.name, column, wanted[column], exists=column in had)
                run.execute("INSERT INTO meta.pending VALUES (?, ?)", [describe.name, column])
        return bool(changed)

    def columns(self, sobject: str) -> frozenset[str]:
        """Fields that the table of `sobject` has; empty when there is no table."""
        return frozenset(tables.column_types(self.connection, sobject))

    def pending(self, sobject: str) -> frozenset[str]:
        """Fields that have not been read for every record yet."""
        rows = self.connection.execute("SELECT field FROM meta.pending WHERE sobject = ?", [sobject]).fetchall()
        return frozenset(str(row[0]) for row in rows)

    def forget(self, sobject: str, fields: Iterable[str]) -> None:
        """Drop these fields' values, for example because our user may no longer read them."""
        gone = self.columns(sobject) & frozenset(fields) - {"Id", "IsDeleted", *STAMPS}
        with self.transaction() as run:
            for column in sorted(gone):
                tables.drop_column(run, sobject, column)
            tables.settle_pending(run, sobject, gone)

    def cursor(self, sobject: str) -> datetime | None:
        """How far `sobject` has been completely read, in org time; None: read it from the beginning."""
        row = self.connection.execute("SELECT cursor FROM meta.cursors WHERE sobject = ?", [sobject]).fetchone()
        return aware(row[0]) if row else None

    def move_cursor(self, sobject: str, cursor: datetime) -> None:
        """`sobject` is completely read up to `cursor`; for windows that were stored in parts."""
        with self.transaction() as run:
            tables.set_cursor(run, sobject, cursor)

    def drop_cursor(self, sobject: str) -> None:
        """Have `sobject` read from the beginning next time."""
        self.connection.execute("DELETE FROM meta.cursors WHERE sobject = ?", [sobject])

    def store(
        self, sobject: str, fields: Sequence[str], rows: Iterable[Sequence[Any]], cursor: datetime | None, *,
        replace: bool = False, purpose: Purpose = "window",
    ) -> int:  # fmt: skip
        """Take `rows` (values in the order of `fields`) in and move the cursor, in one transaction.

        A row that is older than the one already there is left out; of several with one Id the newest stamp wins;
        columns not in `fields` become null. `replace` puts `rows` in place of the whole table, the purpose `columns`
        changes only these fields of records that are there. Returns the number of rows given; whatever `rows` raises
        while it is read leaves the mirror as it was. A cursor of None leaves the cursor where it is.
        """
        known = tables.column_types(self.connection, sobject)
        columns = {f: known[f] for f in fields}

        def take_in(run: duckdb.DuckDBPyConnection, kinds: tables.Columns) -> None:
            tables.create(run, tables.STAGED, columns, temporary=True)
            tables.fill(run, tables.STAGED, columns, file, kinds, header=False)
            tables.take_in(run, sobject, tables.STAGED, columns, "whole" if replace else purpose)
            if cursor is not None:
                tables.set_cursor(run, sobject, cursor)
            run.execute(f"DROP TABLE {tables.STAGED}")

        with self.spooled(rows) as (file, count):
            self.load(columns, take_in)
        return count

    def count(self, sobject: str) -> int:
        """Number of records of `sobject` that are not deleted."""
        return tables.count(self.connection, tables.table(sobject), 'NOT "IsDeleted"')

    def remove(self, sobject: str, ids: Sequence[str]) -> None:
        """Take records out that are gone from the org without a trace."""
        with self.transaction() as run:
            run.execute(f'DELETE FROM {tables.table(sobject)} WHERE "Id" IN (SELECT unnest(?))', [list(ids)])

    # --- records whose children went elsewhere ------------------------------------------------------------

    def moves(self) -> dict[str, frozenset[str]]:
        """Records, by sObject, that children of merged or converted ones went to without being stamped."""
        rows = self.connection.execute("SELECT DISTINCT sobject, id FROM meta.moves").fetchall()
        return {sobject: frozenset(i for s, i in rows if s == sobject) for sobject in sorted({s for s, _ in rows})}

    def masters(self, sobject: str, ids: Iterable[str]) -> frozenset[str]:
        """The records that `ids` live on in, merges of merged ones followed to their end."""
        if "MasterRecordId" not in self.columns(sobject):
            return frozenset(ids)
        rows = self.connection.execute(
            'WITH RECURSIVE chain(id) AS (SELECT unnest(?) UNION SELECT r."MasterRecordId" FROM chain '
            f'JOIN {tables.table(sobject)} AS r ON r."Id" = chain.id WHERE r."MasterRecordId" IS NOT NULL) '
            f'SELECT id FROM chain WHERE id NOT IN (SELECT "Id" FROM {tables.table(sobject)} '
            'WHERE "MasterRecordId" IS NOT NULL)', [sorted(ids)],
        ).fetchall()  # fmt: skip
        return frozenset(str(row[0]) for row in rows)

    def settle_moves(self, moves: Mapping[str, Iterable[str]]) -> None:
        """Their children have been read again."""
        with self.transaction() as run:
            for sobject, ids in moves.items():
                run.execute(
                    "DELETE FROM meta.moves WHERE sobject = ? AND id IN (SELECT unnest(?))", [sobject, list(ids)]
                )

    # --- for store/ ---------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self.connection.execute("BEGIN")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def load(self, columns: tables.Columns, step: Callable[[duckdb.DuckDBPyConnection, tables.Columns], None]) -> None:
        """Run `step`, which reads a file of these columns, in a transaction; again where a number needs another way.

        Unreadable when a value does not fit its column, or the file is none with these columns.
        """
        ways, field = tables.ways_to_read(columns), "a field"
        for attempt, kinds in enumerate(ways, start=1):
            try:
                with self.transaction() as run:
                    step(run, kinds)
            except duckdb.ConversionException as error:
                named = re.search(r'column "([^"]+)"', str(error))
                field = named[1] if named else field
                if attempt == len(ways):
                    raise Unreadable(f"values of {field} are of another type") from None
            except duckdb.InvalidInputException:
                raise Unreadable("a page has other columns than were asked for") from None
            else:
                return

    @contextmanager
    def spooled(self, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Path, int]]:
        """(a file with `rows` for as long as the block lasts, their number)."""
        with tempfile.TemporaryDirectory(dir=self.spool, prefix=SPOOLED) as directory:
            file = Path(directory) / "rows.csv"
            yield file, write_rows(file, rows)
