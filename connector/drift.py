"""Fields that are no longer what a mapping was made for: gone, of another type, without a value that a rule names.

Called by models.py, which types a mapping by what the org was like when it last made sense, and by run.py, which keeps
such fields out of every fact. One field goes; the rest of the mapping goes on, and the run says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from connector.data import Needs, ObjectPull, PullResult
from connector.describe import Describes, FieldDescribe, ObjectDescribe


@dataclass(frozen=True)
class Drift:
    """One field that changed under a mapping."""

    sobject: str
    field: str
    what: str
    """A sentence: what it was, what it is, what to do."""
    hides: bool
    """Its values no longer mean what the rules take them for: facts over them are unknown."""


def find_drift(good: Describes, now: Describes) -> tuple[Drift, ...]:
    """What changed between two descriptions of an org; objects that are not in both are no drift."""
    return tuple(
        drift
        for sobject, before in good.items()
        if sobject in now
        for field in before.fields.values()
        if (drift := _compare(sobject, field, now[sobject].find(field.name)))
    )


def _compare(sobject: str, before: FieldDescribe, now: FieldDescribe | None) -> Drift | None:
    name = f"{sobject}.{before.name}"
    if now is None:
        what = f"{name} was a field of this org and is none now, or is hidden from us; correct the rules that use it"
        return Drift(sobject, before.name, what, hides=True)
    if (before.type, before.reference_to) != (now.type, now.reference_to):
        what = f"{name} was of type {before.type} and is now {now.type}; correct the rules that use it"
        return Drift(sobject, before.name, what, hides=True)
    if gone := [value for value in before.picklist if value not in now.picklist]:
        values = ", ".join(repr(value) for value in gone)
        what = f"{name} no longer has the value {values}; a rule that names it holds only for records that keep it"
        return Drift(sobject, before.name, what, hides=False)
    return None


def as_before(now: Describes, good: Describes, drifts: Iterable[Drift]) -> dict[str, ObjectDescribe]:
    """The org as it is, with the drifted fields as they were."""
    found = dict(now)
    for drift in drifts:
        described = found[drift.sobject]
        before = good[drift.sobject].fields[drift.field]
        found[drift.sobject] = replace(described, fields={**described.fields, drift.field: before})
    return found


def needed(drifts: Iterable[Drift], needs: Needs) -> tuple[Drift, ...]:
    """Those that concern what a model reads."""
    return tuple(d for d in drifts if d.field in needs.fields.get(d.sobject, ()))


def isolate(pulled: PullResult, drifts: Iterable[Drift]) -> PullResult:
    """The pull with its drifted fields taken out of what rules may rely on, and named."""
    objects: Mapping[str, ObjectPull] = {**pulled.objects, **dict(_isolated(pulled, tuple(dict.fromkeys(drifts))))}
    return replace(pulled, objects=objects)


def _isolated(pulled: PullResult, drifts: tuple[Drift, ...]) -> Iterator[tuple[str, ObjectPull]]:
    for name, found in pulled.objects.items():
        mine = [d for d in drifts if d.sobject == name]
        if mine:
            hidden = {d.field: d.what for d in mine if d.hides}
            yield name, replace(found, hidden={**found.hidden, **hidden}, drift=tuple(d.what for d in mine))
