"""A plan in numbers, for reports: how many of what, along which edges, with how much money. Data only, no text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connector.data import Change, ChangeKind, Plan
from connector.plan.keys import key_name

MOVING: frozenset[ChangeKind] = frozenset({"placement", "adoption", "manual", "approved", "move", "out_of_scope"})


@dataclass(frozen=True)
class EdgeCount:
    """Subjects that go from one stage to another; stages by key, '' for none."""

    kind: ChangeKind
    from_stage: str
    to_stage: str
    count: int
    money: Decimal


@dataclass(frozen=True)
class Summary:
    changes: int
    kinds: Mapping[ChangeKind, int] = field(default_factory=dict)
    edges: tuple[EdgeCount, ...] = ()
    """The widest first."""
    rules: Mapping[str, int] = field(default_factory=dict)
    """Tasks and memberships by `<key path of the rule>`, opened and closed ones apart."""
    created: Mapping[str, int] = field(default_factory=dict)
    """Creates by `<model>.<cta, playbook.step or campaign>`."""
    fields: Mapping[str, int] = field(default_factory=dict)
    """Writes by `<sObject>.<field>`."""


def summarise(plan: Plan) -> Summary:
    """The plan's counts."""
    changes = plan.changes
    return Summary(
        changes=len(changes),
        kinds=dict(Counter(c.kind for c in changes)),
        edges=tuple(_edges(changes)),
        rules=dict(sorted(Counter(c.because.rule for c in changes if c.kind not in MOVING).items())),
        created=dict(sorted(Counter(key_name(c.id) for c in changes if c.record is None).items())),
        fields=dict(sorted(Counter(f"{c.sobject}.{name}" for c in changes for name in c.after).items())),
    )


def _edges(changes: Iterable[Change]) -> list[EdgeCount]:
    grouped: dict[tuple[ChangeKind, str, str], list[Change]] = {}
    for change in changes:
        if change.kind in MOVING:
            grouped.setdefault((change.kind, change.from_stage, change.to_stage), []).append(change)
    edges = [
        EdgeCount(*edge, len(who), sum((c.money or Decimal(0) for c in who), Decimal(0)))
        for edge, who in grouped.items()
    ]
    return sorted(edges, key=lambda e: (-e.count, e.from_stage, e.to_stage, e.kind))
