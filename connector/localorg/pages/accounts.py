"""The list of accounts: search, stage, health, money, owner; page by page. Called by `pages.handle`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
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
_ORDERS = {"name": "Account", "won": "Won, 12 months", "ends": "Contract ends"}


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
    order: str
    orders: Mapping[str, Choice]
    total: int
    first: int
    last: int
    previous_href: str
    next_href: str
    clock: str
    organization: str


def read_account_list(org: Org, args: Mapping[str, str]) -> AccountList:
    """The accounts that match the search and the filters of the address line, fifty at a time, largest first."""
    query = {key: args.get(key, "").strip() for key in ("q", "stage", "health", "order")}
    order = query["order"] if query["order"] in _ORDERS else "won"
    fields = {f["name"]: f for f in org.describe("Account")["fields"]}
    money = _Money(_won_last_year(org), _contract_ends(org))
    found = [row for row in org.records("Account") if _matches(row, query["q"])]
    chosen = [r for r in found if _is(r, STAGE_FIELD, query["stage"]) and _is(r, HEALTH_FIELD, query["health"])]
    chosen.sort(key=lambda row: _sort_key(row, order, money))
    page = _page_number(args.get("page", "1"), len(chosen))
    start = (page - 1) * PAGE_SIZE
    shown = chosen[start : start + PAGE_SIZE]
    return AccountList(
        lines=tuple(_lines(org, shown, fields, money)),
        stages=_choices(found, STAGE_FIELD, fields, query, "stage", stage_tone),
        healths=_choices(found, HEALTH_FIELD, fields, query, "health", health_tone),
        search=query["q"],
        stage=query["stage"],
        health=query["health"],
        order=order,
        orders={key: _order_choice(key, label, order, query) for key, label in _ORDERS.items()},
        total=len(chosen),
        first=start + 1 if shown else 0,
        last=start + len(shown),
        previous_href=_href(query, page - 1) if page > 1 else "",
        next_href=_href(query, page + 1) if start + PAGE_SIZE < len(chosen) else "",
        clock=show_value(org.clock.now()),
        organization=str(next(iter(org.records("Organization")), {}).get("Name") or "Local org"),
    )


@dataclass(frozen=True, slots=True)
class _Money:
    won: Mapping[str, Decimal]
    ends: Mapping[str, date]


def _sort_key(row: Row, order: str, money: _Money) -> tuple[Any, ...]:
    name = (str(row["Name"]).casefold(), row["Id"])
    if order == "won":
        return (-money.won.get(row["Id"], Decimal(0)), *name)
    return (money.ends.get(row["Id"], date.max), *name) if order == "ends" else name


def _order_choice(key: str, label: str, order: str, query: Mapping[str, str]) -> Choice:
    return Choice(label, 0, _href({**query, "order": "" if key == "won" else key}), "", key == order)


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
    rows: Sequence[Row], field: str, fields: Mapping[str, Row], query: Mapping[str, str], key: str, tone: Any
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


def _lines(org: Org, rows: Iterable[Row], fields: Mapping[str, Row], money: _Money) -> Iterable[Line]:
    owners = _owner_names(org)
    for row in rows:
        yield Line(
            href=f"/accounts/{row['Id']}",
            name=str(row["Name"]),
            number=str(row.get("AccountNumber") or ""),
            stage=show_value(row.get(STAGE_FIELD), fields.get(STAGE_FIELD)),
            stage_tone=stage_tone(row.get(STAGE_FIELD)),
            health=show_value(row.get(HEALTH_FIELD), fields.get(HEALTH_FIELD)),
            health_tone=health_tone(row.get(HEALTH_FIELD)),
            won=show_money(money.won.get(row["Id"])),
            ends=show_value(money.ends.get(row["Id"])),
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


def _contract_ends(org: Org) -> dict[str, date]:
    ends: dict[str, date] = {}
    for contract in org.records("Contract", {"StatusCode": "Activated"}):
        end, account = contract["EndDate"], contract["AccountId"]
        if end and (account not in ends or ends[account] < end):
            ends[account] = end
    return ends


def _owner_names(org: Org) -> dict[str, str]:
    return {u["Id"]: f"{u['Name']}{'' if u['IsActive'] else ' (inactive)'}" for u in org.records("User")}
