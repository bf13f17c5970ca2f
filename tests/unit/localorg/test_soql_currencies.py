"""Amounts in an org with several currencies (SOQL reference, convertCurrency): shown, compared, summed, refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from local_client import NOW, Client

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.org import Clock, Org, OrgError

Refusal = Callable[..., OrgError]


@pytest.fixture
def world() -> Iterator[Org]:
    """Dollars, euros at half a dollar's worth each way, and yen that are no longer active."""
    org = Org.create(clock=Clock(NOW), features=["MultiCurrency"])
    org.setup.add_currency("EUR", 0.5)
    org.setup.add_currency("JPY", 100.0)
    org.store.connection.execute('UPDATE "CurrencyType" SET "IsActive" = 0 WHERE "IsoCode" = \'JPY\'')
    for name, code, amount, close in (
        ("dollars", "USD", 100, "2026-08-01"),
        ("euros", "EUR", 80, "2026-08-01"),
        ("old euros", "EUR", 80, "2026-02-01"),
        ("nothing", "USD", None, "2026-08-01"),
    ):
        account = org.create_record("Account", {"Name": name, "CurrencyIsoCode": code, "AnnualRevenue": amount})
        deal = {"Name": name, "StageName": "Prospecting", "CloseDate": close, "Amount": amount, "AccountId": account}
        org.create_record("Opportunity", {**deal, "CurrencyIsoCode": code})
    yield org
    org.close()


@pytest.fixture
def european(world: Org) -> str:
    """A user who counts in euros."""
    return world.add_user("euro@example.com", DefaultCurrencyIsoCode="EUR")


def values(org: Org, soql: str, user: str | None = None) -> dict[str, Any]:
    found = org.query(soql, user=user).records
    return {r["Name"]: next(v for k, v in r.items() if k not in ("attributes", "Name")) for r in found}


def names(org: Org, condition: str, sobject: str = "Account") -> list[str]:
    return [r["Name"] for r in org.query(f"SELECT Name FROM {sobject} WHERE {condition} ORDER BY Name").records]


def test_amounts_are_shown_in_the_currency_of_the_user(world: Org, european: str) -> None:
    soql = "SELECT Name, convertCurrency(AnnualRevenue) FROM Account"
    assert values(world, soql) == {"dollars": 100.0, "euros": 160.0, "old euros": 160.0, "nothing": None}
    assert values(world, soql, european) == {"dollars": 50.0, "euros": 80.0, "old euros": 80.0, "nothing": None}
    assert values(world, "SELECT Name, AnnualRevenue FROM Account", european)["dollars"] == 100.0


def test_amounts_of_a_parent_are_in_its_currency(world: Org) -> None:
    soql = "SELECT Name, convertCurrency(Account.AnnualRevenue) worth FROM Opportunity WHERE Name = 'euros'"
    assert values(world, soql) == {"euros": 160.0}


def test_dated_rates_count_for_opportunities_only(world: Org, european: str) -> None:
    world.setup.add_dated_rate("EUR", date(2026, 1, 1), 0.8)
    world.setup.add_dated_rate("EUR", date(2026, 7, 1), 0.4)
    deals = "SELECT Name, convertCurrency(Amount) FROM Opportunity"
    assert values(world, deals) == {"dollars": 100.0, "euros": 200.0, "old euros": 100.0, "nothing": None}
    assert values(world, deals, european)["dollars"] == 40.0
    assert values(world, "SELECT Name, convertCurrency(AnnualRevenue) FROM Account")["euros"] == 160.0
    assert names(world, "Amount > USD150", "Opportunity") == ["euros"]


def test_a_day_before_the_first_dated_rate_has_the_rate_of_today(world: Org) -> None:
    world.setup.add_dated_rate("EUR", date(2026, 7, 1), 0.4)
    assert values(world, "SELECT Name, convertCurrency(Amount) FROM Opportunity")["old euros"] == 160.0


LITERALS = {
    "AnnualRevenue > USD150": ["euros", "old euros"],
    "AnnualRevenue > usd150": ["euros", "old euros"],
    "AnnualRevenue = EUR80.0": ["euros", "old euros"],
    "AnnualRevenue = EUR50": ["dollars"],
    "AnnualRevenue < EUR80": ["dollars"],
    "AnnualRevenue != USD100": ["euros", "nothing", "old euros"],
    "AnnualRevenue IN (EUR80, USD5)": ["euros", "old euros"],
    "AnnualRevenue NOT IN (EUR80, USD5)": ["dollars", "nothing"],
    "AnnualRevenue IN (USD100, null)": ["dollars", "nothing"],
    "AnnualRevenue > 90": ["dollars"],
}


@pytest.mark.parametrize("condition", LITERALS)
def test_literals_compare_by_worth_and_numbers_do_not(condition: str, world: Org) -> None:
    assert names(world, condition) == LITERALS[condition]


