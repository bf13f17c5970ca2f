"""Field definitions as SFDX source: what a deploy would make of them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from connector.data import Needs
from connector.describe import read_describe
from connector.errors import FileProblems
from connector.mapping import FieldDefinition, describe_shape, load_mapping
from connector.mapping.mapping import Mapping
from connector.mapping.standard import standard_describes
from connector.orgsetup import export_source, fields_of, missing_fields
from connector.orgsetup.metadata import NAMESPACE, field_xml, permission_set_xml

SHIPPED = Path(__file__).parents[3] / "mappings" / "post_sale"


@pytest.fixture(scope="module")
def post_sale() -> Mapping:
    return load_mapping(SHIPPED)


def flat(xml: str) -> dict[str, str]:
    return {e.tag.removeprefix(f"{{{NAMESPACE}}}"): (e.text or "").strip() for e in ElementTree.fromstring(xml)}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (
            FieldDefinition("Account", "A__c", "A", "string", length=80),
            {"type": "Text", "length": "80", "required": "false"},
        ),
        (
            FieldDefinition("Account", "A__c", "A", "textarea", length=2000),
            {"type": "LongTextArea", "length": "2000", "visibleLines": "4"},
        ),
        (FieldDefinition("Account", "A__c", "A", "textarea", length=255), {"type": "TextArea"}),
        (
            FieldDefinition("Account", "A__c", "A", "double", precision=4, scale=1),
            {"type": "Number", "precision": "4", "scale": "1"},
        ),
        (
            FieldDefinition("Account", "A__c", "A", "currency", precision=16, scale=2),
            {"type": "Currency", "precision": "16"},
        ),
        (FieldDefinition("Account", "A__c", "A", "boolean"), {"type": "Checkbox", "defaultValue": "false"}),
        (FieldDefinition("Account", "A__c", "A", "datetime"), {"type": "DateTime"}),
        (
            FieldDefinition("Activity", "K__c", "K", "string", length=255, unique=True, external_id=True),
            {"unique": "true", "externalId": "true", "caseSensitive": "true"},
        ),
        (
            FieldDefinition("Account", "A__c", "A & <B>", "date", help='say "x"'),
            {"label": "A & <B>", "inlineHelpText": 'say "x"'},
        ),
    ],
)
def test_a_field_in_the_words_of_the_metadata_api(definition: FieldDefinition, expected: dict[str, str]) -> None:
    found = flat(field_xml(definition))
    assert {key: found.get(key) for key in expected} == expected
    assert "required" not in found or definition.type != "boolean"


def test_a_picklist_is_restricted_and_keeps_its_order() -> None:
    definition = FieldDefinition("Account", "S__c", "S", "picklist", values=(("b", "B"), ("a", "A")))
    root = ElementTree.fromstring(field_xml(definition))
    names = [e.text for e in root.iter(f"{{{NAMESPACE}}}fullName")]
    assert names == ["S__c", "b", "a"]
    assert root.findtext(f".//{{{NAMESPACE}}}restricted") == "true"


def test_the_permission_set_grants_every_field_and_reads_all_rows(post_sale: Mapping) -> None:
    root = ElementTree.fromstring(permission_set_xml("Connector", post_sale.fields, post_sale.needs))
    grants = {g[1].text: (g[0].text, g[2].text) for g in root.iter(f"{{{NAMESPACE}}}fieldPermissions")}
    assert grants["Account.Lifecycle_Stage__c"] == ("true", "true")
    assert grants["Account.Lifecycle_Override__c"] == ("false", "true")
    assert {"Task.Lifecycle_Key__c", "Event.Lifecycle_Key__c", "CampaignMember.Lifecycle_Key__c"} <= grants.keys()
    objects = {o[5].text: [e.text for e in o] for o in root.iter(f"{{{NAMESPACE}}}objectPermissions")}
    assert {"Account", "Opportunity", "Contract", "Case", "Contact", "Campaign"} <= objects.keys()
    assert all(o[6] == "true" for o in objects.values())
    assert (objects["Account"][2], objects["Opportunity"][2]) == ("true", "false")


def test_the_export_is_whole_and_the_same_each_time(post_sale: Mapping, tmp_path: Path) -> None:
    first = export_source(tmp_path / "a", fields_of([post_sale]), needs=post_sale.needs)
    second = export_source(tmp_path / "b", reversed_fields(post_sale), needs=post_sale.needs)
    assert [p.relative_to(tmp_path / "a") for p in first] == [p.relative_to(tmp_path / "b") for p in second]
    source = [p for p in zip(first, second, strict=True) if p[0].suffix != ".txt"]
    assert all(a.read_bytes() == b.read_bytes() for a, b in source)
    assert len([p for p in first if p.name.endswith(".field-meta.xml")]) == len(post_sale.fields)
    assert (
        json.loads((tmp_path / "a" / "sfdx-project.json").read_text())["packageDirectories"][0]["path"] == "force-app"
    )
    readme = (tmp_path / "a" / "README.txt").read_text()
    assert '"Not needed"' in readme
    assert "Account.Lifecycle_State__c off page layouts" in readme


def reversed_fields(mapping: Mapping) -> tuple[FieldDefinition, ...]:
    return tuple(reversed(fields_of([mapping])))


def test_what_is_not_ours_in_the_directory_stays(post_sale: Mapping, tmp_path: Path) -> None:
    other = tmp_path / "force-app/main/default/objects/Account/fields/Other__c.field-meta.xml"
    other.parent.mkdir(parents=True)
    other.write_text("theirs")
    export_source(tmp_path, post_sale.fields, needs=Needs())
    assert other.read_text() == "theirs"


def test_two_models_share_the_keys_but_no_other_field(post_sale: Mapping, tmp_path: Path) -> None:
    text = (SHIPPED / "model.yaml").read_text().replace("model: post_sale", "model: other")
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(FileProblems) as caught:
        fields_of([post_sale, load_mapping(tmp_path)])
    messages = [p.message for p in caught.value.problems]
    assert any("Account.Lifecycle_Stage__c is already used by post_sale.write.stage" in m for m in messages)
    assert not any("Lifecycle_Key__c" in m for m in messages)
    assert all(p.line for p in caught.value.problems)


def test_fields_that_an_org_lacks_are_found(post_sale: Mapping) -> None:
    assert missing_fields(post_sale.fields, standard_describes()) == post_sale.fields
    assert missing_fields(post_sale.fields, {}) == ()
    account = {
        "name": "Account",
        "fields": [describe_shape(d) for d in post_sale.fields if d.sobject == "Account"],
    }
    left = missing_fields(post_sale.fields, {**standard_describes(), "Account": read_describe(account)})
    assert {d.sobject for d in left} == {"Activity", "CampaignMember"}


def test_the_local_org_reads_back_what_was_exported(post_sale: Mapping, tmp_path: Path) -> None:
    from connector.localorg.sfdx import read_source

    export_source(tmp_path, post_sale.fields, needs=post_sale.needs)
    source = read_source(tmp_path)
    read = {(d["sobject"], d["name"]): d for d in source.definitions}
    assert source.hidden == []
    for definition in post_sale.fields:
        shape = describe_shape(definition)
        found = read[definition.sobject, definition.name]
        assert {k: shape.get(k) for k in found} == found


def granted(needs: Needs) -> tuple[dict[str, str], set[str]]:
    """(field -> whether it may be edited, objects of which all records are seen)."""
    root = ElementTree.fromstring(permission_set_xml("Connector", (), needs))
    fields = {g[1].text or "": g[0].text or "" for g in root.iter(f"{{{NAMESPACE}}}fieldPermissions")}
    return fields, {o[5].text or "" for o in root.iter(f"{{{NAMESPACE}}}objectPermissions")}


def test_standard_fields_are_granted_where_they_can_be_hidden_and_nowhere_else() -> None:
    fields, _ = granted(Needs({
        "Opportunity": frozenset({"Amount", "StageName", "IsWon"}), "Task": frozenset({"WhatId"}),
        "User": frozenset({"ManagerId"}),
    }))  # fmt: skip
    assert fields == {"Opportunity.Amount": "false"}


@pytest.mark.parametrize(
    ("read", "seen"),
    [
        ("Opportunity", {"Account", "Opportunity"}),
        ("OpportunityLineItem", {"Account", "Opportunity"}),
        ("Task", {"Account", "Contact", "Opportunity"}),
        ("EmailMessage", {"Account", "Case", "Contact", "Opportunity"}),
        ("Deal__c", {"Account", "Deal__c"}),
        ("TaskStatus", {"Account"}),
    ],
)
def test_all_records_are_seen_of_what_is_read_and_of_what_that_belongs_to(read: str, seen: set[str]) -> None:
    assert granted(Needs({read: frozenset()}))[1] == seen
