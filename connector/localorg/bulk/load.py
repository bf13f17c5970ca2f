"""Runs an ingest job: rows in chunks of 200 through writes.py, the path of every other write (reference 3.2).

A refused row costs its neighbours nothing; only an Apex limit takes its chunk with it. Called by ingest_routes.py,
inside one transaction of the org.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from connector.localorg import errors, validation, writes
from connector.localorg.bulk import refusals
from connector.localorg.bulk.columns import Columns, check_sizes, read_columns, unreadable_cell
from connector.localorg.bulk.dialect import read_table
from connector.localorg.bulk.jobs import IngestJob, Outcome, job_fault
from connector.localorg.bulk.usage import ROWS_PER_BATCH
from connector.localorg.definitions import ObjectDef
from connector.localorg.faults import chunk_refusal, row_refusal
from connector.localorg.ids import to_id18
from connector.localorg.transaction import Transaction

CHUNK = 200
_FAILURE = "InternalServerError : Unable to process the batch. Batch will not be retried."
_BY_ID = frozenset({"update", "delete", "hardDelete"})

Body = Mapping[str, Any]
Write = Callable[[Body], tuple[str, bool]]
"""Writes one row and returns the id of its record and whether it is new; raises OrgError."""


@dataclass(frozen=True, slots=True)
class _Load:
    """One run of one job."""

    txn: Transaction
    job: IngestJob
    definition: ObjectDef
    columns: Columns
    rows: Sequence[Sequence[str]]


def run_ingest(txn: Transaction, job: IngestJob, batches: int) -> IngestJob:
    """Write the rows of a job and return it with what became of each; faults and bad files end it early.

    `batches` of the day are left: rows beyond them stay unprocessed, and the job has failed.
    """
    if job_fault(job, "job_aborted"):
        return replace(_with_table(job), state="Aborted")
    try:
        job = replace(job, table=read_table(job.upload or b"", job.dialect))
        load = _prepare(txn, job)
    except refusals.JobFailedError as failed:
        return replace(job, state="Failed", error=str(failed))
    fault, most = job_fault(job, "job_failed"), batches * ROWS_PER_BATCH
    outcomes = tuple(_write_rows(load, most if fault is None else min(fault.after_rows, most)))
    if fault is not None:
        return replace(job, state="Failed", error=fault.message or _FAILURE, outcomes=outcomes)
    if len(outcomes) < len(load.rows):
        return replace(job, state="Failed", error=refusals.batches_used_up(), outcomes=outcomes)
    return replace(job, state="JobComplete", outcomes=outcomes)


def _with_table(job: IngestJob) -> IngestJob:
    """The job with its rows, as far as they can be read, for the list of those that were not processed."""
    try:
        return replace(job, table=read_table(job.upload or b"", job.dialect))
    except refusals.JobFailedError:
        return job


def abort_ingest(job: IngestJob) -> IngestJob:
    """End a job before it ran; all of its rows remain unprocessed."""
    return replace(_with_table(job), state="Aborted")


def _prepare(txn: Transaction, job: IngestJob) -> _Load:
    """Understand the header, and see that it has the column which the operation needs."""
    assert job.table is not None  # noqa: S101 - read just before
    definition = txn.schema.get(job.sobject)
    columns = read_columns(txn, definition, job.table.names)
    needed = "Id" if job.operation in _BY_ID else job.external_id
    if needed is not None and not columns.has(needed):
        raise refusals.column_missing(needed)
    if job.operation == "insert" and columns.has("Id"):
        raise refusals.column_missing("Id")
    if job.operation in ("delete", "hardDelete") and len(columns.columns) > 1:
        raise refusals.column_too_much(next(n for n in job.table.names if n.lower() != "id"))
    check_sizes(columns, job.table)
    return _Load(txn, job, definition, columns, job.table.rows)


def _write_rows(load: _Load, most: int) -> Iterator[Outcome]:
    rows = islice(load.rows, most)
    while chunk := list(islice(rows, CHUNK)):
        yield from _write_chunk(load, chunk)


def _write_chunk(load: _Load, chunk: Sequence[Sequence[str]]) -> Iterator[Outcome]:
    bodies = [load.columns.body(cells) for cells in chunk]
    texts = [json.dumps(b, ensure_ascii=False) for b in bodies] if load.job.row_faults else [""] * len(bodies)
    struck = next((e for f in load.job.row_faults if (e := chunk_refusal(f, texts)) is not None), None)
    write = _WRITERS[load.job.operation](load)
    for cells, body, text in zip(chunk, bodies, texts, strict=True):
        yield _write_row(load, write, cells, body, struck or _row_struck(load, text))


def _row_struck(load: _Load, text: str) -> errors.OrgError | None:
    return next((e for f in load.job.row_faults if (e := row_refusal(f, text)) is not None), None)


def _write_row(load: _Load, write: Write, cells: Sequence[str], body: Body, struck: errors.OrgError | None) -> Outcome:
    try:
        if struck is not None:
            raise struck
        with load.txn.savepoint():
            record_id, created = write(body)
        return Outcome(record_id, created, "", cells)
    except errors.RequestMalformedError as error:
        return _refused(load, unreadable_cell(load.definition, body) or error, cells, body)
    except errors.OrgError as error:
        return _refused(load, errors.reference_missing() if error.code == "NOT_FOUND" else error, cells, body)


def _refused(load: _Load, error: errors.OrgError, cells: Sequence[str], body: Body) -> Outcome:
    given = body.get("Id") if load.job.operation in _BY_ID else None
    return Outcome((given and to_id18(given)) or "", False, error_text(error), cells)


def error_text(error: errors.OrgError) -> str:
    """A refusal as sf__Error has it: `CODE:message:FieldA FieldB --` (recorded)."""
    fields = f"{' '.join(error.fields)} " if error.fields else ""
    return f"{error.code}:{error.message}:{fields}--"


# --- one row, by operation


def _insert(load: _Load) -> Write:
    def write(body: Body) -> tuple[str, bool]:
        return writes.create_one(load.txn, load.definition, load.columns.new_body(body)), True

    return write


def _update(load: _Load) -> Write:
    take = _id_taker(load, "update")

    def write(body: Body) -> tuple[str, bool]:
        record_id = take(body)
        writes.update_one(load.txn, load.definition, record_id, {n: v for n, v in body.items() if n != "Id"})
        return record_id, False

    return write


def _upsert(load: _Load) -> Write:
    key = load.definition.fields[str(load.job.external_id).lower()]
    seen: set[str] = set()

    def write(body: Body) -> tuple[str, bool]:
        value = body.get(key.name)
        if value is not None and str(value).casefold() in seen:
            raise errors.duplicate_external_id(key.name, value)
        seen.add(str(value).casefold())
        rest = {n: v for n, v in body.items() if n != "Id" or key.name != "Id"}
        return writes.upsert_one(load.txn, load.definition, key, value, rest, load.columns.new_body(rest))

    return write


def _delete(load: _Load) -> Write:
    take = _id_taker(load, load.job.operation)
    remove = writes.purge_one if load.job.operation == "hardDelete" else writes.delete_one

    def write(body: Body) -> tuple[str, bool]:
        record_id = take(body)
        remove(load.txn, load.definition, record_id)
        return record_id, False

    return write


def _id_taker(load: _Load, verb: str) -> Callable[[Body], str]:
    """Reads the id of a row; the same one twice in a chunk is refused, as in collections."""
    seen: set[str] = set()

    def take(body: Body) -> str:
        given = body.get("Id")
        if given is None:
            raise errors.OrgError(400, "MISSING_ARGUMENT", f"Id not specified in an {verb} call", ["Id"])
        record_id = validation.read_record_id(load.definition, given)
        if record_id in seen:
            raise errors.OrgError(400, "DUPLICATE_VALUE", f"Duplicate id specified: {record_id}", ["Id"])
        seen.add(record_id)
        return record_id

    return take


_WRITERS: Mapping[str, Callable[[_Load], Write]] = {
    "insert": _insert,
    "update": _update,
    "upsert": _upsert,
    "delete": _delete,
    "hardDelete": _delete,
}
