"""Readings of several pages: what has arrived is kept, so that a pull that was killed goes on with the next page.

Called by pull. A reading collects its rows beside the object's table and takes its place, or is merged into it, when
all of it is here and counted. Each page is committed together with the way to the next one.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from connector.describe import ObjectDescribe
from connector.errors import RetryLater
from connector.store import tables
from connector.store.mirror import Mirror, Unreadable
from connector.store.spool import name
from connector.store.tables import Purpose, aware, incoming, naive


class Miscounted(RetryLater):
    """The org announced another number of records than it sent."""


@dataclass(frozen=True)
class Reading:
    """One query whose answer comes in pages, and how far it has come."""

    sobject: str
    purpose: Purpose
    fields: tuple[str, ...]
    soql: str
    api_version: str
    begun: datetime
    """Org time of the run that began it."""
    cursor: datetime | None
    """How far the object is read when this is finished; None: no further than it was."""
    job: str = ""
    """Id of the Bulk job; '' for a query over REST."""
    locator: str = ""
    """The next page to ask for; '' for the first, and when there are no more."""
    announced: int | None = None
    """Number of records by what the org said, None until it did."""
    records: int = 0
    pages: int = 0

    @property
    def incoming(self) -> str:
        """The table that collects its rows."""
        return incoming(self.sobject, self.purpose)

    @property
    def is_over(self) -> bool:
        """No further page is to be asked for."""
        return self.pages > 0 and not self.locator


@dataclass(frozen=True)
class Difference:
    """Where mirror and org do not agree: ids of records."""

    missing: tuple[str, ...] = ()
    """The org has them, the mirror does not."""
    stale: tuple[str, ...] = ()
    """They changed in the org, and the mirror has not heard of it."""
    surplus: tuple[str, ...] = ()
    """The mirror has them, the org does not show them."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.stale or self.surplus)


