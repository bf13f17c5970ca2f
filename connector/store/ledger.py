"""The ledger: what we did and saw, in one SQLite file. Losing it loses reports, undo and trends, never the truth.

Owned by run.py, which opens it and hands it to apply; report and the command line read it. Evaluate and plan
never do. One process writes, many read meanwhile (WAL). Every write is one transaction that is on disk when the
method returns: "sent" must be known before the request leaves.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from connector.data import Change, Outcome, Plan, Value
from connector.errors import ConnectorError, FixFirst, RetryLater
from connector.store import change_json, lease, process
from connector.store.lease import Lease

RunStatus = Literal["running", "done", "failed", "refused", "stopped", "interrupted"]
"""`refused`: limits or approval; `stopped`: asked to end between two batches; `interrupted`: the process died."""


@dataclass(frozen=True)
class RunRow:
    """One execution of a job, as the list of runs shows it."""

    id: int
    org: str
    job: str
    status: RunStatus
    started: datetime
    finished: datetime | None
    as_of: datetime | None
    exit_code: int | None
    dry_run: bool
    policy: str
    mapping_digest: str
    report: Mapping[str, Any] | None
    api_calls: Mapping[str, int]


@dataclass(frozen=True)
class ChangeRow:
    """One planned change and what became of it."""

    run: int
    change: Change
    outcome: Outcome
    sent: datetime | None
    settled: datetime | None


class Ledger:
    """An open ledger. One per thread; a context manager."""

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    @classmethod
    def open(cls, path: Path | str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Self:
        """Opens or creates the file (mode 0600) and brings its schema up to date.

        Raises FixFirst for a file or folder that cannot be used, RetryLater when others keep the file locked.
        """
        try:
            _create_private(Path(path))
            ledger = cls(_connect(path), clock)
            ledger._migrate(str(path))
        except (OSError, sqlite3.DatabaseError) as error:
            raise _cannot_open(path, error) from error
        return ledger

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- one writer per org -------------------------------------------------------------------------------

    def acquire(self, org: str, holder: str, ttl: timedelta = timedelta(minutes=10)) -> Lease:
        """The right to write to `org`; RetryLater when another run that is alive has it."""
        with self._write() as db:
            return lease.acquire(db, org, holder, ttl, self._clock())

    def check(self, held: Lease) -> Lease:
        """Proves just before a write that the lease is still ours, and renews it; RetryLater when it is not."""
        with self._write() as db:
            return lease.renew(db, held, self._clock())

    renew = check

    def release(self, held: Lease) -> None:
        with self._write() as db:
            lease.release(db, held, self._clock())

    def claim_tick(self, job: str, tick: datetime) -> bool:
        """True for the one caller that may run `job` for `tick`, whatever other schedulers do."""
        with self._write() as db:
            sql = "INSERT OR IGNORE INTO ticks (job, tick, claimed) VALUES (?, ?, ?)"
            return db.execute(sql, (job, _time(tick), _time(self._clock()))).rowcount == 1

    def last_tick(self, job: str) -> datetime | None:
        """The latest tick of `job` that somebody claimed."""
        row = self._db.execute("SELECT max(tick) AS tick FROM ticks WHERE job = ?", (job,)).fetchone()
        return _read_time(row["tick"])

    # --- runs ---------------------------------------------------------------------------------------------

    def start_run(
        self, job: str, *, org: str = "", mapping_digest: str = "", policy: str = "", dry_run: bool = False,
        as_of: datetime | None = None, held: Lease | None = None,
    ) -> int:  # fmt: skip
        """Records that this process runs `job`; the run shows as interrupted should the process die."""
        row = {
            "org": org, "job": job, "mapping_digest": mapping_digest, "policy": policy, "dry_run": dry_run,
            "as_of": _time(as_of), "started": _time(self._clock()), "status": "running",
            "process": process.identity(), "token": held.token if held else None,
        }  # fmt: skip
        with self._write() as db:
            return int(_insert(db, "runs", row).lastrowid or 0)

    def describe_run(self, run_id: int, *, as_of: datetime, mapping_digest: str = "") -> None:
        """Adds what is known only after the pull."""
        with self._write() as db:
            sql = "UPDATE runs SET as_of = ?, mapping_digest = coalesce(nullif(?, ''), mapping_digest) WHERE id = ?"
            db.execute(sql, (_time(as_of), mapping_digest, run_id))

    def finish_run(
        self, run_id: int, status: RunStatus, exit_code: int, report: Mapping[str, Any] | None = None,
        api_calls: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Ends the run; `report` is its JSON, `api_calls` the calls that it spent by kind."""
        text = json.dumps(report, ensure_ascii=False, default=str) if report is not None else None
        with self._write() as db:
            sql = "UPDATE runs SET status = ?, exit_code = ?, report = ?, finished = ? WHERE id = ?"
            db.execute(sql, (status, exit_code, text, _time(self._clock()), run_id))
            calls = [(run_id, kind, count) for kind, count in (api_calls or {}).items()]
            db.executemany("INSERT OR REPLACE INTO api_calls (run, kind, calls) VALUES (?, ?, ?)", calls)

    def runs(self, limit: int = 20) -> tuple[RunRow, ...]:
        """The latest runs, newest first."""
        rows = self._db.execute(f"{_RUNS} ORDER BY r.id DESC LIMIT ?", (limit,)).fetchall()
        return tuple(self._read_run(r) for r in rows)

    def run(self, run_id: int) -> RunRow | None:
        row = self._db.execute(f"{_RUNS} WHERE r.id = ?", (run_id,)).fetchone()
        return self._read_run(row) if row else None

    # --- changes ------------------------------------------------------------------------------------------

    def record_plan(self, run_id: int, plan: Plan) -> None:
        """Stores every change as planned, in the order of the plan."""
        with self._write() as db:
            for position, change in enumerate(plan.changes):
                _insert(db, "changes", _change_row(run_id, position, change))

    def mark_sent(self, run_id: int, changes: Sequence[str], held: Lease) -> None:
        """Says, before the request leaves, that these changes are under way; RetryLater if the lease is lost."""
        now = self._clock()
        with self._write() as db:
            lease.renew(db, held, now)
            sql = "UPDATE changes SET status = 'sent', sent = ? WHERE run = ? AND id = ?"
            db.executemany(sql, [(_time(now), run_id, c) for c in changes])

    def record_outcomes(self, run_id: int, outcomes: Iterable[Outcome]) -> None:
        """Stores what became of changes of this run, as soon as it is known."""
        now = _time(self._clock())
        sql = (
            "UPDATE changes SET status = ?, code = ?, message = ?, settled = ?, "
            "outcome_record = coalesce(?, outcome_record) WHERE run = ? AND id = ?"
        )
        rows = [(o.status, o.code, o.message, now, o.record, run_id, o.change) for o in outcomes]
        with self._write() as db:
            db.executemany(sql, rows)

    def changes(self, run_id: int) -> tuple[ChangeRow, ...]:
        """The changes of a run in the order of the plan, each with its outcome so far."""
        rows = self._db.execute("SELECT * FROM changes WHERE run = ? ORDER BY position", (run_id,))
        return tuple(_read_change(r) for r in rows)

    def unsettled(self, org: str) -> tuple[ChangeRow, ...]:
        """Changes of earlier runs on `org` that were sent and never answered: the next pull settles them."""
        sql = (
            "SELECT c.* FROM changes c JOIN runs r ON r.id = c.run "
            "WHERE r.org = ? AND c.status IN ('sent', 'unknown') ORDER BY c.run, c.position"
        )
        return tuple(_read_change(r) for r in self._db.execute(sql, (org,)))

    def created_before(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys whose record an earlier run created."""
        sql = "SELECT 1 FROM changes WHERE id = ? AND record IS NULL AND status IN ('applied', 'exists') LIMIT 1"
        return frozenset(k for k in keys if self._db.execute(sql, (k,)).fetchone())

    # --- facts --------------------------------------------------------------------------------------------

    def record_facts(self, model: str, day: date, rows: Iterable[tuple[str, str, Value]]) -> int:
        """Keeps (subject, fact, value) for facts that changed, one value a day; the day's last run wins."""
        sql = "INSERT OR REPLACE INTO facts (model, subject, fact, day, value) VALUES (?, ?, ?, ?, ?)"
        values = ((model, s, f, day.isoformat(), _fact_text(v)) for s, f, v in rows)
        with self._write() as db:
            return db.executemany(sql, values).rowcount

    def facts(self, model: str, subject: str, day: date) -> dict[str, str | None]:
        """Every fact of a subject as it stood on `day`, as text; None is unknown."""
        sql = "SELECT fact, value, max(day) FROM facts WHERE model = ? AND subject = ? AND day <= ? GROUP BY fact"
        return {r["fact"]: r["value"] for r in self._db.execute(sql, (model, subject, day.isoformat()))}

    # --- inside -------------------------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _migrate(self, path: str) -> None:
        steps = _migrations()
        if _version(self._db) == len(steps):
            return
        with self._write() as db:  # another process may be at it: the version is read again under the lock
            found = _version(db)
            if found > len(steps):
                raise FixFirst(
                    f"{path} was written by a newer version of the connector (format {found}, this one knows "
                    f"{len(steps)}). Install that version, or point [store] to another directory."
                )
            for step in steps[found:]:
                for statement in _statements(step):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(steps)}")

    def _read_run(self, row: sqlite3.Row) -> RunRow:
        calls = self._db.execute("SELECT kind, calls FROM api_calls WHERE run = ? ORDER BY kind", (row["id"],))
        return RunRow(
            id=row["id"], org=row["org"], job=row["job"], status=self._status(row), policy=row["policy"],
            started=datetime.fromisoformat(row["started"]), finished=_read_time(row["finished"]),
            as_of=_read_time(row["as_of"]), exit_code=row["exit_code"], dry_run=bool(row["dry_run"]),
            mapping_digest=row["mapping_digest"], report=json.loads(row["report"]) if row["report"] else None,
            api_calls={c["kind"]: c["calls"] for c in calls},
        )  # fmt: skip

    def _status(self, row: sqlite3.Row) -> RunStatus:
        """As recorded, unless the process ended without a word or somebody took its lease over."""
        if row["status"] != "running":
            return row["status"]  # type: ignore[no-any-return]
        gone = process.is_gone(row["process"])
        if gone is None:  # another machine: only the lease can tell
            gone = row["lease_until"] is None or datetime.fromisoformat(row["lease_until"]) <= self._clock()
        taken_over = row["token"] is not None and row["lease_until"] is None
        return "interrupted" if gone or taken_over else "running"


