"""Objects, picklists, record types and permission sets of SFDX source, and what a restricted user then sees.

Facts: reference 8.2 (a deploy grants nobody anything), 8.3, 8.4 (shapes), 8.5 (a permission set is replaced), 6 (a
hidden field is absent); Metadata API guide (ValueSet, GlobalValueSet, RecordType).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from local_client import Client
from source_files import grant, object_grant, write_source

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.command import restrict_client
from connector.localorg.customization import DefinitionError
from connector.localorg.org import Org, OrgError

Refusal = Callable[..., OrgError]
REGION = """<masterLabel>Region</masterLabel>
<customValue><fullName>EU</fullName><default>false</default><label>Europe</label></customValue>
<customValue><fullName>US</fullName><default>false</default><label>States</label>
<isActive>false</isActive></customValue>"""
REGION_FIELD = """<label>Region</label><type>Picklist</type><valueSet><restricted>false</restricted>
<valueSetName>{0}</valueSetName></valueSet>"""
RULE = "objects/Account/validationRules/V.validationRule"
RULE_TEXT = """<active>true</active><errorConditionFormula>{0}</errorConditionFormula>
<errorMessage>no</errorMessage>"""
TYPE = "objects/Account/recordTypes/Partner.recordType"
SUMMARY = """<type>Summary</type><summaryOperation>count</summaryOperation>
<summaryForeignKey>Contact.AccountId</summaryForeignKey>"""
FIELD = "objects/Account/fields/R__c.field"
VISIT = "<label>Visit</label><pluralLabel>Visits</pluralLabel><sharingModel>ControlledByParent</sharingModel>"
MASTER = "<type>MasterDetail</type><referenceTo>Account</referenceTo><relationshipName>Visits</relationshipName>"
CONNECTOR = "permissionsets/Connector.permissionset"
GRANTS = (
    grant("Account.Stage__c")
    + grant("Account.Phone", edit=False)
    + grant("Account.BillingAddress", edit=False)
    + grant("Task.Key__c")
    + object_grant("Account", "Read", "Edit")
    + object_grant("Lead", "Read")
)


def names(org: Org, sobject: str, user: str) -> set[str]:
    return {f["name"] for f in org.describe(sobject, user=user)["fields"]}


# --- objects and picklists


def test_a_global_value_set_gives_its_values_and_is_always_restricted(org: Org, tmp_path: Path) -> None:
    files = {
        "globalValueSets/Region.globalValueSet": REGION,
        "objects/Account/fields/Region__c.field": REGION_FIELD.format("Region"),
    }
    org.load_source(write_source(tmp_path, files))
    field = next(f for f in org.describe("Account")["fields"] if f["name"] == "Region__c")
    assert field["restrictedPicklist"] is True
    assert [(v["value"], v["label"], v["active"]) for v in field["picklistValues"]] == [
        ("EU", "Europe", True),
        ("US", "States", False),
    ]


STAGES = """<standardValue><fullName>Prospecting</fullName><default>false</default><label>Prospecting</label>
<closed>false</closed><forecastCategory>Forecast</forecastCategory><probability>35</probability><won>false</won>
</standardValue><standardValue><fullName>Signed</fullName><default>false</default><label>Signed!</label>
<closed>true</closed><forecastCategory>Closed</forecastCategory><probability>100</probability><won>true</won>
</standardValue>"""


def test_a_standard_value_set_replaces_the_values_of_its_fields(org: Org, tmp_path: Path) -> None:
    value = "<standardValue><fullName>{0}</fullName><default>false</default><label>{0}</label></standardValue>"
    files = {"standardValueSets/Industry.standardValueSet": value.format("Space") + value.format("Sea")}
    org.load_source(write_source(tmp_path, files))
    for sobject in ("Account", "Lead"):
        field = next(f for f in org.describe(sobject)["fields"] if f["name"] == "Industry")
        assert [v["value"] for v in field["picklistValues"]] == ["Space", "Sea"]
        assert (field["custom"], field["type"], field["updateable"]) == (False, "picklist", True)


def test_stages_of_the_source_decide_what_is_won(org: Org, account: str, tmp_path: Path) -> None:
    source = write_source(tmp_path, {"standardValueSets/OpportunityStage.standardValueSet": STAGES})
    org.load_source(source)
    org.load_source(source)
    deal = {"Name": "D", "AccountId": account, "CloseDate": "2026-10-01"}
    won = org.create_record("Opportunity", {**deal, "StageName": "Signed"})
    open_deal = org.create_record("Opportunity", {**deal, "StageName": "Prospecting"})
    rows = {r["Id"]: r for r in org.records("Opportunity")}
    assert (rows[won]["IsWon"], rows[won]["IsClosed"], rows[won]["Probability"]) == (True, True, 100)
    assert (rows[open_deal]["Probability"], rows[open_deal]["ForecastCategoryName"]) == (35, "Commit")
    stages = {r["MasterLabel"]: r["IsActive"] for r in org.records("OpportunityStage")}
    assert {label for label, active in stages.items() if active} == {"Prospecting", "Signed"}
    assert "Closed Won" in stages


def test_statuses_of_the_source_decide_what_is_closed(org: Org, tmp_path: Path) -> None:
    value = """<standardValue><fullName>{0}</fullName><default>{1}</default><label>{0}</label>
