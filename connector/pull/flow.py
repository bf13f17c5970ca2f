"""The pull itself: describes, then what every object still lacks, then what no stamp tells, then proof.

Called by run.py. An object that fails is reported as not complete and keeps its cursor; the others go on. Raises only
what concerns the whole run: no org, no quota, no login, another org's mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from connector.data import Needs, ObjectPull, Proof, PullResult
from connector.describe import ObjectDescribe
from connector.errors import FixFirst, RetryLater
from connector.pull.carry import Ended, Pulling, carry, discard_old
from connector.pull.kin import follow_moves
from connector.pull.proof import count_live, notices_of, prove
from connector.pull.schema import refresh_describes, stale_describes
from connector.pull.windows import (
    ONE_PAGE,
    ORGANIZATION,
    ORGANIZATION_NEEDS,
    ObjectQuery,
    column_query,
    plan_queries,
    select_list,
    visible,
)
from connector.salesforce import OrgClient, OrgRefused, Refusal
from connector.settings import PullSettings
from connector.store.mirror import Mirror
from connector.store.readings import Readings

Scope = Literal["changes", "verify", "full"]
"""How much a pull looks at: what changed; that and whether everything else is as it should be; everything anew."""

Progress = Callable[[str], None]


def pull(
    client: OrgClient, mirror: Mirror, needs: Needs, *, overlap: timedelta, progress: Progress,
    scope: Scope = "changes", how: PullSettings | None = None, believe: Collection[str] = (),
) -> PullResult:  # fmt: skip
    """Bring every object of `needs` up to the org's present.

    `believe`: sObjects of which a person has said that records gone without a trace really are, however many. The
    client should have just connected: its clock becomes the `as_of` of the run.
    """
    run = Pulling(client, mirror, Readings(mirror), client.org_now, overlap, how or PullSettings(), progress)
    wanted = dict((needs | ORGANIZATION_NEEDS).fields)
    refused = _refresh(run, stale_describes(mirror, wanted, run.as_of))
    if ORGANIZATION in refused:
        raise FixFirst(f"Whose records these are cannot be read: {refused[ORGANIZATION].pull.reason}.")
    results = refused | _read_all(run, _without(wanted, refused), whole=scope == "full")
    results = _refresh_columns(run, results, at_once=scope == "verify")
    results = _follow(run, results)
    results = _prove(run, results, deeply=scope == "verify", believe=believe)
    results = _follow(run, results)  # where merges leave no stamp, the ids have just shown them
    _delete_spent_jobs(run)
    org_id, zone = mirror.organization or ("", "UTC")  # known: nothing is stored before
    return PullResult(run.as_of, org_id, zone, {n: r.pull for n, r in results.items() if n in needs.fields})


@dataclass(frozen=True)
class _Result:
    """How one object stands in the course of the pull."""

    pull: ObjectPull
    whole: bool = False
    """All of its records were read in this run."""
    live: int | None = None
    """Live records by the org's count, taken with the window; None where it was not taken."""
    counted: bool = False
    """What is deleted leaves no trace, so that the count is needed in every run."""

    @property
    def needs_count(self) -> bool:
        """Records that came in one page were counted by the page itself."""
        return self.counted or (self.whole and self.pull.read > ONE_PAGE)


Results = dict[str, _Result]


# --- windows --------------------------------------------------------------------------------------------------


def _refresh(run: Pulling, sobjects: Mapping[str, datetime | None]) -> Results:
    """Ask again what these objects look like (or only if it changed since); those that the org does not show us."""
    refused = refresh_describes(run.client, run.mirror, sobjects, run.as_of, run.progress, sobjects)
    return {name: _Result(ObjectPull(name, False, why)) for name, why in refused.items()}


def _read_all(run: Pulling, wanted: Mapping[str, frozenset[str]], *, whole: bool) -> Results:
    """Every object up to `as_of`; once more those whose describe was no longer true, or that an old reading ended."""
    results, drifted = _read(run, wanted, whole=whole)
    if drifted:
        refused = _refresh(run, dict.fromkeys(drifted))
        again, still = _read(run, {n: wanted[n] for n in drifted if n not in refused}, whole=whole)
        results |= again | refused | {n: _Result(_failed(n, f"{n} could not be read ({r})")) for n, r in still.items()}
    if behind := {n: wanted[n] for n, r in results.items() if r.pull.complete and _is_behind(run, n)}:
        further, _ = _read(run, behind, whole=False)
        results |= {n: replace(r, whole=results[n].whole) for n, r in further.items()}
    return results


def _is_behind(run: Pulling, sobject: str) -> bool:
    """A reading of an earlier run has ended: the object is complete up to then."""
    cursor = run.mirror.cursor(sobject)
    return cursor is None or cursor < run.as_of


def _read(run: Pulling, wanted: Mapping[str, frozenset[str]], *, whole: bool) -> tuple[Results, dict[str, Refusal]]:
    """(how each object ended, objects whose describe is no longer true)."""
    queries, hidden = _prepare(run, wanted, whole=whole)
    ended = carry(run, queries, _expected(run, queries))
    results = {
        e.query.sobject: _Result(
            ObjectPull(e.query.sobject, e.complete, e.reason, e.read, e.deleted, hidden[e.query.sobject]),
            whole=e.query.purpose == "whole", live=e.live, counted=e.query.counted,
        )
        for e in ended
        if e.drift is None
    }  # fmt: skip
    return results, {e.query.sobject: e.drift for e in ended if e.drift}


