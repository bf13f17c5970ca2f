"""The big book: any number of accounts with contacts, contracts, opportunities and tasks to match.

Made set-wise inside SQLite, table by table, without indexes on the way. Called by `load_seed` after the staff has
been hired. Every value comes from the row's number and the seed, so the same seed and clock give the same book.
Without history rows, cases and campaigns: a load to measure with, not a story to read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connector.localorg.definitions import ObjectDef
from connector.localorg.ids import id_series
from connector.localorg.loading import roll_up_activities
from connector.localorg.seeds.book import Book
from connector.localorg.seeds.staff import hire_staff
from connector.localorg.seeds.words import (
    CITIES,
    COMPANY_ENDS,
    COMPANY_FORMS,
    COMPANY_FRONTS,
    FIRST_NAMES,
    INDUSTRIES,
    LAST_NAMES,
    TITLES,
)
from connector.localorg.values import store_trusted

if TYPE_CHECKING:
    from connector.localorg.org import Org
    from connector.localorg.transaction import Transaction

PER_ACCOUNT: Mapping[str, int] = {"Contact": 2, "Contract": 1, "Opportunity": 3, "Task": 10}
DAYS_OF_HISTORY = 730
SPREAD = 20
ARCHIVE_AFTER = 365

Columns = Mapping[str, str]
"""SQL expressions by field; `n` is the row's number from 1, `a` the account it belongs to, `d` its day."""
Table = tuple[str, Columns]
"""Which day is the row's, as a number of days from today, and its columns."""


def write_big(now: datetime, _seed: int, _size: int, profile_id: str) -> Book:
    """The people who own it all; the rest is made by fill_big."""
    book = Book()
    hire_staff(book, profile_id, now - timedelta(days=DAYS_OF_HISTORY + 30))
    return book


def fill_big(org: Org, seed: int, size: int) -> None:
    """Make `size` accounts and their children."""
    with org.transaction() as txn:
        maker = _Maker(txn, seed, size, org.clock.now())
        maker.lay_out_days()
        maker.insert("Account", size, *_account(maker), owned=False)
    for sobject, write in _CHILDREN.items():
        with org.transaction() as txn:
            maker = _Maker(txn, seed, size, org.clock.now())
            maker.insert(sobject, size * PER_ACCOUNT[sobject], *write(maker))
    with org.transaction() as txn:
        txn.store.connection.execute("DROP TABLE big_days")
        roll_up_activities(txn)


@dataclass(slots=True)
class _Maker:
    """Writes whole tables; knows how to draw from the row's number."""

    txn: Transaction
    seed: int
    size: int
    now: datetime

    def draw(self, what: int, most: int) -> str:
        """A number from 0 below `most` that depends on the row, the seed and what is drawn."""
        mixed = f"(n + {(self.seed * 7919 + what * 104729) % 1000003}) * 2654435761"
        return f"(((({mixed}) >> 13) & 0x7fffffff) % {most})"

    @property
    def today(self) -> str:
        """The book's day."""
        return self.now.date().isoformat()

    def pick(self, what: int, options: Sequence[str | None]) -> str:
        """One of the options."""
        cases = " ".join(f"WHEN {n} THEN {_quoted(o)}" for n, o in enumerate(options))
        return f"CASE {self.draw(what, len(options))} {cases} END"

    def offset(self, what: int, earliest: int, latest: int) -> str:
        """A number of days from today, between two such numbers."""
        return f"({earliest} + {self.draw(what, latest - earliest + 1)})"

    def lay_out_days(self) -> None:
        """A table of days around today: looking one up costs a tenth of computing it."""
        run, first = self.txn.store.connection.execute, self.now.date()
        run("CREATE TEMP TABLE big_days (k INTEGER PRIMARY KEY, day TEXT, moment TEXT, fiscal_year INT, quarter INT)")
        for n in range(-DAYS_OF_HISTORY, DAYS_OF_HISTORY):
            day = first + timedelta(days=n)
            row = (n, day.isoformat(), f"{day}T09:00:00.000+0000", day.year, (day.month + 2) // 3)
            run("INSERT INTO big_days VALUES (?, ?, ?, ?, ?)", row)

    def people(self, title: str) -> list[str]:
        """Ids of the staff with a title like this, in order of name."""
        rows = self.txn.select("User", {"IsActive": 1})
        found = sorted((str(r["Username"]), str(r["Id"])) for r in rows if title in str(r["Title"]))
        return [i for _, i in found] or [self.txn.user_id]

    def insert(self, sobject: str, count: int, day: str, columns: Columns, *, owned: bool = True) -> None:
        """Insert rows 1 to `count`; `d` is the day of the row.

        Children belong to accounts drawn by chance from a short stretch: counts vary and neighbours stay together.
        """
        txn, definition = self.txn, self.txn.schema.get(sobject)
        first = txn.store.reserve_counters(definition.key_prefix, count)
        given = {
            **_defaults(definition),
            "CurrencyIsoCode": _quoted(txn.corporate_currency()),
            **_numbers(txn, definition, count),
            **_audit(definition, columns, txn.user_id),
            **columns,
        }
        given = {n: sql for n, sql in given.items() if definition.has(n)}
        names = ", ".join(f'"{n}"' for n in ("Id", *given))
        values = ", ".join(["sf_id(n)", *given.values()])
        source = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT ?) SELECT n FROM s)"
        owner = f"((n - 1) * {self.size} / {count} + {self.draw(0, SPREAD)}) % {self.size}"
        join = f' JOIN "Account" a ON a.rowid = base.first + {owner}' if owned else ""
        base = ' CROSS JOIN (SELECT MIN(rowid) AS first FROM "Account") base' if owned else ""
        join += f" JOIN big_days d ON d.k = {day}"
        make_id = id_series(definition.key_prefix, txn.pod)
        txn.store.connection.create_function("sf_id", 1, lambda n: make_id(first - 1 + n))
        indexes = _drop_indexes(txn, sobject)
        txn.store.connection.execute(
            f'INSERT INTO "{sobject}" ({names}) SELECT {values} FROM {source}{base}{join}', (count,)
        )
        for sql in indexes:
            txn.store.connection.execute(sql)
        txn.rows_written += count