class Readings:
    """The readings that are under way in one mirror; of an sObject at most one of its records, one of some of its
    columns and one of its ids."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def find(self, sobject: str, purpose: Purpose) -> Reading | None:
        """The reading of `sobject` that one for `purpose` would go on with, or take the place of."""
        into = incoming(sobject, purpose)
        return next((r for r in self.all() if r.incoming == into), None)

    def all(self) -> list[Reading]:
        rows = self._mirror.connection.execute(f"SELECT {_COLUMNS} FROM meta.readings ORDER BY sobject").fetchall()
        return [_read(row) for row in rows]

    def begin(self, reading: Reading, describe: ObjectDescribe) -> None:
        """Remember `reading` before its first page is stored; the one whose place it takes is forgotten."""
        self.discard(reading.sobject, reading.purpose)
        columns = tables.columns_of(describe, reading.fields)
        with self._mirror.transaction() as run:
            tables.create(run, reading.incoming, columns)
            run.execute(f"INSERT INTO meta.readings VALUES ({', '.join('?' * 12)})", _write(reading))

    def announce(self, reading: Reading, records: int) -> Reading:
        """The org has said how many records there are."""
        self._mirror.connection.execute(
            "UPDATE meta.readings SET announced = ? WHERE sobject = ? AND purpose = ?",
            [records, reading.sobject, reading.purpose],
        )
        return replace(reading, announced=records)

    def add_rows(self, reading: Reading, rows: Iterable[Sequence[Any]], next_locator: str) -> Reading:
        """Keep a page that came as rows, values in the order of the fields."""
        with self._mirror.spooled(rows) as (file, count):
            return self._add(reading, file, count, next_locator, header=False)

    def add_file(self, reading: Reading, file: Path, records: int, next_locator: str) -> Reading:
        """Keep a page that is a CSV file with a header.

        Miscounted unless it has as many `records`, Unreadable unless its columns are the fields, in their order.
        """
        if records and _header(file) != [f.lower() for f in reading.fields]:
            raise Unreadable("a page has other columns than were asked for")
        return self._add(reading, file, records, next_locator, header=True)

    def _add(self, reading: Reading, file: Path, records: int, next_locator: str, *, header: bool) -> Reading:
        sobject = reading.sobject
        kinds = tables.column_types(self._mirror.connection, tables.incoming_name(sobject, reading.purpose))
        columns = {f: kinds[f] for f in reading.fields}
        further = replace(
            reading, locator=next_locator, records=reading.records + records, pages=reading.pages + 1
        )  # fmt: skip

        def take_in(run: duckdb.DuckDBPyConnection, kinds: tables.Columns) -> None:
            found = tables.fill(run, reading.incoming, columns, file, kinds, header=header)
            if found != records:
                raise Miscounted(f"a page of {sobject} was announced with {records} records and has {found}")
            run.execute(
                "UPDATE meta.readings SET locator = ?, records = ?, pages = ? WHERE sobject = ? AND purpose = ?",
                [further.locator, further.records, further.pages, sobject, reading.purpose],
            )

        self._mirror.load(columns, take_in)
        return further

    def finish(self, reading: Reading) -> tuple[int, int]:
        """Take what was read in and move the cursor; (records read, deleted ones among them).

        Raises Miscounted, and forgets the reading, when there are not as many records as the org announced.
        """
        sobject, source = reading.sobject, reading.incoming
        if reading.records != reading.announced:
            self.discard(sobject, reading.purpose)
            raise Miscounted(f"the org announced {reading.announced} {sobject} records and sent {reading.records}")
        deleted = tables.count(self._mirror.connection, source, '"IsDeleted"')
        with self._mirror.transaction() as run:
            tables.take_in(run, sobject, source, reading.fields, reading.purpose)
            if reading.cursor is not None:
                tables.set_cursor(run, sobject, reading.cursor)
            _forget(self._mirror, reading)
        return reading.records, deleted

    def compare(self, reading: Reading, settled: datetime) -> Difference:
        """What a reading of all ids shows. Records that were stamped after `settled` (org time) may still be on their
        way to us and are no difference; what is gone was stamped before the reading was begun."""
        run, sobject, source = self._mirror.connection, reading.sobject, reading.incoming
        stamp = tables.stamp_in(reading.fields)
        told = f"new.{name(stamp)} < ?" if stamp else "? IS NOT NULL"
        held = f"old.{name(stamp)} < ?" if stamp else "? IS NOT NULL"
        newer = f"OR new.{name(stamp)} > old.{name(stamp)}" if stamp else ""
        not_older = f"AND new.{name(stamp)} >= old.{name(stamp)}" if stamp else ""

        def ids(sql: str, before: datetime) -> tuple[str, ...]:
            return tuple(str(row[0]) for row in run.execute(f"{sql} ORDER BY 1", [naive(before)]).fetchall())

        into = tables.table(sobject)
        return Difference(
            missing=ids(
                f'SELECT new."Id" FROM {source} AS new LEFT JOIN {into} AS old ON old."Id" = new."Id" '
                f'WHERE old."Id" IS NULL AND NOT new."IsDeleted" AND {told}',
                settled,
            ),
            stale=ids(
                f'SELECT new."Id" FROM {source} AS new JOIN {into} AS old ON old."Id" = new."Id" '
                f'WHERE (old."IsDeleted" <> new."IsDeleted" {not_older} {newer}) AND {told}',
                settled,
            ),
            surplus=ids(
                f'SELECT old."Id" FROM {into} AS old LEFT JOIN {source} AS new ON new."Id" = old."Id" '
                f'WHERE new."Id" IS NULL AND NOT old."IsDeleted" AND {held}',
                reading.begun,
            ),
        )

    def discard(self, sobject: str, purpose: Purpose) -> None:
        """Forget what has arrived of a reading; its Bulk job is then spent."""
        if reading := self.find(sobject, purpose):
            with self._mirror.transaction():
                _forget(self._mirror, reading)

    # --- Bulk jobs that the org may delete ----------------------------------------------------------------

    def spent_jobs(self) -> list[str]:
        rows = self._mirror.connection.execute("SELECT job FROM meta.spent_jobs").fetchall()
        return [str(row[0]) for row in rows]

    def job_is_gone(self, job: str) -> None:
        self._mirror.connection.execute("DELETE FROM meta.spent_jobs WHERE job = ?", [job])


_COLUMNS = (
    "sobject, purpose, fields, soql, api_version, begun, cursor, job, locator, announced, records, pages"
)  # fmt: skip


def _header(file: Path) -> list[str]:
    """The names in the first line, which DuckDB does not look at."""
    packed = file.suffix == ".gz"
    with gzip.open(file, "rt", encoding="utf-8") if packed else file.open(encoding="utf-8") as lines:
        return [column.lower() for column in next(csv.reader(lines), [])]


def _forget(mirror: Mirror, reading: Reading) -> None:
    run = mirror.connection
    run.execute(f"DROP TABLE IF EXISTS {reading.incoming}")
    run.execute("DELETE FROM meta.readings WHERE sobject = ? AND purpose = ?", [reading.sobject, reading.purpose])
    if reading.job:
        run.execute("INSERT INTO meta.spent_jobs VALUES (?)", [reading.job])


def _write(reading: Reading) -> list[Any]:
    return [
        reading.sobject, reading.purpose, json.dumps(reading.fields), reading.soql, reading.api_version,
        naive(reading.begun), reading.cursor and naive(reading.cursor), reading.job, reading.locator,
        reading.announced, reading.records, reading.pages,
    ]  # fmt: skip


def _read(row: Sequence[Any]) -> Reading:
    sobject, purpose, fields, soql, version, begun, cursor, job, locator, announced, records, pages = row
    return Reading(
        sobject, purpose, tuple(json.loads(fields)), soql, version, aware(begun), cursor and aware(cursor), job,
        locator, announced, records, pages,
    )  # fmt: skip
