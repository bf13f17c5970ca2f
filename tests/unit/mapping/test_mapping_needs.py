"""What a mapping needs from an org and what it writes there, derived from the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_mapping import loaded

from connector.mapping import FieldDefinition, describe_shape, load_mapping
from connector.mapping.model import json_schema

EXAMPLE = Path(__file__).parent / "data" / "example"


@pytest.fixture(scope="module")
def needs() -> dict[str, frozenset[str]]:
    return dict(load_mapping(EXAMPLE).needs.fields)


@pytest.mark.parametrize(
    ("sobject", "fields"),
    [
        ("Account", {"Id", "Name", "OwnerId", "AnnualRevenue", "Active_Users__c", "CSM__c", "Lifecycle_Stage__c"}),
        ("Account", {"Lifecycle_State__c", "Lifecycle_Override__c", "Won_12M__c", "Health__c", "Relaunch__c"}),
        ("Opportunity", {"AccountId", "IsWon", "IsClosed", "Type", "Amount", "CloseDate"}),
        ("Contract", {"AccountId", "StatusCode", "StartDate", "EndDate"}),
        ("Task", {"Lifecycle_Key__c", "Status", "IsClosed", "AccountId", "WhatId", "OwnerId", "CompletedDateTime"}),
        ("CampaignMember", {"Lifecycle_Key__c", "CampaignId", "ContactId", "LeadId", "Status", "HasResponded"}),
        ("Contact", {"AccountId", "Title", "HasOptedOutOfEmail", "IsEmailBounced"}),
        ("OpportunityContactRole", {"OpportunityId", "ContactId", "IsPrimary"}),
        ("User", {"IsActive", "UserType", "ManagerId"}),
        ("Group", {"DeveloperName", "Type"}),
        ("AccountTeamMember", {"AccountId", "UserId", "TeamMemberRole"}),
        ("Holiday", {"ActivityDate", "IsRecurrence"}),
        ("Event", {"EndDateTime", "IsAllDayEvent"}),
        ("EmailMessage", {"Incoming", "MessageDate"}),
    ],
)
def test_the_pull_gets_what_rules_and_engine_read(
    needs: dict[str, frozenset[str]], sobject: str, fields: set[str]
) -> None:
    assert fields <= needs[sobject]


def test_nothing_is_pulled_that_nobody_reads(tmp_path: Path) -> None:
    fields = loaded(tmp_path).needs.fields
    assert fields["Opportunity"] == {"AccountId", "IsWon", "CloseDate", "Amount"}
    assert "Case" not in fields
    assert "CampaignMember" not in fields
    assert "AccountTeamMember" not in fields


def test_a_country_calendar_needs_no_holidays_of_the_org(tmp_path: Path) -> None:
    assert "Holiday" not in loaded(tmp_path, ("label: Small\n", "label: Small\ncalendar: DE\n")).needs.fields


def by_name(definitions: tuple[FieldDefinition, ...]) -> dict[str, FieldDefinition]:
    return {d.name: d for d in definitions if d.sobject != "CampaignMember"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lifecycle_Stage__c", {"type": "picklist", "length": 255, "people_write": False}),
        ("Lifecycle_State__c", {"type": "textarea", "length": 2000}),
        ("Lifecycle_Stage_Entered__c", {"type": "date"}),
        ("Lifecycle_Override__c", {"type": "picklist", "people_write": True}),
        ("Lifecycle_Override_Reason__c", {"type": "string", "length": 255, "people_write": True}),
        ("Won_12M__c", {"type": "currency", "precision": 16, "scale": 2, "label": "Won in the last 12 months"}),
        ("First_Touch__c", {"type": "datetime", "label": "First touch"}),
        ("Health__c", {"type": "picklist", "values": (("green", "Green"), ("yellow", "Yellow"), ("red", "Red"))}),
        ("Health_Score__c", {"type": "double", "precision": 4, "scale": 1}),
        (
            "Lifecycle_Key__c",
            {"sobject": "Activity", "type": "string", "length": 255, "unique": True, "external_id": True},
        ),
    ],
)
def test_fields_are_defined_by_what_the_mapping_writes(name: str, expected: dict[str, object]) -> None:
    definition = by_name(load_mapping(EXAMPLE).fields)[name]
    assert {key: getattr(definition, key) for key in expected} == expected
    assert definition.help
    assert len(definition.help) <= 510
    assert len(definition.label) <= 40


def test_the_stage_field_holds_the_values_of_the_stages_in_order() -> None:
    values = by_name(load_mapping(EXAMPLE).fields)["Lifecycle_Stage__c"].values
    assert values[0] == ("onboarding", "Onboarding")
    assert [value for value, _ in values] == [s.api_value for s in load_mapping(EXAMPLE).model.stages]


def test_a_stage_may_bind_an_existing_value(tmp_path: Path) -> None:
    mapping = loaded(tmp_path, ("label: Settled\n", "label: Settled\n    value: In Use\n"))
    assert ("In Use", "Settled") in by_name(mapping.fields)["Stage__c"].values
    stage = mapping.model.stage_of_value("In Use")
    assert stage is not None
    assert stage.key == "settled"


def test_fields_that_exist_already_in_standard_are_not_created(tmp_path: Path) -> None:
    assert "AnnualRevenue" not in by_name(loaded(tmp_path, ("write: Won__c", "write: AnnualRevenue")).fields)


def test_a_definition_in_the_shape_of_describe() -> None:
    shape = describe_shape(by_name(load_mapping(EXAMPLE).fields)["Lifecycle_Key__c"])
    assert (shape["sobject"], shape["unique"], shape["externalId"], shape["length"]) == ("Activity", True, True, 255)


def test_the_schema_for_editors_knows_every_key_and_the_notations() -> None:
    schema = json_schema()
    assert {"stages", "facts", "ctas", "write"} <= schema["properties"].keys()
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Stage"]["properties"]["kind"]["enum"] == ["success", "risk", "inventory", "terminal"]
    assert "pattern" in str(schema["$defs"]["Cta"]["properties"]["cooldown"])
