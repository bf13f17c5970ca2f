"""Page layouts: read from SFDX source, checked, assigned, described as Salesforce does, shown in the browser.

Facts: Metadata API guide (Layout, Profile.layoutAssignments), SOAP API guide (DescribeLayoutResult), REST guide
(sObject Layouts), reference 8.3 to 8.5.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from local_client import Client
from source_files import write_source
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from connector.localorg.customization import DefinitionError
from connector.localorg.org import Clock, Org
from connector.localorg.pages import handle

SECTION = """<layoutSections><customLabel>true</customLabel><detailHeading>true</detailHeading>
<editHeading>false</editHeading><label>Lifecycle</label>
<layoutColumns>
<layoutItems><behavior>Required</behavior><field>Name</field></layoutItems>
<layoutItems><behavior>Readonly</behavior><field>Stage__c</field></layoutItems>
<layoutItems><emptySpace>true</emptySpace></layoutItems>
<layoutItems><behavior>Edit</behavior><field>BillingAddress</field></layoutItems></layoutColumns>
<layoutColumns>
<layoutItems><behavior>Edit</behavior><field>OwnerId</field></layoutItems>
<layoutItems><behavior>Readonly</behavior><field>CreatedById</field></layoutItems></layoutColumns>
<style>TwoColumnsTopToBottom</style></layoutSections>"""
LINKS = """<layoutSections><customLabel>true</customLabel><detailHeading>true</detailHeading><label>Links</label>
<layoutColumns><layoutItems><customLink>Billing</customLink></layoutItems></layoutColumns>
<style>CustomLinks</style></layoutSections>"""
LISTS = """<relatedLists><fields>FULL_NAME</fields><fields>Title</fields><fields>CONTACT.PHONE1</fields>
<relatedList>RelatedContactList</relatedList><sortField>Title</sortField><sortOrder>Desc</sortOrder></relatedLists>
<relatedLists><relatedList>RelatedNoteList</relatedList></relatedLists>"""
PLAIN = """<layoutSections><label>Plain</label><layoutColumns><layoutItems><behavior>Edit</behavior>
<field>Phone</field></layoutItems></layoutColumns><style>OneColumn</style></layoutSections>"""
ACCOUNT = "layouts/Account-Account Layout.layout"


@pytest.fixture
def arranged(org: Org, tmp_path: Path) -> Org:
    """An org with a layout for accounts."""
    org.load_source(write_source(tmp_path, {ACCOUNT: SECTION + LINKS + LISTS}))
    return org


def layouts(client: Client, sobject: str = "Account") -> dict[str, Any]:
    reply = client.send("GET", f"sobjects/{sobject}/describe/layouts")
    assert reply.status == 200
    return reply.body


def items(section: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [row["layoutItems"] for row in section["layoutRows"]]


def names(item: dict[str, Any]) -> list[Any]:
    return [c["value"] for c in item["layoutComponents"]]


# --- describe


def test_the_answer_has_the_keys_of_the_rest_guide(arranged: Org, client: Client) -> None:
    answer = layouts(client)
    assert set(answer) == {"layouts", "recordTypeMappings", "recordTypeSelectorRequired"}
    assert answer["recordTypeSelectorRequired"] == [False]
    [layout] = answer["layouts"]
    assert set(layout) == {
        "buttonLayoutSection", "detailLayoutSections", "editLayoutSections", "feedView", "highlightsPanelLayoutSection",
        "id", "multirowEditLayoutSections", "offlineLinks", "quickActionList", "relatedContent", "relatedLists",
        "saveOptions",
    }  # fmt: skip
    assert layout["id"].startswith("00h")
    [mapping] = answer["recordTypeMappings"]
    assert (mapping["layoutId"], mapping["master"], mapping["recordTypeId"]) == (
        layout["id"],
        True,
        "012000000000000AAA",
    )
    assert mapping["urls"]["layout"] == "/services/data/v66.0/sobjects/Account/describe/layouts/012000000000000AAA"


def test_sections_columns_and_behaviours_are_those_of_the_file(arranged: Org, client: Client) -> None:
    section, links = layouts(client)["layouts"][0]["detailLayoutSections"]
    assert (section["heading"], section["columns"], section["rows"], section["useHeading"]) == ("Lifecycle", 2, 4, True)
    assert section["tabOrder"] == "TopToBottom"
    assert section["parentLayoutId"] == layouts(client)["layouts"][0]["id"]
    (name, owner), (stage, created), (empty, missing), (address, _) = items(section)
    assert (name["required"], name["editableForNew"], name["uiBehavior"]) == (True, True, "Required")
    assert (stage["editableForNew"], stage["editableForUpdate"], stage["required"]) == (False, False, False)
    assert (owner["label"], names(owner)) == ("Account Owner", ["OwnerId"])
    assert names(created) == ["CreatedById", ", ", "CreatedDate"]
    assert [c["type"] for c in created["layoutComponents"]] == ["Field", "Separator", "Field"]
    assert (empty["placeholder"], [c["type"] for c in empty["layoutComponents"]]) == (True, ["EmptySpace"])
    assert (missing["placeholder"], missing["layoutComponents"]) == (True, [])
    assert address["layoutComponents"][0]["fieldType"] == "address"
    assert [c["value"] for c in address["layoutComponents"][0]["components"]][:2] == ["BillingStreet", "BillingCity"]
    assert stage["layoutComponents"][0]["details"]["picklistValues"][0]["value"] == "Onboarding"
    assert names(items(links)[0][0]) == ["Billing"]


def test_the_form_has_a_place_for_every_part_of_an_address_and_no_links(arranged: Org, client: Client) -> None:
    [section] = layouts(client)["layouts"][0]["editLayoutSections"]
    left = [names(row[0]) for row in items(section)]
    assert left[3:6] == [["BillingStreet"], ["BillingCity"], ["BillingState"]]
    assert section["useHeading"] is False


def test_related_lists_name_the_children(arranged: Org, client: Client) -> None:
    [contacts] = layouts(client)["layouts"][0]["relatedLists"]
    assert (contacts["sobject"], contacts["name"], contacts["field"]) == ("Contact", "Contacts", "AccountId")
    assert [c["fieldApiName"] for c in contacts["columns"]] == ["Name", "Title"]
    assert contacts["sort"] == [{"ascending": False, "column": "Contact.Title"}]


def test_fields_hidden_from_the_user_are_not_on_the_layout(arranged: Org, client: Client) -> None:
    arranged.hide_field(client.user_id, "Account", "Stage__c")
    section = layouts(client)["layouts"][0]["detailLayoutSections"][0]
    assert "Stage__c" not in [n for row in items(section) for item in row for n in names(item)]
    assert section["rows"] == 3


def test_an_object_without_a_layout_gets_the_one_of_a_new_object(org: Org, client: Client) -> None:
    [layout] = layouts(client, "Contact")["layouts"]
    inputs, audit = layout["detailLayoutSections"]
    shown = [n for row in items(inputs) for item in row for n in names(item)]
    assert {"Name", "Email", "AccountId", "MailingAddress"} <= set(shown)
    assert not {"FirstName", "MailingCity", "CreatedDate", "IsDeleted"} & set(shown)
    assert [names(i)[0] for i in items(audit)[0]] == ["CreatedById", "LastModifiedById"]
    assert layout["id"] != layouts(client, "Account")["layouts"][0]["id"]


def test_objects_without_pages_have_no_layouts(client: Client) -> None:
    assert client.send("GET", "sobjects/FieldPermissions/describe/layouts").status == 404
    assert client.send("GET", "sobjects/Account/describe/layouts/012000000000001AAA").status == 404


def test_older_versions_know_no_ui_behaviour(arranged: Org, client: Client) -> None:
    client.version = "v60.0"
    section = layouts(client)["layouts"][0]["detailLayoutSections"][0]
    assert "uiBehavior" not in items(section)[0][0]


# --- record types

TYPE = "<fullName>{0}</fullName><active>true</active><label>{0} business</label>{1}"
VALUES = "<picklistValues><picklist>Stage__c</picklist><values><fullName>Launched</fullName></values></picklistValues>"
ASSIGNED = """<layoutAssignments><layout>Account-Account Layout</layout></layoutAssignments>
<layoutAssignments><layout>Account-Plain Layout</layout><recordType>Account.Partner</recordType></layoutAssignments>"""


@pytest.fixture
def partners(org: Org, tmp_path: Path) -> Org:
    """An org whose administrator's profile shows another layout for partners."""
    files = {
        ACCOUNT: SECTION,
        "layouts/Account-Plain Layout.layout": PLAIN,
        "objects/Account/recordTypes/Partner.recordType": TYPE.format("Partner", VALUES),
        "objects/Account/recordTypes/Direct.recordType": TYPE.format("Direct", ""),
        "profiles/Aaa.profile": "",
        "profiles/Admin.profile": ASSIGNED,
    }
    org.load_source(write_source(tmp_path, files))
    return org


