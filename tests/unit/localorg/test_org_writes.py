"""What the org refuses to write, with Salesforce's codes and words, and what it stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.localorg.org import Org, OrgError

Refusal = Callable[..., OrgError]

REFUSED_ACCOUNTS: dict[str, tuple[dict[str, Any], str, str, tuple[str, ...] | None]] = {
    "no name": ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),
    "blank name": ({"Name": "  "}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),
    "a misspelt field": (
        {"Name": "A", "Helth__c": 1},
        "INVALID_FIELD",
        "No such column 'Helth__c' on sobject of type Account",
        None,
    ),
    "a name of 256 characters": (
        {"Name": "x" * 256},
        "STRING_TOO_LONG",
        f"Account Name: data value too large: {'x' * 256} (max length=255)",
        ("Name",),
    ),
    "a stage that the picklist lacks": (
        {"Name": "A", "Stage__c": "Won"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Stage__c: bad value for restricted picklist field: Won",
        ("Stage__c",),
    ),
    "a system field": (
        {"Name": "A", "CreatedDate": "2026-01-01T00:00:00Z"},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: CreatedDate. Please check the security settings of this field and verify that "
        "it is read/write for your profile or permission set.",
        ("CreatedDate",),
    ),
    "an Id": (
        {"Name": "A", "Id": "001000000000001AAA"},
        "INVALID_FIELD",
        "The Id field should not be specified in the sobject data.",
        None,
    ),
    "a parent that is no id": (
        {"Name": "A", "ParentId": "acme"},
        "MALFORMED_ID",
        "Parent Account ID: id value of incorrect type: acme",
        ("ParentId",),
    ),
    "a parent of another object": (
        {"Name": "A", "ParentId": "003000000000001AAA"},
        "FIELD_INTEGRITY_EXCEPTION",
        "Parent Account ID: id value of incorrect type: 003000000000001AAA",
        ("ParentId",),
    ),
    "a parent that does not exist": (
        {"Name": "A", "ParentId": "001000000000001AAA"},
        "INVALID_CROSS_REFERENCE_KEY",
        "invalid cross reference id",
        ("ParentId",),
    ),
    "a number with too many digits": (
        {"Name": "A", "Score__c": 1000},
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Score__c: value outside of valid range on numeric field: 1000",
        ("Score__c",),
    ),
}


@pytest.mark.parametrize("case", REFUSED_ACCOUNTS)
def test_refused_account(case: str, org: Org, refusal: Refusal) -> None:
    body, code, message, fields = REFUSED_ACCOUNTS[case]
    error = refusal(org.create_record, "Account", body)
    assert (error.status, error.code, error.message, error.fields) == (400, code, message, fields)
    assert org.query("SELECT COUNT() FROM Account").total == 0


UNREADABLE: dict[str, tuple[str, Any, str]] = {
    "a word as number": ("Score__c", "high", "double"),
    "a truth value as number": ("AnnualRevenue", True, "double"),
    "a fraction as whole number": ("NumberOfEmployees", 1.5, "int"),
    "a list as text": ("Name", ["a"], "string"),
    "an object as text": ("Description", {"a": 1}, "string"),
    "infinity": ("Score__c", "Infinity", "double"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_value_of_a_wrong_type(case: str, org: Org, refusal: Refusal) -> None:
    field, value, kind = UNREADABLE[case]
    error = refusal(org.create_record, "Account", {"Name": "A", field: value})
    assert error.code == "JSON_PARSER_ERROR"
    assert error.message.startswith(f"Cannot deserialize instance of {kind} from ")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("CloseDate", "31.12.2026"),
        ("CloseDate", "2026-02-30"),
        ("CloseDate", "2026-12-31T00:00:00Z"),
        ("IsPrivate", "yes"),
    ],
)
def test_unreadable_dates_and_truth_values(field: str, text: str, org: Org, refusal: Refusal) -> None:
    body = {"Name": "o", "StageName": "Prospecting", "CloseDate": "2026-12-31", field: text}
    assert refusal(org.create_record, "Opportunity", body).code == "JSON_PARSER_ERROR"


@pytest.mark.parametrize("text", ["2026-01-01T10:00:00", "2026-01-01", "soon", "2026-13-01T00:00:00Z"])
def test_datetimes_need_a_zone(text: str, org: Org, refusal: Refusal) -> None:
    body = {"Subject": "s", "DurationInMinutes": 30, "StartDateTime": text}
    assert refusal(org.create_record, "Event", body).code == "JSON_PARSER_ERROR"


STORED: dict[str, tuple[str, Any, Any]] = {
    "text is trimmed": ("Name", "  Acme \n", "Acme"),
    "blank text is null": ("Description", "   ", None),
    "a number as text": ("Description", 12, "12"),
    "extra decimals are rounded half up": ("Score__c", 12.345, Decimal("12.35")),
    "a number in a text": ("Score__c", "12.5", Decimal("12.5")),
    "an unknown value of an open picklist": ("Industry", "Space", "Space"),
    "several values": ("Tags__c", "red;blue", "red;blue"),
    "emoji and quotes": ("Description", 'O\'Hara "x" 🦄\n,', 'O\'Hara "x" 🦄\n,'),
}


@pytest.mark.parametrize("case", STORED)
def test_what_is_stored(case: str, org: Org) -> None:
    field, given, stored = STORED[case]
    record_id = org.create_record("Account", {"Name": "A", field: given})
    assert org.records("Account", {"Id": record_id})[0][field] == stored


def test_field_names_are_read_in_any_case(org: Org) -> None:
    org.create_record("Account", {"nAmE": "Acme"})
    assert org.records("Account")[0]["Name"] == "Acme"


def test_new_record_has_audit_fields_of_clock_and_user(org: Org) -> None:
    user = org.add_user("ann@example.com")
    org.create_record("Account", {"Name": "A"}, user=user)
    row = org.records("Account")[0]
    moment = datetime(2026, 9, 1, 8, tzinfo=UTC)
    assert (row["CreatedDate"], row["LastModifiedDate"], row["SystemModstamp"]) == (moment,) * 3
    assert (row["CreatedById"], row["LastModifiedById"], row["OwnerId"]) == (user,) * 3
    assert row["IsDeleted"] is False


def test_update_moves_stamps_and_leaves_the_rest(org: Org, account: str) -> None:
    org.clock.advance(timedelta(hours=1))
    user = org.add_user("ann@example.com")
    org.update_record("Account", account, {"Industry": "Energy"}, user=user)
    row = org.records("Account")[0]
    assert (row["Name"], row["Industry"]) == ("Acme", "Energy")
    assert row["CreatedDate"] == datetime(2026, 9, 1, 8, tzinfo=UTC)
    assert row["SystemModstamp"] == row["LastModifiedDate"] == datetime(2026, 9, 1, 9, tzinfo=UTC)
    assert (row["CreatedById"], row["LastModifiedById"]) == (org.admin_id, user)


def test_update_may_not_empty_a_required_field(org: Org, account: str, refusal: Refusal) -> None:
    assert refusal(org.update_record, "Account", account, {"Name": None}).code == "REQUIRED_FIELD_MISSING"


def test_unique_value_without_regard_to_case(org: Org, refusal: Refusal) -> None:
    first = org.create_record("Account", {"Name": "A", "Ext__c": "Key-1"})
    error = refusal(org.create_record, "Account", {"Name": "B", "Ext__c": "KEY-1"})
    assert error.code == "DUPLICATE_VALUE"
    assert error.message == f"duplicate value found: Ext__c duplicates value on record with id: {first[:15]}"
    org.update_record("Account", first, {"Ext__c": "key-1"})


def test_unique_value_in_other_scripts(org: Org, refusal: Refusal) -> None:
    org.create_record("Account", {"Name": "A", "Ext__c": "Ärger"})
    assert refusal(org.create_record, "Account", {"Name": "B", "Ext__c": "ÄRGER"}).code == "DUPLICATE_VALUE"


@pytest.mark.parametrize("counts", [True, False])
def test_whether_a_binned_record_keeps_its_unique_value_is_a_switch(counts: bool, org: Org) -> None:
    org.set_switches(unique_counts_deleted=counts)
    org.delete_record("Account", org.create_record("Account", {"Name": "A", "Ext__c": "1"}))
    if counts:
        with pytest.raises(OrgError, match="DUPLICATE_VALUE"):
            org.create_record("Account", {"Name": "B", "Ext__c": "1"})
    else:
        org.create_record("Account", {"Name": "B", "Ext__c": "1"})


@pytest.mark.parametrize(
    ("sobject", "body"),
    [
        ("Task", {"Subject": "call"}),
        ("Contact", {"LastName": "Doe"}),
        ("Lead", {"LastName": "Doe", "Company": "C"}),
        ("Case", {"Subject": "s"}),
        ("Event", {"DurationInMinutes": 10, "ActivityDateTime": "2026-09-02T10:00:00Z"}),
    ],
)
def test_inactive_owner_is_refused(sobject: str, body: dict[str, Any], org: Org, refusal: Refusal) -> None:
    gone = org.add_user("gone@example.com", active=False)
    error = refusal(org.create_record, sobject, {**body, "OwnerId": gone})
    assert error.code == "INACTIVE_OWNER_OR_USER"
    assert error.message == f"operation performed with inactive user [{gone[:15]}] as owner of {sobject.lower()}"


def test_accounts_may_have_inactive_owners(org: Org) -> None:
    gone = org.add_user("gone@example.com", active=False)
    org.create_record("Account", {"Name": "A", "OwnerId": gone})


def test_a_task_of_somebody_who_left_can_still_be_changed(org: Org) -> None:
    owner = org.add_user("ann@example.com")
    task = org.create_record("Task", {"Subject": "s", "OwnerId": owner})
    org.load("User", [])
    with org.transaction() as txn:
        txn.update(org.schema.get("User"), owner, {"IsActive": 0})
    org.update_record("Task", task, {"Subject": "t"})
    org.update_record("Task", task, {"OwnerId": owner, "Subject": "u"})


def test_parent_by_external_id(org: Org, refusal: Refusal) -> None:
    parent = org.create_record("Account", {"Name": "P", "Ext__c": "P-1"})
    child = org.create_record("Contact", {"LastName": "Doe", "Account": {"Ext__c": "p-1"}})
    assert org.records("Contact", {"Id": child})[0]["AccountId"] == parent
    error = refusal(org.create_record, "Contact", {"LastName": "Doe", "Account": {"Ext__c": "P-2"}})
    assert error.message == "Foreign key external ID: P-2 not found for field Ext__c in entity Account"


def test_record_of_another_object_is_no_such_record(org: Org, account: str, refusal: Refusal) -> None:
    contact = org.create_record("Contact", {"LastName": "Doe"})
    assert refusal(org.update_record, "Account", contact, {"Name": "B"}).code == "MALFORMED_ID"
    assert refusal(org.update_record, "Account", "001B000000002bHIAQ", {"Name": "B"}).code in (
        "NOT_FOUND",
        "MALFORMED_ID",
    )


def test_tables_of_setup_cannot_be_written(org: Org, refusal: Refusal) -> None:
    assert (
        refusal(org.create_record, "OpportunityStage", {"MasterLabel": "x"}).code
        == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    )


def test_a_refused_write_leaves_no_trace(org: Org, refusal: Refusal) -> None:
    refusal(
        org.create_record,
        "Opportunity",
        {"Name": "o", "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": "001000000000001AAA"},
    )
    assert org.query("SELECT COUNT() FROM OpportunityHistory").total == 0


def test_cases_are_numbered(org: Org) -> None:
    for _ in range(2):
        org.create_record("Case", {"Subject": "s"})
    assert [r["CaseNumber"] for r in org.records("Case")] == ["00000001", "00000002"]


def test_python_values_are_taken_as_they_are(org: Org, account: str) -> None:
    org.create_record(
        "Opportunity",
        {
            "Name": "o",
            "StageName": "Prospecting",
            "CloseDate": date(2026, 12, 31),
            "Amount": Decimal("99.95"),
            "AccountId": account,
        },
    )
    row = org.records("Opportunity")[0]
    assert (row["CloseDate"], row["Amount"]) == (date(2026, 12, 31), Decimal("99.95"))
