"""apply_plan: writes a plan to the org in batches. Step 4 of a run.

Called by run.py with a plan that is within its limits, under a lease. Every batch is read again just before it is
written, and what moved on is left alone; every row is recorded as sent before its request leaves, and its outcome
as soon as it is known. Killed anywhere, the next run finds the org as it is and plans from there. What remains is
the moment between re-reading and writing, a second or so.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Protocol

from connector.data import Change, Outcome, Plan, Value
from connector.errors import ConnectorError, NeedsApproval, QuotaExhausted, RetryLater
from connector.salesforce.collections import Create, RowResult, Update
from connector.salesforce.errors import LostReply
from connector.store.lease import Lease

BATCH_SIZES = (200, 50, 10, 1, 1)
"""Rows per call: the first try, then for rows that were locked by somebody. An org takes at most 200."""
LOST_REPLIES = 3
"""So many, and the connection is not worth trying any more today."""


class Org(Protocol):
    """The client, as far as apply uses it."""

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any] | None]: ...
    def create(self, rows: Sequence[Create]) -> list[RowResult]: ...
    def update(self, rows: Sequence[Update]) -> list[RowResult]: ...


class Book(Protocol):
    """The ledger, as far as apply uses it."""

    def mark_sent(self, run_id: int, changes: Sequence[str], held: Lease) -> None: ...
    def record_outcomes(self, run_id: int, outcomes: Iterable[Outcome]) -> None: ...
    def created_before(self, keys: Sequence[str]) -> frozenset[str]: ...


def apply_plan(
    plan: Plan, client: Org, ledger: Book, run_id: int, lease: Lease, *, stop: Callable[[], bool],
    progress: Callable[[str], None], pause: Callable[[float], None] = time.sleep,
) -> tuple[Outcome, ...]:  # fmt: skip
    """Writes the plan in its order; what became of each change that was dealt with, in the order of the plan.

    `stop` is asked before each batch. A record that the org refuses is an Outcome; QuotaExhausted, RetryLater (lease
    lost, org down) and FixFirst end the work, after everything known is in the ledger. The plan must be recorded.
    """
    if plan.breaches:
        raise NeedsApproval(
            "This plan exceeds its limits and was not applied. Look at the plan, then raise the limits."
        )
    run = _Run(client, ledger, run_id, lease, stop, progress, pause, len(plan.changes))
    try:
        for group in _groups(plan):
            run.write_group(group)
    finally:
        run.give_up()
    return tuple(run.outcomes[c.id] for c in plan.changes if c.id in run.outcomes)


def calls_needed(plan: Plan) -> int:
    """API calls that it takes to write the plan when nothing is tried again: each batch is read before, by sObject."""
    batches = [batch for group in _groups(plan) for batch in _batches(group, BATCH_SIZES[0])]
    return sum(1 + len(_sobjects_to_read(batch)) for batch in batches)


def _sobjects_to_read(batch: Sequence[Change]) -> set[str]:
    return {c.sobject for c in batch if c.record is not None} | {g.sobject for c in batch for g in c.guards}


def _groups(plan: Plan) -> Iterator[Sequence[Change]]:
    """Of one model each: two models may write to the same record, which may not stand in a call twice."""
    for _, group in groupby(plan.changes, key=lambda c: (c.model, c.sobject, c.record is None)):
        yield list(group)


@dataclass
class _Run:
    """One application of one plan; `outcomes` grows as the org answers."""

    client: Org
    ledger: Book
    run_id: int
    lease: Lease
    stop: Callable[[], bool]
    progress: Callable[[str], None]
    pause: Callable[[float], None]
    total: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    refused: dict[str, tuple[Change, RowResult]] = field(default_factory=dict)
    """Rows that are to be tried again, with what the org said last."""
    lost: int = 0

    def write_group(self, changes: Sequence[Change]) -> None:
        """Writes changes of one model, sObject and sort; those that were locked again, in smaller batches."""
        for attempt, size in enumerate(BATCH_SIZES):
            if attempt and not self.stop():
                self.pause(float(2**attempt))
            self._write_round(changes, size)
            changes = sorted((c for c, _ in self.refused.values()), key=lambda c: (c.subject, c.id))
            if not changes:
                return
        self.give_up()

    def give_up(self) -> None:
        """What was still to be tried again is refused."""
        self._record([_outcome(change, result) for change, result in self.refused.values()])

    def _write_round(self, changes: Sequence[Change], size: int) -> None:
        """Every change once, in batches; a batch that fails as a whole is halved until the culprit stands alone."""
        batches = deque(_batches(changes, size))
        while batches and not self.stop():
            suspects = self._write_batch(batches.popleft())
            middle = (len(suspects) + 1) // 2
            batches.extendleft(part for part in (suspects[middle:], suspects[:middle]) if part)
            self.progress(f"applied {len(self.outcomes)} of {self.total}")

    def _write_batch(self, batch: Sequence[Change]) -> list[Change]:
        """Writes what still holds; returns the rows to try in halves."""
        ready = self._leave_alone(batch)
        if not ready:
            return []
        self.ledger.mark_sent(self.run_id, [c.id for c in ready], self.lease)
        answered = list(zip(ready, self._send(ready), strict=False))
        again = {c.id: (c, r) for c, r in answered if _may_yet_pass(r, alone=len(ready) == 1)}
        self._record([_outcome(c, r) for c, r in answered if c.id not in again])
        self.refused |= again
        _stop_when_full(r for _, r in answered)
        return [c for c, r in again.values() if r.kind == "bisect"]

    def _send(self, ready: Sequence[Change]) -> list[RowResult]:
        """The results of one call; none when its reply was lost."""
        try:
            if ready[0].record is None:
                return self.client.create([(c.sobject, c.after) for c in ready])
            return self.client.update([(c.sobject, c.record or "", c.after) for c in ready])
        except LostReply as error:
            self._record(Outcome(c.id, "unknown", c.record, "", str(error)) for c in ready)
            self.lost += 1
            if self.lost >= LOST_REPLIES:
                raise RetryLater(f"{self.lost} writes got no answer; stopped. The next run settles them.") from error
            return []
        except ConnectorError as error:
            self._record(Outcome(c.id, "skipped", c.record, "", str(error)) for c in ready)
            raise

    def _leave_alone(self, batch: Sequence[Change]) -> list[Change]:
        """The changes that may still be written; the others are recorded as skipped, each with its reason."""
        removed = self.ledger.created_before([c.id for c in batch if c.kind == "member_add"])
        reasons = {c.id: self._why_not(c, removed) for c in batch}
        seen = self._read_again([c for c in batch if not reasons[c.id]])
        reasons = {c.id: reasons[c.id] or _moved_on(c, seen) for c in batch}
        self._record(Outcome(c.id, "skipped", c.record, "", reasons[c.id]) for c in batch if reasons[c.id])
        return [c for c in batch if not reasons[c.id]]

    def _why_not(self, change: Change, removed: frozenset[str]) -> str:
        if change.id in removed:
            return "A person removed this membership; it is not offered again."
        for needed in change.depends_on:
            outcome = self.outcomes.get(needed)
            if outcome is None or outcome.status not in ("applied", "exists"):
                return f"It waits for {needed}, which was not written."
        return ""

    def _read_again(self, changes: Iterable[Change]) -> Mapping[tuple[str, str], Mapping[str, Any] | None]:
        """What `before` and guards speak of, as it is now: (sObject, record) -> raw values, None when gone."""
        wanted: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for change in changes:
            if change.record is not None:
                wanted[change.sobject][change.record].update(change.before)
            for guard in change.guards:
                wanted[guard.sobject][guard.record].add(guard.field)
        seen: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        for sobject, records in sorted(wanted.items()):
            ids, fields = sorted(records), sorted(set().union(*records.values()))
            rows = self.client.retrieve(sobject, ids, fields)
            seen |= {(sobject, record): row for record, row in zip(ids, rows, strict=True)}
        return seen

    def _record(self, outcomes: Iterable[Outcome]) -> None:
        known = {o.change: o for o in outcomes}
        if known:
            self.ledger.record_outcomes(self.run_id, known.values())
            self.outcomes |= known
            self.refused = {change: row for change, row in self.refused.items() if change not in known}


def _may_yet_pass(result: RowResult, *, alone: bool) -> bool:
    """Whether the row was refused for what others do: a lock, or a batch that fell as a whole."""
    passing = result.kind in ("retry_row", "retry", "shrink") or (result.kind == "bisect" and not alone)
    return passing and not result.success


def _stop_when_full(results: Iterable[RowResult]) -> None:
    for result in results:
        if not result.success and result.kind == "quota":
            raise QuotaExhausted(
                f"The org takes nothing more ({result.code}: {result.message}). Free some room, then run again."
            )


def _batches(changes: Sequence[Change], size: int) -> Iterator[Sequence[Change]]:
    return (changes[start : start + size] for start in range(0, len(changes), size))


# --- still as it was planned? -----------------------------------------------------------------------------


def _moved_on(change: Change, seen: Mapping[tuple[str, str], Mapping[str, Any] | None]) -> str:
    """Why the change no longer fits what is there; '' when it does."""
    if change.record is not None:
        row = seen[change.sobject, change.record]
        if row is None:
            return "The record is gone: deleted, merged, or hidden from our user."
        moved = [name for name, value in change.before.items() if not holds(value, row.get(name))]
        if moved:
            return f"{', '.join(moved)} changed after it was read: somebody else was faster. Planned anew next time."
    for guard in change.guards:
        row = seen[guard.sobject, guard.record]
        if row is None or not holds(guard.value, row.get(guard.field)):
            return f"No longer true: {guard.what}."
    return ""


def holds(value: Value, raw: Any) -> bool:
    """Whether the raw JSON of a field still says `value`."""
    if value is None or value == "":
        return raw is None or raw == "" or raw is False
    if isinstance(value, bool):
        return bool(raw) == value
    if raw is None:
        return False
    if isinstance(value, (int, Decimal)):
        return Decimal(str(raw)) == value
    if isinstance(value, datetime):
        return datetime.fromisoformat(str(raw)) == value
    return str(raw) == (value.isoformat() if isinstance(value, date) else value)


# --- what became of it ------------------------------------------------------------------------------------


def _outcome(change: Change, result: RowResult) -> Outcome:
    if result.success:
        return Outcome(change.id, "applied", result.id)
    if change.record is None and _is_there(change, result):
        return Outcome(change.id, "exists", _record_named(result.message), result.code, result.message)
    return Outcome(change.id, "rejected", change.record, result.code, result.message)


def _is_there(change: Change, result: RowResult) -> bool:
    """Whether the refusal says that our key is taken; another unique field is somebody else's record."""
    if result.code != "DUPLICATE_VALUE":
        return False
    named = {*result.fields, *re.findall(r"\w+__c\b", result.message)}
    return not named or change.key_field in named


def _record_named(message: str) -> str | None:
    found = re.search(r"\b[a-zA-Z0-9]{18}\b|\b[a-zA-Z0-9]{15}\b", message)
    return found[0] if found else None
