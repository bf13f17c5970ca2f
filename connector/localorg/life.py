"""A day of the people who work in the org: they do Tasks, call, win and lose deals, leave, change their minds.

Called by tests, by `connector localorg` and by the admin endpoint. Works through the org's own rules as the person
who acts, never around them. Everything is decided by chance from stable texts (account number, subject, day), never
from ids or the order of rows: two orgs with equal content live the same day even where ids differ.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from connector.localorg.org import Org, OrgError

Row = dict[str, Any]

_STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review")
_DEFAULT_STAGE_FIELD = "Lifecycle_Stage__c"


@dataclass(frozen=True, slots=True)
class Habits:
    """How often things happen, as chances per day and record; a chance of 0 switches a habit off."""

    complete_due_task: float = 0.15
    complete_early_task: float = 0.03
    delete_task: float = 0.003
    advance_deal: float = 0.05
    close_due_deal: float = 0.2
    prepare_renewal: float = 0.03
    talk: float = 0.09
    report_usage: float = 0.12
    open_case: float = 0.003
    close_case: float = 0.15
    change_owner: float = 0.001
    opt_out: float = 0.0008
    respond: float = 0.02
    work_lead: float = 0.02
    win_customer: float = 0.15
    lose_colleague: float = 0.002
    edit_stage: float = 0.0
    merge_accounts: float = 0.0
    convert_lead: float = 0.0
    undelete_task: float = 0.0


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that a person did, or tried to do; `refused` holds the org's code when it said no."""

    what: str
    sobject: str
    about: str
    refused: str | None = None


@dataclass(slots=True)
class _Day:
    """Today as people find it in the morning: rows by object, accounts by id, and what they have done so far."""

    org: Org
    today: date
    salt: int
    habits: Habits
    accounts: dict[str, Row]
    users: dict[str, Row]
    happenings: list[Happening] = field(default_factory=list)

    def chance(self, *texts: object) -> float:
        """A number from 0 to 1 that depends on the day and the texts alone."""
        return _chance(self.salt, self.today, *texts)

    def pick(self, options: list[str], *texts: object) -> str:
        """One of the options, by chance."""
        return options[int(self.chance("pick", *texts) * len(options))]

    def actor(self, user_id: str | None) -> str | None:
        """The user when it is a person who still works here, else nobody in particular."""
        return user_id if user_id in self.users else None


def tick(org: Org, rng: Random, *, habits: Habits | None = None) -> tuple[Happening, ...]:
    """Live today: make people's changes at the clock's time. Draws once from `rng`; does not move the clock."""
    day = _open_day(org, rng.getrandbits(64), habits or Habits())
    for live in (_do_tasks, _move_deals, _look_after_accounts, _handle_cases, _hear_from_contacts, _work_leads):
        live(day)
    for live in (_convert_leads, _undelete_tasks, _merge_accounts, _win_customer, _lose_colleague):
        live(day)
    return tuple(day.happenings)


def live_days(org: Org, rng: Random, days: int = 1, *, habits: Habits | None = None) -> tuple[Happening, ...]:
    """Move the clock on by a day and live it, as often as asked."""
    happenings: list[Happening] = []
    for _ in range(days):
        org.clock.advance(timedelta(days=1))
        happenings += tick(org, rng, habits=habits)
    return tuple(happenings)


def _open_day(org: Org, salt: int, habits: Habits) -> _Day:
    accounts = {row["Id"]: row for row in org.records("Account")}
    people = {u["Id"]: u for u in org.records("User") if u["IsActive"] and u["Title"]}
    return _Day(org, org.clock.now().date(), salt, habits, accounts, people)


