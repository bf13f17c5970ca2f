"""What of a plan is permitted, released today, and safe: policy, daily budgets, limits. In this order.

Called by plan.py with every change that the rules ask for. A budget holds single changes back for another day; a
limit refuses the whole plan, because a plan that is too large is more likely a mistake than a busy day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from connector.data import Breach, Change, ChangeKind
from connector.jobs import Limits, Policy
from connector.mapping.values import Rate
from connector.plan.context import Context
from connector.plan.keys import CtaKey, key_name, read_member_key, read_task_key

_CREATE: frozenset[ChangeKind] = frozenset({"task_open", "member_add"})
_UPDATE: frozenset[ChangeKind] = frozenset({"placement", "adoption", "manual", "approved", "move", "kpi", "memory"})
_END: frozenset[ChangeKind] = frozenset({"out_of_scope", "task_close", "member_status"})
PERMITTED: Mapping[Policy, frozenset[ChangeKind]] = {
    "create-only": _CREATE,
    "upsert-only": _CREATE | _UPDATE,
    "sync": _CREATE | _UPDATE | _END,
}
LIMITED: Mapping[str, tuple[frozenset[ChangeKind], str]] = {
    "moves": (frozenset({"move", "out_of_scope"}), "stages would change"),
    "placements": (frozenset({"placement", "adoption"}), "records would get their first stage or memory"),
    "tasks_open": (frozenset({"task_open"}), "Tasks would be opened"),
    "tasks_close": (frozenset({"task_close"}), "Tasks would be closed"),
    "members": (frozenset({"member_add", "member_status"}), "campaign memberships would begin or end"),
}
"""By name of the limit. What a person did or approved (manual, approved) is no change of ours."""


def apply_policy(changes: Sequence[Change], policy: Policy) -> tuple[list[Change], Counter[str]]:
    """The permitted changes whose prerequisites are permitted too, and how many of each kind are withheld."""
    kept = without_orphans([c for c in changes if c.kind in PERMITTED[policy]], changes)
    ids = {c.id for c in kept}
    return kept, Counter(c.kind for c in changes if c.id not in ids)


def without_orphans(kept: Sequence[Change], planned: Iterable[Change]) -> list[Change]:
    """`kept` without what depends on a planned change that is not kept; order unchanged, prerequisites first."""
    dropped = {c.id for c in planned} - {c.id for c in kept}
    out: list[Change] = []
    for change in kept:
        if dropped.isdisjoint(change.depends_on):
            out.append(change)
        else:
            dropped.add(change.id)
    return out


def release(changes: Sequence[Change], context: Context) -> tuple[list[Change], Counter[str]]:
    """The changes without what has to wait for another day, and how many wait, by `<model>.<cta or campaign>`."""
    budgets = context.model.budgets
    ctas = [c for c in changes if c.kind == "task_open" and _is_cta(c.id, context)]
    members = [c for c in changes if c.kind == "member_add"]
    waiting = {
        *_over_budget(ctas, _tasks_spent(budgets.tasks_per_owner, context), budgets.tasks_per_owner),
        *_over_budget(members, _members_spent(budgets.members_per_campaign, context), budgets.members_per_campaign),
    }
    kept = without_orphans([c for c in changes if c.id not in waiting], changes)
    return kept, Counter(key_name(c.id) for c in changes if c.id in waiting)


def _is_cta(key: str, context: Context) -> bool:
    """Steps of a playbook are not held back: they were earned by entering the stage."""
    return isinstance(read_task_key(key, context.model.model), CtaKey)


def _over_budget(changes: Iterable[Change], spent: Mapping[str, int], rate: Rate) -> Collection[str]:
    """Ids of the changes that come after the budget of their owner is used up, the largest money first."""
    used = Counter(spent)
    over: list[str] = []
    for change in sorted(changes, key=_by_money):
        if used[change.owner] < rate.count:
            used[change.owner] += 1
        else:
            over.append(change.id)
    return over


def _by_money(change: Change) -> tuple[bool, Decimal, str]:
    return change.money is None, -(change.money or Decimal(0)), change.id


def _tasks_spent(rate: Rate, context: Context) -> Counter[str]:
    """CTAs that each owner got within the budget's window, whatever became of them."""
    first = rate.per.before(context.today, context.calendar)
    tasks = (t for ts in context.current.tasks.values() for t in ts if _is_cta(t.key, context))
    return Counter(t.owner for t in tasks if context.day_of(t.created) > first)


def _members_spent(rate: Rate, context: Context) -> Counter[str]:
    first = rate.per.before(context.today, context.calendar)
    members = (m for ms in context.current.members.values() for m in ms if read_member_key(m.key, context.model.model))
    return Counter(m.campaign for m in members if m.created and context.day_of(m.created) > first)


def find_breaches(changes: Iterable[Change], limits: Limits, subjects: int) -> tuple[Breach, ...]:
    """The limits that these changes exceed in a book of so many subjects."""
    found = Counter(c.kind for c in changes)
    breaches = []
    for name, (kinds, what) in LIMITED.items():
        limit, count = getattr(limits, name), sum(found[k] for k in kinds)
        if not limit.allows(count, subjects):
            breaches.append(Breach(name, str(limit), count, what))
    return tuple(breaches)
