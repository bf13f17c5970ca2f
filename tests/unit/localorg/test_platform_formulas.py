"""Formula fields: what they compute, and that they move without a stamp (reference 2.2, 6)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from local_client import Client

from connector.localorg.formula.parse import FormulaError
from connector.localorg.org import Clock, Org

FIELDS: dict[str, Any] = {
    "Name": "Acme O'Neil",
    "NumberOfEmployees": 7,
    "AnnualRevenue": 1000.5,
    "Industry": "Banking",
    "Website": "https://acme.example",
    "Description": None,
}
Case = tuple[str, str, Any]
FORMULAS: dict[str, Case] = {
    "sum": ("double", "NumberOfEmployees + 1.5 * 2", Decimal(10)),
    "precedence": ("double", "(1 + 2) * 3 ^ 2 - 4 / 2", Decimal(25)),
    "a sign": ("double", "-NumberOfEmployees + 10", Decimal(3)),
    "an empty number is nothing": ("double", "YearStarted__c + 1", Decimal(1)),
    "rounding": ("double", "ROUND(AnnualRevenue / 3, 1)", Decimal("333.7")),
    "scale": ("double", "AnnualRevenue / 3", Decimal("333.67")),
    "division by nothing is empty": ("double", "1 / YearStarted__c", None),
    "largest and remainder": ("double", "MAX(1, 5, 3) + MOD(7, 4) + FLOOR(2.9) + CEILING(2.1)", Decimal(13)),
    "percent counts as a fraction": ("double", "Share__c * 200", Decimal(50)),
    "a percent result": ("percent", "1 / 4", Decimal(25)),
    "text": ("string", 'Name & " (" & TEXT(Industry) & ")"', "Acme O'Neil (Banking)"),
    "text by plus": ("string", "UPPER(LEFT(Name, 4)) + '!'", "ACME!"),
    "an empty text stays empty": ("string", "Site & ''", None),
    "numbers as text": ("string", "TEXT(NumberOfEmployees) & '/' & TEXT(NumberOfEmployees / 2)", "7/3.5"),
    "parts of text": ("string", 'MID("abcdef", 2, 3) & RIGHT("xyz", 1) & SUBSTITUTE("a-b", "-", "+")', "bcdza+b"),
    "if": ("string", 'IF(NumberOfEmployees > 5, "big", "small")', "big"),
    "nested case": ("string", 'CASE(Industry, "Energy", "E", "Banking", "B", "?")', "B"),
    "case on numbers": ("double", "CASE(NumberOfEmployees, 6, 1, 7, 2, 3)", Decimal(2)),
    "picklist value": ("boolean", 'ISPICKVAL(Industry, "Banking")', True),
    "capitals count": ("boolean", 'TEXT(Industry) = "banking"', False),
    "blank": ("boolean", "ISBLANK(Site) && NOT(ISBLANK(Name)) && !ISBLANK(Industry)", True),
    "a blank number is blank": ("boolean", "ISBLANK(YearStarted__c)", True),
    "and with something missing": ("boolean", "AND(TRUE, Nothing__c > TODAY())", False),
    "or": ("boolean", 'OR(BEGINS(Website, "http:"), CONTAINS(Website, "acme"))', True),
    "blank value": ("string", 'BLANKVALUE(Site, "none")', "none"),
    "days since": ("double", "TODAY() - Begun__c", Decimal(31)),
    "a day later": ("date", "Begun__c + 30", date(2026, 8, 31)),
    "end of month": ("date", "ADDMONTHS(DATE(2026, 1, 31), 1)", date(2026, 2, 28)),
    "parts of a date": ("double", "YEAR(Begun__c) * 10000 + MONTH(Begun__c) * 100 + DAY(Begun__c)", Decimal(20260801)),
    "weekday counts from Sunday": ("double", "WEEKDAY(DATE(2026, 9, 1))", Decimal(3)),
    "a moment's day": ("date", "DATEVALUE(CreatedDate)", date(2026, 9, 1)),
    "half a day": ("double", "(NOW() + 0.5 - NOW()) * 24", Decimal(12)),
    "a parent's field": ("string", 'Parent.Name & "/" & Owner.LastName', "Mother/System Administrator"),
    "a formula of a formula": ("double", "Double__c + 1", Decimal(15)),
    "the user": ("boolean", "$User.Id = OwnerId", True),
    "a comment": ("double", "/* the answer */ 42", Decimal(42)),
}
CUSTOM = [
    {"sobject": "Account", "name": "YearStarted__c", "type": "double", "precision": 4, "scale": 0},
    {"sobject": "Account", "name": "Share__c", "type": "percent", "precision": 5, "scale": 1},
    {"sobject": "Account", "name": "Begun__c", "type": "date"},
    {"sobject": "Account", "name": "Nothing__c", "type": "date"},
]


def formula(kind: str, text: str, name: str = "F__c") -> dict[str, Any]:
    shape = {"precision": 18, "scale": 2} if kind in ("double", "percent") else {}
    return {"sobject": "Account", "name": name, "type": kind, "calculated": True, "calculatedFormula": text, **shape}


@pytest.fixture(scope="module")
def book() -> Org:
    org = Org.create(clock=Clock(datetime.fromisoformat("2026-09-01T08:00:00+00:00")))
    numbered = [formula(kind, text, f"F{n}__c") for n, (kind, text, _) in enumerate(FORMULAS.values())]
    org.define_fields([*CUSTOM, formula("double", "NumberOfEmployees * 2", "Double__c"), *numbered])
    mother = org.create_record("Account", {"Name": "Mother"})
    org.create_record("Account", {**FIELDS, "ParentId": mother, "Share__c": 25, "Begun__c": "2026-08-01"})
    return org


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_computes(name: str, book: Org) -> None:
    field = f"F{list(FORMULAS).index(name)}__c"
    kind, _, wanted = FORMULAS[name]
    row = book.records("Account", {"Name": FIELDS["Name"]})[0]
    assert row[field] == wanted
    shown = book.query(f"SELECT {field} FROM Account WHERE ParentId != null").records[0][field]
    assert shown == (float(wanted) if isinstance(wanted, Decimal) else str(wanted) if kind == "date" else wanted)


REFUSED: dict[str, tuple[str, str]] = {
    "an unknown field": ("string", "Nope__c"),
    "an unknown function": ("string", "FROBNICATE(Name)"),
    "a missing bracket": ("string", "LEFT(Name, 4"),
    "too few arguments": ("string", "LEFT(Name)"),
    "the wrong result": ("date", "Name"),
    "mixed alternatives": ("string", 'IF(TRUE, 1, "a")'),
    "text minus number": ("double", "Name - 1"),
    "itself": ("double", "F__c + 1"),
    "strange signs": ("double", "1 # 2"),
}


@pytest.mark.parametrize(("kind", "text"), REFUSED.values(), ids=REFUSED)
def test_a_formula_that_cannot_be_is_refused_and_changes_nothing(org: Org, kind: str, text: str) -> None:
    with pytest.raises(FormulaError):
        org.define_fields([formula(kind, text)])
    assert not org.schema.get("Account").has("F__c")


def test_a_formula_moves_with_the_clock_and_with_parents_but_no_stamp_moves(org: Org) -> None:
    org.define_fields([formula("double", "TODAY() - DATEVALUE(CreatedDate)", "Age__c")])
    org.define_fields([formula("string", "Parent.Name", "Mother__c")])
    mother = org.create_record("Account", {"Name": "Old"})
    child = org.create_record("Account", {"Name": "Child", "ParentId": mother})
    before = org.records("Account", {"Id": child})[0]
    org.clock.advance(timedelta(days=3))
    org.update_record("Account", mother, {"Name": "New"})
    after = org.records("Account", {"Id": child})[0]
    assert (before["Age__c"], before["Mother__c"]) == (0, "Old")
    assert (after["Age__c"], after["Mother__c"]) == (3, "New")
    assert after["SystemModstamp"] == before["SystemModstamp"]


def test_formulas_filter_sort_and_group(org: Org) -> None:
    org.define_fields([formula("double", "NumberOfEmployees * 2", "Double__c")])
    for n in (1, 2, 3):
        org.create_record("Account", {"Name": f"A{n}", "NumberOfEmployees": n})
    found = org.query("SELECT Name FROM Account WHERE Double__c > 2 ORDER BY Double__c DESC").records
    assert [r["Name"] for r in found] == ["A3", "A2"]
    assert org.query("SELECT SUM(Double__c) s FROM Account").records[0]["s"] == 12


def test_formulas_cannot_be_written(client: Client, account: str) -> None:
    client.org.define_fields([formula("double", "1", "One__c")])
    reply = client.send("PATCH", f"sobjects/Account/{account}", {"One__c": 2})
    assert reply.body[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert client.send("GET", f"sobjects/Account/{account}", fields="One__c").body["One__c"] == 1
    fields = {f["name"]: f for f in client.send("GET", "sobjects/Account/describe").body["fields"]}
    assert (fields["One__c"]["calculated"], fields["One__c"]["calculatedFormula"]) == (True, "1")
