"""Which query reads what each object still lacks. Pure: describes, columns and cursors in, queries out.

No rule is ever pushed down into WHERE: a record that leaves a filter would stay in the mirror as it was for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.data import Needs
from connector.describe import ObjectDescribe
from connector.salesforce.composite import MAX_URL, Subrequest, query_request
from connector.salesforce.soql import count, select

ENGINE_FIELDS = ("Id", "SystemModstamp", "IsDeleted")
"""Read for every object that has them."""

ORGANIZATION = "Organization"
ORGANIZATION_NEEDS = Needs({ORGANIZATION: frozenset({"TimeZoneSidKey"})})

TOMBSTONES_LAST = timedelta(days=14)
"""Deleted records leave the recycle bin after 15 days; after a longer pause only a whole read notices them."""

_NO_TOMBSTONES = frozenset({"CampaignMember"})
"""Objects that have IsDeleted and whose deleted records are nevertheless gone at once."""

_NEVER_DELETED = frozenset({"User"})
"""Objects without IsDeleted that do not need it."""

ONE_PAGE = 2000
"""Records that come with the query itself; more need calls of their own."""


@dataclass(frozen=True)
class ObjectQuery:
    """One query over one object. Without `since` it reads everything and replaces what was there."""

    sobject: str
    fields: tuple[str, ...]
    since: datetime | None = None
    counted: bool = False
    """Deleted records leave no trace: the live ones are counted too, and all of them are read when that differs."""

    @property
    def request(self) -> Subrequest:
        return query_request(select(self.sobject, self.fields, since=self.since), self.sobject)

    @property
    def count_request(self) -> Subrequest | None:
        """Asks how many live records there are."""
        if not self.counted:
            return None
        return query_request(count(self.sobject), f"{self.sobject}_count", all_rows=False)

    @property
    def too_long(self) -> str:
        """Why this query cannot be asked; '' when it can."""
        length = len(self.request.url)
        if length <= MAX_URL:
            return ""
        return (
            f"its {len(self.fields)} fields make a request of {length} characters, {MAX_URL} are possible; "
            "let the mapping mention fewer fields of it"
        )


def plan_queries(
    describes: Mapping[str, ObjectDescribe],
    fields: Mapping[str, frozenset[str]],
    cursors: Mapping[str, datetime | None],
    sizes: Mapping[str, int],
    *,
    as_of: datetime,
    overlap: timedelta,
) -> tuple[ObjectQuery, ...]:
    """One query per object in `fields`, the organization's first: nothing is stored before we know whose it is.

    `cursors` and `sizes` (live records) are the mirror's; an object that is in neither is read whole.
    """
    order = sorted(fields, key=lambda name: (name != ORGANIZATION, name))
    return tuple(
        _query(
            describes[name],
            fields[name],
            _since(describes[name], cursors.get(name), sizes.get(name, 0), as_of=as_of, overlap=overlap),
        )
        for name in order
    )


def _query(describe: ObjectDescribe, fields: frozenset[str], since: datetime | None) -> ObjectQuery:
    counted = since is not None and _leaves_no_trace(describe)
    return ObjectQuery(describe.name, select_list(describe, fields), since, counted)


def select_list(describe: ObjectDescribe, fields: frozenset[str]) -> tuple[str, ...]:
    """The engine's own fields first, then `fields` by name; all of them exist in `describe`."""
    first = tuple(f for f in ENGINE_FIELDS if f in describe.fields)
    return first + tuple(sorted(fields - set(first)))


def visible(describe: ObjectDescribe, wanted: frozenset[str]) -> tuple[frozenset[str], dict[str, str]]:
    """(fields that can be selected, the others with the reason)."""
    found = {name: describe.find(name) for name in wanted}
    shown = frozenset(f.name for f in found.values() if f)
    return shown, {name: _hidden(describe.name, name) for name, f in sorted(found.items()) if not f}


def _hidden(sobject: str, field: str) -> str:
    return (
        f"{sobject}.{field} does not exist in this org, or the integration user may not read it; "
        "create it (`connector setup export`) or give the user's permission set read access"
    )


def _since(
    describe: ObjectDescribe, cursor: datetime | None, size: int, *, as_of: datetime, overlap: timedelta
) -> datetime | None:
    """Where the window begins; None to read everything, also where that costs no more and notices what is gone."""
    if cursor is None or "SystemModstamp" not in describe.fields:
        return None
    if as_of - cursor > TOMBSTONES_LAST or cursor - as_of > overlap:  # a cursor ahead of the org's clock proves nothing
        return None
    if "IsDeleted" not in describe.fields and _leaves_no_trace(describe) and size <= ONE_PAGE:
        return None
    return min(cursor, as_of) - overlap


def _leaves_no_trace(describe: ObjectDescribe) -> bool:
    return describe.name in _NO_TOMBSTONES or not ("IsDeleted" in describe.fields or describe.name in _NEVER_DELETED)