def _quoted(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def _defaults(definition: ObjectDef) -> dict[str, str]:
    """Default values of every field that has one, as literals."""
    stored = {
        f.name: store_trusted(f, f.default_value) for f in definition.stored_fields if f.default_value is not None
    }
    return {n: _quoted(v) if isinstance(v, str) else str(v) for n, v in stored.items()}


def _numbers(txn: Transaction, definition: ObjectDef, count: int) -> dict[str, str]:
    """Numbers of auto-number fields, eight digits as ContractNumber has them."""
    fields = [f.name for f in definition.stored_fields if f.raw["autoNumber"]]
    return {n: f"printf('%08d', {txn.store.reserve_counters(f'{definition.name}.{n}', count) - 1} + n)" for n in fields}


def _audit(definition: ObjectDef, columns: Columns, user_id: str) -> dict[str, str]:
    created = columns["CreatedDate"]
    given = {"IsDeleted": "0", "LastModifiedDate": created, "SystemModstamp": created}
    people = dict.fromkeys(("OwnerId", "CreatedById", "LastModifiedById"), _quoted(user_id))
    return {n: v for n, v in {**given, **people}.items() if definition.has(n)}


def _drop_indexes(txn: Transaction, sobject: str) -> list[str]:
    """Drop the indexes of a table that can be made again, and return how; one sort beats a million insertions."""
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name"
    found = txn.store.connection.execute(sql, (sobject,)).fetchall()
    for name, _ in found:
        txn.store.connection.execute(f'DROP INDEX "{name}"')
    return [text for _, text in found]


def _account(make: _Maker) -> Table:
    seats = f"(10 + {make.draw(4, 40)} * 5)"
    return make.offset(12, 30 - DAYS_OF_HISTORY, -30), {
        "Name": f"{make.pick(1, COMPANY_FRONTS)} || ' ' || {make.pick(2, COMPANY_ENDS)} || ' ' || "
        f"{make.pick(3, COMPANY_FORMS)} || printf(' %07d', n)",
        "AccountNumber": "printf('BIG-%07d', n)",
        "Type": "'Customer - Direct'",
        "Industry": make.pick(5, INDUSTRIES),
        "BillingCity": make.pick(6, [city for city, _ in CITIES]),
        "BillingCountry": make.pick(6, [country for _, country in CITIES]),
        "NumberOfEmployees": f"10 + {make.draw(7, 5000)}",
        "OwnerId": make.pick(8, make.people("Account Executive")),
        "CSM__c": make.pick(9, make.people("Customer Success Manager")),
        "Licensed_Users__c": f"1.0 * {seats}",
        "Active_Users__c": f"1.0 * ({make.draw(10, 101)} * {seats} / 100)",
        "Usage_Updated__c": f"(SELECT u.day FROM big_days u WHERE u.k = -{make.draw(11, 61)})",
        "CreatedDate": "d.moment",
    }


def _contact(make: _Maker) -> Table:
    first, last = make.pick(1, FIRST_NAMES), make.pick(2, LAST_NAMES)
    return "0", {
        "AccountId": 'a."Id"',
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} || ' ' || {last}",
        "Title": make.pick(3, TITLES),
        "Email": "printf('person%08d@customer.example', n)",
        "OwnerId": 'a."OwnerId"',
        "CreatedDate": 'a."CreatedDate"',
    }


