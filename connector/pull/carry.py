"""Queries carried to their end: over REST or by a Bulk job, page after page, on from where an earlier run was killed.

Called by flow.py, proof.py and kin.py. One record says how a query ended; whatever concerns the whole run (no quota,
no login) is raised, and what was read so far stays for the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.describe import ObjectDescribe
from connector.errors import FixFirst, RetryLater
from connector.pull.rows import read_rows
from connector.pull.windows import ONE_PAGE, ORGANIZATION, ObjectQuery
from connector.salesforce import OrgClient, OrgRefused, Refusal, SubResponse
from connector.salesforce.budget import predict_calls
from connector.salesforce.bulk import NotByBulk
from connector.salesforce.errors import BeginAgain, error_for
from connector.salesforce.usage import spent_on
from connector.settings import PullSettings
from connector.store.mirror import Mirror, Unreadable
from connector.store.readings import Miscounted, Reading, Readings

Progress = Callable[[str], None]

REST_LASTS, BULK_LASTS = timedelta(days=2), timedelta(days=6)
"""Locators of REST queries live for two days, results of Bulk jobs for seven."""


@dataclass(frozen=True)
class Pulling:
    """What every part of one pull works with."""

    client: OrgClient
    mirror: Mirror
    readings: Readings
    as_of: datetime
    overlap: timedelta
    how: PullSettings
    progress: Progress

    def describe(self, sobject: str) -> ObjectDescribe:
        return self.mirror.describes()[sobject]


@dataclass(frozen=True)
class Ended:
    """How a query ended."""

    query: ObjectQuery
    read: int = 0
    deleted: int = 0
    reason: str = ""
    """Why it was not read to its end; '' when it was."""
    drift: Refusal | None = None
    """The org refused a field: our describe of the object is no longer true."""
    reading: Reading | None = None
    """Ids that were read to be compared; whoever asked for them discards it."""
    live: int | None = None
    """How many live records the org has, where that was asked."""

    @property
    def complete(self) -> bool:
        return not self.reason and self.drift is None


Begun = Ended | Reading
"""A query that is at its end, or has pages to come. None in its place: a Bulk job is the way."""


def carry(run: Pulling, queries: Sequence[ObjectQuery], expected: Mapping[str, int] | None = None) -> list[Ended]:
    """Carry one query per object to its end, in the order of `queries`.

    `expected`: number of records by object, where it is known; large ones are left to Bulk jobs, which the org works
    on while the small ones are read, several to a call.
    """
    sizes = expected or {}
    begun: dict[str, Begun | None] = {q.sobject: _resume(run, q) for q in queries}
    small = [q for q in queries if not begun[q.sobject] and not _is_large(run, q, sizes.get(q.sobject, 0))]
    run.client.budget.afford(_calls_needed(run, queries, begun, sizes), f"reading {len(queries)} sObjects")
    begun |= {q.sobject: b for q, b in _ask_small(run, small)}
    started = [(q, begun.get(q.sobject) or _begin_large(run, q)) for q in queries]
    return [_finish(run, q, b) for q, b in started]


def _calls_needed(
    run: Pulling, queries: Sequence[ObjectQuery], begun: Mapping[str, Begun | None], sizes: Mapping[str, int]
) -> int:  # fmt: skip
    """API calls that the queries take as far as sizes are known; of what an earlier run began, the rest."""
    rest, bulk = dict[str, int](), dict[str, int]()
    for query in queries:
        size, reading = sizes.get(query.sobject, 0), begun[query.sobject]
        by_job = _is_large(run, query, size)
        if isinstance(reading, Reading):
            by_job, size = bool(reading.job), max(0, (reading.announced or size) - reading.records)
        (bulk if by_job else rest)[query.sobject] = size
    counts = sum(query.counted for query in queries)
    return predict_calls(
        windows=counts, by_rest=rest, by_bulk=bulk, rest_page=ONE_PAGE, bulk_page=run.how.bulk_page
    )  # fmt: skip


def carry_parts(run: Pulling, queries: Sequence[ObjectQuery]) -> list[Ended]:
    """Carry queries for parts of objects to their end, one after the other; they never move a cursor."""
    answers = {a.reference: a for a in run.client.composites([q.request for q in queries if not q.is_too_long])}
    return [
        _finish(run, q, _begin_large(run, q)) if q.is_too_long else _end(run, q, answers[q.reference]) for q in queries
    ]


# --- beginning ------------------------------------------------------------------------------------------------


def _is_large(run: Pulling, query: ObjectQuery, expected: int) -> bool:
    return query.is_too_long or (query.since is None and not query.ids and expected >= run.how.bulk_from)


def _ask_small(run: Pulling, queries: Sequence[ObjectQuery]) -> Iterable[tuple[ObjectQuery, Begun | None]]:
    """First pages over REST, with the numbers of live records where they are wanted."""
    requests = [r for q in queries for r in ((q.request, q.count_request) if q.counted else (q.request,))]
    answers = {a.reference: a for a in run.client.composites(requests)}
    for query in queries:
        begun = _first_page(run, query, answers[query.reference])
        counted = answers.get(query.count_request.reference) if query.counted else None
        if isinstance(begun, Ended) and counted and counted.refusal is None:
            begun = replace(begun, live=int(counted.body["totalSize"]))
        yield query, begun


def _first_page(run: Pulling, query: ObjectQuery, answer: SubResponse) -> Begun | None:
    if query.sobject == ORGANIZATION:
        _recognise(run, answer)
    if answer.refusal:
        return _refused(run, query, answer.refusal)
    body = answer.body
    if not body["done"] and body["totalSize"] >= run.how.bulk_from:
        return None
    return _take_first(run, query, answer)


def _recognise(run: Pulling, answer: SubResponse) -> None:
    """Make sure whose records these are before any of them is stored."""
    if answer.refusal:
        raise error_for(answer.refusal, "reading the organization's id and time zone")
    record = answer.body["records"][0]
    if not record.get("TimeZoneSidKey"):
        raise FixFirst(
            "The org's time zone cannot be read, so no date can be judged. Give the integration user's permission set "
            "read access to Organization.TimeZoneSidKey."
        )
    run.mirror.set_organization(record["Id"], record["TimeZoneSidKey"])


def _take_first(run: Pulling, query: ObjectQuery, answer: SubResponse) -> Begun:
    """Store an answer that is whole; begin a reading with one that goes on."""
    try:
        return _take(run, query, answer.body)
    except Unreadable as error:
        return _drifted(run, query, error)
    except Miscounted as error:
        return Ended(query, reason=_why(query, error))


def _take(run: Pulling, query: ObjectQuery, body: Mapping[str, Any]) -> Begun:
    rows = read_rows(body, run.describe(query.sobject), query.fields)
    if body["done"] and query.purpose != "ids":
        if len(rows) != body["totalSize"]:
            return Ended(query, reason=_miscounted(query, body["totalSize"], len(rows)))
        run.mirror.store(
            query.sobject, query.fields, rows, query.cursor, replace=query.purpose == "whole", purpose=query.purpose
        )
        return _say(run, Ended(query, len(rows), sum(bool(r.get("IsDeleted")) for r in body["records"])))
    reading = _begin(run, query)
    reading = run.readings.announce(reading, body["totalSize"])
    return run.readings.add_rows(reading, rows, body.get("nextRecordsUrl") or "")


def _refused(run: Pulling, query: ObjectQuery, refusal: Refusal) -> Begun | None:
    if refusal.kind in {"quota", "auth"}:
        raise error_for(refusal, f"reading {query.sobject}")
    if refusal.code == "INVALID_FIELD":
        return Ended(query, drift=refusal)
    if refusal.kind == "shrink" and (halves := query.halves(run.as_of)):
        return _read_halves(run, query, halves)
    if refusal.is_too_long or refusal.kind == "shrink":
        return None
    return Ended(query, reason=_why(query, refusal))


def _read_halves(run: Pulling, query: ObjectQuery, halves: tuple[ObjectQuery, ObjectQuery]) -> Ended:
    """A window that the org could not answer in time, in two; the cursor moves when both are stored."""
    ended = [_end(run, half, run.client.composite([half.request])[0]) for half in halves]
    whole = Ended(query, sum(e.read for e in ended), sum(e.deleted for e in ended))
    if failed := next((e for e in ended if not e.complete), None):
        return replace(failed, query=query)
    if query.cursor:
        run.mirror.move_cursor(query.sobject, query.cursor)
    return whole


def _end(run: Pulling, query: ObjectQuery, answer: SubResponse) -> Ended:
    return _finish(run, query, _first_page(run, query, answer) or _begin_large(run, query))


def _begin_large(run: Pulling, query: ObjectQuery) -> Begun:
    """A Bulk job for the query, or a first page over REST where the org does not take it."""
    try:
        with spent_on(query.sobject):
            job = run.client.bulk.create(query.soql, all_rows=True)
    except NotByBulk as refused:
        if query.is_too_long:
            return Ended(query, reason=_too_long(query, refused.refusal))
        run.progress(f"{query.sobject}: {refused}")
        return _over_rest(run, query)
    except OrgRefused as error:
        is_drift = error.refusal.code == "INVALID_FIELD"
        return Ended(query, drift=error.refusal) if is_drift else Ended(query, reason=_why(query, error))
    except RetryLater as error:
        return Ended(query, reason=_why(query, error))
    return _begin(run, query, job.id)


def _over_rest(run: Pulling, query: ObjectQuery) -> Begun:
    """The first page over REST, however many follow."""
    answer = run.client.composite([query.request])[0]
    if answer.refusal:
        return _refused(run, query, answer.refusal) or Ended(query, reason=_why(query, answer.refusal))
    return _take_first(run, query, answer)


def _begin(run: Pulling, query: ObjectQuery, job: str = "") -> Reading:
    reading = Reading(
        query.sobject, query.purpose, query.fields, query.soql, run.client.api_version, run.as_of, query.cursor, job
    )
    run.readings.begin(reading, run.describe(query.sobject))
    return reading


# --- going on -------------------------------------------------------------------------------------------------


def _resume(run: Pulling, query: ObjectQuery) -> Reading | None:
    """What an earlier run read of this very query; what it read of another one is forgotten."""
    reading = run.readings.find(query.sobject, query.purpose)
    if reading is None:
        return None
    lasts = _lasts(run, reading)
    is_same = (reading.purpose, reading.fields, reading.soql, reading.api_version) == (
        query.purpose, query.fields, query.soql, run.client.api_version,
    )  # fmt: skip
    if is_same and timedelta(0) <= run.as_of - reading.begun < lasts and (reading.job or reading.pages):
        run.progress(f"{query.sobject}: going on with {reading.records} records of an earlier run")
        return reading
    run.readings.discard(query.sobject, query.purpose)
    return None


def _lasts(run: Pulling, reading: Reading) -> timedelta:
    """How long a reading may be gone on with. Values that move without a stamp are read for their freshness."""
    fields = run.describe(reading.sobject).fields
    if reading.purpose == "columns" and any(f in fields and fields[f].calculated for f in reading.fields):
        return timedelta(0)
    return BULK_LASTS if reading.job else REST_LASTS


def discard_old(run: Pulling) -> None:
    """Forget readings that nobody has gone on with."""
    for reading in run.readings.all():
        if run.as_of - reading.begun >= BULK_LASTS:
            run.readings.discard(reading.sobject, reading.purpose)


def _finish(run: Pulling, query: ObjectQuery, begun: Begun, *, restarts: int = 1) -> Ended:
    """The rest of the pages, and the rows where they belong. A reading that cannot go on now is kept for later."""
    if isinstance(begun, Ended):
        return begun
    try:
        with spent_on(query.sobject):
            reading = _all_pages(run, begun)
        if reading.purpose == "ids":
            return Ended(query, reading.records, reading=reading)
        read, deleted = run.readings.finish(reading)
    except _JobFailed as failed:
        run.readings.discard(query.sobject, query.purpose)
        if query.is_too_long:
            return Ended(query, reason=_why(query, failed))
        run.progress(f"{query.sobject}: {failed}; asking over REST")
        return _finish(run, query, _over_rest(run, query), restarts=restarts)
    except (BeginAgain, Miscounted) as error:
        run.readings.discard(query.sobject, query.purpose)
        if not restarts:
            return Ended(query, reason=f"{query.sobject} could not be read to its end ({error})")
        again = _begin_large(run, query) if begun.job else _over_rest(run, query)
        return _finish(run, query, again, restarts=restarts - 1)
    except Unreadable as error:
        return _drifted(run, query, error)
    except (RetryLater, OrgRefused) as error:
        return Ended(query, reason=f"{query.sobject} could not be read to its end ({error})")
    return _say(run, Ended(query, read, deleted))


def _drifted(run: Pulling, query: ObjectQuery, error: Unreadable) -> Ended:
    """What the org sends is not what it had described."""
    run.readings.discard(query.sobject, query.purpose)
    return Ended(query, drift=Refusal("UNREADABLE", str(error)))


def _all_pages(run: Pulling, reading: Reading) -> Reading:
    return _bulk_pages(run, reading) if reading.job else _rest_pages(run, reading)


def _rest_pages(run: Pulling, reading: Reading) -> Reading:
    describe = run.describe(reading.sobject)
    while not reading.is_over:
        page = run.client.get_page(reading.locator)
        rows = read_rows(page, describe, reading.fields)
        reading = run.readings.add_rows(reading, rows, page.get("nextRecordsUrl") or "")
        _count_on(run, reading)
    return reading


def _bulk_pages(run: Pulling, reading: Reading) -> Reading:
    bulk = run.client.bulk
    if reading.announced is None:
        reading = run.readings.announce(reading, _wait(run, reading))
    while not reading.is_over:
        page = bulk.page(reading.job, reading.locator, run.mirror.spool, max_records=run.how.bulk_page)
        try:
            reading = run.readings.add_file(reading, page.file, page.records, page.next_locator)
        finally:
            page.file.unlink(missing_ok=True)
        _count_on(run, reading)
    return reading


def _wait(run: Pulling, reading: Reading) -> int:
    """Number of records of a job that is complete."""
    job = run.client.bulk.wait(reading.job, patience=run.how.bulk_patience * 60, progress=run.progress)
    if job.is_good:
        return job.records
    if job.is_over:
        raise _JobFailed(f"Bulk job {job.id} ended as {job.state}" + (f" ({job.message})" if job.message else ""))
    raise RetryLater(
        f"Bulk job {job.id} is {job.state} after {run.how.bulk_patience:g} minutes; the next run goes on with it"
    )


class _JobFailed(Exception):
    """The org gave a Bulk job up."""


# --- words ----------------------------------------------------------------------------------------------------


def _say(run: Pulling, ended: Ended) -> Ended:
    what = {"whole": "records", "window": "changed records", "columns": "records refreshed", "ids": "ids"}
    run.progress(f"{ended.query.sobject}: {ended.read} {what[ended.query.purpose]}")
    return ended


def _count_on(run: Pulling, reading: Reading) -> None:
    run.progress(f"{reading.sobject}: {reading.records} of {reading.announced} records")


def _why(query: ObjectQuery, cause: object) -> str:
    return f"{query.sobject} could not be read ({cause})"


def _miscounted(query: ObjectQuery, announced: int, sent: int) -> str:
    return f"{query.sobject} could not be read: the org announced {announced} records and sent {sent}"


def _too_long(query: ObjectQuery, refusal: Refusal) -> str:
    return (
        f"{query.sobject} could not be read: its {len(query.fields)} fields make an address that is too long, and the "
        f"org does not take the query as a Bulk job ({refusal}); let the mapping mention fewer fields of it"
    )
