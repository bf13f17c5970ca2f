"""The pull itself: describes, then one query per object, several to a call, each object stored as soon as it is whole.

Called by run.py. An object that fails is reported as not complete and keeps its cursor; the others go on. Raises only
what concerns the whole run: no org, no quota, no login, another org's mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.data import Needs, ObjectPull, PullResult
from connector.describe import ObjectDescribe
from connector.errors import FixFirst, RetryLater
from connector.pull.rows import Rows
from connector.pull.schema import refresh_describes, stale_describes
from connector.pull.windows import ORGANIZATION, ORGANIZATION_NEEDS, ObjectQuery, plan_queries, visible
from connector.salesforce import OrgClient, OrgRefused, Refusal, SubResponse
from connector.salesforce.errors import error_for
from connector.store.mirror import Mirror

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Run:
    client: OrgClient
    mirror: Mirror
    as_of: datetime
    overlap: timedelta
    progress: Progress


def pull(
    client: OrgClient, mirror: Mirror, needs: Needs, *, overlap: timedelta, progress: Progress, whole: bool = False
) -> PullResult:
    """Bring every object of `needs` up to the org's present; `whole` reads all records whatever was read before.

    The client should have just connected: its clock becomes the `as_of` of the run.
    """
    run = _Run(client, mirror, client.org_now, overlap, progress)
    wanted = dict((needs | ORGANIZATION_NEEDS).fields)
    results = _refresh(run, stale_describes(mirror, wanted, run.as_of))
    if ORGANIZATION in results:
        raise FixFirst(f"Whose records these are cannot be read: {results[ORGANIZATION].reason}.")
    found, drifted = _read(run, _without(wanted, results), whole=whole)
    if drifted:
        found |= _read_again(run, {name: wanted[name] for name in drifted}, whole=whole)
    results |= found
    org_id, zone = mirror.organization or ("", "UTC")  # known: _read recognised it before it stored anything
    return PullResult(run.as_of, org_id, zone, {n: r for n, r in results.items() if n in needs.fields})


def _refresh(run: _Run, sobjects: Iterable[str]) -> dict[str, ObjectPull]:
    """Ask again what these objects look like; the result is those that the org does not show us."""
    refused = refresh_describes(run.client, run.mirror, sobjects, run.as_of, run.progress)
    return {name: ObjectPull(name, False, why) for name, why in refused.items()}


def _read_again(run: _Run, wanted: Mapping[str, frozenset[str]], *, whole: bool) -> dict[str, ObjectPull]:
    """Read objects whose fields are not what they were when we last asked, now that we have asked again."""
    refused = _refresh(run, wanted)
    found, still = _read(run, _without(wanted, refused), whole=whole)
    broken = {name: ObjectPull(name, False, _reason(name, refusal)) for name, refusal in still.items()}
    return found | refused | broken


def _read(
    run: _Run, wanted: Mapping[str, frozenset[str]], *, whole: bool
) -> tuple[dict[str, ObjectPull], dict[str, Refusal]]:
    """(how each object ended, objects whose describe is no longer true)."""
    queries, hidden = _prepare(run, wanted, whole=whole)
    results = {q.sobject: ObjectPull(q.sobject, False, q.too_long) for q in queries if q.too_long}
    drifted: dict[str, Refusal] = {}
    askable = [q for q in queries if not q.too_long]
    requests = [r for q in askable for r in (q.request, q.count_request) if r]
    answers = {a.reference: a for a in run.client.composites(requests)}
    for query in askable:
        answer = answers[query.sobject]
        if query.sobject == ORGANIZATION:
            _recognise(run, answer)
        if answer.refusal and answer.refusal.code == "INVALID_FIELD":
            drifted[query.sobject] = answer.refusal
        else:
            results[query.sobject] = _take(run, query, answer, answers.get(f"{query.sobject}_count"))
    return {n: replace(r, hidden=hidden[n]) for n, r in results.items()}, drifted


def _recognise(run: _Run, answer: SubResponse) -> None:
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


def _prepare(
    run: _Run, wanted: Mapping[str, frozenset[str]], *, whole: bool
) -> tuple[tuple[ObjectQuery, ...], dict[str, dict[str, str]]]:
    """The queries to ask, with a column in the mirror for each field that can be read; and what is hidden."""
    describes = run.mirror.describes()
    fields: dict[str, frozenset[str]] = {}
    hidden: dict[str, dict[str, str]] = {}
    for name, needed in wanted.items():
        fields[name], hidden[name] = _match_columns(run.mirror, describes[name], needed)
    cursors = {name: None if whole else run.mirror.cursor(name) for name in fields}
    sizes = {name: run.mirror.count(name) for name in fields}
    return plan_queries(describes, fields, cursors, sizes, as_of=run.as_of, overlap=run.overlap), hidden


def _match_columns(
    mirror: Mirror, describe: ObjectDescribe, needed: frozenset[str]
) -> tuple[frozenset[str], dict[str, str]]:
    """(fields to select, hidden ones). Columns that other jobs asked for are kept up to date too; hidden ones go."""
    shown, hidden = visible(describe, needed)
    had = mirror.columns(describe.name)
    mirror.forget(describe.name, had - describe.fields.keys())
    fields = shown | (had & describe.fields.keys())
    mirror.ensure(describe, fields)
    return fields, hidden


def _take(run: _Run, query: ObjectQuery, answer: SubResponse, counted: SubResponse | None) -> ObjectPull:
    """Store what a query brought, page after page; how it ended."""
    pulled = _store_or_say(run, query, answer, restarts=1)
    if pulled.complete and counted and _count_differs(run, query.sobject, counted):
        run.progress(f"{query.sobject}: records were removed, reading all of them")
        everything = replace(query, since=None, counted=False)
        return _take(run, everything, run.client.composite([everything.request])[0], None)
    return pulled


def _store_or_say(run: _Run, query: ObjectQuery, answer: SubResponse, *, restarts: int) -> ObjectPull:
    try:
        return _store(run, query, answer)
    except (RetryLater, OrgRefused) as error:
        if restarts and isinstance(error, RetryLater):
            # A locator expired, or records went away between two pages: the same question from the start.
            again = run.client.composite([query.request])[0]
            return _store_or_say(run, query, again, restarts=restarts - 1)
        return ObjectPull(query.sobject, False, f"{query.sobject} could not be read to its end ({error})")


def _store(run: _Run, query: ObjectQuery, answer: SubResponse) -> ObjectPull:
    if refusal := answer.refusal:
        if refusal.kind in {"quota", "auth"}:
            raise error_for(refusal, f"reading {query.sobject}")
        return ObjectPull(query.sobject, False, _reason(query.sobject, refusal))
    rows = Rows(run.client, answer.body, run.mirror.describes()[query.sobject], query.fields)
    run.mirror.store(query.sobject, query.fields, rows, run.as_of, replace=query.since is None)
    run.progress(f"{query.sobject}: {rows.read} {'records' if query.since is None else 'changed records'}")
    return ObjectPull(query.sobject, True, read=rows.read, deleted=rows.deleted)


def _count_differs(run: _Run, sobject: str, counted: SubResponse) -> bool:
    return counted.refusal is None and counted.body["totalSize"] != run.mirror.count(sobject)


def _reason(sobject: str, refusal: Refusal) -> str:
    return f"{sobject} could not be read ({refusal})"


def _without(wanted: Mapping[str, frozenset[str]], refused: Iterable[str]) -> dict[str, frozenset[str]]:
    return {name: fields for name, fields in wanted.items() if name not in refused}
