"""What the platform does by itself, one test per fact (numbers are sections of the reference)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.localorg.org import Org, OrgError

Refusal = Callable[..., OrgError]


def one(org: Org, sobject: str, record_id: str) -> dict[str, Any]:
    return org.records(sobject, {"Id": record_id}, include_deleted=True)[0]


def opportunity(org: Org, account: str, **fields: Any) -> str:
    base = {"Name": "Renewal", "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": account}
    return org.create_record("Opportunity", {**base, **fields})


# --- Tasks and Events (7.4)


def test_task_defaults_come_from_task_status(org: Org) -> None:
    task = one(org, "Task", org.create_record("Task", {"Subject": "call"}))
    assert (task["Status"], task["Priority"], task["IsClosed"], task["CompletedDateTime"]) == (
        "Not Started",
        "Normal",
        False,
        None,
    )


def test_completing_a_task_is_dated_and_reopening_takes_the_date_away(org: Org) -> None:
    task = org.create_record("Task", {"Subject": "call"})
    org.update_record("Task", task, {"Status": "Completed"})
    closed_at = one(org, "Task", task)["CompletedDateTime"]
    assert closed_at == datetime(2026, 9, 1, 8, tzinfo=UTC)
    org.clock.advance(timedelta(days=1))
    org.update_record("Task", task, {"Status": "Completed", "Description": "again"})
    assert one(org, "Task", task)["CompletedDateTime"] == closed_at
    org.update_record("Task", task, {"Status": "In Progress"})
    row = one(org, "Task", task)
    assert (row["IsClosed"], row["CompletedDateTime"]) == (False, None)


def test_an_admins_closed_status_closes(org: Org) -> None:
    org.add_status("Not needed", closed=True)
    task = org.create_record("Task", {"Subject": "call", "Status": "Not needed"})
    assert one(org, "Task", task)["IsClosed"] is True


def test_closed_is_not_derived_again_when_the_meaning_of_a_status_changes(org: Org) -> None:
    task = org.create_record("Task", {"Subject": "call", "Status": "Deferred"})
    org.add_status("Deferred", closed=True)
    org.update_record("Task", task, {"Description": "x"})
    assert one(org, "Task", task)["IsClosed"] is False


@pytest.mark.parametrize("what", ["Account", "Opportunity", "Contract"])
def test_account_of_a_task_comes_from_what(what: str, org: Org, account: str) -> None:
    related = {
        "Account": lambda: account,
        "Opportunity": lambda: opportunity(org, account),
        "Contract": lambda: org.create_record("Contract", {"AccountId": account}),
    }[what]()
    task = org.create_record("Task", {"Subject": "s", "WhatId": related})
    assert one(org, "Task", task)["AccountId"] == account


def test_account_of_a_task_comes_from_the_contact_else_is_null(org: Org, account: str) -> None:
    contact = org.create_record("Contact", {"LastName": "Doe", "AccountId": account})
    lead = org.create_record("Lead", {"LastName": "Roe", "Company": "C"})
    case = org.create_record("Case", {"Subject": "s", "AccountId": account})
    by_contact, by_lead, by_case = (
        org.create_record("Task", {"Subject": "s", **who})
        for who in ({"WhoId": contact}, {"WhoId": lead}, {"WhatId": case})
    )
    assert [one(org, "Task", t)["AccountId"] for t in (by_contact, by_lead, by_case)] == [account, None, None]


@pytest.mark.parametrize("what", ["Case", "Asset"])
def test_cases_and_assets_leave_the_account_to_the_contact(what: str, org: Org, account: str) -> None:
    contact = org.create_record("Contact", {"LastName": "Doe", "AccountId": account})
    other = org.create_record("Account", {"Name": "Other"})
    name = {"Case": "Subject", "Asset": "Name"}[what]
    related = org.create_record(what, {name: "s", "AccountId": other})
    alone = org.create_record("Task", {"Subject": "s", "WhatId": related})
    with_contact = org.create_record("Task", {"Subject": "s", "WhatId": related, "WhoId": contact})
    assert [one(org, "Task", t)["AccountId"] for t in (alone, with_contact)] == [None, account]


def test_a_task_about_a_lead_is_about_nothing_else(org: Org, account: str, refusal: Refusal) -> None:
    lead = org.create_record("Lead", {"LastName": "Roe", "Company": "C"})
    error = refusal(org.create_record, "Task", {"Subject": "s", "WhoId": lead, "WhatId": account})
    assert error.code == "FIELD_INTEGRITY_EXCEPTION"


def test_event_ends_after_its_duration(org: Org) -> None:
    event = org.create_record(
        "Event", {"Subject": "qbr", "StartDateTime": "2026-09-02T10:00:00Z", "DurationInMinutes": 90}
    )
    row = one(org, "Event", event)
    assert row["EndDateTime"] == datetime(2026, 9, 2, 11, 30, tzinfo=UTC)
    assert row["ActivityDate"] == date(2026, 9, 2)


def test_last_activity_and_stamp_of_the_account_follow_a_closed_task(org: Org, account: str) -> None:
    org.clock.advance(timedelta(hours=1))
    task = org.create_record(
        "Task", {"Subject": "s", "WhatId": account, "ActivityDate": "2026-08-20", "Status": "Completed"}
    )
    row = one(org, "Account", account)
    assert row["LastActivityDate"] == date(2026, 8, 20)
    assert row["SystemModstamp"] == datetime(2026, 9, 1, 9, tzinfo=UTC)
    assert row["LastModifiedDate"] == datetime(2026, 9, 1, 8, tzinfo=UTC)
    org.delete_record("Task", task)
    assert one(org, "Account", account)["LastActivityDate"] is None


def test_whether_an_open_task_stamps_the_account_is_a_switch(org: Org, account: str) -> None:
    before = one(org, "Account", account)["SystemModstamp"]
    org.clock.advance(timedelta(hours=1))
    org.set_switches(activity_stamps_account="when_date_changes")
    org.create_record("Task", {"Subject": "s", "WhatId": account})
    assert one(org, "Account", account)["SystemModstamp"] == before
    org.set_switches(activity_stamps_account="always")
    org.create_record("Task", {"Subject": "s", "WhatId": account})
    assert one(org, "Account", account)["SystemModstamp"] > before


def test_archived_tasks_are_only_in_query_all(org: Org) -> None:
    org.load("Task", [{"Subject": "old", "Status": "Completed", "IsArchived": True}])
    assert org.query("SELECT Id FROM Task").total == 0
    assert org.query("SELECT Id FROM Task", include_deleted=True).total == 1


def test_archived_task_keeps_its_unique_key(org: Org, refusal: Refusal) -> None:
    org.load("Task", [{"Subject": "old", "IsArchived": True, "Key__c": "k"}])
    assert refusal(org.create_record, "Task", {"Subject": "new", "Key__c": "K"}).code == "DUPLICATE_VALUE"


# --- Opportunities (7.2)


def test_stage_decides_probability_forecast_and_closing(org: Org, account: str) -> None:
    record = opportunity(org, account, Amount=200)
    open_row = one(org, "Opportunity", record)
    assert (open_row["Probability"], open_row["ForecastCategory"], open_row["IsClosed"]) == (10, "Pipeline", False)
    assert open_row["ExpectedRevenue"] == Decimal(20)
    org.update_record("Opportunity", record, {"StageName": "Closed Won"})
    won = one(org, "Opportunity", record)
    assert (won["Probability"], won["ForecastCategory"], won["IsClosed"], won["IsWon"]) == (100, "Closed", True, True)
    assert (won["ExpectedRevenue"], won["FiscalYear"], won["FiscalQuarter"]) == (200, 2026, 4)


def test_a_given_probability_wins_over_the_stages(org: Org, account: str) -> None:
    assert one(org, "Opportunity", opportunity(org, account, Probability=35))["Probability"] == 35


def test_closing_flags_cannot_be_written(org: Org, account: str, refusal: Refusal) -> None:
    record = opportunity(org, account)
    assert refusal(org.update_record, "Opportunity", record, {"IsWon": True}).code == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_history_has_a_row_per_change_that_matters(org: Org, account: str) -> None:
    record = opportunity(org, account, Amount=100)
    for change in ({"Amount": 150}, {"Description": "no history"}, {"StageName": "Closed Lost"}):
        org.clock.advance(timedelta(days=1))
        org.update_record("Opportunity", record, change)
    rows = org.records("OpportunityHistory", {"OpportunityId": record})
    assert [(r["StageName"], r["Amount"]) for r in rows] == [
        ("Prospecting", 100),
        ("Prospecting", 150),
        ("Closed Lost", 150),
    ]


# --- Campaigns (7.3)


@pytest.fixture
def campaign(org: Org) -> str:
    return org.create_record("Campaign", {"Name": "Welcome"})


@pytest.fixture
def contact(org: Org, account: str) -> str:
    return org.create_record(
        "Contact", {"FirstName": "Jo", "LastName": "Doe", "AccountId": account, "Email": "jo@acme.com"}
    )


def test_new_campaign_has_two_statuses(org: Org, campaign: str) -> None:
    rows = org.records("CampaignMemberStatus", {"CampaignId": campaign})
    assert [(r["Label"], r["IsDefault"], r["HasResponded"]) for r in rows] == [
        ("Sent", True, False),
        ("Responded", False, True),
    ]


def test_member_starts_as_sent_and_shows_its_person(org: Org, campaign: str, contact: str) -> None:
    member = one(
        org, "CampaignMember", org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact})
    )
    assert (member["Status"], member["HasResponded"], member["FirstRespondedDate"]) == ("Sent", False, None)
    assert (member["Name"], member["CompanyOrAccount"], member["Type"], member["LeadOrContactId"]) == (
        "Jo Doe",
        "Acme",
        "Contact",
        contact,
    )


def test_response_follows_status_and_is_dated_once(org: Org, campaign: str, contact: str) -> None:
    member = org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "Status": "responded"})
    assert one(org, "CampaignMember", member)["FirstRespondedDate"] == date(2026, 9, 1)
    org.clock.advance(timedelta(days=3))
    org.update_record("CampaignMember", member, {"Status": "Sent"})
    org.update_record("CampaignMember", member, {"Status": "Responded"})
    row = one(org, "CampaignMember", member)
    assert (row["HasResponded"], row["FirstRespondedDate"]) == (True, date(2026, 9, 1))


def test_a_person_is_in_a_campaign_once(org: Org, campaign: str, contact: str, refusal: Refusal) -> None:
    org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact})
    error = refusal(org.create_record, "CampaignMember", {"CampaignId": campaign, "ContactId": contact})
    assert (error.code, error.message) == ("DUPLICATE_VALUE", "Already a campaign member.")


def test_of_contact_and_lead_the_contact_is_kept(org: Org, campaign: str, contact: str) -> None:
    lead = org.create_record("Lead", {"LastName": "Roe", "Company": "C"})
    member = org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "LeadId": lead})
    row = one(org, "CampaignMember", member)
    assert (row["ContactId"], row["LeadId"]) == (contact, None)


def test_membership_cannot_be_moved(org: Org, campaign: str, contact: str, refusal: Refusal) -> None:
    member = org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact})
    other = org.create_record("Campaign", {"Name": "Other"})
    assert (
        refusal(org.update_record, "CampaignMember", member, {"CampaignId": other}).code
        == "INVALID_FIELD_FOR_INSERT_UPDATE"
    )


def test_a_deleted_member_is_gone_for_good(org: Org, campaign: str, contact: str) -> None:
    org.delete_record(
        "CampaignMember", org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact})
    )
    assert org.query("SELECT Id FROM CampaignMember", include_deleted=True).total == 0


def test_campaign_counts_its_members(org: Org, campaign: str, contact: str) -> None:
    lead = org.create_record("Lead", {"LastName": "Roe", "Company": "C"})
    org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "Status": "Responded"})
    org.create_record("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    row = one(org, "Campaign", campaign)
    assert (row["NumberOfContacts"], row["NumberOfLeads"], row["NumberOfResponses"]) == (1, 1, 1)


# --- people, contracts, cases (7.3, 7.5)


def test_name_of_a_person_is_put_together(org: Org, contact: str) -> None:
    assert one(org, "Contact", contact)["Name"] == "Jo Doe"
    org.update_record("Contact", contact, {"FirstName": None})
    assert one(org, "Contact", contact)["Name"] == "Doe"


def test_contract_ends_a_day_before_its_anniversary(org: Org, account: str) -> None:
    contract = org.create_record("Contract", {"AccountId": account, "StartDate": "2026-01-31", "ContractTerm": 13})
    row = one(org, "Contract", contract)
    assert (row["Status"], row["StatusCode"], row["EndDate"]) == ("Draft", "Draft", date(2027, 2, 27))


def test_contract_is_created_as_draft_and_activated_later(org: Org, account: str, refusal: Refusal) -> None:
    assert (
        refusal(org.create_record, "Contract", {"AccountId": account, "Status": "Activated"}).code
        == "FAILED_ACTIVATION"
    )
    contract = org.create_record("Contract", {"AccountId": account})
    org.update_record("Contract", contract, {"Status": "Activated"})
    row = one(org, "Contract", contract)
    assert (row["StatusCode"], row["ActivatedDate"]) == ("Activated", datetime(2026, 9, 1, 8, tzinfo=UTC))


def test_closing_a_case_is_dated(org: Org) -> None:
    case = org.create_record("Case", {"Subject": "s"})
    org.update_record("Case", case, {"Status": "Closed"})
    row = one(org, "Case", case)
    assert (row["IsClosed"], row["ClosedDate"]) == (True, datetime(2026, 9, 1, 8, tzinfo=UTC))


# --- deleting (2.4)


def test_deleting_an_account_takes_its_children_along_and_back(org: Org, account: str, contact: str) -> None:
    deal = opportunity(org, account)
    task = org.create_record("Task", {"Subject": "s", "WhatId": deal})
    org.clock.advance(timedelta(hours=1))
    org.delete_record("Account", account)
    everything = (("Account", account), ("Contact", contact), ("Opportunity", deal), ("Task", task))
    assert [one(org, s, i)["IsDeleted"] for s, i in everything] == [True] * 4
    assert one(org, "Account", account)["SystemModstamp"] == datetime(2026, 9, 1, 9, tzinfo=UTC)
    org.clock.advance(timedelta(hours=1))
    org.undelete_record("Account", account)
    assert [one(org, s, i)["IsDeleted"] for s, i in everything] == [False] * 4
    assert one(org, "Account", account)["SystemModstamp"] == datetime(2026, 9, 1, 10, tzinfo=UTC)


def test_a_child_deleted_earlier_stays_deleted(org: Org, account: str, contact: str) -> None:
    org.delete_record("Contact", contact)
    org.clock.advance(timedelta(hours=1))
    org.delete_record("Account", account)
    org.undelete_record("Account", account)
    assert one(org, "Contact", contact)["IsDeleted"] is True


def test_a_deleted_record_cannot_be_changed(org: Org, account: str, refusal: Refusal) -> None:
    org.delete_record("Account", account)
    error = refusal(org.update_record, "Account", account, {"Name": "B"})
    assert (error.status, error.code, error.message) == (404, "ENTITY_IS_DELETED", "entity is deleted")


def test_a_deleted_parent_is_no_parent(org: Org, account: str, refusal: Refusal) -> None:
    org.delete_record("Account", account)
    assert (
        refusal(org.create_record, "Contact", {"LastName": "Doe", "AccountId": account}).code
        == "INVALID_CROSS_REFERENCE_KEY"
    )


# --- field history (7.1)


def test_history_of_a_tracked_field(org: Org) -> None:
    account = org.create_record("Account", {"Name": "A", "Stage__c": "Onboarding"})
    org.clock.advance(timedelta(days=1))
    org.update_record("Account", account, {"Stage__c": "Launched", "Industry": "Energy"})
    org.update_record("Account", account, {"Stage__c": "Launched"})
    rows = org.records("AccountHistory", {"AccountId": account})
    assert [(r["Field"], r["OldValue"], r["NewValue"]) for r in rows] == [
        ("created", None, None),
        ("Stage__c", "Onboarding", "Launched"),
    ]
    assert rows[1]["CreatedDate"] == datetime(2026, 9, 2, 8, tzinfo=UTC)
