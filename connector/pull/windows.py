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

NO_TOMBSTONES = frozenset({"CampaignMember"})
"""Objects whose deleted records are gone at once: counted, and read whole when the count differs."""


@dataclass(frozen=True)
class ObjectQuery:
    """One query over one object. Without `since` it reads everything and replaces what was there."""

    sobject: str
    fields: tuple[str, ...]
    since: datetime | None = None

    @property
    def request(self) -> Subrequest:
        return query_request(select(self.sobject, self.fields, since=self.since), self.sobject)

    @property
    def count_request(self) -> Subrequest | None:
        """Asks how many live records there are, where deleted ones leave no trace."""
        if self.since is None or self.sobject not in NO_TOMBSTONES:
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
    *,
    as_of: datetime,
    overlap: timedelta,
) -> tuple[ObjectQuery, ...]:
    """One query per object in `fields`, the organization's first: nothing is stored before we know whose it is."""
    order = sorted(fields, key=lambda name: (name != ORGANIZATION, name))
    return tuple(
        ObjectQuery(
            name,
            select_list(describes[name], fields[name]),
            _since(describes[name], cursors.get(name), as_of=as_of, overlap=overlap),
        )
        for name in order
    )


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
    describe: ObjectDescribe, cursor: datetime | None, *, as_of: datetime, overlap: timedelta
) -> datetime | None:
    if cursor is None or describe.name == ORGANIZATION or "SystemModstamp" not in describe.fields:
        return None
    return cursor - overlap if as_of - cursor <= TOMBSTONES_LAST else None
