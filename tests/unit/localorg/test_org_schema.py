"""Describe, custom fields, field-level security, SFDX source, snapshots: what an org is made of."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from local_client import NOW

from connector.localorg.customization import DefinitionError
from connector.localorg.loading import UnknownSeedFieldError
from connector.localorg.org import Clock, Org, OrgError

Refusal = Callable[..., OrgError]
FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures" / "cumulusci" / "describe"


def recorded(name: str) -> dict[str, Any]:
    path = FIXTURES / f"GET_sobjects_{name}.json"
    if not path.exists():
        pytest.skip(f"no recorded traffic at {path}")
    body = json.loads(path.read_text())["response"]["body"]
    return json.loads(body) if isinstance(body, str) else body


def field(org: Org, sobject: str, name: str, user: str | None = None) -> dict[str, Any] | None:
    return next((f for f in org.describe(sobject, user=user)["fields"] if f["name"] == name), None)


# --- describe


@pytest.mark.parametrize(
    "sobject", ["Account", "Contact", "Lead", "Opportunity", "Case", "Event", "OpportunityContactRole"]
)
def test_describe_has_the_keys_of_the_recording(sobject: str, org: Org) -> None:
    real, ours = recorded(f"{sobject}_describe"), org.describe(sobject)
    newer = {"associateEntityType", "associateParentEntity", "sobjectDescribeOption"}
    assert set(real) - set(ours) == set()
    assert set(ours) - set(real) <= newer
    assert set(real["fields"][0]) == set(ours["fields"][0])
    assert all(set(c) == set(real["childRelationships"][0]) for c in ours["childRelationships"])


@pytest.mark.parametrize(
    "sobject", ["Account", "Contact", "Lead", "Opportunity", "Case", "Event", "OpportunityContactRole"]
)
def test_standard_fields_are_described_as_recorded(sobject: str, org: Org) -> None:
    real = {f["name"]: f for f in recorded(f"{sobject}_describe")["fields"]}
    keys = (
        "type",
        "nillable",
        "createable",
        "updateable",
        "length",
        "defaultedOnCreate",
        "relationshipName",
        "nameField",
        "soapType",
    )
    ours = {f["name"]: f for f in org.describe(sobject)["fields"] if not f["custom"]}
    different = {
        (n, k, real[n][k], ours[n][k]) for n in real.keys() & ours.keys() for k in keys if real[n][k] != ours[n][k]
    }
    assert different == set()


def test_global_describe_has_the_keys_of_the_recording(org: Org) -> None:
    real, ours = recorded("Global_describe"), org.describe_global()
    assert set(real) == set(ours)
    assert set(real["sobjects"][0]) == set(ours["sobjects"][0])


def test_custom_object_is_described_as_recorded(org: Org) -> None:
    org.define_fields([{"sobject": "Visit__c", "label": "Visit", "fields": [{"name": "Stage__c", "type": "string"}]}])
    real, ours = recorded("Custom__c_describe"), org.describe("Visit__c")
    assert set(real) <= set(ours)
    assert (ours["custom"], ours["keyPrefix"][0]) == (True, "a")


# --- custom fields


def test_activity_fields_are_on_task_and_event(org: Org) -> None:
    assert all(field(org, sobject, "Key__c")["externalId"] for sobject in ("Task", "Event"))  # type: ignore[index]


def test_defining_a_field_again_replaces_it_and_keeps_its_values(org: Org) -> None:
    org.create_record("Account", {"Name": "A", "Legacy__c": "x"})
    org.define_fields([{"sobject": "Account", "name": "Legacy__c", "type": "string", "length": 5, "label": "Old key"}])
    described = field(org, "Account", "Legacy__c")
    assert described is not None
    assert (described["length"], described["label"], described["externalId"]) == (5, "Old key", False)
    assert org.records("Account")[0]["Legacy__c"] == "x"


def test_field_on_an_unknown_object(org: Org) -> None:
    with pytest.raises(DefinitionError, match=r"no object 'Acount'; objects: .*Account"):
        org.define_fields([{"sobject": "Acount", "name": "X__c", "type": "string"}])
    org.create_record("Account", {"Name": "still works"})


def test_custom_object_with_lookup_and_master(org: Org, account: str) -> None:
    lookup = {
        "name": "Account__c",
        "type": "reference",
        "referenceTo": ["Account"],
        "relationshipName": "Account__r",
        "childRelationshipName": "Visits__r",
        "cascadeDelete": True,
        "nillable": False,
    }
    number = {
        "name": "Name",
        "label": "Visit",
        "type": "string",
        "length": 80,
        "nameField": True,
        "autoNumber": True,
        "displayFormat": "V-{0000}",
    }
    org.define_fields([{"sobject": "Visit__c", "fields": [number, lookup]}])
    visit = org.create_record("Visit__c", {"Account__c": account})
    assert org.query("SELECT Name, Account__r.Name FROM Visit__c").records[0]["Account__r"]["Name"] == "Acme"
    assert (
        org.query("SELECT (SELECT Name FROM Visits__r) FROM Account").records[0]["Visits__r"]["records"][0]["Name"]
        == "V-0001"
    )
    task = org.create_record("Account", {"Name": "B"})
    assert task != visit
    org.delete_record("Account", account)
    assert org.query("SELECT Id FROM Visit__c").total == 0


# --- security


@pytest.fixture
def user(org: Org) -> str:
    return org.add_user("integration@example.com")


def test_a_hidden_field_does_not_exist_for_the_user(org: Org, user: str, account: str, refusal: Refusal) -> None:
    org.hide_field(user, "Account", "Score__c")
    assert field(org, "Account", "Score__c", user=user) is None
    read = refusal(org.query, "SELECT Score__c FROM Account", user=user)
    assert read.message.endswith("Please reference your WSDL or the describe call for the appropriate names.")
    assert "No such column 'Score__c' on entity 'Account'" in read.message
    filtered = refusal(org.query, "SELECT Id FROM Account WHERE Score__c = 1", user=user)
    assert filtered.code == "INVALID_FIELD"
    written = refusal(org.update_record, "Account", account, {"Score__c": 1}, user=user)
    assert written.message == "No such column 'Score__c' on sobject of type Account"


def test_others_still_see_it_and_it_can_be_shown_again(org: Org, user: str) -> None:
    org.hide_field(user, "Account", "Score__c")
    assert field(org, "Account", "Score__c", user=org.admin_id) is not None
    org.show_field(user, "Account", "Score__c")
    assert field(org, "Account", "Score__c", user=user) is not None


def test_a_read_only_field_is_read_but_not_written(org: Org, user: str, account: str, refusal: Refusal) -> None:
    org.make_field_read_only(user, "Account", "Score__c")
    described = field(org, "Account", "Score__c", user=user)
    assert described is not None
    assert (described["updateable"], described["createable"]) == (False, False)
    org.query("SELECT Score__c FROM Account", user=user)
    assert (
        refusal(org.update_record, "Account", account, {"Score__c": 1}, user=user).code
        == "INVALID_FIELD_FOR_INSERT_UPDATE"
    )


def test_a_hidden_object_does_not_exist(org: Org, user: str, refusal: Refusal) -> None:
    org.hide_object(user, "Opportunity")
    assert refusal(org.query, "SELECT Id FROM Opportunity", user=user).code == "INVALID_TYPE"
    assert refusal(org.describe, "Opportunity", user=user).status == 404
    assert "Opportunity" not in {o["name"] for o in org.describe_global(user=user)["sobjects"]}
    assert all(c["childSObject"] != "Opportunity" for c in org.describe("Account", user=user)["childRelationships"])


# --- SFDX source


FIELD_XML = """<?xml version="1.0" encoding="UTF-8"?>
<CustomField xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>{name}</fullName><label>{name}</label>{rest}</CustomField>"""
STAGE = """<type>Picklist</type><inlineHelpText>Where they are</inlineHelpText><valueSet>
<restricted>true</restricted><valueSetDefinition><sorted>false</sorted><value><fullName>New</fullName>
<default>false</default><label>Brand new</label></value></valueSetDefinition></valueSet>"""
KEY = "<type>Text</type><length>255</length><externalId>true</externalId><unique>true</unique>"
GRANT = """<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata"><label>C</label>
<fieldPermissions><editable>true</editable><field>Account.Phase__c</field><readable>true</readable></fieldPermissions>
<fieldPermissions><editable>false</editable><field>Account.Money__c</field><readable>true</readable></fieldPermissions>
<fieldPermissions><editable>true</editable><field>Task.Note__c</field><readable>true</readable></fieldPermissions></PermissionSet>"""
STATUSES = """<StandardValueSet xmlns="http://soap.sforce.com/2006/04/metadata">
<standardValue><fullName>Not needed</fullName>
<default>false</default><label>Not needed</label><closed>true</closed></standardValue></StandardValueSet>"""


def test_source_adds_fields_with_exactly_the_permissions_granted(org: Org, user: str, tmp_path: Path) -> None:
    base = tmp_path / "force-app" / "main" / "default"
    fields = {
        "Account/Phase__c": STAGE,
        "Account/Money__c": "<type>Currency</type><precision>18</precision><scale>2</scale>",
        "Account/Secret__c": "<type>Checkbox</type><defaultValue>true</defaultValue>",
        "Activity/Note__c": KEY,
    }
    for key, rest in fields.items():
        sobject, name = key.split("/")
        path = base / "objects" / sobject / "fields" / f"{name}.field-meta.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FIELD_XML.format(name=name, rest=rest))
    for name, text in (
        ("permissionsets/C.permissionset-meta.xml", GRANT),
        ("standardValueSets/TaskStatus.standardValueSet-meta.xml", STATUSES),
    ):
        (base / name).parent.mkdir()
        (base / name).write_text(text)
    org.load_source(tmp_path)
    phase, money = field(org, "Account", "Phase__c", user), field(org, "Account", "Money__c", user)
    assert phase is not None
    assert money is not None
    assert (phase["type"], phase["restrictedPicklist"], phase["inlineHelpText"]) == ("picklist", True, "Where they are")
    assert [(v["value"], v["label"]) for v in phase["picklistValues"]] == [("New", "Brand new")]
    assert (money["type"], money["scale"], money["updateable"], phase["updateable"]) == ("currency", 2, False, True)
    assert field(org, "Account", "Secret__c", user) is None
    assert field(org, "Account", "Secret__c") is not None
    assert all(field(org, s, "Note__c", user)["unique"] for s in ("Task", "Event"))  # type: ignore[index]
    assert org.records("TaskStatus", {"MasterLabel": "Not needed"})[0]["IsClosed"] is True


# --- snapshots, files, loading, threads


def test_a_restored_org_is_equal_and_lives_its_own_life(org: Org, account: str, user: str) -> None:
    org.hide_field(user, "Account", "Score__c")
    token = org.issue_token(user)
    twin = Org.restore(org.snapshot(), clock=Clock(NOW))
    assert twin.records("Account") == org.records("Account")
    assert field(twin, "Account", "Score__c", user) is None
    assert token in twin.state.sessions
    new = [o.create_record("Account", {"Name": "B"}) for o in (org, twin)]
    assert new[0] == new[1]
    twin.delete_record("Account", account)
    assert (org.query("SELECT COUNT() FROM Account").total, twin.query("SELECT COUNT() FROM Account").total) == (2, 1)


def test_an_org_in_a_file_survives_its_process(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    org = Org.create(clock=Clock(NOW), path=path)
    org.define_fields([{"sobject": "Account", "name": "X__c", "type": "string"}])
    account = org.create_record("Account", {"Name": "A", "X__c": "x"})
    org.close()
    again = Org.open(path, clock=Clock(NOW))
    assert again.records("Account")[0]["X__c"] == "x"
    assert again.create_record("Account", {"Name": "B"}) != account
    with pytest.raises(FileExistsError):
        Org.create(path=path)


def test_loaded_rows_keep_their_history_and_get_the_rest(org: Org) -> None:
    born = datetime(2024, 5, 1, 12, tzinfo=UTC)
    (account,) = org.load("Account", [{"Name": "Old", "CreatedDate": born, "SystemModstamp": born + timedelta(days=1)}])
    org.load(
        "Task",
        [{"Subject": "s", "WhatId": account, "Status": "Completed", "ActivityDate": born.date(), "CreatedDate": born}],
    )
    row, task = org.records("Account")[0], org.records("Task")[0]
    assert (row["CreatedDate"], row["SystemModstamp"]) == (born, born + timedelta(days=1))
    assert row["LastActivityDate"] == born.date()
    assert (task["IsClosed"], task["AccountId"], task["SystemModstamp"]) == (True, account, born)
    assert org.create_record("Account", {"Name": "New"}) > account


def test_loading_an_unknown_field(org: Org) -> None:
    with pytest.raises(UnknownSeedFieldError, match="Account has no field 'nope'"):
        org.load("Account", [{"Name": "A", "Nope": 1}])


def test_threads_take_turns(org: Org) -> None:
    def work(n: int) -> None:
        for i in range(20):
            org.create_record("Account", {"Name": f"{n}-{i}"})
            org.query("SELECT COUNT() FROM Account")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({r["Id"] for r in org.records("Account")}) == 160


def test_a_clock_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2026, 9, 1))  # noqa: DTZ001
