"""Routes of ingest jobs (reference 3.2): create, upload once, close or abort, poll, result files, delete.

A job runs when it is closed, and a poll tells of it; a fault can make it wait for polls instead.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.localorg import errors
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.bulk import answers, jobs, refusals
from connector.localorg.bulk.jobs import IngestJob, job_fault
from connector.localorg.bulk.load import abort_ingest, run_ingest
from connector.localorg.bulk.requests import (
    list_jobs,
    read_choice,
    read_dialect,
    read_job_body,
    require_version,
    send_csv,
    split_parts,
)
from connector.localorg.bulk.results import RESULT_FILES
from connector.localorg.bulk.usage import batches_of
from connector.localorg.definitions import ObjectDef

OLDEST_VERSION = 41.0
MOST_MULTIPART = 100_000
_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_PROPERTIES = frozenset(
    {
        "object",
        "operation",
        "externalIdFieldName",
        "contentType",
        "columnDelimiter",
        "lineEnding",
        "assignmentRuleId",
    }
)
_DELETABLE = frozenset({"UploadComplete", *jobs.ENDED})


def create_ingest_job(visit: Visit, call: Call) -> Reply:
    """POST jobs/ingest; as multipart the job brings its rows along, and is closed at once"""
    require_version(visit, OLDEST_VERSION)
    described, rows = split_parts(call)
    job = _read_job(visit, read_job_body(described, _PROPERTIES))
    if rows is None:
        return Reply(200, answers.show_created(_struck(visit, job)))
    if len(rows) > MOST_MULTIPART:
        raise refusals.upload_too_large(len(rows), MOST_MULTIPART)
    return Reply(200, answers.show_created(_run_closed(visit, replace(job, upload=rows))))


def _read_job(visit: Visit, body: Mapping[str, Any]) -> IngestJob:
    """A new job as its properties say; refuses those that no job of this org can have."""
    operation, now = read_choice(body, "operation", _OPERATIONS), visit.org.clock.now()
    definition = _find_object(visit, body.get("object"))
    if operation == "hardDelete" and not visit.txn.switches.bulk_hard_delete:
        raise refusals.hard_delete_not_allowed()
    if body.get("assignmentRuleId") is not None:
        raise refusals.assignment_rule_missing(body["assignmentRuleId"])
    return IngestJob(
        id=visit.org.bulk.new_id(visit.txn.pod),
        operation=operation,
        sobject=definition.name,
        user_id=visit.user_id,
        version=visit.version,
        created_at=now,
        changed_at=now,
        state="Open",
        dialect=read_dialect(body),
        faults=jobs.job_faults(visit.row_faults),
        external_id=_read_external_id(visit, definition, body) if operation == "upsert" else None,
    )


def _find_object(visit: Visit, name: object) -> ObjectDef:
    found = visit.org.schema.find(name) if isinstance(name, str) else None
    if found is None or not visit.txn.access.sees_object(found):
        raise refusals.entity_missing(str(name))
    return found


def _read_external_id(visit: Visit, definition: ObjectDef, body: Mapping[str, Any]) -> str:
    name = body.get("externalIdFieldName")
    found = visit.txn.access.field(definition, name) if isinstance(name, str) else None
    if found is None or not (found.external_id or found.id_lookup):
        raise refusals.external_id_missing(name)
    return found.name


def _struck(visit: Visit, job: IngestJob) -> IngestJob:
    """Remember the job with the row faults that struck this request: they strike its rows when it runs."""
    more = (f for f in visit.row_faults if f not in job.faults)
    return visit.org.bulk.put(replace(job, row_faults=(*job.row_faults, *more)))


def list_ingest_jobs(visit: Visit, call: Call) -> Reply:
    """GET jobs/ingest"""
    require_version(visit, OLDEST_VERSION)
    return list_jobs(visit, call, "V2Ingest", "ingest")


def upload_rows(visit: Visit, call: Call, job: str) -> Reply:
    """PUT jobs/ingest/ID/batches: the one upload of a job; its rows are not looked at yet"""
    found = _find(visit, job)
    if found.state != "Open":
        raise refusals.transition_refused("Uploading to", found.state)
    if found.upload is not None:
        raise refusals.second_upload(found.id)
    content_type = call.header("content-type")
    if not content_type.lower().startswith("text/csv"):
        raise refusals.upload_not_csv(content_type)
    size = -(-len(call.raw) // 3) * 4
    if size > refusals.LARGEST_UPLOAD:
        raise refusals.upload_too_large(size, refusals.LARGEST_UPLOAD)
    _struck(visit, replace(found, upload=call.raw))
    return Reply(201)


def change_ingest_job(visit: Visit, call: Call, job: str) -> Reply:
    """PATCH jobs/ingest/ID {"state": "UploadComplete"} or {"state": "Aborted"}"""
    found, state, now = _find(visit, job), call.json_object().get("state"), visit.org.clock.now()
    if state == "UploadComplete":
        return _close(visit, found)
    if state != "Aborted":
        raise refusals.state_not_settable(state)
    if found.ended:
        raise refusals.transition_refused("Aborting", found.state)
    return Reply(200, answers.show_core(visit.org.bulk.put(abort_ingest(replace(found, changed_at=now)))))


def _close(visit: Visit, job: IngestJob) -> Reply:
    """Close a job, which runs now unless a fault holds it; the answer says what it was told to become."""
    if job.state != "Open":
        raise refusals.transition_refused("Closing", job.state)
    return Reply(200, answers.show_core(_run_closed(visit, job)))


def _run_closed(visit: Visit, job: IngestJob) -> IngestJob:
    """Close a job and have it run; returns what it was just before."""
    visit.is_write = True
    closed = _struck(visit, replace(job, state="UploadComplete", changed_at=visit.org.clock.now()))
    if not any(f.kind in ("job_queued", "job_slow") for f in closed.faults):
        _look_at(visit, closed)
    return closed


def poll_ingest_job(visit: Visit, call: Call, job: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET jobs/ingest/ID"""
    looked = _look_at(visit, _find(visit, job))
    if looked.ended and job_fault(looked, "job_expired"):
        visit.org.bulk.drop(looked)
        raise errors.resource_missing()
    return Reply(200, answers.show_polled(looked))


