"""The object definitions agree with themselves and with what a real org described."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connector.localorg.schema import FIELD_DEFAULTS, load_schema, object_names, read_object

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "cumulusci" / "describe"
ALL = load_schema(frozenset({"MultiCurrency"}))
NEVER_DELETED_SOFTLY = {
    "TaskStatus",
    "CaseStatus",
    "ContractStatus",
    "LeadStatus",
    "OpportunityStage",
    "User",
    "Organization",
}

# Fields of the recorded org that ours leaves out: other clouds and products.
LEFT_OUT = {
    "ChannelProgramLevelName",
    "ChannelProgramName",
    "DandbCompanyId",
    "IndividualId",
    "IsCustomerPortal",
    "IsPartner",
    "OperatingHoursId",
}
# What differs on purpose: the list of time zones is shortened, references lead only to objects that exist here.
NOT_COMPARED = {"picklistValues", "referenceTo", "byteLength"}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_object_has_an_id_and_unique_field_names(name: str) -> None:
    names = Counter(field["name"].lower() for field in ALL[name]["fields"])
    assert names["id"] == 1
    assert max(names.values()) == 1


def test_key_prefixes_tell_objects_apart() -> None:
    prefixes = Counter(d["keyPrefix"] for d in ALL.values())
    assert [p for p, n in prefixes.items() if n > 1 or len(p) != 3] == []


def test_references_and_child_relationships_mirror_each_other() -> None:
    references = {
        (parent, name, field["name"])
        for name, definition in ALL.items()
        for field in definition["fields"]
        for parent in field["referenceTo"]
    }
    children = {(n, c["childSObject"], c["field"]) for n, d in ALL.items() for c in d["childRelationships"]}
    assert {parent for parent, _, _ in references} <= set(ALL)
    assert references == children


@pytest.mark.parametrize("name", sorted(ALL))
def test_child_relationship_names_are_unique_per_parent(name: str) -> None:
    names = Counter(c["relationshipName"] for c in ALL[name]["childRelationships"] if c["relationshipName"])
    assert [n for n, count in names.items() if count > 1] == []


def test_only_records_with_a_recycle_bin_carry_isdeleted() -> None:
    has = {name: any(f["name"] == "IsDeleted" for f in d["fields"]) for name, d in ALL.items()}
    assert not any(has[name] for name in NEVER_DELETED_SOFTLY)
    assert all(has[name] for name in ("Account", "Contact", "Lead", "Opportunity", "Task", "Event", "CampaignMember"))


def test_files_say_only_what_differs_from_the_defaults() -> None:
    folder = Path(__file__).resolve().parents[3] / "connector" / "localorg" / "schema"
    idle = [
        (path.stem, field["name"], key)
        for path in folder.glob("*.json")
        for field in json.loads(path.read_text(encoding="utf-8"))["fields"]
        for key, value in field.items()
        if key in FIELD_DEFAULTS and FIELD_DEFAULTS[key] == value and type(FIELD_DEFAULTS[key]) is type(value)
    ]
    assert idle == []


def test_features_bring_their_objects() -> None:
    assert "CurrencyType" in ALL
    assert "CurrencyType" not in load_schema()
    assert set(object_names()) == set(ALL)


def test_a_definition_that_is_read_may_be_changed() -> None:
    read_object("Account")["fields"][0]["referenceTo"].append("Nobody")
    assert read_object("Account")["fields"][0]["referenceTo"] == []


def recorded(name: str) -> dict[str, Any]:
    path = RECORDED / f"GET_sobjects_{name}_describe.json"
    if not path.exists():
        pytest.skip(f"no recorded describe at {path}")
    return dict(json.loads(path.read_text(encoding="utf-8"))["response"]["body"])


RECORDED_OBJECTS = ("Account", "Contact", "Opportunity", "Lead", "Case", "Event", "OpportunityContactRole")


@pytest.mark.parametrize("name", RECORDED_OBJECTS)
def test_fields_are_those_of_a_real_org(name: str) -> None:
    ours = {f["name"]: f for f in ALL[name]["fields"]}
    theirs = {f["name"]: f for f in recorded(name)["fields"] if not f["name"].endswith("__c")}
    assert set(theirs) - set(ours) <= LEFT_OUT
    different = [
        (field, key, value, ours[field].get(key))
        for field in set(theirs) & set(ours)
        for key, value in theirs[field].items()
        if key not in NOT_COMPARED and ours[field].get(key) != value and field != "RecurrenceTimeZoneSidKey"
    ]
    assert different == []


@pytest.mark.parametrize("name", RECORDED_OBJECTS)
def test_picklists_hold_the_values_of_a_real_org(name: str) -> None:
    theirs = {f["name"]: [v["value"] for v in f["picklistValues"]] for f in recorded(name)["fields"]}
    ours = {f["name"]: [v["value"] for v in f["picklistValues"]] for f in ALL[name]["fields"]}
    long_lists = {n for n, values in theirs.items() if len(values) > 100}
    assert {n for n in ours if n in theirs and n not in long_lists and ours[n] != theirs[n]} == set()
