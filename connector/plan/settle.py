"""What became of changes whose reply was lost, read off the next pull and the plan made from it.

Called by run.py with what the ledger holds as sent or unknown, after planning and before applying. Pure. It only
tells the ledger what happened: whatever still has to be written is in the new plan anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from connector.data import Change, Current, Outcome, Plan


def settle(
    unsettled: Iterable[Change], plan: Plan, current: Current, *, judged: Collection[str] | None = None
) -> tuple[Outcome, ...]:
    """An outcome for each change that the new pull answers; `judged` limits the subjects if the run was limited.

    A create happened if its key exists now; an update happened if the same record is not to be written so again.
    """
    existing = _existing(current)
    again = {c.id: c for c in plan.changes}
    changes = (c for c in unsettled if judged is None or c.subject in judged)
    return tuple(_settle(change, existing, again.get(change.id)) for change in changes)


def _existing(current: Current) -> dict[str, str]:
    tasks = {t.key: t.id for ts in current.tasks.values() for t in ts if t.key}
    return tasks | {m.key: m.id for ms in current.members.values() for m in ms if m.key}


def _settle(change: Change, existing: dict[str, str], again: Change | None) -> Outcome:
    lost = Outcome(change.id, "skipped", message="Not found by the next pull; planned anew if it is still needed.")
    if change.record is None:
        record = existing.get(change.id)
        return Outcome(change.id, "applied", record, message="Found by the next pull.") if record else lost
    repeated = again is not None and any(n in again.after and again.after[n] == v for n, v in change.after.items())
    return lost if repeated else Outcome(change.id, "applied", change.record, message="Found by the next pull.")
