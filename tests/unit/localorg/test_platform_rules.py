"""What an admin's rules do to saves: validation, duplicates, record types, assignment, locks, currencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from local_client import NOW, Client

from connector.localorg.api.wire import Reply
from connector.localorg.formula.parse import FormulaError
from connector.localorg.org import Clock, Org, OrgError

Refusal = Callable[..., OrgError]


def one(org: Org, sobject: str, record_id: str) -> dict[str, Any]:
    return org.records(sobject, {"Id": record_id}, include_deleted=True)[0]


def code(reply: Reply) -> str:
    return str(reply.body[0]["errorCode"])


# --- validation rules (9: FIELD_CUSTOM_VALIDATION_EXCEPTION)

RULES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "a missing value": ("ISBLANK(Industry)", {"Name": "A"}, True),
    "a value that is there": ("ISBLANK(Industry)", {"Name": "A", "Industry": "Banking"}, False),
    "a parent": ('Parent.Name = "Mother"', {"Name": "A", "ParentId": "mother"}, True),
    "new records only": ("ISNEW()", {"Name": "A"}, True),
    "changes only": ("ISCHANGED(Name)", {"Name": "A"}, False),
    "a pattern": ('NOT(REGEX(Name, "[A-Z][a-z]+"))', {"Name": "acme"}, True),
    "a condition without an answer": ("NumberOfEmployees > 5", {"Name": "A"}, False),
}


@pytest.mark.parametrize(("formula", "fields", "refused"), RULES.values(), ids=RULES)
def test_a_validation_rule_refuses_what_it_describes(
    org: Org, refusal: Refusal, formula: str, fields: dict[str, Any], refused: bool
) -> None:
    mother = org.create_record("Account", {"Name": "Mother"})
    org.setup.add_validation_rule("Account", "Rule", formula, "Not like that", "Industry")
    given = {**fields, "ParentId": mother} if "ParentId" in fields else fields
    if not refused:
        assert org.create_record("Account", given)
        return
    error = refusal(org.create_record, "Account", given)
    assert (error.code, error.message, error.fields) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "Not like that",
        ("Industry",),
    )
    assert [a["Name"] for a in org.records("Account")] == ["Mother"]


def test_a_rule_compares_with_the_value_before(org: Org, refusal: Refusal) -> None:
    org.setup.add_validation_rule(
        "Account", "Never down", "NumberOfEmployees < PRIORVALUE(NumberOfEmployees)", "Too few"
    )
    account = org.create_record("Account", {"Name": "A", "NumberOfEmployees": 10})
    org.update_record("Account", account, {"NumberOfEmployees": 11})
    assert (
        refusal(org.update_record, "Account", account, {"NumberOfEmployees": 5}).code
        == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    )
    assert one(org, "Account", account)["NumberOfEmployees"] == 11


def test_a_rule_fails_its_row_and_not_its_neighbours(client: Client) -> None:
    client.org.setup.add_validation_rule("Account", "R", 'Name = "bad"', "no")
    records = [{"attributes": {"type": "Account"}, "Name": n} for n in ("good", "bad", "fine")]
    reply = client.send("POST", "composite/sobjects", {"records": records})
    assert [r["success"] for r in reply.body] == [True, False, True]
    assert reply.body[1]["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert sorted(a["Name"] for a in client.org.records("Account")) == ["fine", "good"]


@pytest.mark.parametrize("formula", ["Nope__c = 1", "Name", "ISBLANK("])
def test_rules_that_make_no_sense_are_refused(org: Org, formula: str) -> None:
    with pytest.raises(FormulaError):
        org.setup.add_validation_rule("Account", "R", formula, "m")


# --- duplicate rules (4.4)

DUPLICATES: dict[str, tuple[str, str | None, bool]] = {
    "an alert": ("alert", None, True),
    "an alert with allowSave": ("alert", "allowSave=true; includeRecordDetails=false", False),
    "an alert with allowSave=false": ("alert", "allowSave=false", True),
    "a block": ("block", None, True),
    "a block with allowSave": ("block", "allowSave=true", True),
}


@pytest.mark.parametrize(("action", "header", "refused"), DUPLICATES.values(), ids=DUPLICATES)
def test_duplicates_are_refused_unless_the_rule_only_alerts(
    client: Client, account: str, action: Any, header: str | None, refused: bool
) -> None:
    client.org.setup.add_duplicate_rule("Account", "Same_Name", ["Name"], action)
    headers = {} if header is None else {"sforce-duplicate-rule-header": header}
    reply = client.send("POST", "sobjects/Account", {"Name": "ACME"}, headers=headers)
    if not refused:
        assert reply.status == 201
        return
    assert (reply.status, code(reply)) == (400, "DUPLICATES_DETECTED")
    result = reply.body[0]["duplicateResult"]
    assert (result["allowSave"], result["duplicateRule"]) == (action == "alert", "Same_Name")
    assert result["matchResults"][0]["matchRecords"][0]["record"]["Id"] == account


def test_a_duplicate_in_a_collection_carries_its_result(client: Client, account: str) -> None:
    client.org.setup.add_duplicate_rule("Account", "Same_Name", ["Name"])
    records = [{"attributes": {"type": "Account"}, "Name": n} for n in ("Acme", "Other")]
    reply = client.send("POST", "composite/sobjects", {"records": records})
    assert [r["success"] for r in reply.body] == [False, True]
    error = reply.body[0]["errors"][0]
    assert error["statusCode"] == "DUPLICATES_DETECTED"
    assert error["duplicateResult"]["matchResults"][0]["size"] == 1


def test_a_duplicate_needs_all_fields_and_a_living_twin(org: Org, refusal: Refusal) -> None:
    org.setup.add_duplicate_rule("Contact", "Same_Person", ["LastName", "Email"], "block")
    twin = org.create_record("Contact", {"LastName": "Doe", "Email": "d@x.example"})
    org.create_record("Contact", {"LastName": "Doe"})
    org.create_record("Contact", {"LastName": "Doe", "Email": "other@x.example"})
    org.update_record("Contact", twin, {"Title": "CEO"})
    assert refusal(org.create_record, "Contact", {"LastName": "doe", "Email": "D@x.example"}).code
    org.delete_record("Contact", twin)
    assert org.create_record("Contact", {"LastName": "Doe", "Email": "d@x.example"})


# --- record types and restricted picklists (6)


def test_a_record_type_allows_fewer_values_of_a_restricted_picklist(org: Org, refusal: Refusal) -> None:
    partner = org.setup.add_record_type("Account", "Partner", {"Stage__c": ["Launched"], "Industry": ["Energy"]})
    error = refusal(org.create_record, "Account", {"Name": "A", "RecordTypeId": partner, "Stage__c": "Onboarding"})
    assert error.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    free = {"Name": "A", "RecordTypeId": partner, "Stage__c": "Launched", "Industry": "Banking"}
    account = org.create_record("Account", free)
    assert refusal(org.update_record, "Account", account, {"Stage__c": "Onboarding"}).code == error.code
    assert org.create_record("Account", {"Name": "No record type", "Stage__c": "Onboarding"})


def test_the_default_record_type_is_given_to_new_records_and_shown_in_describe(org: Org) -> None:
    renewal = org.setup.add_record_type("Opportunity", "Renewal", default=True)
    fields = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    assert one(org, "Opportunity", org.create_record("Opportunity", fields))["RecordTypeId"] == renewal
    infos = org.describe("Opportunity")["recordTypeInfos"]
    assert [(i["developerName"], i["master"]) for i in infos] == [("Renewal", False), ("Master", True)]
    query = "SELECT RecordType.DeveloperName FROM Opportunity"
    assert org.query(query).records[0]["RecordType"]["DeveloperName"] == "Renewal"


def test_a_record_type_of_another_object_is_refused(org: Org, refusal: Refusal) -> None:
    other = org.setup.add_record_type("Opportunity", "Renewal")
    error = refusal(org.create_record, "Account", {"Name": "A", "RecordTypeId": other})
    assert error.code == "INVALID_CROSS_REFERENCE_KEY"


# --- assignment rules (4.4)

ASSIGNED: dict[str, tuple[dict[str, str], bool]] = {
    "no header": ({}, True),
    "TRUE": ({"sforce-auto-assign": "TRUE"}, True),
    "a rule's id": ({"sforce-auto-assign": "01Q000000000001"}, True),
    "FALSE": ({"sforce-auto-assign": "FALSE"}, False),
}


@pytest.mark.parametrize(("headers", "fires"), ASSIGNED.values(), ids=ASSIGNED)
def test_assignment_rules_fire_unless_the_header_says_false(
    client: Client, headers: dict[str, str], fires: bool
) -> None:
    other = client.org.add_user("sales@example.com")
    client.org.setup.add_assignment_rule("Lead", 'Country = "DE"', other)
    body = {"LastName": "Roe", "Company": "C", "Country": "DE"}
    made = client.send("POST", "sobjects/Lead", body, headers=headers).body["id"]
    assert one(client.org, "Lead", made)["OwnerId"] == (other if fires else client.user_id)
    elsewhere = client.send("POST", "sobjects/Lead", {**body, "Country": "FR"}, headers=headers).body["id"]
    assert one(client.org, "Lead", elsewhere)["OwnerId"] == client.user_id


def test_people_keep_the_leads_that_they_enter(org: Org) -> None:
    org.setup.add_assignment_rule("Lead", "TRUE", org.add_user("sales@example.com"))
    assert one(org, "Lead", org.create_record("Lead", {"LastName": "R", "Company": "C"}))["OwnerId"] == org.admin_id


# --- locks (9)


@pytest.mark.parametrize(("kind", "wanted"), [("row", "UNABLE_TO_LOCK_ROW"), ("approval", "ENTITY_IS_LOCKED")])
def test_a_held_record_is_refused_until_it_is_let_go(
    org: Org, account: str, refusal: Refusal, kind: Any, wanted: str
) -> None:
    org.setup.lock(account, kind, duration=timedelta(minutes=5))
    assert refusal(org.update_record, "Account", account, {"Industry": "Energy"}).code == wanted
    assert refusal(org.delete_record, "Account", account).code == wanted
    org.clock.advance(timedelta(minutes=5))
    org.update_record("Account", account, {"Industry": "Energy"})
    org.setup.lock(account, kind)
    assert refusal(org.update_record, "Account", account, {"Industry": None}).code == wanted
    org.setup.unlock(account)
    org.update_record("Account", account, {"Industry": None})


def test_a_row_lock_holds_new_children_too(org: Org, account: str, refusal: Refusal) -> None:
    org.setup.lock(account)
    assert refusal(org.create_record, "Task", {"Subject": "s", "WhatId": account}).code == "UNABLE_TO_LOCK_ROW"
    org.setup.lock(account, "approval")
    assert org.create_record("Task", {"Subject": "s", "WhatId": account})


# --- currencies


@pytest.fixture
def world() -> Iterator[Org]:
    """An org with dollars and euros."""
    org = Org.create(clock=Clock(NOW), features=["MultiCurrency"])
    org.setup.add_currency("EUR", 0.9)
    yield org
    org.close()


def test_records_have_the_corporate_currency_unless_they_name_another(world: Org, refusal: Refusal) -> None:
    plain, euro = (world.create_record("Account", {"Name": "A", **more}) for more in ({}, {"CurrencyIsoCode": "EUR"}))
    assert [one(world, "Account", a)["CurrencyIsoCode"] for a in (plain, euro)] == ["USD", "EUR"]
    error = refusal(world.create_record, "Account", {"Name": "A", "CurrencyIsoCode": "XXX"})
    assert error.code == "INVALID_CURRENCY_ISO"


def test_currencies_and_dated_rates_can_be_read(world: Org) -> None:
    for start, rate in ((date(2026, 1, 1), 0.91), (date(2026, 7, 1), 0.88)):
        world.setup.add_dated_rate("EUR", start, rate)
    query = "SELECT IsoCode, ConversionRate FROM CurrencyType WHERE IsCorporate = false"
    assert [(r["IsoCode"], r["ConversionRate"]) for r in world.query(query).records] == [("EUR", 0.9)]
    rates = world.query("SELECT StartDate, NextStartDate FROM DatedConversionRate ORDER BY StartDate").records
    assert [(r["StartDate"], r["NextStartDate"]) for r in rates] == [
        ("2026-01-01", "2026-07-01"),
        ("2026-07-01", "9999-12-31"),
    ]


def test_an_org_with_one_currency_has_neither_field_nor_table(org: Org) -> None:
    assert not org.schema.get("Account").has("CurrencyIsoCode")
    assert org.schema.find("CurrencyType") is None
    with pytest.raises(ValueError, match="one currency"):
        org.setup.add_currency("EUR", 0.9)


def test_rules_travel_with_a_snapshot(org: Org, account: str) -> None:
    org.setup.add_validation_rule("Account", "R", "ISNEW()", "m")
    org.setup.add_duplicate_rule("Account", "D", ["Name"], "block")
    org.setup.lock(account)
    copy = Org.restore(org.snapshot(), clock=Clock(NOW))
    assert copy.state.setup == org.state.setup


RULE = """<?xml version="1.0" encoding="UTF-8"?>
<ValidationRule xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>Needs_Industry</fullName>
<active>{active}</active><errorConditionFormula>ISBLANK(TEXT(Industry))</errorConditionFormula>
<errorDisplayField>Industry</errorDisplayField><errorMessage>Which industry?</errorMessage></ValidationRule>"""


@pytest.mark.parametrize("active", [True, False])
def test_validation_rules_come_with_sfdx_source(org: Org, tmp_path: Path, active: bool) -> None:
    folder = tmp_path / "objects" / "Account" / "validationRules"
    folder.mkdir(parents=True)
    file = folder / "Needs_Industry.validationRule-meta.xml"
    file.write_text(RULE.format(active=str(active).lower()))
    org.load_source(tmp_path)
    if not active:
        assert org.create_record("Account", {"Name": "A"})
        return
    with pytest.raises(OrgError, match="Which industry"):
        org.create_record("Account", {"Name": "A"})
