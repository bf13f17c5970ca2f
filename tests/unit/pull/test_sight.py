"""When it is proved that our user sees all records of an object, and what it is told to get where it is not."""

from __future__ import annotations

import pytest

from connector.describe import FieldDescribe, ObjectDescribe
from connector.pull.sight import Sight, find_unseen, read_sight, say_unseen
from connector.salesforce import SubResponse

LINE = ObjectDescribe(
    "Line__c",
    fields={
        "Deal__c": FieldDescribe("Deal__c", "reference", nillable=False, reference_to=("Deal__c",)),
        "Other__c": FieldDescribe("Other__c", "reference", reference_to=("Other__c",)),
    },
)
DESCRIBES = {"Line__c": LINE}
MODIFY_ALL = "PermissionsModifyAllRecords"
PRIVATE = {"Account": "Private", "Contact": "ControlledByParent", "Opportunity": "Private", "Task": "Private"}


def sight(granted: str = "", **more: object) -> Sight:
    return Sight("005", granted=frozenset(granted.split()), **more)  # type: ignore[arg-type]


SEEN = {
    "View All Data shows everything": (sight(all_data=True, models=PRIVATE), "Opportunity"),
    "View All Records shows its object": (sight("Opportunity", models=PRIVATE), "Opportunity"),
    "a public default shows it": (sight(models={"Opportunity": "Read"}), "Opportunity"),
    "Organization's words for public count too": (sight(models={"Lead": "ReadEditTransfer"}), "Lead"),
    "contacts follow their accounts where the org says so": (sight("Account", models=PRIVATE), "Contact"),
    "Tasks follow what they are on": (sight("Account Contact Opportunity", models=PRIVATE), "Task"),
    "contacts that follow accounts do for Tasks": (sight("Account Opportunity", models=PRIVATE), "Task"),
    "line items follow opportunities": (sight("Opportunity"), "OpportunityLineItem"),
    "the detail of a master-detail follows its master": (
        sight("Deal__c", models={"Line__c": "ControlledByParent"}),
        "Line__c",
    ),
    "setup objects have no owners": (sight(), "TaskStatus"),
    "people see one another": (sight(), "User"),
    "unless the org hides them, and then by a right": (sight(all_users=True, models={"User": "Private"}), "User"),
}


@pytest.mark.parametrize("case", SEEN)
def test_seen(case: str) -> None:
    found, sobject = SEEN[case]
    assert find_unseen(found, [sobject], DESCRIBES) == {}


UNSEEN = {
    "private, and nothing granted": (sight(models=PRIVATE), "Opportunity", "View All Records on Opportunity"),
    "no default is told": (sight(), "Case", "View All Records on Case"),
    "a custom object": (sight(models={"Deal__c": "Private"}), "Deal__c", "View All Records on Deal__c"),
    "the master is hidden": (
        sight(models={"Line__c": "ControlledByParent", "Deal__c": "Private"}),
        "Line__c",
        "View All Records on Deal__c",
    ),
    "accounts hide their contacts": (sight(models=PRIVATE), "Contact", "View All Records on Account"),
    "opportunities hide their Tasks": (sight("Account", models=PRIVATE), "Task", "View All Records on Opportunity"),
    "people are hidden": (sight(models={"User": "Private"}), "User", "View All Users"),
}


@pytest.mark.parametrize("case", UNSEEN)
def test_not_seen(case: str) -> None:
    found, sobject, remedy = UNSEEN[case]
    ends = find_unseen(found, [sobject], DESCRIBES)[sobject]
    assert f"sees all {sobject} records; grant it {remedy} (" in say_unseen(sobject, ends)


def test_an_object_that_belongs_to_itself_comes_to_an_end() -> None:
    loop = ObjectDescribe(
        "Loop__c", fields={"Up__c": FieldDescribe("Up__c", "reference", nillable=False, reference_to=("Loop__c",))}
    )
    found = sight(models={"Loop__c": "ControlledByParent"})
    assert find_unseen(found, ["Loop__c"], {"Loop__c": loop}) == {}


def answer(name: str, rows: list[dict[str, object]] | None) -> SubResponse:
    if rows is None:
        return SubResponse(name, 400, [{"errorCode": "INVALID_TYPE", "message": "not supported"}])
    return SubResponse(name, 200, {"records": rows})


def test_what_the_org_says_is_read_from_its_answers() -> None:
    found = read_sight(
        "005", ["Account", "Case"],
        [
            answer("user", [{"PermissionsViewAllData": False, "PermissionsViewAllUsers": True}]),
            answer("objects", [{"SobjectType": "Account"}, {"SobjectType": "Lead", MODIFY_ALL: True}]),
            answer("models", [{"QualifiedApiName": "Case", "InternalSharingModel": "Private"}]),
            answer("defaults", [{"DefaultCaseAccess": "Edit", "DefaultLeadAccess": "None"}]),
        ],
    )  # fmt: skip
    assert found == Sight(
        "005", frozenset({"Account", "Case"}), all_users=True, granted=frozenset({"Account", "Lead"}),
        changeable=frozenset({"Lead"}), models={"Case": "Private", "Lead": "None"},
    )  # fmt: skip


def test_what_the_org_refuses_to_tell_proves_nothing_and_is_named() -> None:
    found = read_sight("005", ["Case"], [answer(n, None) for n in ("user", "objects", "models", "defaults")])
    assert find_unseen(found, ["Case", "TaskStatus"], {}) == {"Case": frozenset({"Case"})}
    assert "its object permissions (INVALID_TYPE)" in found.unanswered
    assert "grant View Setup and Configuration" in found.unanswered
