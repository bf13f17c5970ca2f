"""Which query reads what each object still lacks. Pure: describes, columns and cursors in, queries out.

No rule is ever pushed down into WHERE: a record that leaves a filter would stay in the mirror as it was for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.data import Needs
from connector.describe import ObjectDescribe
from connector.salesforce.composite import MAX_URL, Subrequest, query_request
from connector.salesforce.soql import count, select
from connector.store.tables import Purpose

_FOLLOWED = {
    "Account": ("MasterRecordId",), "Contact": ("MasterRecordId",), "Case": ("MasterRecordId",),
    "Lead": ("MasterRecordId", "ConvertedContactId", "ConvertedAccountId"),
}  # fmt: skip
"""Fields that say where a record's children went, by sObject."""

ORGANIZATION = "Organization"
ORGANIZATION_NEEDS = Needs({ORGANIZATION: frozenset({"TimeZoneSidKey"})})

TOMBSTONES_LAST = timedelta(days=14)
"""Deleted records leave the recycle bin after 15 days; after a longer pause only a whole read notices them."""

MOST_HALVINGS, SHORTEST_WINDOW = 3, timedelta(minutes=1)
"""A window that an org cannot answer in time is halved so often, or until it is no longer than this; each attempt takes
the org two minutes, so that a Bulk job is the better way after that."""

_NO_TOMBSTONES = frozenset({"CampaignMember"})
"""Objects that have IsDeleted and whose deleted records are nevertheless gone at once."""

_NEVER_DELETED = frozenset({"User"})
"""Objects without IsDeleted that do not need it."""

ONE_PAGE = 2000
"""Records that come with the query itself; more need calls of their own."""


_IDS_AT_MOST, _ID_IN_URL = 200, 27
"""Ids that one query asks for, and the characters of each in an address, quotes and comma included."""


@dataclass(frozen=True)
class ObjectQuery:
    """One query over one object, and what its rows are for."""

    sobject: str
    fields: tuple[str, ...]
    purpose: Purpose = "whole"
    stamp: str = ""
    """The field of the window's ends."""
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] = ()
    """Only records whose `id_field` is one of these."""
    id_field: str = "Id"
    cursor: datetime | None = None
    """How far the object is read when this query is; None: no further than before."""
    counted: bool = False
    """Deleted records leave no trace: the live ones are counted too, and their ids compared when that differs."""
    has_tombstones: bool = True
    """The object has IsDeleted: live records can be told from deleted ones."""
    halvings: int = 0
    """How often its window was halved."""
    part: int = 0
    """Number among the queries of one call over the same object."""

    @property
    def soql(self) -> str:
        return select(
            self.sobject, self.fields, since=self.since, until=self.until, stamp=self.stamp, ids=self.ids or None,
            id_field=self.id_field,
        )  # fmt: skip

    @property
    def reference(self) -> str:
        return f"{self.sobject}_{self.part}" if self.part else self.sobject

    @property
    def request(self) -> Subrequest:
        return query_request(self.soql, self.reference)

    @property
    def count_request(self) -> Subrequest:
        """Asks how many live records there are, archived ones included."""
        query = count(self.sobject, live_only=self.has_tombstones)
        return query_request(query, f"{self.reference}_count")

    @property
    def is_too_long(self) -> bool:
        """Too many fields for an address; a Bulk job takes them."""
        return len(self.request.url) > MAX_URL

    def halves(self, as_of: datetime) -> tuple[ObjectQuery, ObjectQuery] | None:
        """The window in two, neither of which moves the cursor; None where that does not help."""
        if self.since is None or self.ids:
            return None
        end = self.until or as_of
        middle = (self.since + (end - self.since) / 2).replace(microsecond=0)
        if self.halvings >= MOST_HALVINGS or end - self.since <= SHORTEST_WINDOW or not self.since < middle:
            return None
        half = replace(self, cursor=None, halvings=self.halvings + 1)
        return replace(half, until=middle), replace(half, since=middle)


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
        _window(
            describes[name],
            fields[name],
            _since(describes[name], cursors.get(name), sizes.get(name, 0), as_of=as_of, overlap=overlap),
            as_of,
        )
        for name in order
    )


def _window(describe: ObjectDescribe, fields: frozenset[str], since: datetime | None, as_of: datetime) -> ObjectQuery:
    return ObjectQuery(
        describe.name, select_list(describe, fields), "whole" if since is None else "window", describe.stamp, since,
        cursor=as_of, counted=since is not None and _leaves_no_trace(describe),
        has_tombstones="IsDeleted" in describe.fields,
    )  # fmt: skip


def column_query(describe: ObjectDescribe, fields: frozenset[str]) -> ObjectQuery:
    """Reads some fields of every record: new ones, or ones whose values change without a stamp."""
    names = [f for f in ("Id", describe.stamp, *sorted(fields)) if f]
    return ObjectQuery(describe.name, tuple(dict.fromkeys(names)), "columns", describe.stamp)


def id_query(describe: ObjectDescribe) -> ObjectQuery:
    """Reads which records there are, and their stamps."""
    names = [f for f in ("Id", describe.stamp, "IsDeleted") if f in describe.fields]
    return ObjectQuery(
        describe.name, tuple(names), "ids", describe.stamp, has_tombstones="IsDeleted" in describe.fields
    )  # fmt: skip


def queries_by_id(
    describe: ObjectDescribe, fields: frozenset[str], ids: Sequence[str], *, id_field: str = "Id", start: int = 1
) -> list[ObjectQuery]:
    """Reads the records whose `id_field` is among `ids`, some per query as an address holds them."""
    names = select_list(describe, fields)
    alone = ObjectQuery(describe.name, names, "window", describe.stamp, ids=("0" * 18,), id_field=id_field)
    each = min(_IDS_AT_MOST, max(1, (MAX_URL - len(alone.request.url)) // _ID_IN_URL))
    return [
        ObjectQuery(
            describe.name, names, "window", describe.stamp, ids=tuple(ids[at : at + each]), id_field=id_field,
            part=start + at // each,
        )
        for at in range(0, len(ids), each)
    ]  # fmt: skip


def select_list(describe: ObjectDescribe, fields: frozenset[str]) -> tuple[str, ...]:
    """The engine's own fields first, then `fields` by name; all of them exist in `describe`."""
    wanted = ("Id", describe.stamp, "IsDeleted", *_FOLLOWED.get(describe.name, ()))
    first = tuple(f for f in wanted if f in describe.fields)
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
    if cursor is None or not describe.stamp:
        return None
    if as_of - cursor > TOMBSTONES_LAST or cursor - as_of > overlap:  # a cursor ahead of the org's clock proves nothing
        return None
    if "IsDeleted" not in describe.fields and _leaves_no_trace(describe) and size <= ONE_PAGE:
        return None
    return min(cursor, as_of) - overlap


def _leaves_no_trace(describe: ObjectDescribe) -> bool:
    if describe.name in _NEVER_DELETED:
        return False
    return describe.name in _NO_TOMBSTONES or "IsDeleted" not in describe.fields or describe.stamp != "SystemModstamp"