def _chance(*texts: object) -> float:
    digest = hashlib.blake2b("\x1f".join(map(str, texts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _account_key(account: Row | None) -> str:
    return f"{account['AccountNumber']}\x1f{account['Name']}" if account else ""


def _rows_with_keys(day: _Day, sobject: str, where: Row, *names: str) -> Iterator[tuple[str, Row]]:
    """Rows with the text that stands for each: its account and the named fields; in the order of these texts."""
    rows = day.org.records(sobject, where)
    keyed = [(_row_key(day, row, names), row) for row in rows]
    yield from sorted(keyed, key=lambda pair: pair[0])


def _row_key(day: _Day, row: Row, names: tuple[str, ...]) -> str:
    return "\x1f".join([_account_key(day.accounts.get(row.get("AccountId") or "")), *(str(row.get(n)) for n in names)])


def _try(day: _Day, what: str, sobject: str, about: str, act: Callable[[], object]) -> bool:
    """Let a person act and note it; what the org refuses is noted with its code."""
    try:
        act()
    except OrgError as refusal:
        day.happenings.append(Happening(what, sobject, about, refusal.code))
        return False
    day.happenings.append(Happening(what, sobject, about))
    return True


def _update(day: _Day, what: str, sobject: str, row: Row, about: str, fields: Row, user: str | None = None) -> bool:
    act = partial(day.org.update_record, sobject, row["Id"], fields, user=day.actor(user))
    return _try(day, what, sobject, about, act)


def _create(day: _Day, what: str, sobject: str, about: str, fields: Row, user: str | None = None) -> str | None:
    made: list[str] = []
    done = _try(
        day, what, sobject, about, lambda: made.append(day.org.create_record(sobject, fields, user=day.actor(user)))
    )
    return made[0] if done else None


def _do_tasks(day: _Day) -> None:
    for key, task in _rows_with_keys(day, "Task", {"IsClosed": False}, "Subject"):
        due = task["ActivityDate"]
        is_due = due is None or due <= day.today + timedelta(days=3)
        chance = day.chance("task", key)
        if chance < (day.habits.complete_due_task if is_due else day.habits.complete_early_task):
            _update(day, "completed", "Task", task, task["Subject"], {"Status": "Completed"}, task["OwnerId"])
        elif chance > 1 - day.habits.delete_task:
            act = partial(day.org.delete_record, "Task", task["Id"], user=day.actor(task["OwnerId"]))
            _try(day, "deleted", "Task", task["Subject"], act)


def _move_deals(day: _Day) -> None:
    for key, deal in _rows_with_keys(day, "Opportunity", {"IsClosed": False}, "Name"):
        is_due = deal["CloseDate"] <= day.today + timedelta(days=10)
        if is_due and day.chance("close", key) < day.habits.close_due_deal:
            _close_deal(day, deal, won=day.chance("won", key) < (0.8 if deal["Type"] == "Renewal" else 0.6))
        elif day.chance("advance", key) < day.habits.advance_deal:
            _advance_deal(day, deal)


def _advance_deal(day: _Day, deal: Row) -> None:
    position = _STAGES.index(deal["StageName"]) if deal["StageName"] in _STAGES else 0
    if position + 1 < len(_STAGES):
        fields = {"StageName": _STAGES[position + 1]}
        _update(day, "advanced", "Opportunity", deal, deal["Name"], fields, deal["OwnerId"])


def _close_deal(day: _Day, deal: Row, *, won: bool) -> None:
    fields = {"StageName": "Closed Won" if won else "Closed Lost", "CloseDate": day.today}
    closed = _update(day, "won" if won else "lost", "Opportunity", deal, deal["Name"], fields, deal["OwnerId"])
    if closed and won and deal["Type"] in ("Renewal", "New Business") and deal["AccountId"]:
        ends = _contract_end(day, deal["AccountId"])
        starts = ends + timedelta(days=1) if ends and ends >= day.today else day.today
        _sign_contract(day, deal["AccountId"], starts, deal["OwnerId"])


def _contract_end(day: _Day, account_id: str) -> date | None:
    contracts = day.org.records("Contract", {"AccountId": account_id, "StatusCode": "Activated"})
    return max((c["EndDate"] for c in contracts if c["EndDate"]), default=None)


def _sign_contract(day: _Day, account_id: str, starts: date, seller: str) -> None:
    """A contract begins as a draft and is then activated, as the platform demands."""
    about = day.org.records("Account", {"Id": account_id})[0]["Name"]
    fields: Row = {"AccountId": account_id, "StartDate": starts, "ContractTerm": 12, "Status": "Draft"}
    made = _create(day, "drafted", "Contract", about, fields, seller)
    if made:
        _update(day, "activated", "Contract", {"Id": made}, about, {"Status": "Activated"}, seller)


def _look_after_accounts(day: _Day) -> None:
    ends = _latest_ends(day)
    renewing = {deal["AccountId"] for deal in day.org.records("Opportunity", {"IsClosed": False, "Type": "Renewal"})}
    contacts: dict[str, list[Row]] = defaultdict(list)
    for _, contact in _rows_with_keys(day, "Contact", {}, "Name", "Email"):
        contacts[contact["AccountId"]].append(contact)
    for account in sorted(day.accounts.values(), key=_account_key):
        key, end = _account_key(account), ends.get(account["Id"])
        if end is None or end < day.today:
            continue
        if end <= day.today + timedelta(days=120) and account["Id"] not in renewing:
            _maybe_prepare_renewal(day, key, account, end)
        _maybe_talk(day, key, account, contacts[account["Id"]])
        _maybe_report_usage(day, key, account)
        _maybe_open_case(day, key, account, contacts[account["Id"]])
        _maybe_change_owner(day, key, account)
        _maybe_edit_stage(day, key, account)


def _latest_ends(day: _Day) -> dict[str, date]:
    ends: dict[str, date] = {}
    for contract in day.org.records("Contract", {"StatusCode": "Activated"}):
        if contract["EndDate"]:
            ends[contract["AccountId"]] = max(ends.get(contract["AccountId"], date.min), contract["EndDate"])
    return ends


def _maybe_prepare_renewal(day: _Day, key: str, account: Row, ends: date) -> None:
    if day.chance("renewal", key) < day.habits.prepare_renewal:
        fields = {
            "AccountId": account["Id"],
            "Name": f"{account['Name']} - Renewal {ends.year}"[:120].strip(),
            "Type": "Renewal",
            "StageName": "Prospecting",
            "CloseDate": ends,
            "Amount": Decimal(12000 + int(_chance("amount", key) * 90) * 1000),
        }
        _create(day, "prepared", "Opportunity", account["Name"], fields, account["OwnerId"])


def _maybe_talk(day: _Day, key: str, account: Row, contacts: list[Row]) -> None:
    """A customer talks in some months and is silent in others."""
    is_silent = _chance("silent", key, day.today.year, day.today.month) < 0.2
    if is_silent or not contacts or day.chance("talk", key) >= day.habits.talk:
        return
    fields = {
        "WhatId": account["Id"],
        "WhoId": contacts[int(day.chance("who", key) * len(contacts))]["Id"],
        "Subject": "Call",
        "Status": "Completed",
        "ActivityDate": day.today,
        "TaskSubtype": "Call",
        "CallType": "Outbound",
        "CallDisposition": "Connected" if day.chance("connected", key) < 0.7 else "No answer",
    }
    _create(day, "called", "Task", account["Name"], fields, account.get("CSM__c") or account["OwnerId"])


def _maybe_report_usage(day: _Day, key: str, account: Row) -> None:
    seats = account.get("Licensed_Users__c")
    if not seats or day.chance("usage", key) >= day.habits.report_usage:
        return
    trend = Decimal(str(round(0.85 + day.chance("trend", key) * 0.32, 3)))
    active = min(Decimal(seats), (Decimal(account.get("Active_Users__c") or 1) * trend + 1).quantize(Decimal(1)))
    fields = {"Active_Users__c": active, "Usage_Updated__c": day.today}
    _update(day, "reported usage of", "Account", account, account["Name"], fields)


def _maybe_open_case(day: _Day, key: str, account: Row, contacts: list[Row]) -> None:
    if contacts and day.chance("case", key) < day.habits.open_case:
        fields: Row = {"AccountId": account["Id"], "ContactId": contacts[0]["Id"], "Subject": "Something is wrong"}
        _create(day, "opened", "Case", account["Name"], {**fields, "Status": "New", "Origin": "Email"})


def _maybe_change_owner(day: _Day, key: str, account: Row) -> None:
    if not day.users or day.chance("owner", key) >= day.habits.change_owner:
        return
    people = sorted(day.users.values(), key=lambda user: str(user["Username"]))
    chosen = day.pick([user["Id"] for user in people], "owner", key)
    if chosen != account["OwnerId"]:
        _update(day, "handed over", "Account", account, account["Name"], {"OwnerId": chosen})


def _maybe_edit_stage(day: _Day, key: str, account: Row) -> None:
    current = account.get(_DEFAULT_STAGE_FIELD)
    if not current or day.chance("stage", key) >= day.habits.edit_stage:
        return
    described = next(f for f in day.org.describe("Account")["fields"] if f["name"] == _DEFAULT_STAGE_FIELD)
    others = [v["value"] for v in described["picklistValues"] if v["value"] != current]
    if others:
        fields = {_DEFAULT_STAGE_FIELD: day.pick(others, "stage", key)}
        _update(day, "set the stage of", "Account", account, account["Name"], fields, account["OwnerId"])


def _handle_cases(day: _Day) -> None:
    for key, case in _rows_with_keys(day, "Case", {"IsClosed": False}, "Subject"):
        if day.chance("solve", key) < day.habits.close_case:
            _update(day, "closed", "Case", case, str(case["Subject"]), {"Status": "Closed"}, case["OwnerId"])


def _hear_from_contacts(day: _Day) -> None:
    names: dict[str, str] = {}
    for key, contact in _rows_with_keys(day, "Contact", {}, "Name", "Email"):
        names[contact["Id"]] = key
        if not contact["HasOptedOutOfEmail"] and day.chance("opt out", key) < day.habits.opt_out:
            _update(day, "opted out", "Contact", contact, contact["Name"], {"HasOptedOutOfEmail": True})
    campaigns = {c["Id"]: c["Name"] for c in day.org.records("Campaign", {"IsActive": True})}
    members = day.org.records("CampaignMember", {"HasResponded": False})
    keyed = [(f"{campaigns.get(m['CampaignId'])}\x1f{names.get(m['ContactId'])}", m) for m in members if m["ContactId"]]
    for key, member in sorted(keyed, key=lambda pair: pair[0]):
        if member["CampaignId"] in campaigns and day.chance("respond", key) < day.habits.respond:
            _update(
                day, "responded in", "CampaignMember", member, campaigns[member["CampaignId"]], {"Status": "Responded"}
            )


def _work_leads(day: _Day) -> None:
    for key, lead in _rows_with_keys(day, "Lead", {"Status": "Open - Not Contacted"}, "Name", "Company", "Email"):
        if day.chance("lead", key) < day.habits.work_lead:
            _update(day, "contacted", "Lead", lead, lead["Name"], {"Status": "Working - Contacted"}, lead["OwnerId"])


def _convert_leads(day: _Day) -> None:
    """A lead becomes a customer of its own; a person's name is not looked up first."""
    for key, lead in _rows_with_keys(day, "Lead", {"IsConverted": False}, "Name", "Company", "Email"):
        if day.chance("convert", key) < day.habits.convert_lead:
            act = partial(day.org.convert_lead, lead["Id"], user=day.actor(lead["OwnerId"]))
            _try(day, "converted", "Lead", lead["Name"], act)


def _undelete_tasks(day: _Day) -> None:
    """Somebody takes a Task out of the recycle bin again."""
    rows = day.org.records("Task", {"IsDeleted": True}, include_deleted=True)
    keyed = [(_row_key(day, row, ("Subject", "ActivityDate")), row) for row in rows]
    for key, task in sorted(keyed, key=lambda pair: pair[0]):
        if day.chance("undelete", key) < day.habits.undelete_task:
            act = partial(day.org.undelete_record, "Task", task["Id"], user=day.actor(task["OwnerId"]))
            _try(day, "brought back", "Task", str(task["Subject"]), act)


def _merge_accounts(day: _Day) -> None:
    """Two customers turn out to be one; the one that comes first by its number stays."""
    accounts = sorted((a for a in day.org.records("Account") if a["Id"] in day.accounts), key=_account_key)
    gone: set[str] = set()
    for n, master in enumerate(accounts[:-1]):
        if master["Id"] in gone or day.chance("merge", _account_key(master)) >= day.habits.merge_accounts:
            continue
        others = [a["Id"] for a in accounts[n + 1 :] if a["Id"] not in gone]
        if others:
            loser = day.pick(others, "merge", _account_key(master))
            act = partial(day.org.merge, "Account", master["Id"], [loser], user=day.actor(master["OwnerId"]))
            _try(day, "merged", "Account", master["Name"], act)
            gone.add(loser)


def _win_customer(day: _Day) -> None:
    """Now and then a company that nobody had heard of buys at once."""
    if day.chance("new customer") >= day.habits.win_customer:
        return
    name = f"Newcomer {day.today:%Y-%m-%d}"
    sellers = sorted(day.users.values(), key=lambda user: str(user["Username"]))
    seller = day.pick([user["Id"] for user in sellers], "seller") if sellers else None
    fields = {"Name": name, "AccountNumber": f"NEW-{day.today:%Y%m%d}", "Type": "Customer - Direct"}
    account = _create(day, "won", "Account", name, fields, seller)
    if account is None:
        return
    mail = f"first@newcomer{day.today:%Y%m%d}.example"
    _create(day, "met", "Contact", name, {"AccountId": account, "LastName": "Newcomer", "Email": mail}, seller)
    deal = {"AccountId": account, "Name": f"{name} - New Business", "Type": "New Business", "Amount": Decimal(24000)}
    _create(day, "won", "Opportunity", name, {**deal, "StageName": "Closed Won", "CloseDate": day.today}, seller)
    _sign_contract(day, account, day.today, seller or "")


def _lose_colleague(day: _Day) -> None:
    csms = sorted(
        (u for u in day.users.values() if u["Title"] == "Customer Success Manager"), key=lambda u: str(u["Username"])
    )
    if len(csms) > 3 and day.chance("leaver") < day.habits.lose_colleague:
        leaver = csms[int(day.chance("who leaves") * len(csms))]
        _update(day, "left the company", "User", leaver, leaver["Name"], {"IsActive": False})
