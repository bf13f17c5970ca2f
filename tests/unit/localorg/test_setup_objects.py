"""What the local org tells about its own set-up: entities, rights, rules."""

from __future__ import annotations

from typing import Any

import pytest
from local_client import Client

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.org import Org
from connector.localorg.permissions import FieldGrant, ObjectGrant, PermissionSet, save_permission_set


def client_of(org: Org, user: str) -> Client:
    return Client(org, LocalOrgApp(org), org.issue_token(user), user)


@pytest.fixture
def admin(org: Org) -> Client:
    return client_of(org, org.admin_id)


def robot_of(org: Org, *user_permissions: str) -> Client:
    user = org.add_user("robot@example.com", minimum_access=True)
    granted = PermissionSet(
        "Robot", "Robot", (FieldGrant("Account", "Stage__c", True, True),),
        (ObjectGrant("Account", frozenset({"Read", "ViewAllRecords"})),), frozenset(user_permissions),
    )  # fmt: skip
    with org.transaction() as txn:
        save_permission_set(txn, granted)
    org.assign_permission_set(user, "Robot")
    return client_of(org, user)


def rows(client: Client, soql: str, path: str = "query") -> list[dict[str, Any]]:
    reply = client.query(soql, path)
    assert reply.status == 200, reply.body
    return [{k: v for k, v in record.items() if k != "attributes"} for record in reply.body["records"]]


def test_entities_tell_the_org_wide_defaults(admin: Client) -> None:
    soql = (
        "SELECT QualifiedApiName, InternalSharingModel FROM EntityDefinition "
        "WHERE QualifiedApiName IN ('Account', 'Contact', 'TaskStatus') ORDER BY QualifiedApiName"
    )
    assert [r["InternalSharingModel"] for r in rows(admin, soql)] == ["ReadWrite", "ControlledByParent", None]
    admin.org.setup.set_sharing_model("Account", "Private")
    assert [r["InternalSharingModel"] for r in rows(admin, soql)] == ["Private", "ControlledByParent", None]
    assert rows(admin, "SELECT DefaultAccountAccess FROM Organization") == [{"DefaultAccountAccess": "None"}]


def test_the_defaults_travel_with_a_snapshot(admin: Client) -> None:
    admin.org.setup.set_sharing_model("Account", "Private")
    admin.org.setup.add_automation("flow", "Task", "Router")
    twin = Org.restore(admin.org.snapshot(), clock=admin.org.clock)
    assert twin.state.setup == admin.org.state.setup
    twin.close()


@pytest.mark.parametrize(
    ("permissions", "edits"), [((), False), (("EditTask",), True), (("EditTask", "NobodyKnowsThis"), True)]
)
def test_whoever_asks_is_told_of_their_own_rights(org: Org, permissions: tuple[str, ...], edits: bool) -> None:
    robot = robot_of(org, *permissions)
    soql = "SELECT PermissionsEditTask, PermissionsViewAllData FROM UserPermissionAccess"
    assert rows(robot, soql) == [{"PermissionsEditTask": edits, "PermissionsViewAllData": False}]
    assert rows(client_of(org, org.admin_id), soql) == [{"PermissionsEditTask": True, "PermissionsViewAllData": True}]
    assert org.describe("Task", robot.user_id)["createable"] is edits


def test_view_all_is_found_through_the_assignments(org: Org) -> None:
    robot = robot_of(org)
    soql = (
        "SELECT SobjectType FROM ObjectPermissions WHERE PermissionsViewAllRecords = true AND ParentId IN "
        f"(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{robot.user_id}')"
    )
    assert rows(robot, soql) == [{"SobjectType": "Account"}]
    org.withdraw_permission_sets(robot.user_id)
    assert rows(robot, soql) == []


def test_rules_flows_and_triggers_are_listed(admin: Client) -> None:
    org = admin.org
    org.setup.add_validation_rule("Task", "Subject_Needed", "ISBLANK(Subject)", "Say what it is")
    org.setup.add_duplicate_rule("Account", "Same_Name", ["Name"])
    org.setup.add_automation("flow", "Task", "Router")
    org.setup.add_automation("flow", "Account", "Old", active=False)
    org.setup.add_automation("trigger", "Account", "Guard")
    flows = "SELECT ApiName, TriggerObjectOrEvent.QualifiedApiName FROM FlowDefinitionView WHERE IsActive = true"
    assert [(f["ApiName"], f["TriggerObjectOrEvent"]["QualifiedApiName"]) for f in rows(admin, flows)] == [
        ("Router", "Task")
    ]
    assert rows(admin, "SELECT Name FROM ApexTrigger WHERE TableEnumOrId = 'Account'") == [{"Name": "Guard"}]
    assert rows(admin, "SELECT DeveloperName FROM DuplicateRule") == [{"DeveloperName": "Same_Name"}]
    rules = (
        "SELECT ValidationName FROM ValidationRule WHERE Active = true AND EntityDefinition.QualifiedApiName = 'Task'"
    )
    assert rows(admin, rules, "tooling/query") == [{"ValidationName": "Subject_Needed"}]


@pytest.mark.parametrize(
    ("soql", "path"),
    [("SELECT Id FROM ValidationRule", "query"), ("SELECT Id FROM Account", "tooling/query")],
)
def test_each_api_has_its_own_objects(admin: Client, soql: str, path: str) -> None:
    reply = admin.query(soql, path)
    assert (reply.status, reply.body[0]["errorCode"]) == (400, "INVALID_TYPE")


def test_without_the_right_to_view_the_setup_its_rules_are_not_there(org: Org) -> None:
    robot = robot_of(org)
    assert robot.query("SELECT Id FROM ApexTrigger").body[0]["errorCode"] == "INVALID_TYPE"
    assert robot.query("SELECT Id FROM ValidationRule", "tooling/query").body[0]["errorCode"] == "INVALID_TYPE"
    assert robot.send("GET", "limits").status == 403
    assert rows(robot, "SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Account'")
    org.withdraw_permission_sets(robot.user_id)
    robot.org.update_record("PermissionSet", org.records("PermissionSet", {"Name": "Robot"})[0]["Id"],
                            {"PermissionsViewSetup": True})  # fmt: skip
    org.assign_permission_set(robot.user_id, "Robot")
    assert robot.query("SELECT Id FROM ApexTrigger").status == 200
    assert robot.send("GET", "limits").status == 200


def test_the_list_of_resources_says_who_one_is(admin: Client) -> None:
    found = admin.send("GET", "/services/data/v66.0").body
    assert found["identity"].endswith(f"/id/{admin.org.state.org_id}/{admin.user_id}")
