"""SOQL: what is accepted and what it returns; what is refused, with row and column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.localorg.org import Org, OrgError

Refusal = Callable[..., OrgError]


@pytest.fixture
def book(org: Org) -> Org:
    """Four accounts with deals, people and a Task; names chosen to show case, blanks and other scripts."""
    ann = org.add_user("ann@example.com", first_name="Ann", last_name="Lee")
    rows: list[dict[str, Any]] = [
        {"Name": "acme", "Industry": "Energy", "AnnualRevenue": 100, "Tags__c": "red;blue", "BillingCity": "Oslo"},
        {"Name": "Bolt", "Industry": "Finance", "AnnualRevenue": 300, "Tags__c": "green", "OwnerId": ann},
        {"Name": "Éclair", "Industry": None, "AnnualRevenue": None, "Ext__c": "E-1"},
        {"Name": "O'Hara 100% \\ _x", "Industry": "Energy", "AnnualRevenue": 50},
    ]
    ids = [org.create_record("Account", row) for row in rows]
    org.update_record("Account", ids[1], {"ParentId": ids[0]})
    for n, stage in enumerate(("Closed Won", "Closed Lost", "Prospecting")):
        deal = {"Name": f"Deal {n}", "StageName": stage, "CloseDate": f"2026-0{n + 7}-15", "Amount": 10 * (n + 1)}
        org.create_record("Opportunity", {**deal, "AccountId": ids[0] if n < 2 else ids[1]})
    org.create_record("Contact", {"FirstName": "Jo", "LastName": "Doe", "AccountId": ids[0]})
    lead = org.create_record("Lead", {"LastName": "Roe", "Company": "C", "FirstName": "Ri"})
    org.create_record("Task", {"Subject": "about lead", "WhoId": lead})
    org.create_record("Task", {"Subject": "about acme", "WhatId": ids[0], "OwnerId": ann})
    return org


def names(org: Org, where: str) -> list[str]:
    found = org.query(f"SELECT Name FROM Account WHERE {where} ORDER BY Name").records
    return [r["Name"] for r in found]


FILTERS: dict[str, tuple[str, list[str]]] = {
    "text without case": ("Name = 'ACME'", ["acme"]),
    "other scripts without case": ("Name = 'éCLAIR'", ["Éclair"]),
    "not equal keeps null": ("Industry != 'energy'", ["Bolt", "Éclair"]),
    "old sign for not equal": ("Industry <> 'Energy'", ["Bolt", "Éclair"]),
    "null": ("Industry = null", ["Éclair"]),
    "not null": ("Industry != NULL AND AnnualRevenue > 60", ["acme", "Bolt"]),
    "empty text is null": ("Industry = ''", ["Éclair"]),
    "a range of numbers": ("AnnualRevenue >= 100 AND AnnualRevenue < 300.5", ["acme", "Bolt"]),
    "a list": ("Name IN ('ACME', 'bolt')", ["acme", "Bolt"]),
    "not in a list keeps null": ("Industry NOT IN ('Energy')", ["Bolt", "Éclair"]),
    "null in a list": ("Industry IN ('Finance', null)", ["Bolt", "Éclair"]),
    "pattern": ("Name LIKE 'B%'", ["Bolt"]),
    "pattern without case": ("Name LIKE '_CM%'", ["acme"]),
    "pattern in other scripts": ("Name LIKE 'é%'", ["Éclair"]),
    "escaped wildcard": ("Name LIKE '%100\\%%'", ["O'Hara 100% \\ _x"]),
    "escaped quote": ("Name LIKE 'o\\'%'", ["O'Hara 100% \\ _x"]),
    "backslash": ("Name = 'O\\'Hara 100% \\\\ _x'", ["O'Hara 100% \\ _x"]),
    "negated pattern keeps null": ("NOT (Industry LIKE 'E%')", ["Bolt", "Éclair"]),
    "negated comparison keeps null": ("NOT AnnualRevenue > 60", ["Éclair", "O'Hara 100% \\ _x"]),
    "nested": ("(Name = 'acme' OR Name = 'Bolt') AND (NOT Industry = 'Finance')", ["acme"]),
    "parent": ("Parent.Name = 'Acme'", ["Bolt"]),
    "parent is missing": ("Parent.Name = null AND Industry = 'Energy'", ["acme", "O'Hara 100% \\ _x"]),
    "owner": ("Owner.FirstName = 'ann'", ["Bolt"]),
    "own name as prefix": ("Account.Name = 'Bolt'", ["Bolt"]),
    "semi-join": ("Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)", ["acme"]),
    "anti-join": ("Id NOT IN (SELECT AccountId FROM Opportunity)", ["Éclair", "O'Hara 100% \\ _x"]),
    "includes": ("Tags__c INCLUDES ('red;blue', 'nothing')", ["acme"]),
    "excludes": ("Tags__c EXCLUDES ('red')", ["Bolt", "Éclair", "O'Hara 100% \\ _x"]),
    "datetime with offset": ("CreatedDate <= 2026-09-01T10:00:00+02:00 AND Name = 'acme'", ["acme"]),
    "datetime with milliseconds": ("SystemModstamp > 2026-09-01T07:59:59.999Z AND Name = 'acme'", ["acme"]),
    "datetime literal is exact": ("CreatedDate < 2026-09-01T08:00:00Z", []),
    "today": ("CreatedDate = TODAY AND Name = 'acme'", ["acme"]),
    "yesterday": ("CreatedDate >= YESTERDAY AND CreatedDate < TODAY", []),
}


@pytest.mark.parametrize("case", FILTERS)
def test_filter(case: str, book: Org) -> None:
    where, expected = FILTERS[case]
    assert sorted(names(book, where)) == sorted(expected)


SPANS: dict[str, list[int]] = {
    "CloseDate = THIS_MONTH": [2],
    "CloseDate = LAST_MONTH": [1],
    "CloseDate = LAST_N_MONTHS:2": [0, 1],
    "CloseDate = THIS_QUARTER": [0, 1, 2],
    "CloseDate = LAST_N_DAYS:20": [1],
    "CloseDate > LAST_N_DAYS:20": [2],
    "CloseDate < THIS_MONTH": [0, 1],
    "CloseDate <= THIS_MONTH": [0, 1, 2],
    "CloseDate = NEXT_N_DAYS:14": [2],
    "CloseDate = NEXT_N_DAYS:13": [],
    "CloseDate = THIS_YEAR": [0, 1, 2],
    "CloseDate = NEXT_YEAR": [],
    "CloseDate != THIS_MONTH": [0, 1],
    "CloseDate = 2026-08-15": [1],
    "CloseDate = N_DAYS_AGO:17": [1],
    "CloseDate = NEXT_N_WEEKS:2": [2],
    "CALENDAR_MONTH(CloseDate) = 8": [1],
    "CALENDAR_YEAR(CloseDate) = 2026": [0, 1, 2],
}


@pytest.mark.parametrize("where", SPANS)
def test_dates(where: str, book: Org) -> None:
    found = book.query(f"SELECT Name FROM Opportunity WHERE {where} ORDER BY Name").records
    assert [int(r["Name"][-1]) for r in found] == SPANS[where]


def test_records_have_attributes_and_canonical_names(book: Org) -> None:
    record = book.query("select iD, naMe, iSdeLeted from aCCount where name = 'acme'").records[0]
    assert list(record) == ["attributes", "Id", "Name", "IsDeleted"]
    assert record["attributes"] == {"type": "Account", "url": f"/services/data/v66.0/sobjects/Account/{record['Id']}"}
    assert record["IsDeleted"] is False


def test_values_have_wire_form(book: Org) -> None:
    record = book.query(
        "SELECT CreatedDate, CloseDate, Amount, IsWon, Description FROM Opportunity WHERE Name = 'Deal 0'"
    ).records[0]
    del record["attributes"]
    assert record == {
        "CreatedDate": "2026-09-01T08:00:00.000+0000",
        "CloseDate": "2026-07-15",
        "Amount": 10.0,
        "IsWon": True,
        "Description": None,
    }
    assert isinstance(record["Amount"], float)


def test_parents_are_nested_or_null(book: Org) -> None:
    records = book.query(
        "SELECT Name, Parent.Name, Parent.Owner.Name FROM Account WHERE Name IN ('acme','Bolt') ORDER BY Name"
    ).records
    assert records[0]["Parent"] is None
    assert records[1]["Parent"]["Name"] == "acme"
    assert records[1]["Parent"]["attributes"]["type"] == "Account"
    assert records[1]["Parent"]["Owner"]["Name"] == "System Administrator"


def test_polymorphic_parents_are_called_name(book: Org) -> None:
    query = "SELECT Subject, Who.Name, Who.Type, What.Name, What.Type, Owner.Name FROM Task ORDER BY Subject"
    about_acme, about_lead = book.query(query).records
    assert about_acme["Who"] is None
    assert about_acme["What"]["attributes"]["type"] == "Name"
    assert (about_acme["What"]["Name"], about_acme["What"]["Type"]) == ("acme", "Account")
    assert (about_lead["Who"]["Name"], about_lead["Who"]["Type"], about_lead["What"]) == ("Ri Roe", "Lead", None)
    assert about_acme["Owner"]["Name"] == "Ann Lee"
    assert book.query("SELECT Id FROM Task WHERE What.Type = 'Account'").total == 1


def test_children_are_nested_results(book: Org) -> None:
    children = "(SELECT Name, Amount FROM Opportunities ORDER BY Amount DESC LIMIT 1), (SELECT Id FROM Contacts)"
    query = f"SELECT Name, {children} FROM Account ORDER BY Name"
    acme, bolt, *_ = book.query(query).records
    assert [r["Name"] for r in acme["Opportunities"]["records"]] == ["Deal 1"]
    assert (acme["Opportunities"]["totalSize"], acme["Opportunities"]["done"]) == (1, True)
    assert acme["Contacts"]["totalSize"] == 1
    assert bolt["Contacts"] is None


def test_compound_address(book: Org) -> None:
    records = book.query("SELECT BillingAddress FROM Account WHERE Name IN ('acme','Bolt') ORDER BY Name").records
    assert records[0]["BillingAddress"]["city"] == "Oslo"
    assert records[1]["BillingAddress"] is None


def test_count_has_no_records(book: Org) -> None:
    result = book.query("SELECT COUNT() FROM Account WHERE Industry = 'Energy'")
    assert (result.total, result.records) == (2, [])


AGGREGATES: dict[str, list[dict[str, Any]]] = {
    "SELECT COUNT(Id) FROM Opportunity": [{"expr0": 3}],
    "SELECT COUNT(Id) n, SUM(Amount), MAX(CloseDate) latest, AVG(Amount) FROM Opportunity": [
        {"n": 3, "expr0": 60.0, "latest": "2026-09-15", "expr1": 20.0}
    ],
    "SELECT IsClosed, COUNT(Id) FROM Opportunity GROUP BY IsClosed ORDER BY COUNT(Id) DESC": [
        {"IsClosed": True, "expr0": 2},
        {"IsClosed": False, "expr0": 1},
    ],
    "SELECT Account.Name, SUM(Amount) s FROM Opportunity o GROUP BY Account.Name HAVING SUM(Amount) > 29": [
        {"Name": "acme", "s": 30.0},
        {"Name": "Bolt", "s": 30.0},
    ],
    "SELECT COUNT_DISTINCT(AccountId) FROM Opportunity": [{"expr0": 2}],
    "SELECT Industry, COUNT(Id) c FROM Account GROUP BY Industry HAVING COUNT(Id) > 1": [
        {"Industry": "Energy", "c": 2}
    ],
    "SELECT CALENDAR_MONTH(CloseDate) m, COUNT(Id) FROM Opportunity GROUP BY CALENDAR_MONTH(CloseDate) LIMIT 2": [
        {"m": 7, "expr0": 1},
        {"m": 8, "expr0": 1},
    ],
    "SELECT MAX(Amount) FROM Opportunity WHERE Name = 'nothing'": [{"expr0": None}],
}


@pytest.mark.parametrize("query", AGGREGATES)
def test_aggregates(query: str, book: Org) -> None:
    expected = [{"attributes": {"type": "AggregateResult"}, **row} for row in AGGREGATES[query]]
    assert book.query(query).records == expected


ORDERS: dict[str, list[str]] = {
    "ORDER BY Name": ["acme", "Bolt", "O", "É"],
    "ORDER BY AnnualRevenue": ["É", "O", "acme", "Bolt"],
    "ORDER BY AnnualRevenue NULLS LAST": ["O", "acme", "Bolt", "É"],
    "ORDER BY AnnualRevenue DESC": ["É", "Bolt", "acme", "O"],
    "ORDER BY AnnualRevenue DESC NULLS LAST LIMIT 2": ["Bolt", "acme"],
    "ORDER BY AnnualRevenue ASC NULLS FIRST LIMIT 2 OFFSET 1": ["O", "acme"],
    "ORDER BY Industry, Name DESC": ["É", "O", "acme", "Bolt"],
}


@pytest.mark.parametrize("clause", ORDERS)
def test_order(clause: str, book: Org) -> None:
    found = [r["Name"] for r in book.query(f"SELECT Name FROM Account {clause}").records]
    assert [n if len(n) == 4 else n[0] for n in found] == ORDERS[clause]


ACCEPTED = [
    "SELECT Id FROM Account FOR VIEW",
    "SELECT Id FROM Account USING SCOPE everything",
    "SELECT a.Id, a.Owner.Name FROM Account a WHERE a.Name = 'x'",
    "SELECT\n  Id\nFROM\tAccount",
    "SELECT FIELDS(STANDARD) FROM Account",
    "SELECT FIELDS(ALL) FROM Account LIMIT 200",
    "SELECT Id FROM Account LIMIT 0",
    "SELECT Id FROM Account WHERE Id = '001B00000000001'",
    "SELECT Id FROM Group WHERE Type = 'Queue'",
]


@pytest.mark.parametrize("query", ACCEPTED)
def test_accepted(query: str, book: Org) -> None:
    book.query(query)


MUST_BE = "value of filter criterion for field '{}' must be of type {} and should {}be enclosed in quotes"
REFUSED: dict[str, tuple[str, int, str]] = {
    "SELECT Naem FROM Account": ("INVALID_FIELD", 8, "No such column 'Naem' on entity 'Account'."),
    "SELECT Id, Naem FROM Account": ("INVALID_FIELD", 12, "No such column 'Naem' on entity 'Account'."),
    "SELECT Id FROM Account WHERE Naem = 'x'": ("INVALID_FIELD", 30, "No such column 'Naem' on entity 'Account'."),
    "SELECT Id FROM Account ORDER BY Naem": ("INVALID_FIELD", 33, "No such column 'Naem' on entity 'Account'."),
    "SELECT Ownr.Name FROM Account": ("INVALID_FIELD", 8, "Didn't understand relationship 'Ownr' in field path."),
    "SELECT Owner.Naem FROM Account": ("INVALID_FIELD", 8, "No such column 'Naem' on entity 'User'."),
    "SELECT What.Amount FROM Task": ("INVALID_FIELD", 8, "No such column 'Amount' on entity 'Name'."),
    "select count() from XYZZY": ("INVALID_TYPE", 21, "sObject type 'XYZZY' is not supported."),
    "SELECT Id, (SELECT Id FROM Deals) FROM Account": (
        "INVALID_TYPE",
        28,
        "Didn't understand relationship 'Deals' in FROM part of query call.",
    ),
    "SELECT Id FROM": ("MALFORMED_QUERY", 15, "unexpected token: '<EOF>'"),
    "SELECT FROM Account": ("MALFORMED_QUERY", 8, "unexpected token: 'FROM'"),
    "SELECT Id, FROM Account": ("MALFORMED_QUERY", 12, "unexpected token: 'FROM'"),
    "SELECT Id Account": ("MALFORMED_QUERY", 18, "unexpected token: '<EOF>'"),
    "SELECT * FROM Account": ("MALFORMED_QUERY", 8, "unexpected token: '*'"),
    "UPDATE Account SET Name = 'x'": ("MALFORMED_QUERY", 1, "unexpected token: 'UPDATE'"),
    "SELECT Id FROM Account WHERE": ("MALFORMED_QUERY", 29, "unexpected token: '<EOF>'"),
    "SELECT Id FROM Account WHERE Name": ("MALFORMED_QUERY", 34, "unexpected token: '<EOF>'"),
    "SELECT Id FROM Account WHERE Name = Industry": ("MALFORMED_QUERY", 37, "unexpected token: 'Industry'"),
    "SELECT Id FROM Account WHERE Name == 'x'": ("MALFORMED_QUERY", 36, "unexpected token: '='"),
    "SELECT Id FROM Account WHERE Name IN ()": ("MALFORMED_QUERY", 39, "unexpected token: ')'"),
    "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'": (
        "MALFORMED_QUERY",
        56,
        "unexpected token: 'OR'",
    ),
    "SELECT Id FROM Account LIMIT -1": ("MALFORMED_QUERY", 30, "unexpected token: '-1'"),
    "SELECT Id FROM Account LIMIT 1 WHERE Name = 'x'": ("MALFORMED_QUERY", 32, "unexpected token: 'WHERE'"),
    "SELECT Id FROM Account; DELETE": ("MALFORMED_QUERY", 23, "unexpected token: ';'"),
    "SELECT Id n FROM Account": ("MALFORMED_QUERY", 8, "only aggregate expressions use field aliasing"),
    "SELECT Name, COUNT(Id) FROM Account": ("MALFORMED_QUERY", 8, "Field must be grouped or aggregated: Name"),
    "SELECT COUNT(), Name FROM Account": ("MALFORMED_QUERY", 8, "COUNT() must be the only element in the SELECT list"),
    "SELECT Id FROM Account WHERE COUNT(Id) > 1": ("MALFORMED_QUERY", 30, "an aggregate cannot be used here"),
    "SELECT Id FROM Account ORDER BY COUNT(Id)": ("MALFORMED_QUERY", 33, "an aggregate cannot be used here"),
    "SELECT COUNT(Id) FROM Account GROUP BY SUM(AnnualRevenue)": (
        "MALFORMED_QUERY",
        40,
        "an aggregate cannot be used here",
    ),
    "SELECT Industry FROM Account GROUP BY Industry HAVING Name = 'x'": (
        "MALFORMED_QUERY",
        55,
        "Field must be grouped or aggregated: Name",
    ),
    "SELECT COUNT(Id) FROM Account ORDER BY Name": (
        "MALFORMED_QUERY",
        40,
        "Ordered field must be grouped or aggregated: Name",
    ),
    "SELECT Id, (SELECT COUNT() FROM Contacts) FROM Account": (
        "MALFORMED_QUERY",
        33,
        "only root queries support aggregate expressions",
    ),
    "SELECT MAX(IsWon) FROM Opportunity": (
        "MALFORMED_QUERY",
        8,
        "field IsWon does not support aggregate operator MAX",
    ),
    "SELECT SUM(Name) FROM Account": ("MALFORMED_QUERY", 8, "field Name does not support aggregate operator SUM"),
    "SELECT Id FROM Account WHERE Name = 5": ("INVALID_FIELD", 37, MUST_BE.format("Name", "string", "")),
    "SELECT Id FROM Account WHERE AnnualRevenue = '5'": (
        "INVALID_FIELD",
        46,
        MUST_BE.format("AnnualRevenue", "double", "not "),
    ),
    "SELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'": (
        "INVALID_FIELD",
        44,
        MUST_BE.format("CreatedDate", "dateTime", "not "),
    ),
    "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01": (
        "INVALID_FIELD",
        44,
        MUST_BE.format("CreatedDate", "dateTime", "not "),
    ),
    "SELECT Id FROM Opportunity WHERE CloseDate = 2026-01-01T00:00:00Z": (
        "INVALID_FIELD",
        46,
        MUST_BE.format("CloseDate", "date", "not "),
    ),
    "SELECT Id FROM Opportunity WHERE IsWon = 1": ("INVALID_FIELD", 42, MUST_BE.format("IsWon", "boolean", "not ")),
    "SELECT Id FROM Account WHERE Id = 'acme'": ("INVALID_QUERY_FILTER_OPERATOR", 35, "invalid ID field: acme"),
    "SELECT Id FROM Account WHERE AnnualRevenue LIKE '1%'": (
        "INVALID_QUERY_FILTER_OPERATOR",
        30,
        "invalid operator on currency field",
    ),
    "SELECT Id FROM Account WHERE Description = 'x'": (
        "INVALID_FIELD",
        30,
        "field 'Description' can not be filtered in a query call",
    ),
    "SELECT Id FROM Account ORDER BY Description": (
        "MALFORMED_QUERY",
        33,
        "field 'Description' can not be sorted in a query call",
    ),
    "SELECT Description FROM Account GROUP BY Description": (
        "MALFORMED_QUERY",
        42,
        "field 'Description' can not be grouped in a query call",
    ),
    "SELECT FIELDS(ALL) FROM Account": (
        "MALFORMED_QUERY",
        8,
        "The SOQL FIELDS function must have a LIMIT of at most 200",
    ),
    "SELECT Id FROM Account WHERE Name = 'x": (
        "MALFORMED_QUERY",
        37,
        "line 1:38 mismatched character '<EOF>' expecting '''",
    ),
    "SELECT Id FROM Account WHERE Name = 'a\\qb'": (
        "MALFORMED_QUERY",
        39,
        "invalid string literal 'a\\qb'. Illegal character sequence '\\q' in string literal.",
    ),
    "SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Opportunity)": (
        "MALFORMED_QUERY",
        44,
        "Semi join sub-selects can only query id fields, cannot use: 'Name'",
    ),
}


@pytest.mark.parametrize("query", REFUSED)
def test_refused(query: str, book: Org, refusal: Refusal) -> None:
    code, column, message = REFUSED[query]
    error = refusal(book.query, query)
    lines = error.message.split("\n")
    assert (error.status, error.code) == (400, code)
    assert lines[0] == ""
    assert lines[2] == " " * (len(lines[2]) - 1) + "^"
    assert lines[3] == f"ERROR at Row:1:Column:{column}"
    assert lines[4].startswith(message)


def test_refusal_points_into_its_line(book: Org, refusal: Refusal) -> None:
    error = refusal(book.query, "SELECT Id,\n  Naem\nFROM Account")
    assert error.message.startswith("\n  Naem\n  ^\nERROR at Row:2:Column:3\nNo such column 'Naem'")


def test_refusal_in_a_long_statement_shows_the_place(book: Org, refusal: Refusal) -> None:
    error = refusal(book.query, "SELECT " + "Name, " * 100 + "Naem FROM Account")
    shown, caret = error.message.split("\n")[1:3]
    assert shown[caret.index("^") :].startswith("Naem")
    assert len(shown) < 120


def test_limits_of_a_statement(book: Org, refusal: Refusal) -> None:
    assert refusal(book.query, "SELECT Id FROM Account OFFSET 2001").code == "NUMBER_OUTSIDE_VALID_RANGE"
    assert refusal(book.query, "SELECT Id FROM Account WHERE Name = '" + "x" * 100_000 + "'").code == "MALFORMED_QUERY"
    assert (
        refusal(book.query, "SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account").code
        == "MALFORMED_QUERY"
    )
    book.query("SELECT Parent.Parent.Parent.Parent.Parent.Name FROM Account")


def test_twice_the_same_field(book: Org, refusal: Refusal) -> None:
    assert "duplicate field selected: Name" in refusal(book.query, "SELECT Name, name FROM Account").message


def test_deleted_records_are_only_in_query_all(book: Org) -> None:
    book.delete_record("Account", book.query("SELECT Id FROM Account WHERE Name = 'Bolt'").records[0]["Id"])
    assert names(book, "Name = 'Bolt'") == []
    assert book.query("SELECT Id FROM Account WHERE IsDeleted = true").total == 0
    assert book.query("SELECT Id FROM Account WHERE IsDeleted = true", include_deleted=True).total == 1
    assert book.query("SELECT COUNT() FROM Account", include_deleted=True).total == 4
