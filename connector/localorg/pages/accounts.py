"""The list of accounts: search, stage, health, money, owner; page by page. Called by `pages.handle`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from connector.localorg.pages.show import (
    HEALTH_FIELD,
    STAGE_FIELD,
    Row,
    health_tone,
    show_money,
    show_value,
    stage_tone,
)

if TYPE_CHECKING:
    from connector.localorg.org import Org

PAGE_SIZE = 50
_UNSET = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """One account in the list."""

    href: str
    name: str
    number: str
    stage: str
    stage_tone: str
    health: str
    health_tone: str
    won: str
    ends: str
    owner: str
    last_activity: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter that narrows the list, with the number of accounts behind it."""

    label: str
    count: int
    href: str
    tone: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class AccountList:
    """Everything on the list page."""

    lines: tuple[Line, ...]
    stages: tuple[Choice, ...]
    healths: tuple[Choice, ...]
    search: str
    stage: str
    health: str
    total: int
    first: int
    last: int
    previous_href: str
    next_href: str
    clock: str
    organization: str


def read_account_list(org: Org, args: Mapping[str, str]) -> AccountList:
    """The accounts that match the search and the filters of the address line, fifty at a time, by name."""
    search, stage, health = args.get("q", "").strip(), args.get("stage", ""), args.get("health", "")
    fields = {f["name"]: f for f in org.describe("Account")["fields"]}
    found = [row for row in org.records("Account") if _matches(row, search)]
    chosen = [r for r in found if _is(r, STAGE_FIELD, stage) and _is(r, HEALTH_FIELD, health)]
    chosen.sort(key=lambda row: (str(row["Name"]).casefold(), row["Id"]))
    page = _page_number(args.get("page", "1"), len(chosen))
    start = (page - 1) * PAGE_SIZE
    query = {"q": search, "stage": stage, "health": health}
    shown = chosen[start : start + PAGE_SIZE]
    return AccountList(
        lines=tuple(_lines(org, shown, fields)),
        stages=_choices(found, STAGE_FIELD, fields, query, "stage", stage_tone),
        healths=_choices(found, HEALTH_FIELD, fields, query, "health", health_tone),
        search=search,
        stage=stage,
        health=health,
        total=len(chosen),
        first=start + 1 if shown else 0,
        last=start + len(shown),
        previous_href=_href(query, page - 1) if page > 1 else "",
        next_href=_href(query, page + 1) if start + PAGE_SIZE < len(chosen) else "",
        clock=show_value(org.clock.now()),
        organization=str(next(iter(org.records("Organization")), {}).get("Name") or "Local org"),
    )


def _matches(row: Row, search: str) -> bool:
    words = search.casefold().split()
    text = f"{row['Name']} {row.get('AccountNumber') or ''}".casefold()
    return all(word in text for word in words)


def _is(row: Row, field: str, wanted: str) -> bool:
    return not wanted or (row.get(field) or _UNSET) == wanted


def _page_number(text: str, total: int) -> int:
    pages = max(1, -(-total // PAGE_SIZE))
    return min(max(1, int(text)), pages) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _href(query: Mapping[str, str], page: int = 1) -> str:
    kept = {key: value for key, value in query.items() if value}
    return "/?" + urlencode({**kept, "page": page} if page > 1 else kept)


def _choices(
    rows: list[Row], field: str, fields: Mapping[str, Row], query: Mapping[str, str], key: str, tone: Any
) -> tuple[Choice, ...]:
    """The values of a picklist in its own order with their counts; none where the org has no such field."""
    if field not in fields:
        return ()
    counts = Counter(str(row.get(field) or _UNSET) for row in rows)
    listed = [str(v["value"]) for v in fields[field]["picklistValues"]]
    values = [*listed, *sorted(set(counts) - {*listed, _UNSET}), _UNSET]
    return tuple(
        Choice(
            label=show_value(value, fields[field]) if value != _UNSET else "not set",
            count=counts[value],
            href=_href({**query, key: "" if query[key] == value else value}),
            tone=tone(value),
            chosen=query[key] == value,
        )
        for value in values
        if counts[value]
    )


def _lines(org: Org, rows: Iterable[Row], fields: Mapping[str, Row]) -> Iterable[Line]:
    won, ends, owners = _won_last_year(org), _contract_ends(org), _owner_names(org)
    for row in rows:
        yield Line(
            href=f"/accounts/{row['Id']}",
            name=str(row["Name"]),
            number=str(row.get("AccountNumber") or ""),
            stage=show_value(row.get(STAGE_FIELD), fields.get(STAGE_FIELD)),
            stage_tone=stage_tone(row.get(STAGE_FIELD)),
            health=show_value(row.get(HEALTH_FIELD), fields.get(HEALTH_FIELD)),
            health_tone=health_tone(row.get(HEALTH_FIELD)),
            won=show_money(won.get(row["Id"])),
            ends=show_value(ends.get(row["Id"])),
            owner=owners.get(row["OwnerId"], ""),
            last_activity=show_value(row.get("LastActivityDate")),
        )


def _won_last_year(org: Org) -> dict[str, Decimal]:
    since = org.clock.now().date() - timedelta(days=365)
    won: Counter[str] = Counter()
    for deal in org.records("Opportunity", {"IsWon": True}):
        if deal["AccountId"] and deal["CloseDate"] > since:
            won[deal["AccountId"]] += deal["Amount"] or 0
    return {account: Decimal(amount) for account, amount in won.items()}


def _contract_ends(org: Org) -> dict[str, Any]:
    ends: dict[str, Any] = {}
    for contract in org.records("Contract", {"StatusCode": "Activated"}):
        end, account = contract["EndDate"], contract["AccountId"]
        if end and (account not in ends or ends[account] < end):
            ends[account] = end
    return ends


def _owner_names(org: Org) -> dict[str, str]:
    return {u["Id"]: f"{u['Name']}{'' if u['IsActive'] else ' (inactive)'}" for u in org.records("User")}
