"""SOQL beyond plain fields: TYPEOF, nested children, subtotals, functions, the user's time zone, ways to run it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from local_client import NOW

from connector.localorg.org import Org, OrgError
from connector.localorg.soql.run import run_soql
from connector.localorg.soql.spans import find_span

Refusal = Callable[..., OrgError]
NEW_YORK = "America/New_York"


@pytest.fixture
def ann(org: Org) -> str:
    return org.add_user("ann@example.com", first_name="Ann", last_name="Lee")


@pytest.fixture
def book(org: Org, ann: str) -> Org:
    """Two accounts with people, deals and tasks; one of them has a parent."""
    acme = org.create_record("Account", {"Name": "Acme", "Industry": "Energy", "Rating": "Hot", "Phone": "1"})
    bolt = org.create_record("Account", {"Name": "Bolt", "Industry": "Energy", "Rating": "Cold", "OwnerId": ann})
    org.create_record("Account", {"Name": "Core", "Industry": "Banking", "Rating": "Hot", "ParentId": bolt})
    doe = org.create_record("Contact", {"LastName": "Doe", "AccountId": acme, "Email": "doe@example.com"})
    org.create_record("Contact", {"LastName": "Roe", "AccountId": acme})
    deal = {"StageName": "Prospecting", "AccountId": bolt, "Amount": 1234.5}
    first = org.create_record("Opportunity", {**deal, "Name": "First", "CloseDate": "2026-02-01"})
    org.create_record("Opportunity", {**deal, "Name": "Second", "CloseDate": "2026-08-30"})
    org.create_record("Task", {"Subject": "a", "WhatId": acme, "WhoId": doe})
    org.create_record("Task", {"Subject": "b", "WhatId": first})
    org.create_record("Task", {"Subject": "c"})
    return org


def rows(org: Org, statement: str) -> list[dict[str, Any]]:
    """Records without attributes on the first level."""
    return [{k: v for k, v in r.items() if k != "attributes"} for r in org.query(statement).records]


def groups(org: Org, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(r.values()) for r in rows(org, statement)]


# --- TYPEOF


def test_typeof_shows_the_fields_of_what_is_there(book: Org) -> None:
    found = rows(
        book,
        "SELECT Subject, TYPEOF What WHEN Account THEN Phone, Owner.Name WHEN Opportunity THEN Amount END, Id"
        " FROM Task ORDER BY Subject",
    )
    assert [list(r) for r in found] == [["Subject", "What", "Id"]] * 3
    account, deal, nothing = (r["What"] for r in found)
    assert (account["attributes"]["type"], account["Phone"]) == ("Account", "1")
    assert account["Owner"]["Name"] == "System Administrator"
    assert (deal["attributes"]["type"], deal["Amount"], list(deal)) == ("Opportunity", 1234.5, ["attributes", "Amount"])
    assert nothing is None


def test_typeof_else_takes_the_rest(book: Org) -> None:
    found = rows(book, "SELECT TYPEOF What WHEN Account THEN Phone ELSE Name END FROM Task ORDER BY Subject")
    deal = found[1]["What"]
    assert deal["attributes"]["type"] == "Name"
    assert deal["attributes"]["url"].startswith("/services/data/v66.0/sobjects/Opportunity/006")
    assert deal["Name"] == "First"


# --- children and aliases


def test_children_of_children(book: Org) -> None:
    found = rows(
        book,
        "SELECT Name, (SELECT LastName, (SELECT Subject FROM Tasks) FROM Contacts ORDER BY LastName), Id FROM Account",
    )
    assert list(found[0]) == ["Name", "Contacts", "Id"]
    contacts = found[0]["Contacts"]
    assert (contacts["totalSize"], contacts["done"]) == (2, True)
    doe, roe = contacts["records"]
    assert [t["Subject"] for t in doe["Tasks"]["records"]] == ["a"]
    assert roe["Tasks"] is None
    assert found[1]["Contacts"] is None


def test_children_are_read_for_the_parents_at_hand_only(book: Org) -> None:
    with book.transaction(None) as txn:
        run_soql(
            txn,
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Name = 'Bolt'",
            include_deleted=False,
            version="66.0",
        )
        assert txn.rows_read == 1


def test_children_may_be_skipped_under_a_single_parent(book: Org) -> None:
    found = rows(book, "SELECT (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 1 OFFSET 1) FROM Account LIMIT 1")
    assert [c["LastName"] for c in found[0]["Contacts"]["records"]] == ["Roe"]


def test_parents_named_in_from(book: Org) -> None:
    found = rows(
        book, "SELECT c.LastName, a.Name FROM Contact c, c.Account a WHERE a.Industry = 'Energy' ORDER BY c.LastName"
    )
    assert [(r["LastName"], r["Account"]["Name"]) for r in found] == [("Doe", "Acme"), ("Roe", "Acme")]


# --- groups

SUBTOTALS: dict[str, list[tuple[Any, ...]]] = {
    "SELECT Industry, Rating, COUNT(Id) FROM Account GROUP BY ROLLUP(Industry,"
    " Rating) ORDER BY Industry NULLS LAST, Rating NULLS LAST": [
        ("Banking", "Hot", 1),
        ("Banking", None, 1),
        ("Energy", "Cold", 1),
        ("Energy", "Hot", 1),
        ("Energy", None, 2),
        (None, None, 3),
    ],
    "SELECT Rating, GROUPING(Industry) i, GROUPING(Rating) r,"
    " COUNT(Id) n FROM Account GROUP BY CUBE(Industry, Rating)"
    " HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC, Rating": [(None, 1, 1, 3), (None, 0, 1, 2), ("Hot", 1, 0, 2)],
    "SELECT Industry FROM Account WHERE Name = 'nobody' GROUP BY ROLLUP(Industry)": [],
    "SELECT Industry i, COUNT(Id) n FROM Account GROUP BY Industry ORDER BY n DESC LIMIT 1": [("Energy", 2)],
    "SELECT FISCAL_QUARTER(CloseDate) q, SUM(Amount) FROM Opportunity GROUP BY FISCAL_QUARTER(CloseDate)": [
        (1, 1234.5),
        (3, 1234.5),
    ],
    "SELECT FORMAT(MIN(CloseDate)) f, FORMAT(SUM(Amount)) FROM Opportunity": [("2/1/2026", "$2,469.00")],
    "SELECT toLabel(Industry) l, COUNT(Id) FROM Account GROUP BY Industry ORDER BY Industry": [
        ("Banking", 1),
        ("Energy", 2),
    ],
}


@pytest.mark.parametrize("statement", SUBTOTALS)
def test_groups(statement: str, book: Org) -> None:
    assert groups(book, statement) == SUBTOTALS[statement]


def test_more_groups_than_a_page_are_refused(book: Org, refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.localorg.soql.run.MOST_GROUPS", 1)
    error = refusal(book.query, "SELECT Industry, COUNT(Id) FROM Account GROUP BY Industry")
    assert (error.code, error.message[:15]) == ("EXCEEDED_ID_LIMIT", "Aggregate query")


# --- dates

PARTS: dict[str, int | str] = {
    "DAY_IN_WEEK": 1,
    "DAY_IN_MONTH": 30,
    "DAY_IN_YEAR": 242,
    "WEEK_IN_MONTH": 5,
    "WEEK_IN_YEAR": 35,
    "CALENDAR_QUARTER": 3,
    "FISCAL_MONTH": 8,
    "FISCAL_YEAR": 2026,
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_of_the_thirtieth_of_august(name: str, book: Org) -> None:
    found = groups(book, f"SELECT {name}(CloseDate) FROM Opportunity WHERE Name = 'Second' GROUP BY {name}(CloseDate)")
    assert found == [(PARTS[name],)]


def set_fiscal_start(org: Org, month: int) -> None:
    org.store.connection.execute('UPDATE "Organization" SET "FiscalYearStartMonth" = ?', (month,))


def test_fiscal_year_that_begins_in_april(book: Org) -> None:
    set_fiscal_start(book, 4)
    told = "SELECT FISCAL_MONTH(CloseDate) m, FISCAL_QUARTER(CloseDate) q, FISCAL_YEAR(CloseDate) y FROM Opportunity"
    by = (
        "GROUP BY FISCAL_MONTH(CloseDate), FISCAL_QUARTER(CloseDate),"
        " FISCAL_YEAR(CloseDate) ORDER BY FISCAL_YEAR(CloseDate)"
    )
    assert groups(book, f"{told} {by}") == [(11, 4, 2026), (5, 2, 2027)]
    assert groups(book, "SELECT Name FROM Opportunity WHERE CloseDate = LAST_FISCAL_YEAR") == [("First",)]
    assert groups(book, "SELECT Name FROM Opportunity WHERE CloseDate = THIS_FISCAL_QUARTER") == [("Second",)]


FISCAL_SPANS = {
    ("THIS_FISCAL_YEAR", None): ("2026-02-01", "2027-02-01"),
    ("THIS_FISCAL_QUARTER", None): ("2026-08-01", "2026-11-01"),
    ("LAST_N_FISCAL_QUARTERS", 2): ("2026-02-01", "2026-08-01"),
    ("THIS_QUARTER", None): ("2026-07-01", "2026-10-01"),
}


@pytest.mark.parametrize(("word", "n"), FISCAL_SPANS)
def test_spans_of_a_fiscal_year_that_begins_in_february(word: str, n: int | None) -> None:
    first, after = find_span(word, n, NOW.date(), fiscal_start=2)
    assert (first.isoformat(), after.isoformat()) == FISCAL_SPANS[word, n]


@pytest.fixture
def new_yorker(book: Org, ann: str) -> str:
    """Ann, four hours behind Greenwich; her day is still the 31st of August when it is 02:00 of the 1st there."""
    book.update_record("User", ann, {"TimeZoneSidKey": NEW_YORK, "LocaleSidKey": "en_GB"})
    book.clock.set(datetime(2026, 9, 1, 2, 0, tzinfo=UTC))
    book.create_record("Account", {"Name": "Late"})
    return ann


def test_date_literals_follow_the_users_zone(book: Org, new_yorker: str) -> None:
    late = "SELECT COUNT() FROM Account WHERE Name = 'Late' AND"
    assert book.query(f"{late} CreatedDate = TODAY").total == 1
    assert book.query(f"{late} CreatedDate = THIS_MONTH", user=new_yorker).total == 1
    august = "SELECT COUNT() FROM Opportunity WHERE CloseDate = THIS_MONTH"
    assert (book.query(august).total, book.query(august, user=new_yorker).total) == (0, 1)
    book.clock.set(datetime(2026, 9, 1, 5, 0, tzinfo=UTC))
    assert book.query(f"{late} CreatedDate = YESTERDAY", user=new_yorker).total == 1


def test_convert_timezone(book: Org, new_yorker: str) -> None:
    hour = "SELECT Name FROM Account WHERE HOUR_IN_DAY({}) = {} AND Name = 'Late'"
    assert book.query(hour.format("CreatedDate", 2), user=new_yorker).total == 1
    assert book.query(hour.format("convertTimezone(CreatedDate)", 22), user=new_yorker).total == 1
    assert book.query(hour.format("convertTimezone(CreatedDate)", 2)).total == 1


def test_formats_of_another_locale(book: Org, new_yorker: str) -> None:
    told = book.query("SELECT FORMAT(CreatedDate) FROM Account WHERE Name = 'Late'", user=new_yorker)
    assert told.records[0]["CreatedDate"] == "31/08/2026 22:00"


# --- functions of a field


def test_format_and_labels_keep_the_name_of_the_field(book: Org) -> None:
    found = rows(
        book,
        "SELECT FORMAT(Amount), FORMAT(CloseDate) closed, toLabel(StageName) FROM Opportunity WHERE Name = 'First'",
    )
    assert found == [{"Amount": "$1,234.50", "closed": "2/1/2026", "StageName": "Prospecting"}]


def test_to_label(org: Org) -> None:
    values = [{"value": "a", "label": "It's A"}, {"value": "b", "label": "B!"}]
    org.define_fields(
        [
            {"sobject": "Account", "name": "One__c", "type": "picklist", "picklistValues": values},
            {"sobject": "Account", "name": "Many__c", "type": "multipicklist", "picklistValues": values},
        ]
    )
    org.create_record("Account", {"Name": "X", "One__c": "a", "Many__c": "a;b"})
    assert groups(org, "SELECT toLabel(One__c), toLabel(Many__c) FROM Account") == [("It's A", "It's A;B!")]
    assert org.query("SELECT COUNT() FROM Account WHERE toLabel(One__c) = 'It\\'s A'").total == 1


def test_distance(org: Org) -> None:
    org.create_record("Account", {"Name": "Paris", "BillingLatitude": 48.8566, "BillingLongitude": 2.3522})
    org.create_record("Account", {"Name": "Berlin", "BillingLatitude": 52.52, "BillingLongitude": 13.405})
    org.create_record("Account", {"Name": "Nowhere"})
    from_london = "DISTANCE(BillingAddress, GEOLOCATION(51.5074, -0.1278), 'km')"
    assert groups(org, f"SELECT Name FROM Account WHERE {from_london} < 400") == [("Paris",)]
    assert groups(org, f"SELECT Name FROM Account WHERE {from_london} > 0 ORDER BY {from_london} DESC") == [
        ("Berlin",),
        ("Paris",),
    ]
    assert rows(org, f"SELECT {from_london} FROM Account WHERE Name = 'Paris'")[0]["expr0"] == pytest.approx(
        343.6, abs=0.5
    )


# --- ways to run it


def test_scope_mine(book: Org, ann: str) -> None:
    mine = "SELECT Name FROM Account USING SCOPE mine WHERE Industry != null"
    assert [r["Name"] for r in book.query(mine, user=ann).records] == ["Bolt"]


def test_unicode_escapes(org: Org) -> None:
    org.create_record("Account", {"Name": "Café"})
    assert org.query("SELECT COUNT() FROM Account WHERE Name = 'Caf\\u00e9'").total == 1


LIMITS = {
    "a string of more than 4,000 characters": ("SELECT Id FROM Account WHERE Name = '" + "x" * 4001 + "'", 37),
    "33 fields to order by": ("SELECT Id FROM Account ORDER BY Id" + ", Name" * 32, 223),
    "an hour that no zone can move into the calendar": (
        "SELECT Id FROM Account WHERE CreatedDate > 0001-01-01T00:00:00+10:00",
        44,
    ),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits(case: str, org: Org, refusal: Refusal) -> None:
    statement, column = LIMITS[case]
    error = refusal(org.query, statement)
    assert error.code == "MALFORMED_QUERY"
    assert f"ERROR at Row:1:Column:{column}\n" in error.message


def test_long_conditions(org: Org) -> None:
    org.create_record("Account", {"Name": "Acme"})
    chain = " OR ".join(f"Name = '{n}'" for n in range(4000))
    assert org.query(f"SELECT COUNT() FROM Account WHERE {chain} OR Name = 'Acme'").total == 1
    listed = ", ".join(f"'{n}'" for n in range(12_000))
    assert org.query(f"SELECT COUNT() FROM Account WHERE Name NOT IN ({listed})").total == 1
    nested = "(" * 99 + "Name = 'Acme'" + ")" * 99
    assert org.query(f"SELECT COUNT() FROM Account WHERE {nested}").total == 1


def test_more_parents_than_salesforce_takes(org: Org, refusal: Refusal) -> None:
    ways = product(("Owner", "CreatedBy"), ("Manager", "CreatedBy"), *[("Manager", "CreatedBy", "LastModifiedBy")] * 3)
    paths = ", ".join(f"{'.'.join(way)}.Id" for way in ways)
    assert "SOQL statements cannot use more than 55" in refusal(org.query, f"SELECT {paths} FROM Account").message


def test_more_objects_than_can_be_joined(org: Org, refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.localorg.soql.scope.MOST_TABLES", 8)
    org.query("SELECT What.Name, Account.Name FROM Task")
    error = refusal(org.query, "SELECT What.Name, Who.Name FROM Task")
    assert error.code == "QUERY_TOO_COMPLICATED"
    assert "ERROR at Row:1:Column:19\n" in error.message


WORDINGS = {
    "SELECT Id FROM Account WHERE Id IN (SELECT"
    " AccountId FROM Contact) OR Name = 'x'": "Semi join sub-selects are not allowed with the 'OR' operator",
    "SELECT Id FROM Account WHERE Name = :x": "Bind variables only allowed in Apex code",
    "SELECT MAX(CreatedDate) FROM Account LIMIT 1": "Non-grouped query that uses overall aggregate"
    " functions cannot also use LIMIT",
    "SELECT Id FROM Account WHERE Name = 'x' AND NOT Name = 'y'": "unexpected token: 'NOT'",
    "SELECT Id FROM Account WHERE Id IN"
    " (SELECT ParentId FROM Account)": "The inner and outer selects should not be on the same object type",
}


@pytest.mark.parametrize("statement", WORDINGS)
def test_wordings_that_people_quote(statement: str, org: Org, refusal: Refusal) -> None:
    assert refusal(org.query, statement).message.split("\n")[4] == WORDINGS[statement]