def _prepare(
    run: Pulling, wanted: Mapping[str, frozenset[str]], *, whole: bool
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
    fields = frozenset(select_list(describe, shown | (had & describe.fields.keys())))
    mirror.ensure(describe, fields)
    return fields, hidden


def _expected(run: Pulling, queries: Iterable[ObjectQuery]) -> dict[str, int]:
    """About how many records the queries over whole objects will bring, where that is not known from before."""
    known = {q.sobject: run.mirror.count(q.sobject) for q in queries if q.purpose == "whole"}
    new = sorted(name for name, size in known.items() if not size and name != ORGANIZATION)
    return known | (run.client.record_counts(new) if new else {})


# --- what no stamp tells --------------------------------------------------------------------------------------


def _refresh_columns(run: Pulling, results: Results, *, at_once: bool) -> Results:
    """New fields for all records, and values that change without a stamp; a field that fails cannot be relied on."""
    fields = {n: f for n, r in results.items() if r.pull.complete and (f := _due(run, n, r, at_once=at_once))}
    failed: Results = {}
    for ended in carry(run, [column_query(run.describe(n), f) for n, f in fields.items()], _sizes(run, fields)):
        name = ended.query.sobject
        if not ended.complete:
            why = ended.reason or str(ended.drift)
            hidden = dict(results[name].pull.hidden) | dict.fromkeys(
                fields[name], f"its values are still to be read: {why}"
            )
            failed[name] = replace(results[name], pull=replace(results[name].pull, hidden=hidden))
    for name in {n for n, r in results.items() if r.whole} | fields.keys() - failed.keys():
        if _unstamped(run, name):
            run.mirror.set_meta(_REFRESHED + name, run.as_of.isoformat())
    return results | failed


def _due(run: Pulling, sobject: str, result: _Result, *, at_once: bool) -> frozenset[str]:
    """Fields of `sobject` to read for all of its records."""
    if result.whole:
        return frozenset()
    pending, unstamped = run.mirror.pending(sobject), _unstamped(run, sobject)
    last = run.mirror.meta(_REFRESHED + sobject) if unstamped else None
    is_old = last is None or run.as_of - datetime.fromisoformat(last) >= timedelta(hours=run.how.refresh_hours)
    return pending | (unstamped if at_once or is_old else frozenset())


_REFRESHED = "refreshed:"


def _unstamped(run: Pulling, sobject: str) -> frozenset[str]:
    """Formulas and roll-ups in the mirror: their values change with the clock and with other records."""
    columns = run.mirror.columns(sobject)
    return frozenset(f.name for f in run.describe(sobject).fields.values() if f.calculated and f.name in columns)


def _sizes(run: Pulling, sobjects: Iterable[str]) -> dict[str, int]:
    return {name: run.mirror.count(name) for name in sobjects}


def _follow(run: Pulling, results: Results) -> Results:
    """Children of merged and converted records; where they cannot be asked for, their object is not complete."""
    read = {n for n, r in results.items() if r.pull.complete}
    failed = {e.query.sobject: e for e in follow_moves(run, read, results.keys() - read) if not e.complete}
    return results | {n: replace(results[n], pull=_failed(n, _why(e))) for n, e in failed.items()}


def _why(ended: Ended) -> str:
    return f"children of merged records: {ended.reason or ended.drift}"


# --- proof ----------------------------------------------------------------------------------------------------


def _prove(run: Pulling, results: Results, *, deeply: bool, believe: Collection[str]) -> Results:
    """Counts of what was read whole, or leaves no trace when it goes; ids where they differ, or of everything."""
    complete = {n: r for n, r in results.items() if r.pull.complete and n != ORGANIZATION}
    live = {n: r.live for n, r in complete.items() if r.live is not None}
    live |= count_live(run, [n for n, r in complete.items() if n not in live and (r.needs_count or deeply)])
    proofs = prove(run, live, deeply=deeply, believe=believe)
    return results | {p.sobject: _proved(results[p.sobject], p) for p in proofs}


def _proved(result: _Result, proof: Proof) -> _Result:
    notices = () if proof.problem else notices_of(proof)
    pulled = replace(result.pull, complete=not proof.problem, reason=proof.problem, notices=notices, proof=proof)
    return replace(result, pull=pulled)


def _failed(sobject: str, reason: str) -> ObjectPull:
    return ObjectPull(sobject, False, reason)


def _without(wanted: Mapping[str, frozenset[str]], refused: Iterable[str]) -> dict[str, frozenset[str]]:
    return {name: fields for name, fields in wanted.items() if name not in refused}


# --- before and after -----------------------------------------------------------------------------------------


def _delete_spent_jobs(run: Pulling) -> None:
    """Have the org forget the Bulk jobs whose results are here; what fails is tried again by the next run."""
    discard_old(run)
    for job in run.readings.spent_jobs():
        try:
            run.client.bulk.delete(job)
        except (RetryLater, OrgRefused) as error:
            run.progress(f"Bulk job {job} could not be deleted ({error})")
        else:
            run.readings.job_is_gone(job)
