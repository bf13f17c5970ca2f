"""Jobs as clients see them: the answer to creation has fewer keys than a poll, a change of state has fewer still.

Shapes as in recorded answers. Called by the routes.
"""

from typing import Any

from connector.localorg.bulk.jobs import IngestJob, Job, QueryJob
from connector.localorg.values import wire_datetime

PK_CHUNKED = frozenset(
    {
        "Account",
        "AccountTeamMember",
        "Asset",
        "Campaign",
        "CampaignMember",
        "Case",
        "Contact",
        "EmailMessage",
        "Event",
        "Lead",
        "Opportunity",
        "OpportunityContactRole",
        "OpportunityHistory",
        "OpportunityLineItem",
        "Product2",
        "Task",
        "User",
        "UserRole",
    }
)
_CHUNKING_SHOWN_FROM = 58


def show_core(job: Job) -> dict[str, Any]:
    """What every answer about a job has, and all that the answer to a change of state has (recorded)."""
    external = job.external_id if isinstance(job, IngestJob) else None
    shown = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.user_id,
        "createdDate": wire_datetime(job.created_at),
        "systemModstamp": wire_datetime(job.changed_at),
        "state": job.state,
        "externalIdFieldName": external,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
    }
    return {name: value for name, value in shown.items() if value is not None}


def show_created(job: Job) -> dict[str, Any]:
    """The answer to creation: without type and counts, which come with the first poll (recorded)."""
    return {**show_core(job), **_content_url(job), **_format(job)}


def show_listed(job: Job) -> dict[str, Any]:
    """A job in a list (documented)."""
    return {**show_core(job), "jobType": job.job_type, **_content_url(job), **_format(job)}


def show_polled(job: Job) -> dict[str, Any]:
    """The answer to a poll (recorded)."""
    chunking = {"isPkChunkingSupported": _is_chunked(job)} if float(job.version) >= _CHUNKING_SHOWN_FROM else {}
    error = {} if job.error is None else {"errorMessage": job.error}
    return {**show_listed(job), **_counts(job), **chunking, **error}


def _is_chunked(job: Job) -> bool:
    """Whether Salesforce splits a query of this object by ranges of ids (documented); this org never needs to."""
    whole_kinds = job.sobject.endswith(("__c", "History", "Share"))
    return isinstance(job, QueryJob) and (whole_kinds or job.sobject in PK_CHUNKED)


def _content_url(job: Job) -> dict[str, str]:
    if job.state != "Open":
        return {}
    return {"contentUrl": f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"}


def _format(job: Job) -> dict[str, str]:
    return {"lineEnding": job.dialect.ending_name, "columnDelimiter": job.dialect.delimiter_name}


def _counts(job: Job) -> dict[str, int]:
    """Counts and times.

    The org's clock stands still while a job runs, so times are estimates from the number of rows.
    """
    if isinstance(job, QueryJob):
        rows = 0 if job.spool is None else job.spool.count
        return {"numberRecordsProcessed": rows, "retries": 0, "totalProcessingTime": _milliseconds(rows)}
    assert isinstance(job, IngestJob)  # noqa: S101 - there are two kinds
    rows = len(job.outcomes)
    failed = sum(1 for o in job.outcomes if o.error)
    uploaded = job.upload is not None or job.state != "Open"
    numbers = {"numberRecordsProcessed": rows, "numberRecordsFailed": failed} if uploaded else {}
    times = {
        "retries": 0,
        "totalProcessingTime": 2 * _milliseconds(rows),
        "apiActiveProcessingTime": _milliseconds(rows),
        "apexProcessingTime": 0,
    }
    return {**numbers, **times}


def _milliseconds(rows: int) -> int:
    return 50 + rows // 10 if rows else 0