def _find(visit: Visit, job_id: str) -> IngestJob:
    require_version(visit, OLDEST_VERSION)
    return visit.org.bulk.find(IngestJob, job_id, visit.org.clock.now())


def _look_at(visit: Visit, job: IngestJob) -> IngestJob:
    return visit.org.bulk.put(jobs.advance_job(job, lambda j: _run(visit, j), visit.org.clock.now()))


def _run(visit: Visit, job: IngestJob) -> IngestJob:
    """Run the job as the user who made it, whoever looks at it."""
    usage, now = visit.org.bulk.usage, visit.org.clock.now()
    txn = replace(visit.txn, user_id=job.user_id, access=visit.org.access_of(job.user_id))
    done = run_ingest(txn, job, usage.left("batches", now))
    usage.spend("batches", batches_of(len(done.outcomes)), now)
    visit.txn.rows_written = txn.rows_written
    return done


def read_result_file(visit: Visit, call: Call, job: str, file: str) -> Reply:
    """GET jobs/ingest/ID/successfulResults, failedResults or unprocessedrecords; 204 before the job has ended"""
    found, write = _find(visit, job), RESULT_FILES.get(file.lower())
    if write is None:
        raise errors.resource_missing()
    if not found.ended:
        return Reply(204)
    return send_csv(call, lambda: write(found))


def delete_ingest_job(visit: Visit, call: Call, job: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """DELETE jobs/ingest/ID, once it has been closed"""
    found = _find(visit, job)
    if found.state not in _DELETABLE:
        raise refusals.delete_refused(found.state)
    visit.org.bulk.drop(found)
    return Reply(204)