<closed>{2}</closed></standardValue>"""
    text = value.format("Waiting", "true", "false") + value.format("Dropped", "false", "true")
    org.load_source(write_source(tmp_path, {"standardValueSets/TaskStatus.standardValueSet": text}))
    org.create_record("Task", {"Subject": "S", "Status": "Dropped"})
    assert org.records("Task")[0]["IsClosed"] is True


def test_a_detail_has_no_owner_of_its_own(org: Org, account: str, tmp_path: Path) -> None:
    files = {"objects/Visit__c/Visit__c.object": VISIT, "objects/Visit__c/fields/Account__c.field": MASTER}
    org.load_source(write_source(tmp_path, files))
    described = org.describe("Visit__c")
    assert "OwnerId" not in {f["name"] for f in described["fields"]}
    assert "controlledByParent" not in described
    assert org.create_record("Visit__c", {"Account__c": account})


def test_the_file_of_a_standard_field_only_says_whether_its_history_is_kept(
    org: Org, account: str, tmp_path: Path
) -> None:
    before = org.describe("Account")["fields"]
    files = {"objects/Account/fields/Industry.field": "<trackHistory>true</trackHistory><type>Picklist</type>"}
    org.load_source(write_source(tmp_path, files))
    assert org.describe("Account")["fields"] == before
    org.update_record("Account", account, {"Industry": "Banking"})
    assert "Industry" in {r["Field"] for r in org.records("AccountHistory")}


def test_record_types_come_with_their_values(org: Org, tmp_path: Path, refusal: Refusal) -> None:
    values = (
        "<picklistValues><picklist>Stage__c</picklist><values><fullName>Launched</fullName></values></picklistValues>"
    )
    name = "objects/Account/recordTypes/Partner.recordType"
    source = write_source(tmp_path, {name: f"<active>true</active><label>Partners</label>{values}"})
    org.load_source(source)
    org.load_source(source)
    [partner] = org.records("RecordType")
    assert (partner["Name"], partner["DeveloperName"], partner["IsActive"]) == ("Partners", "Partner", True)
    made = {"Name": "A", "RecordTypeId": partner["Id"], "Stage__c": "Onboarding"}
    assert refusal(org.create_record, "Account", made).code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert org.create_record("Account", {**made, "Stage__c": "Launched"})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (FIELD, REGION_FIELD.format("Regions"), r"R__c\.field-meta\.xml:4: .*'Regions'.* none"),
        (FIELD, "<type>Formula</type>", r":3: field type 'Formula' is not supported"),
        (FIELD, "<type>Text</type>\n<length>ten</length>", r":4: <length> must be a whole"),
        (FIELD, "<type>Lookup</type>", r":2: <CustomField> needs <referenceTo>"),
        ("objects/Account/validationRules/V.validationRule", "<active>true</active>", r"needs <errorConditionFormula>"),
        (FIELD, "<type>Number</type>\n<formula>Nope__c + 1</formula>", r"R__c\.field-meta\.xml:2: .*Nope__c does not"),
        (FIELD, "<type>Number</type>\n<formula>TODAY()</formula>", r"\.xml:2: Account\.R__c: Formula result"),
        (FIELD, SUMMARY, r"R__c\.field-meta\.xml:2: Account\.R__c: Contact\.AccountId is no master-detail"),
        ("objects/Acount/fields/R__c.field", "<type>Checkbox</type>", r"R__c\.field-meta\.xml:2: .*no object 'Acount'"),
        (RULE, RULE_TEXT.format("Nope__c"), r"V\.validationRule-meta\.xml:2: Field Nope__c does not exist"),
        (RULE.replace("Account", "Acount"), RULE_TEXT.format("TRUE"), r"-meta\.xml:2: there is no object"),
        (TYPE, "<picklistValues><picklist>No__c</picklist></picklistValues>", r":2: Account has no field 'No__c'"),
        (CONNECTOR, "\n" + grant("Account.Stge__c"), r"\.permissionset-meta\.xml:4: Account has no field 'Stge__c'"),
        (CONNECTOR, object_grant("Visit__c", "Read"), r":3: there is no object 'Visit__c'"),
    ],
)  # fmt: skip
def test_wrong_source_is_refused_with_file_and_line(
    org: Org, tmp_path: Path, name: str, text: str, message: str
) -> None:
    before = org.state.to_json()
    with pytest.raises(DefinitionError, match=message):
        org.load_source(write_source(tmp_path, {name: text}))
    assert org.state.to_json() == before


def test_a_required_field_cannot_be_granted(org: Org, tmp_path: Path) -> None:
    files = {
        "objects/Account/fields/Must__c.field": "<type>Text</type><length>5</length><required>true</required>",
        CONNECTOR: grant("Account.Must__c"),
    }
    with pytest.raises(DefinitionError, match=r"You cannot deploy to a required field: Account\.Must__c"):
        org.load_source(write_source(tmp_path, files))


# --- permission sets


@pytest.fixture
def granted(org: Org, tmp_path: Path) -> Org:
    """An org with the permission set Connector."""
    org.load_source(write_source(tmp_path, {CONNECTOR: "<label>The connector</label>" + GRANTS}))
    return org


@pytest.fixture
def restricted(granted: Org) -> str:
    """A user who sees only what the permission set grants."""
    user = granted.add_user("integration@example.com", minimum_access=True)
    granted.assign_permission_set(user, "Connector")
    return user


def test_permission_sets_are_records(granted: Org) -> None:
    [row] = granted.records("PermissionSet")
    assert (row["Name"], row["Label"]) == ("Connector", "The connector")
    fields = {r["Field"]: r["PermissionsEdit"] for r in granted.records("FieldPermissions", {"ParentId": row["Id"]})}
    assert fields["Account.Stage__c"] is True
    assert fields["Account.Phone"] is False
    assert {"Account.BillingStreet", "Task.Key__c", "Event.Key__c"} <= set(fields)
    [lead] = granted.records("ObjectPermissions", {"SobjectType": "Lead"})
    assert (lead["PermissionsRead"], lead["PermissionsEdit"]) == (True, False)


def test_a_restricted_user_sees_fields_that_are_granted_and_those_that_nobody_grants(
    granted: Org, restricted: str
) -> None:
    seen = names(granted, "Account", restricted)
    assert {"Id", "Name", "OwnerId", "SystemModstamp", "Stage__c", "Phone", "BillingStreet", "BillingAddress"} <= seen
    assert not {"Industry", "Score__c", "ShippingStreet", "ShippingAddress"} & seen
    fields = {f["name"]: f["updateable"] for f in granted.describe("Account", user=restricted)["fields"]}
    assert (fields["Stage__c"], fields["Phone"], fields["Name"]) == (True, False, True)


def test_objects_that_are_not_granted_do_not_exist(granted: Org, restricted: str, refusal: Refusal) -> None:
    shown = {o["name"] for o in granted.describe_global(user=restricted)["sobjects"]}
    assert {"Account", "Lead", "Task", "User"} <= shown
    assert not {"Contact", "Opportunity", "OpportunityLineItem", "Campaign", "CampaignMember"} & shown
    assert refusal(granted.query, "SELECT Id FROM Contact", user=restricted).code == "INVALID_TYPE"
    assert refusal(granted.query, "SELECT Industry FROM Account", user=restricted).code == "INVALID_FIELD"


def test_what_may_be_done_is_what_is_granted(granted: Org, restricted: str, refusal: Refusal) -> None:
    account = granted.create_record("Account", {"Name": "A"})
    lead = granted.create_record("Lead", {"LastName": "L", "Company": "C"})
    granted.update_record("Account", account, {"Stage__c": "Launched"}, user=restricted)
    phone = refusal(granted.update_record, "Account", account, {"Phone": "1"}, user=restricted)
    assert phone.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    made = refusal(granted.create_record, "Account", {"Name": "B"}, user=restricted)
    assert made.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    changed = refusal(granted.update_record, "Lead", lead, {"Company": "D"}, user=restricted)
    assert changed.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert refusal(granted.delete_record, "Account", account, user=restricted).code == "INSUFFICIENT_ACCESS_OR_READONLY"
    described = granted.describe("Account", user=restricted)
    assert (described["createable"], described["updateable"], described["deletable"]) == (False, True, False)


def test_grants_made_through_the_api_count(granted: Org, restricted: str) -> None:
    """The additive way of reference 8.1: FieldPermissions rows, which do not overwrite the permission set."""
    admin = Client(granted, LocalOrgApp(granted), granted.issue_token(), granted.admin_id)
    [permission_set] = granted.records("PermissionSet")
    body = {"ParentId": permission_set["Id"], "SobjectType": "Account", "Field": "Account.Industry"}
    reply = admin.send("POST", "sobjects/FieldPermissions", {**body, "PermissionsRead": True, "PermissionsEdit": False})
    assert reply.status == 201
    assert "Industry" in names(granted, "Account", restricted)


def test_a_set_lifts_for_its_user_what_everybody_lacks(org: Org, tmp_path: Path) -> None:
    """Fields of a deploy that nobody is granted are hidden from administrators too (8.2)."""
    org.load_source(write_source(tmp_path, {"objects/Account/fields/Quiet__c.field": "<type>Checkbox</type>"}))
    user = org.add_user("person@example.com")
    assert "Quiet__c" not in names(org, "Account", user)
    admin = Client(org, LocalOrgApp(org), org.issue_token(), org.admin_id)
    made = admin.send("POST", "sobjects/PermissionSet", {"Name": "Quiet", "Label": "Quiet"}).body["id"]
    body = {"ParentId": made, "SobjectType": "Account", "Field": "Account.Quiet__c", "PermissionsRead": True}
    assert admin.send("POST", "sobjects/FieldPermissions", {**body, "PermissionsEdit": True}).status == 201
    row = {"PermissionSetId": made, "AssigneeId": user}
    assert admin.send("POST", "sobjects/PermissionSetAssignment", row).status == 201
    assert "Quiet__c" in names(org, "Account", user)
    assert "Industry" in names(org, "Account", user)


def test_loading_a_set_again_replaces_what_it_grants(granted: Org, restricted: str, tmp_path: Path) -> None:
    less = grant("Account.Phone") + object_grant("Account", "Read")
    granted.load_source(write_source(tmp_path, {CONNECTOR: less}))
    assert len(granted.records("PermissionSet")) == 1
    seen = names(granted, "Account", restricted)
    assert "Phone" in seen
    assert "Stage__c" not in seen


def test_a_field_granted_later_is_no_longer_hidden(org: Org, tmp_path: Path) -> None:
    field = {"objects/Account/fields/Late__c.field": "<type>Checkbox</type>"}
    user = org.add_user("person@example.com")
    org.load_source(write_source(tmp_path, field))
    assert "Late__c" not in names(org, "Account", user)
    org.load_source(write_source(tmp_path, {**field, "profiles/Admin.profile": grant("Account.Late__c")}))
    assert "Late__c" in names(org, "Account", user)


def test_an_unknown_set_cannot_be_assigned(granted: Org) -> None:
    with pytest.raises(ValueError, match="there is no permission set 'Conector'; this org has: Connector"):
        granted.assign_permission_set(granted.admin_id, "Conector")


def test_the_commands_client_has_exactly_the_sets_that_were_named(granted: Org) -> None:
    first = restrict_client(granted, ["Connector"])
    assert restrict_client(granted, ["Connector"]) == first
    assert len(granted.records("PermissionSetAssignment")) == 1
    assert "Stage__c" in names(granted, "Account", first)
