"""What a mapping needs of the org, and how the pull of it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Needs:
    """Which fields of which sObjects have to be in the mirror: found from the mapping, never listed by hand."""

    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __or__(self, other: Needs) -> Needs:
        names = self.fields.keys() | other.fields.keys()
        return Needs({n: self.fields.get(n, frozenset()) | other.fields.get(n, frozenset()) for n in names})


@dataclass(frozen=True)
class Proof:
    """What mirror and org were found to differ in, by count or by the ids of all records of one sObject."""

    sobject: str
    org: int
    """Live records by the org's own count."""
    mirror: int
    """Live records in the mirror, before anything was mended."""
    missing: tuple[str, ...] = ()
    """Ids of records that the org has and the mirror had not."""
    stale: tuple[str, ...] = ()
    """Ids of records that had changed, deleted ones included, and the mirror had not heard of it."""
    surplus: tuple[str, ...] = ()
    """Ids of records that the mirror had and the org does not show."""
    problem: str = ""
    """Why they do not agree now, or why that cannot be told, as a sentence; '' when they do."""

    @property
    def differences(self) -> int:
        return len(self.missing) + len(self.stale) + len(self.surplus)


@dataclass(frozen=True)
class ObjectPull:
    """How the pull of one sObject (or of a source beside the org) ended. Rules may rely on it only if `complete`."""

    sobject: str
    """Of a source: `file:usage/nps.csv`, `query:product/...`."""
    complete: bool
    reason: str = ""
    """Why it is not complete, as a sentence; empty when it is."""
    read: int = 0
    deleted: int = 0
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Fields that exist for the mapping but not for our user: name -> reason. Facts over them are unknown."""
    written: datetime | None = None
    """Of a source: when its file was written, or its query was answered."""
    notices: tuple[str, ...] = ()
    """What a person should know although the object is complete, as sentences."""
    drift: tuple[str, ...] = ()
    """Fields that are no longer what a mapping was made for, as sentences; the run is no success."""
    proof: Proof | None = None
    """Of an object whose count or ids were compared with the org's in this pull."""


@dataclass(frozen=True)
class PullResult:
    as_of: datetime
    """Org time, from the Date header, fixed once for the run."""
    org_id: str
    zone: str
    """IANA name of Organization.TimeZoneSidKey."""
    objects: Mapping[str, ObjectPull]

    @property
    def complete(self) -> bool:
        return all(o.complete and not o.hidden and not o.drift for o in self.objects.values())
