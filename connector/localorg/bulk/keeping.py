"""Bulk jobs as text, so that they travel with a snapshot of the org: a copy goes on where the original stood.

Called by org.py. Results and uploads are bytes and go as base64.
"""

import json
from array import array
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from itertools import pairwise
from typing import Any

from connector.localorg.bulk.dialect import Dialect, Table
from connector.localorg.bulk.jobs import BulkJobs, IngestJob, Job, Outcome, QueryJob
from connector.localorg.bulk.spool import Spool, write_spool
from connector.localorg.bulk.usage import Usage
from connector.localorg.faults import Fault
from connector.localorg.storage import Store

_KEY = "jobs"
_KINDS: Mapping[str, type[Job]] = {"V2Query": QueryJob, "V2Ingest": IngestJob}


def image_with_jobs(store: Store, jobs: BulkJobs) -> bytes:
    """The image of an org's database with its jobs in it; the database itself goes on without them."""
    store.set_meta(_KEY, pack_jobs(jobs))
    try:
        return store.image()
    finally:
        store.set_meta(_KEY, "")


def kept_jobs(store: Store) -> BulkJobs:
    """The jobs that came with an image; an org in a file has none."""
    return unpack_jobs(store.get_meta(_KEY))


def pack_jobs(jobs: BulkJobs) -> str:
    """All jobs, and what was used of the day's allocations, as text."""
    usage = [[at.isoformat(), what, amount] for at, what, amount in jobs.usage.entries]
    kept = [{"kind": job.job_type, **_pack_fields(job)} for job in jobs.kept.values()]
    return json.dumps({"made": jobs.made, "usage": usage, "kept": kept})


def _pack_fields(value: Any) -> dict[str, Any]:
    return {f.name: _pack(getattr(value, f.name)) for f in fields(value)}


def unpack_jobs(text: str | None) -> BulkJobs:
    """Read the text back; no text is no jobs."""
    if not text:
        return BulkJobs()
    raw = json.loads(text)
    usage = Usage([(datetime.fromisoformat(at), what, amount) for at, what, amount in raw["usage"]])
    kept = [_unpack_job(job) for job in raw["kept"]]
    return BulkJobs({job.id: job for job in kept}, usage, raw["made"])


def _pack(value: Any) -> Any:
    """A value of a job as JSON values."""
    match value:
        case bytes():
            return b64encode(value).decode()
        case datetime():
            return value.isoformat()
        case Spool():
            return {"header": _pack(value.header), "rows": _pack(value.read_rows()), "ends": list(value.ends)}
        case Fault() | Dialect() | Table() | Outcome():
            return _pack_fields(value)
        case list() | tuple():
            return [_pack(v) for v in value]
    return value


def _unpack_job(raw: dict[str, Any]) -> Job:
    kind = _KINDS[raw.pop("kind")]
    return kind(**{name: _UNPACK[name](v) if name in _UNPACK and v is not None else v for name, v in raw.items()})


def _unpack_spool(raw: Mapping[str, Any]) -> Spool:
    header, rows, ends = b64decode(raw["header"]), b64decode(raw["rows"]), array("Q", raw["ends"])
    return write_spool(header, [[rows[a:b] for a, b in pairwise(ends)]])


def _unpack_table(raw: Mapping[str, Any]) -> Table:
    return Table(raw["header"], tuple(raw["names"]), tuple(raw["rows"]))


def _unpack_faults(raw: list[dict[str, Any]]) -> tuple[Fault, ...]:
    return tuple(Fault(**f) for f in raw)


def _unpack_outcomes(raw: list[dict[str, Any]]) -> tuple[Outcome, ...]:
    return tuple(Outcome(**o) for o in raw)


_UNPACK: Mapping[str, Any] = {
    "created_at": datetime.fromisoformat,
    "changed_at": datetime.fromisoformat,
    "dialect": lambda raw: Dialect(**raw),
    "faults": _unpack_faults,
    "row_faults": _unpack_faults,
    "outcomes": _unpack_outcomes,
    "table": _unpack_table,
    "spool": _unpack_spool,
    "upload": b64decode,
}
