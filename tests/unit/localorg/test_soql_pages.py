"""Pages of query answers whose records have children: children count, and nested results go on by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from local_client import Client

SMALL = {"sforce-query-options": "batchSize=200"}
SOQL = "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name"


def _book(client: Client, *contacts: int) -> None:
    """One account for each number, with so many contacts."""
    for n, count in enumerate(contacts):
        account = client.org.create_record("Account", {"Name": f"A{n:03}"})
        client.org.load("Contact", [{"LastName": f"C{i:05}", "AccountId": account} for i in range(count)])


def _ask(client: Client, soql: str = SOQL) -> dict[str, Any]:
    found: dict[str, Any] = client.send("GET", "query", q=soql, headers=SMALL).body
    return found


def _follow(client: Client, result: dict[str, Any]) -> list[dict[str, Any]]:
    """All records of a result, page after page."""
    records = list(result["records"])
    while not result["done"]:
        result = client.send("GET", result["nextRecordsUrl"]).body
        records += result["records"]
    return records


def _size(result: dict[str, Any] | None) -> int:
    """How many records a page holds, children included."""
    if result is None:
        return 0
    nested = [v for r in result["records"] for v in r.values() if isinstance(v, dict) and "totalSize" in v]
    return len(result["records"]) + sum(map(_size, nested))


def test_one_parent_with_many_children(client: Client) -> None:
    """As recorded by others: 257 children, of which the first answer shows 199."""
    _book(client, 257)
    answer = _ask(client)
    nested = answer["records"][0]["Contacts"]
    assert (answer["totalSize"], answer["done"], "nextRecordsUrl" in answer) == (1, True, False)
    assert (nested["totalSize"], nested["done"], len(nested["records"])) == (257, False, 199)
    assert nested["nextRecordsUrl"].endswith("-199")
    rest = client.send("GET", nested["nextRecordsUrl"]).body
    assert (rest["totalSize"], rest["done"], len(rest["records"])) == (257, True, 58)
    assert [r["LastName"] for r in _follow(client, nested)] == [f"C{i:05}" for i in range(257)]


def test_default_page_holds_two_thousand_records_with_children(client: Client) -> None:
    _book(client, 1999, 2)
    first = client.query(SOQL).body
    assert (first["totalSize"], first["done"], len(first["records"])) == (2, False, 1)
    assert (first["records"][0]["Contacts"]["done"], _size(first)) == (True, 2000)


@pytest.mark.parametrize(
    "contacts", [(0, 0, 0), (150, 150, 150), (199, 1), (198, 0, 5), (1000,), (3,) * 120, (0,) * 450, (197, 1, 1, 500)]
)
def test_every_record_is_found_once_and_no_page_is_too_long(client: Client, contacts: tuple[int, ...]) -> None:
    _book(client, *contacts)
    answer = _ask(client)
    assert answer["totalSize"] == len(contacts)
    seen, pages = [], [answer]
    while not pages[-1]["done"]:
        pages.append(client.send("GET", pages[-1]["nextRecordsUrl"]).body)
    for page in pages:
        assert 0 < _size(page) <= 200
        seen += [len(_follow(client, r["Contacts"])) if r["Contacts"] else 0 for r in page["records"]]
    assert tuple(seen) == contacts


def test_a_page_is_filled_before_it_ends(client: Client) -> None:
    """A parent takes what the ones before it left, and its children go on under a locator of their own."""
    _book(client, 150, 150)
    answer = _ask(client)
    first, second = (r["Contacts"] for r in answer["records"])
    assert (answer["done"], first["done"], second["done"]) == (True, True, False)
    assert (len(first["records"]), len(second["records"]), _size(answer)) == (150, 48, 200)


def test_two_kinds_of_children_and_grandchildren(client: Client) -> None:
    _book(client, 250)
    account = client.org.query("SELECT Id FROM Account").records[0]["Id"]
    contact = client.org.query("SELECT Id FROM Contact ORDER BY LastName LIMIT 1").records[0]["Id"]
    client.org.load("Task", [{"Subject": f"T{i:03}", "WhatId": account, "Status": "Open"} for i in range(230)])
    client.org.load("Case", [{"Subject": f"K{i:03}", "ContactId": contact, "Status": "New"} for i in range(210)])
    soql = (
        "SELECT Id, (SELECT Subject FROM Tasks), (SELECT Id, (SELECT Subject FROM Cases) FROM Contacts"
        " ORDER BY LastName) FROM Account"
    )
    answer = _ask(client, soql)
    record = answer["records"][0]
    assert (answer["done"], _size(answer)) == (True, 200)
    assert not record["Tasks"]["done"]
    contacts = _follow(client, record["Contacts"])
    assert (len(_follow(client, record["Tasks"])), len(contacts)) == (230, 250)
    assert len(_follow(client, contacts[0]["Cases"])) == 210


def test_nested_locator_belongs_to_its_user(client: Client) -> None:
    _book(client, 300)
    url = _ask(client)["records"][0]["Contacts"]["nextRecordsUrl"]
    client.token = client.org.issue_token()
    assert client.send("GET", url).body[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_rows_with_two_long_texts_come_two_hundred_at_a_time(client: Client) -> None:
    """Reference 2.1: two or more custom long texts bound the batch to 200."""
    long = {"sobject": "Account", "type": "textarea", "length": 32000}
    client.org.define_fields([{**long, "name": "Notes__c"}, {**long, "name": "More__c"}])
    client.org.load("Account", [{"Name": f"A{n:03}"} for n in range(250)])
    assert len(client.query("SELECT Notes__c, More__c FROM Account").body["records"]) == 200
    assert len(client.query("SELECT Notes__c FROM Account").body["records"]) == 250