def _contract(make: _Maker) -> Table:
    """One a year that ends somewhere between last year and the next; the term makes the start."""
    return make.offset(1, -700, -1), {
        "AccountId": 'a."Id"',
        "Status": "'Activated'",
        "StatusCode": "'Activated'",
        "StartDate": "d.day",
        "ContractTerm": "12",
        "EndDate": "date(d.day, '+12 months', '-1 day')",
        "ActivatedDate": "d.moment",
        "OwnerId": 'a."OwnerId"',
        "CreatedDate": "d.moment",
    }


def _opportunity(make: _Maker) -> Table:
    """Six in ten won, two lost, two open; open ones close in the months to come."""
    fate = make.draw(1, 10)
    amount = f"1000.0 * (1 + {make.draw(2, 90)})"
    closed = f"({fate} < 8)"
    chance = f"CASE WHEN {fate} < 6 THEN 100.0 WHEN {fate} < 8 THEN 0.0 ELSE 10.0 END"
    close = f"CASE WHEN {closed} THEN {make.offset(3, -DAYS_OF_HISTORY, 0)} ELSE {make.offset(3, 1, 180)} END"
    category = f"CASE WHEN {fate} < 6 THEN 'Closed' WHEN {fate} < 8 THEN 'Omitted' ELSE 'Pipeline' END"
    return close, {
        "AccountId": 'a."Id"',
        "Name": "a.\"Name\" || ' - ' || printf('%07d', n)",
        "Type": make.pick(4, ("New Business", "Renewal", "Renewal", "Expansion")),
        "StageName": f"CASE WHEN {fate} < 6 THEN 'Closed Won' WHEN {closed} THEN 'Closed Lost' ELSE 'Prospecting' END",
        "IsClosed": closed,
        "IsWon": f"({fate} < 6)",
        "Amount": amount,
        "Probability": chance,
        "ExpectedRevenue": f"{amount} * ({chance}) / 100",
        "ForecastCategory": category,
        "ForecastCategoryName": category,
        "CloseDate": "d.day",
        "FiscalYear": "d.fiscal_year",
        "FiscalQuarter": "d.quarter",
        "OwnerId": 'a."OwnerId"',
        "CreatedDate": 'a."CreatedDate"',
    }


def _task(make: _Maker) -> Table:
    """Nine in ten done, over two years; those of more than a year ago are archived."""
    done = f"({make.draw(1, 10)} < 9)"
    due = f"CASE WHEN {done} THEN {make.offset(2, -DAYS_OF_HISTORY, -1)} ELSE {make.offset(2, -30, 60)} END"
    return due, {
        "WhatId": 'a."Id"',
        "AccountId": 'a."Id"',
        "Subject": make.pick(3, ("Call", "Email", "Check-in", "Quarterly review", "Send quote", "Follow up")),
        "Status": f"CASE WHEN {done} THEN 'Completed' ELSE 'Not Started' END",
        "Priority": "'Normal'",
        "TaskSubtype": make.pick(4, ("Task", "Call", "Email")),
        "IsClosed": done,
        "IsArchived": f"({done} AND d.k <= -{ARCHIVE_AFTER})",
        "ActivityDate": "d.day",
        "CompletedDateTime": f"CASE WHEN {done} THEN d.moment END",
        "OwnerId": 'a."OwnerId"',
        "CreatedDate": f"min(d.moment, '{make.today}T08:00:00.000+0000')",
    }


_CHILDREN: Mapping[str, Callable[[_Maker], Table]] = {
    "Contact": _contact,
    "Contract": _contract,
    "Opportunity": _opportunity,
    "Task": _task,
}