def test_record_types_have_the_layouts_of_the_profile(partners: Org, client: Client) -> None:
    answer = layouts(client)
    assert answer["layouts"] is None
    assert answer["recordTypeSelectorRequired"] == [True]
    mappings = {m["developerName"]: m for m in answer["recordTypeMappings"]}
    headings = {}
    for name, mapping in mappings.items():
        reply = client.send("GET", mapping["urls"]["layout"])
        assert reply.body["id"] == mapping["layoutId"]
        headings[name] = reply.body["detailLayoutSections"][0]["heading"]
    assert headings == {"Partner": "Plain", "Direct": "Lifecycle", "Master": "Lifecycle"}


def test_record_types_narrow_picklists_in_the_answer(partners: Org, client: Client) -> None:
    values = {}
    for mapping in layouts(client)["recordTypeMappings"]:
        lists = {
            p["picklistName"]: [v["value"] for v in p["picklistValues"]] for p in mapping["picklistsForRecordType"]
        }
        values[mapping["developerName"]] = lists["Stage__c"]
    assert values == {
        "Partner": ["Launched"], "Direct": ["Onboarding", "Launched"], "Master": ["Onboarding", "Launched"]
    }  # fmt: skip


def test_a_record_of_a_type_shows_that_types_layout(partners: Org) -> None:
    types = {r["DeveloperName"]: r["Id"] for r in partners.records("RecordType")}
    partner = partners.create_record("Account", {"Name": "P", "RecordTypeId": types["Partner"], "Phone": "1"})
    assert "<h2>Plain</h2>" in page(partners, partner)
    assert "<h2>Lifecycle</h2>" in page(partners, partners.create_record("Account", {"Name": "D"}))


