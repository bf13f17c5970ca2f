"""Proof that the mirror holds what the org holds: counts, and where they differ the ids; differences are mended.

Called by flow.py and by `connector verify`. What is gone without a trace is taken out of the mirror only after it was
asked for by id, and never more than a person would believe: a permission that was lost looks like deletion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from connector.data import Proof
from connector.pull.carry import Ended, Pulling, carry, carry_parts
from connector.pull.windows import ObjectQuery, id_query, queries_by_id
from connector.salesforce import Refusal
from connector.salesforce.errors import error_for
from connector.store.readings import Difference

FEW, HANDFUL = 50, 10
"""Records that may be gone without a trace whatever share of their object they are; and even if they were all."""

MOST_BY_ID = 2000
"""Records that are asked for one by one; when more are missing, everything is read again."""

_NAMED = 20
"""Ids that a message names."""


def count_live(run: Pulling, sobjects: Iterable[str]) -> dict[str, int]:
    """Live records by the org's own count, several objects to a call; objects that it does not count are left out."""
    queries = [id_query(run.describe(name)) for name in sobjects]
    answers = run.client.composites([q.count_request for q in queries])
    counts = {}
    for query, answer in zip(queries, answers, strict=True):
        refusal = answer.refusal
        if refusal is None:
            counts[query.sobject] = int(answer.body["totalSize"])
        elif refusal.kind in {"quota", "auth"}:
            raise error_for(refusal, f"counting {query.sobject}")
    return counts


def prove(run: Pulling, counts: Mapping[str, int], *, deeply: bool, believe: Collection[str] = ()) -> list[Proof]:
    """Compare objects with the org's own `counts`, and `deeply`, or where those differ, the ids of all records.

    `believe`: sObjects of which a person has said that however many are gone really are.
    """
    proofs = {name: Proof(name, org, run.mirror.count(name)) for name, org in counts.items()}
    differ = [name for name, proof in proofs.items() if deeply or proof.org != proof.mirror]
    for ended in carry(run, [id_query(run.describe(name)) for name in differ], counts):
        name = ended.query.sobject
        proofs[name] = _reconcile(run, proofs[name], ended, believe=name in believe)
    return list(proofs.values())


def _reconcile(run: Pulling, proof: Proof, ended: Ended, *, believe: bool) -> Proof:
    """Compare the ids (and stamps) of all records, read what is missing or stale, take out what is gone."""
    sobject = proof.sobject
    if ended.reading is None:
        why = ended.reason or ended.drift
        return replace(proof, problem=f"the ids of {sobject} could not be compared: {why}")
    found = run.readings.compare(ended.reading, ended.reading.begun - run.overlap)
    run.readings.discard(sobject, "ids")
    problem = _mend(run, sobject, found, believe=believe)
    return replace(proof, missing=found.missing, stale=found.stale, surplus=found.surplus, problem=problem)


def _mend(run: Pulling, sobject: str, found: Difference, *, believe: bool) -> str:
    """Ask for everything that differs, by id; why that was not enough, '' when it was."""
    ids = (*found.missing, *found.stale, *found.surplus)
    if len(found.missing) + len(found.stale) > MOST_BY_ID:
        run.mirror.drop_cursor(sobject)
        return f"{len(ids)} {sobject} records differ from the org; all of them are read by the next run"
    before = run.mirror.count(sobject)
    if refused := _ask_by_id(run, sobject, (*found.missing, *found.stale)):
        return refused
    return _take_out(run, sobject, found.surplus, before, believe=believe)


def _ask_by_id(run: Pulling, sobject: str, ids: Sequence[str]) -> str:
    """Read these records again; those that the org no longer shows stay as they are."""
    ended = carry_parts(run, _by_id(run, sobject, ids))
    return next((e.reason or str(e.drift) for e in ended if not e.complete), "")


def _by_id(run: Pulling, sobject: str, ids: Sequence[str]) -> list[ObjectQuery]:
    columns = run.mirror.columns(sobject) & run.describe(sobject).fields.keys()
    return queries_by_id(run.describe(sobject), columns, ids)


def _take_out(run: Pulling, sobject: str, ids: Sequence[str], size: int, *, believe: bool) -> str:
    """Remove what the org does not show even when it is asked by id."""
    if not ids:
        return ""
    allowed = max(FEW if len(ids) < size else HANDFUL, size * run.how.removals / 100)
    if len(ids) > allowed and not believe:
        return (
            f"{len(ids)} of {size} {sobject} records are no longer to be seen in the org, more than [pull] removals "
            f"allows ({allowed:.0f}). A permission that was taken away looks the same. If they were really removed, "
            f"say so: connector verify --believe-removals {sobject}. The first: {name_ids(ids)}"
        )
    shown: set[str] = set()
    for answer in run.client.composites([q.request for q in queries_by_id(run.describe(sobject), frozenset(), ids)]):
        if refusal := answer.refusal:
            return _unasked(sobject, refusal)
        shown |= {record["Id"] for record in answer.body["records"]}
    run.mirror.remove(sobject, [i for i in ids if i not in shown])
    return _ask_by_id(run, sobject, sorted(shown))


def _unasked(sobject: str, refusal: Refusal) -> str:
    doing = f"looking for {sobject} records that may be gone"
    if refusal.kind in {"quota", "auth"}:
        raise error_for(refusal, doing)
    return f"the org refused ({refusal}) while {doing}"


def notices_of(proof: Proof) -> tuple[str, ...]:
    """What was wrong and has been mended, in sentences with ids."""
    said = (
        (proof.missing, "missing from the mirror and now read"),
        (proof.stale, "changed unnoticed and now read"),
        (proof.surplus, "gone from the org without a trace and now taken out"),
    )
    return tuple(f"{proof.sobject}: {len(ids):,} {what}: {name_ids(ids)}." for ids, what in said if ids)


def name_ids(ids: Sequence[str]) -> str:
    """The first of some ids, and how many more."""
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more
