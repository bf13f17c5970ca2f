"""simple-salesforce, unmodified, against the local org."""

from __future__ import annotations

from typing import Any

import pytest
from simple_salesforce import (
    Salesforce,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.exceptions import SalesforceMoreThanOneRecord
from simple_salesforce.format import format_soql


def test_life_of_a_record(sf: Salesforce) -> None:
    made = sf.Account.create({"Name": 'O\'Hara & "Sons" 🦄'})
    assert made["success"] is True
    assert sf.Account.update(made["id"], {"Industry": "Energy"}) == 204
    assert sf.Account.get(made["id"])["Industry"] == "Energy"
    found = sf.query(format_soql("SELECT Id FROM Account WHERE Name = {}", 'O\'Hara & "Sons" 🦄'))
    assert [r["Id"] for r in found["records"]] == [made["id"]]
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get(made["id"])
    assert sf.query_all("SELECT Id FROM Account WHERE IsDeleted = true", include_deleted=True)["totalSize"] == 1


def test_query_all_follows_pages(sf: Salesforce, local: Any) -> None:
    local.org.load("Account", [{"Name": f"A{n:04}"} for n in range(4100)])
    assert len(sf.query_all("SELECT Id FROM Account")["records"]) == 4100
    names = [r["Name"] for r in sf.query_all_iter("SELECT Name FROM Account ORDER BY Name")]
    assert (names[0], names[-1], len(names)) == ("A0000", "A4099", 4100)


def test_describe(sf: Salesforce) -> None:
    assert "Account" in {o["name"] for o in sf.describe()["sobjects"]}
    assert {f["name"] for f in sf.Task.describe()["fields"]} >= {"WhatId", "IsClosed"}
    assert sf.Account.metadata()["objectDescribe"]["name"] == "Account"


def test_upsert(sf: Salesforce, local: Any) -> None:
    local.org.define_fields(
        [{"sobject": "Account", "name": "Ext__c", "type": "string", "unique": True, "externalId": True}]
    )
    assert sf.Account.upsert("Ext__c/1", {"Name": "A"}) == 201
    assert sf.Account.upsert("Ext__c/1", {"Name": "B"}) == 200
    assert sf.Account.get_by_custom_id("Ext__c", "1")["Name"] == "B"
    local.org.define_fields([{"sobject": "Account", "name": "Old__c", "type": "string", "externalId": True}])
    for name in "AB":
        local.org.create_record("Account", {"Name": name, "Old__c": "7"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Account.upsert("Old__c/7", {"Name": "C"})


def test_composite_and_limits(sf: Salesforce) -> None:
    inner = {
        "method": "POST",
        "url": "/services/data/v66.0/sobjects/Account",
        "referenceId": "a",
        "body": {"Name": "A"},
    }
    reply = sf.restful("composite", method="POST", json={"compositeRequest": [inner]})
    assert reply["compositeResponse"][0]["httpStatusCode"] == 201
    assert sf.limits()["DailyApiRequests"]["Max"] > 0
    assert sf.api_usage["api-usage"].used > 0


def test_refusals_become_its_exceptions(sf: Salesforce, local: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="Naem"):
        sf.query("SELECT Naem FROM Account")
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Account.create({})
    assert caught.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    local.org.state.sessions.clear()
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Account")