# --- files


def test_loading_again_replaces_the_layout_and_keeps_its_id(arranged: Org, client: Client, tmp_path: Path) -> None:
    before = layouts(client)["layouts"][0]["id"]
    arranged.load_source(write_source(tmp_path, {ACCOUNT: PLAIN}))
    [layout] = layouts(client)["layouts"]
    assert (layout["id"], layout["detailLayoutSections"][0]["heading"]) == (before, "Plain")


def test_layouts_travel_with_a_snapshot(arranged: Org) -> None:
    twin = Org.restore(arranged.snapshot(), clock=Clock(arranged.clock.now()))
    assert twin.state.setup.layouts == arranged.state.setup.layouts


def test_layouts_of_standard_objects_that_this_org_lacks_are_left_out(org: Org, tmp_path: Path) -> None:
    org.load_source(write_source(tmp_path, {"layouts/Order-Order Layout.layout": PLAIN}))
    assert org.state.setup.layouts == []


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (ACCOUNT, SECTION.replace("Stage__c", "Stagge__c"), r"\.layout-meta\.xml:7: Account has no field 'Stagge__c'"),
        (ACCOUNT, SECTION.replace("OwnerId", "Name"), r":11: Name is on this layout already, in line 6"),
        (ACCOUNT, SECTION.replace("Required", "Mandatory"), r":6: <behavior> is one of Edit, Required, Readonly"),
        (ACCOUNT, SECTION.replace("TwoColumnsTopToBottom", "Three"), r":13: <style> is one of TwoColumnsTopToBottom,"),
        (ACCOUNT, SECTION.replace("<field>Name</field>", ""), r":6: <layoutItems> needs <field>, <emptySpace> or one"),
        (ACCOUNT, LISTS.replace("RelatedNoteList", "Visit__c.Account__c"), r":5: Visit__c\.Account__c is no lookup of"),
        (ACCOUNT, "<layoutSections>", r":4:3: not well-formed XML: mismatched tag"),
        ("layouts/Account.layout", PLAIN, r"is called 'Object-Layout Name\.layout-meta\.xml', not 'Account\.layout"),
        ("layouts/Visit__c-Visit.layout", PLAIN, r"there is no object 'Visit__c'"),
    ],
)  # fmt: skip
def test_a_wrong_layout_is_refused_with_file_and_line(
    org: Org, tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(DefinitionError, match=message):
        org.load_source(write_source(tmp_path, {name: text}))
    assert org.state.setup.layouts == []


def test_a_source_is_taken_whole_or_not_at_all(org: Org, tmp_path: Path) -> None:
    """As a deploy with rollbackOnError, which production orgs insist on (8.1)."""
    files = {
        "objects/Account/fields/New__c.field": "<type>Text</type><length>10</length>",
        ACCOUNT: SECTION.replace("Stage__c", "Wrong__c"),
    }
    before = org.state.to_json()
    with pytest.raises(DefinitionError):
        org.load_source(write_source(tmp_path, files))
    assert org.state.to_json() == before


def test_an_assignment_of_a_layout_that_is_not_there_is_refused(org: Org, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"Admin\.profile-meta\.xml:4: there is no layout 'Account-Plain Layout'"):
        org.load_source(write_source(tmp_path, {ACCOUNT: SECTION, "profiles/Admin.profile": ASSIGNED}))


# --- in the browser


def page(org: Org, account: str) -> str:
    answer = handle(org, Request(EnvironBuilder(path=f"/accounts/{account}").get_environ()))
    assert answer is not None
    return answer.get_data(as_text=True)


def test_the_page_shows_the_sections_of_the_layout_in_its_order(arranged: Org) -> None:
    account = arranged.create_record(
        "Account",
        {"Name": "Acme", "Stage__c": "Launched", "BillingStreet": "1 High St", "BillingCity": "Ghent", "Score__c": 7},
    )
    text = page(arranged, account)
    assert text.index("<h2>Lifecycle</h2>") < text.index("<h2>Not on the layout</h2>")
    lifecycle = text[text.index("<h2>Lifecycle</h2>") : text.index("<h2>Not on the layout</h2>")]
    labels = ["Account Name", "Account Owner", "Stage__c", "Created By", "Billing Address"]
    assert [lifecycle.index(f"<dt>{label}</dt>") for label in labels] == sorted(
        lifecycle.index(f"<dt>{x}</dt>") for x in labels
    )
    assert "1 High St, Ghent" in lifecycle
    gaps = lifecycle.count('<div aria-hidden="true"></div>')
    assert gaps == 3, "one empty space, and two places where the right column is shorter"
    assert "System Administrator, 2026-09-01 08:00" in lifecycle
    assert "<dt>Score__c</dt>" in text[text.index("Not on the layout") :]
    assert "<h2>System</h2>" not in text
    assert "<h2>Links</h2>" not in text
