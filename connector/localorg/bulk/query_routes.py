"""Routes of query jobs (reference 3.1): create, list, poll, results page by page, abort, delete.

A job runs at its first poll, so that it can be aborted before; a fault can make it wait longer. Its result is what
the org held at that moment.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.localorg import errors
from connector.localorg.api.visit import Visit
from connector.localorg.api.wire import Call, Reply
from connector.localorg.bulk import answers, jobs, refusals
from connector.localorg.bulk.jobs import QueryJob, job_fault
from connector.localorg.bulk.render import compile_query, render_query
from connector.localorg.bulk.requests import (
    list_jobs,
    read_choice,
    read_dialect,
    read_job_body,
    read_number,
    require_version,
    send_csv,
)
from connector.localorg.bulk.spool import Spool

OLDEST_VERSION, OLDEST_PAGES_VERSION = 47.0, 58.0
PAGES_AT_ONCE = 5
_OPERATIONS = ("query", "queryAll")
_PROPERTIES = frozenset({"operation", "query", "contentType", "columnDelimiter", "lineEnding"})
_DELETABLE = jobs.ENDED
_FAILURE = "InternalServerError : Unable to process the query"


def create_query_job(visit: Visit, call: Call) -> Reply:
    """POST jobs/query"""
    require_version(visit, OLDEST_VERSION)
    body, bulk = read_job_body(call, _PROPERTIES), visit.org.bulk
    now = visit.org.clock.now()
    if not bulk.usage.left("query jobs", now):
        raise refusals.too_many_query_jobs()
    if not bulk.usage.left("result bytes", now):
        raise refusals.too_many_result_bytes()
    job = _read_job(visit, body)
    bulk.usage.spend("query jobs", 1, now)
    return Reply(200, answers.show_created(bulk.put(job)))


def _read_job(visit: Visit, body: Mapping[str, Any]) -> QueryJob:
    """A new job as its properties say; refuses SOQL that would fail, or that Bulk does not take."""
    operation, now = read_choice(body, "operation", _OPERATIONS), visit.org.clock.now()
    soql = body.get("query")
    if not isinstance(soql, str) or not soql:
        raise errors.OrgError(400, "MALFORMED_QUERY", "A query string has to be specified")
    plan = compile_query(visit.txn, soql, include_deleted=operation == "queryAll")
    return QueryJob(
        id=visit.org.bulk.new_id(visit.txn.pod),
        operation=operation,
        sobject=plan.definition.name,
        user_id=visit.user_id,
        version=visit.version,
        created_at=now,
        changed_at=now,
        state="UploadComplete",
        dialect=read_dialect(body),
        faults=jobs.job_faults(visit.row_faults),
        soql=soql,
    )


def list_query_jobs(visit: Visit, call: Call) -> Reply:
    """GET jobs/query"""
    require_version(visit, OLDEST_VERSION)
    return list_jobs(visit, call, "V2Query", "query")


def poll_query_job(visit: Visit, call: Call, job: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """GET jobs/query/ID"""
    return Reply(200, answers.show_polled(_look_at(visit, job)))


def _look_at(visit: Visit, job_id: str) -> QueryJob:
    """The job after one more look; one that an expiry fault struck is gone when it is done."""
    require_version(visit, OLDEST_VERSION)
    now, bulk = visit.org.clock.now(), visit.org.bulk
    job = bulk.find(QueryJob, job_id, now)
    looked = jobs.advance_job(job, lambda j: _run(visit, j), now)
    if looked.ended and job_fault(looked, "job_expired"):
        bulk.drop(looked)
        raise errors.resource_missing()
    return bulk.put(looked)


def _run(visit: Visit, job: QueryJob) -> QueryJob:
    """Run the query now as the user who made the job."""
    failure = job_fault(job, "job_failed")
    if job_fault(job, "job_aborted"):
        return replace(job, state="Aborted")
    if failure is not None:
        return replace(job, state="Failed", error=failure.message or _FAILURE)
    txn = replace(visit.txn, user_id=job.user_id, access=visit.org.access_of(job.user_id))
    try:
        plan = compile_query(txn, job.soql, include_deleted=job.operation == "queryAll")
    except errors.OrgError as error:
        return replace(job, state="Failed", error=f"{error.code} : {error.message}")
    spool = render_query(txn, plan, job.dialect)
    visit.txn.rows_read += spool.count
    visit.org.bulk.usage.spend("result bytes", spool.size, visit.org.clock.now())
    return replace(job, state="JobComplete", spool=spool)


def change_query_job(visit: Visit, call: Call, job: str) -> Reply:
    """PATCH jobs/query/ID {"state": "Aborted"}"""
    require_version(visit, OLDEST_VERSION)
    now, bulk = visit.org.clock.now(), visit.org.bulk
    found, state = bulk.find(QueryJob, job, now), call.json_object().get("state")
    if state != "Aborted":
        raise refusals.state_not_settable(state)
    if found.ended:
        raise refusals.transition_refused("Aborting", found.state)
    return Reply(200, answers.show_core(bulk.put(replace(found, state="Aborted", changed_at=now))))


def delete_query_job(visit: Visit, call: Call, job: str) -> Reply:  # noqa: ARG001 - routes share one signature
    """DELETE jobs/query/ID, once it has ended"""
    require_version(visit, OLDEST_VERSION)
    found = visit.org.bulk.find(QueryJob, job, visit.org.clock.now())
    if found.state not in _DELETABLE:
        raise refusals.delete_refused(found.state)
    visit.org.bulk.drop(found)
    return Reply(204)


# --- results


def read_query_results(visit: Visit, call: Call, job: str) -> Reply:
    """GET jobs/query/ID/results?maxRecords=N&locator=L : one page, with the header; empty before the job is complete"""
    spool = _complete_spool(visit, job, OLDEST_VERSION)
    if spool is None:
        return Reply(204)
    first = _read_locator(call, spool)
    page = spool.page(first, read_number(call, "maxRecords", default=spool.count or 1))
    headers = {
        "Sforce-NumberOfRecords": str(page.rows),
        "Sforce-Locator": "null" if page.after >= spool.count else _locator(page.after),
    }
    return send_csv(call, lambda: spool.read(page), headers)


def list_result_pages(visit: Visit, call: Call, job: str) -> Reply:
    """GET jobs/query/ID/resultPages : up to five pages at a time, to be read in parallel"""
    spool = _complete_spool(visit, job, OLDEST_PAGES_VERSION)
    if spool is None:
        return Reply(204)
    base, first = f"{visit.base}/jobs/query/{job}", _read_locator(call, spool)
    urls: list[dict[str, str]] = []
    while first < spool.count and len(urls) < PAGES_AT_ONCE:
        urls.append({"resultUrl": f"{base}/results?locator={_locator(first)}"})
        first = spool.page(first).after
    done = first >= spool.count
    more = {} if done else {"nextRecordsUrl": f"{base}/resultPages?locator={_locator(first)}"}
    body: dict[str, Any] = {"resultPages": urls, **more, "done": done}
    return Reply(200, body)


def _complete_spool(visit: Visit, job_id: str, oldest: float) -> Spool | None:
    """The result, or nothing while there is none; asking is a look at the job too."""
    require_version(visit, oldest)
    job = visit.org.bulk.find(QueryJob, job_id, visit.org.clock.now())
    if job.version != visit.version:
        raise refusals.other_version(visit.version, job.version)
    if not job.ended:
        _look_at(visit, job_id)
    if job.spool is None and visit.txn.switches.bulk_early_results == "refused":
        raise refusals.no_results_yet(job.state)
    return job.spool


def _locator(row: int) -> str:
    """An opaque name for the page that begins with a row; stays the same as long as the job exists."""
    return urlsafe_b64encode(str(row).encode()).decode().rstrip("=")


def _read_locator(call: Call, spool: Spool) -> int:
    text = call.query.get("locator")
    if not text:
        return 0
    try:
        row = int(urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)))
    except ValueError:
        raise errors.locator_invalid() from None
    if not 0 <= row < spool.count:
        raise errors.locator_invalid()
    return row