_RUNS = "SELECT r.*, l.until AS lease_until FROM runs r LEFT JOIN leases l ON l.org = r.org AND l.token = r.token"


def _connect(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _cannot_open(path: Path | str, error: Exception) -> ConnectorError:
    if "locked" in str(error):
        return RetryLater(f"Another process keeps {path} locked ({error}). Wait until it has ended, then run again.")
    return FixFirst(
        f"{path} cannot be used ({error}). Check the folder's owner, rights and free space; if the file is damaged, "
        "put the latest backup in its place, or move it away: that loses reports, nothing in the org."
    )


def _create_private(path: Path) -> None:
    """SQLite gives its side files the mode of the main one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _migrations() -> list[str]:
    folder = resources.files("connector.store") / "schema" / "ledger"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [f.read_text(encoding="utf-8") for f in files]


def _statements(script: str) -> Iterator[str]:
    """One by one, because executescript would end our transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _insert(db: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> sqlite3.Cursor:
    names = ", ".join(f'"{n}"' for n in row)
    return db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


def _change_row(run_id: int, position: int, change: Change) -> dict[str, Any]:
    return {
        "run": run_id, "id": change.id, "position": position, "kind": change.kind, "model": change.model,
        "sobject": change.sobject, "record": change.record, "subject": change.subject,
        "subject_name": change.subject_name, "before": change_json.values_to_json(change.before),
        "after": change_json.values_to_json(change.after), "because": change_json.reason_to_json(change.because),
        "key_field": change.key_field, "guards": change_json.guards_to_json(change.guards),
        "depends_on": json.dumps(change.depends_on), "from_stage": change.from_stage, "to_stage": change.to_stage,
        "owner": change.owner, "money": None if change.money is None else str(change.money), "status": "planned",
    }  # fmt: skip


def _read_change(row: sqlite3.Row) -> ChangeRow:
    change = Change(
        id=row["id"], kind=row["kind"], model=row["model"], sobject=row["sobject"], record=row["record"],
        subject=row["subject"], subject_name=row["subject_name"],
        before=change_json.values_from_json(row["before"]), after=change_json.values_from_json(row["after"]),
        because=change_json.reason_from_json(row["because"]), key_field=row["key_field"],
        guards=change_json.guards_from_json(row["guards"]), depends_on=tuple(json.loads(row["depends_on"])),
        from_stage=row["from_stage"], to_stage=row["to_stage"], owner=row["owner"],
        money=None if row["money"] is None else Decimal(row["money"]),
    )  # fmt: skip
    outcome = Outcome(row["id"], row["status"], row["outcome_record"], row["code"], row["message"])
    return ChangeRow(row["run"], change, outcome, _read_time(row["sent"]), _read_time(row["settled"]))


def _fact_text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None


def _read_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