def test_sums_are_in_the_corporate_currency_whoever_asks(world: Org, european: str) -> None:
    sums = "SELECT SUM(AnnualRevenue) s, MAX(AnnualRevenue) m, COUNT(AnnualRevenue) n FROM Account"
    for user in (None, european):
        found = world.query(sums, user=user).records[0]
        assert (found["s"], found["m"], found["n"]) == (420.0, 160.0, 3)
    more = "SELECT Name FROM Account GROUP BY Name HAVING MAX(AnnualRevenue) > 100"
    assert sorted(r["Name"] for r in world.query(more).records) == ["euros", "old euros"]


def test_order_goes_by_worth(world: Org) -> None:
    soql = "SELECT Name FROM Account WHERE AnnualRevenue != null ORDER BY AnnualRevenue DESC, Name LIMIT 2"
    assert [r["Name"] for r in world.query(soql).records] == ["euros", "old euros"]


def test_texts_name_their_currency(world: Org, european: str) -> None:
    soql = (
        "SELECT Name, FORMAT(Amount) Amt, FORMAT(convertCurrency(Amount)) own, convertCurrency(Amount) converted"
        " FROM Opportunity WHERE Name = 'dollars'"
    )
    found = world.query(soql, user=european).records[0]
    assert (found["Amt"], found["own"], found["converted"]) == ("USD 100.00", "EUR 50.00", 50.0)
    total = world.query("SELECT FORMAT(SUM(Amount)) total FROM Opportunity", user=european).records[0]
    assert total["total"] == "USD 420.00"


REFUSED = {
    "SELECT Id FROM Account WHERE convertCurrency(AnnualRevenue) > 5": ("MALFORMED_QUERY", 30),
    "SELECT Id FROM Account ORDER BY convertCurrency(AnnualRevenue)": ("MALFORMED_QUERY", 33),
    "SELECT convertCurrency(SUM(AnnualRevenue)) FROM Account": ("MALFORMED_QUERY", 8),
    "SELECT FORMAT(convertCurrency(MAX(Amount))) FROM Opportunity": ("MALFORMED_QUERY", 15),
    "SELECT convertCurrency(Name) FROM Account": ("MALFORMED_QUERY", 8),
    "SELECT Name FROM Account GROUP BY Name HAVING MAX(AnnualRevenue) > USD100": ("MALFORMED_QUERY", 68),
    "SELECT Id FROM Account WHERE AnnualRevenue > JPY5": ("MALFORMED_QUERY", 46),
    "SELECT Id FROM Account WHERE AnnualRevenue > XYZ5": ("MALFORMED_QUERY", 46),
    "SELECT Id FROM Account WHERE AnnualRevenue > -USD5": ("MALFORMED_QUERY", 46),
    "SELECT Id FROM Account WHERE AnnualRevenue > USD-5": ("MALFORMED_QUERY", 46),
    "SELECT Id FROM Account WHERE AnnualRevenue IN (USD5, 7)": ("MALFORMED_QUERY", 54),
    "SELECT Id FROM Account WHERE AnnualRevenue LIKE USD5": ("MALFORMED_QUERY", 49),
    "SELECT Id FROM Account WHERE NumberOfEmployees > USD5": ("INVALID_FIELD", 50),
    "SELECT Id FROM Account WHERE Name = USD5": ("INVALID_FIELD", 37),
    "SELECT AnnualRevenue, convertCurrency(AnnualRevenue) FROM Account": ("INVALID_FIELD", 1),
}


@pytest.mark.parametrize("statement", REFUSED)
def test_refused_with_its_place(statement: str, world: Org, refusal: Refusal) -> None:
    error, (code, column) = refusal(world.query, statement), REFUSED[statement]
    assert error.code == code
    assert f"ERROR at Row:1:Column:{column}\n" in error.message


@pytest.mark.parametrize(
    ("statement", "column"),
    {
        "SELECT convertCurrency(AnnualRevenue) FROM Account": 8,
        "SELECT FORMAT(convertCurrency(AnnualRevenue)) FROM Account": 15,
        "SELECT Id FROM Account WHERE AnnualRevenue > USD5000": 46,
        "SELECT Id FROM Account WHERE AnnualRevenue IN (USD5000)": 48,
    }.items(),
)
def test_an_org_with_one_currency_has_none_of_it(statement: str, column: int, org: Org, refusal: Refusal) -> None:
    error = refusal(org.query, statement)
    assert error.code == "MALFORMED_QUERY"
    assert f"ERROR at Row:1:Column:{column}\n" in error.message
    assert "multiple currencies" in error.message


def test_over_rest_and_bulk_as_the_user(world: Org, european: str) -> None:
    client = Client(world, LocalOrgApp(world), world.issue_token(european), european)
    soql = "SELECT convertCurrency(AnnualRevenue) FROM Account WHERE Name = 'dollars'"
    assert client.query(soql).body["records"][0]["AnnualRevenue"] == 50.0
    job = client.send("POST", "jobs/query", {"operation": "query", "query": soql}).body["id"]
    client.send("GET", f"jobs/query/{job}")
    assert client.send("GET", f"jobs/query/{job}/results").encode() == b'"AnnualRevenue"\n"50.0"\n'
