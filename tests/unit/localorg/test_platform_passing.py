"""Merges, conversions, and what goes, comes back, arrives late or is archived as time passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from local_client import Client

from connector.localorg.api.wire import make_call
from connector.localorg.org import Clock, Org, OrgError, Wish

Refusal = Callable[..., OrgError]


def one(org: Org, sobject: str, record_id: str) -> dict[str, Any]:
    return org.records(sobject, {"Id": record_id}, include_deleted=True)[0]


def a_lead(org: Org, **fields: Any) -> str:
    return org.create_record("Lead", {"LastName": "Roe", "FirstName": "Jane", "Company": "Roe Ltd", **fields})


# --- merge (2.4)


@pytest.fixture
def pair(org: Org) -> tuple[str, str]:
    """The winner and the loser of a merge."""
    return org.create_record("Account", {"Name": "Winner"}), org.create_record("Account", {"Name": "Loser"})


def test_the_loser_goes_to_the_bin_and_names_the_winner(org: Org, pair: tuple[str, str]) -> None:
    master, loser = pair
    org.merge("Account", master, [loser], {"Industry": "Banking"})
    row = one(org, "Account", loser)
    assert (row["IsDeleted"], row["MasterRecordId"]) == (True, master)
    assert one(org, "Account", master)["Industry"] == "Banking"
    assert org.query("SELECT Id FROM Account").total == 1
    query = f"SELECT Id FROM Account WHERE MasterRecordId = '{master}'"
    assert [r["Id"] for r in org.query(query, include_deleted=True).records] == [loser]


CHILDREN: dict[str, tuple[str, dict[str, Any], str]] = {
    "contacts": ("Contact", {"LastName": "Doe"}, "AccountId"),
    "opportunities": (
        "Opportunity",
        {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01"},
        "AccountId",
    ),
    "cases": ("Case", {"Subject": "S"}, "AccountId"),
    "contracts": ("Contract", {}, "AccountId"),
    "daughters": ("Account", {"Name": "Daughter"}, "ParentId"),
}


@pytest.mark.parametrize("stamps", [True, False], ids=["stamped", "not stamped"])
@pytest.mark.parametrize(("sobject", "fields", "field"), CHILDREN.values(), ids=CHILDREN)
def test_children_move_to_the_winner(
    org: Org, pair: tuple[str, str], sobject: str, fields: dict[str, Any], field: str, stamps: bool
) -> None:
    org.set_switches(merge_stamps_children=stamps)
    child = org.create_record(sobject, {**fields, field: pair[1]})
    before = one(org, sobject, child)["SystemModstamp"]
    org.clock.advance(timedelta(hours=1))
    org.merge("Account", pair[0], [pair[1]])
    after = one(org, sobject, child)
    assert after[field] == pair[0]
    assert (after["SystemModstamp"] > before) is stamps


def test_activities_move_and_the_winner_was_last_active_then(org: Org, pair: tuple[str, str]) -> None:
    done = {"Subject": "Call", "Status": "Completed", "ActivityDate": "2026-08-20", "WhatId": pair[1]}
    task = org.create_record("Task", done)
    org.merge("Account", pair[0], [pair[1]])
    row = one(org, "Task", task)
    assert (row["WhatId"], row["AccountId"]) == (pair[0], pair[0])
    assert one(org, "Account", pair[0])["LastActivityDate"] == date(2026, 8, 20)


@pytest.mark.parametrize("stamps", [True, False], ids=["stamped", "not stamped"])
def test_whether_a_merge_stamps_the_loser_is_a_switch(org: Org, pair: tuple[str, str], stamps: bool) -> None:
    org.set_switches(merge_stamps_losers=stamps)
    org.clock.advance(timedelta(hours=1))
    org.merge("Account", pair[0], [pair[1]])
    assert (one(org, "Account", pair[1])["SystemModstamp"] == org.clock.now()) is stamps


def test_merged_people_are_in_a_campaign_once(org: Org) -> None:
    campaign = org.create_record("Campaign", {"Name": "C"})
    people = [org.create_record("Contact", {"LastName": n}) for n in "ab"]
    for person in people:
        org.create_record("CampaignMember", {"CampaignId": campaign, "ContactId": person})
    org.merge("Contact", people[0], people[1:])
    assert [m["ContactId"] for m in org.records("CampaignMember")] == [people[0]]
    assert one(org, "Campaign", campaign)["NumberOfContacts"] == 1


def test_a_task_with_a_merged_contact_is_about_the_account_of_the_winner(org: Org, pair: tuple[str, str]) -> None:
    winner, loser = (org.create_record("Contact", {"LastName": "x", "AccountId": a}) for a in pair)
    task = org.create_record("Task", {"Subject": "s", "WhoId": loser})
    org.merge("Contact", winner, [loser])
    assert one(org, "Task", task)["AccountId"] == pair[0]


def test_merges_chain(org: Org, pair: tuple[str, str]) -> None:
    last = org.create_record("Account", {"Name": "Last"})
    org.merge("Account", pair[0], [pair[1]])
    org.merge("Account", last, [pair[0]])
    assert one(org, "Account", pair[1])["MasterRecordId"] == pair[0]
    assert one(org, "Account", pair[0])["MasterRecordId"] == last


BAD_MERGES: dict[str, tuple[str, int, str]] = {
    "an object that cannot be merged": ("Contract", 1, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    "nothing to merge": ("Account", 0, "INVALID_NUMBER_OF_MERGE_RECORDS"),
    "four records": ("Account", 3, "INVALID_NUMBER_OF_MERGE_RECORDS"),
}


@pytest.mark.parametrize(("sobject", "losers", "code"), BAD_MERGES.values(), ids=BAD_MERGES)
def test_merges_that_are_refused(org: Org, sobject: str, losers: int, code: str, refusal: Refusal) -> None:
    account = org.create_record("Account", {"Name": "A"})
    fields = {"Name": "A"} if sobject == "Account" else {"AccountId": account}
    ids = [org.create_record(sobject, fields) for _ in range(losers + 1)]
    assert refusal(org.merge, sobject, ids[0], ids[1:]).code == code


def test_a_record_is_not_merged_into_itself(org: Org, account: str, refusal: Refusal) -> None:
    assert refusal(org.merge, "Account", account, [account]).code == "INVALID_ID_FIELD"


# --- conversion (7.3)


def test_a_lead_becomes_an_account_a_contact_and_an_opportunity(org: Org) -> None:
    lead = a_lead(org, Email="jane@roe.example", Industry="Banking", LeadSource="Web")
    made = org.convert_lead(lead)
    row = one(org, "Lead", lead)
    assert (row["IsConverted"], row["Status"], row["ConvertedDate"]) == (True, "Closed - Converted", date(2026, 9, 1))
    assert (row["ConvertedAccountId"], row["ConvertedContactId"]) == (made.account_id, made.contact_id)
    assert one(org, "Account", made.account_id)["Name"] == "Roe Ltd"
    contact = one(org, "Contact", made.contact_id)
    assert (contact["AccountId"], contact["Email"], contact["Name"]) == (
        made.account_id,
        "jane@roe.example",
        "Jane Roe",
    )
    deal = one(org, "Opportunity", made.opportunity_id or "")
    assert (deal["AccountId"], deal["StageName"], deal["IsClosed"]) == (made.account_id, "Prospecting", False)
    assert org.records("OpportunityContactRole")[0]["ContactId"] == made.contact_id


def test_a_lead_joins_an_existing_contact_and_fills_its_blanks(org: Org, account: str) -> None:
    contact = org.create_record("Contact", {"LastName": "Known", "AccountId": account})
    made = org.convert_lead(
        a_lead(org, Title="CFO"), Wish(account_id=account, contact_id=contact, with_opportunity=False)
    )
    assert (made.contact_id, made.opportunity_id) == (contact, None)
    row = one(org, "Contact", contact)
    assert (row["LastName"], row["Title"]) == ("Known", "CFO")


def test_the_membership_of_a_converted_lead_gets_the_contact_under_the_same_id(org: Org) -> None:
    campaign, lead = org.create_record("Campaign", {"Name": "C"}), a_lead(org)
    member = org.create_record("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    made = org.convert_lead(lead)
    row = one(org, "CampaignMember", member)
    assert (row["LeadId"], row["ContactId"], row["Type"]) == (lead, made.contact_id, "Contact")


def test_the_tasks_of_a_converted_lead_follow_the_person(org: Org) -> None:
    lead = a_lead(org)
    task = org.create_record("Task", {"Subject": "call", "WhoId": lead})
    made = org.convert_lead(lead)
    row = one(org, "Task", task)
    assert (row["WhoId"], row["WhatId"], row["AccountId"]) == (made.contact_id, made.opportunity_id, made.account_id)


def test_a_converted_lead_is_read_only(org: Org, refusal: Refusal) -> None:
    lead = a_lead(org)
    org.convert_lead(lead)
    for act in (lambda: org.update_record("Lead", lead, {"Title": "x"}), lambda: org.convert_lead(lead)):
        assert refusal(act).code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_a_conversion_that_does_not_fit_leaves_the_lead_alone(org: Org, account: str, refusal: Refusal) -> None:
    lead, stranger = a_lead(org), org.create_record("Contact", {"LastName": "Stranger"})
    wish = Wish(account_id=account, contact_id=stranger)
    assert refusal(org.convert_lead, lead, wish).code == "FIELD_INTEGRITY_EXCEPTION"
    assert refusal(org.convert_lead, lead, Wish(status="Open - Not Contacted")).code == "INVALID_STATUS"
    assert one(org, "Lead", lead)["IsConverted"] is False


# --- the recycle bin (2.4)


def test_undelete_brings_back_the_same_id_with_a_new_stamp(org: Org, pair: tuple[str, str]) -> None:
    contact = org.create_record("Contact", {"LastName": "Doe", "AccountId": pair[1]})
    org.delete_record("Account", pair[1])
    org.clock.advance(timedelta(hours=1))
    org.undelete_record("Account", pair[1])
    row = one(org, "Account", pair[1])
    assert (row["IsDeleted"], row["SystemModstamp"]) == (False, org.clock.now())
    assert one(org, "Contact", contact)["IsDeleted"] is False


def test_a_merged_record_that_comes_back_has_no_master(org: Org, pair: tuple[str, str]) -> None:
    org.merge("Account", pair[0], [pair[1]])
    org.undelete_record("Account", pair[1])
    assert one(org, "Account", pair[1])["MasterRecordId"] is None


@pytest.mark.parametrize("binned", [False, True], ids=["alive", "in the bin"])
def test_a_purge_leaves_nothing_but_empty_lookups(org: Org, account: str, binned: bool) -> None:
    daughter = org.create_record("Account", {"Name": "D", "ParentId": account})
    if binned:
        org.delete_record("Account", account)
    org.purge("Account", account)
    assert org.records("Account", {"Id": account}, include_deleted=True) == []
    assert one(org, "Account", daughter)["ParentId"] is None


def test_the_bin_keeps_records_for_fifteen_days(org: Org, account: str) -> None:
    contact = org.create_record("Contact", {"LastName": "Doe", "AccountId": account})
    org.delete_record("Account", account)
    org.clock.advance(timedelta(days=15))
    assert len(org.records("Contact", {"Id": contact}, include_deleted=True)) == 1
    org.clock.advance(timedelta(days=1))
    assert org.records("Account", {}, include_deleted=True) == []
    assert org.records("Contact", {}, include_deleted=True) == []


# --- archive (7.4)

ARCHIVED: dict[str, tuple[dict[str, Any], bool]] = {
    "a closed task of a year ago": ({"Status": "Completed", "ActivityDate": "2025-09-02"}, True),
    "an open task of a year ago": ({"ActivityDate": "2025-09-02"}, False),
    "a closed task of a day less": ({"Status": "Completed", "ActivityDate": "2025-09-03"}, False),
    "a closed task without a date": ({"Status": "Completed"}, False),
}


@pytest.mark.parametrize(("fields", "archived"), ARCHIVED.values(), ids=ARCHIVED)
def test_old_closed_tasks_are_archived_overnight(org: Org, fields: dict[str, Any], archived: bool) -> None:
    task = org.create_record("Task", {"Subject": "s", **fields})
    assert org.query("SELECT Id FROM Task").total == 1
    org.clock.advance(timedelta(days=1))
    row = one(org, "Task", task)
    assert row["IsArchived"] is archived
    assert row["SystemModstamp"] == row["CreatedDate"]
    assert org.query("SELECT Id FROM Task").total == (0 if archived else 1)
    assert org.query("SELECT Id FROM Task", include_deleted=True).total == 1


def test_a_closed_task_without_a_date_is_archived_a_year_after_its_creation(org: Org) -> None:
    task = org.create_record("Task", {"Subject": "s", "Status": "Completed"})
    org.clock.advance(timedelta(days=365))
    assert one(org, "Task", task)["IsArchived"] is True


@pytest.mark.parametrize("stamps", [True, False], ids=["stamped", "not stamped"])
def test_whether_archiving_stamps_is_a_switch(org: Org, stamps: bool) -> None:
    org.set_switches(archive_stamps=stamps)
    task = org.create_record("Task", {"Subject": "s", "Status": "Completed", "ActivityDate": "2025-01-01"})
    org.clock.advance(timedelta(days=1))
    row = one(org, "Task", task)
    assert (row["SystemModstamp"] > row["CreatedDate"]) is stamps


def test_archived_tasks_can_still_be_changed(org: Org) -> None:
    task = org.create_record("Task", {"Subject": "s", "Status": "Completed", "ActivityDate": "2025-01-01"})
    org.clock.advance(timedelta(days=1))
    org.update_record("Task", task, {"Description": "later"})
    assert one(org, "Task", task)["Description"] == "later"


@pytest.mark.parametrize("counts", [True, False], ids=["occupied", "free"])
@pytest.mark.parametrize("state", ["archived", "binned"])
def test_unique_keys_of_archived_and_binned_tasks_are_switches(
    org: Org, state: str, counts: bool, refusal: Refusal
) -> None:
    org.set_switches(unique_counts_archived=counts, unique_counts_deleted=counts)
    fields = {"Subject": "s", "Status": "Completed", "ActivityDate": "2025-01-01", "Key__c": "k"}
    task = org.create_record("Task", fields)
    if state == "binned":
        org.delete_record("Task", task)
    org.clock.advance(timedelta(days=1))
    if counts:
        assert refusal(org.create_record, "Task", fields).code == "DUPLICATE_VALUE"
    else:
        assert org.create_record("Task", fields) != task


# --- late commits (2.3)


def test_a_late_row_appears_with_an_older_stamp(client: Client) -> None:
    org, began = client.org, client.org.clock.now()
    org.write_late("Account", {"Name": "Late"}, visible_in=timedelta(minutes=5))
    org.clock.advance(timedelta(minutes=1))
    org.create_record("Account", {"Name": "Quick"})
    window = {"start": "2026-09-01T07:00:00Z", "end": "2026-09-01T09:00:00Z"}
    covered = client.send("GET", "sobjects/Account/updated", **window).body["latestDateCovered"]
    assert covered == "2026-09-01T08:00:00.000+0000"
    assert [r["Name"] for r in org.records("Account")] == ["Quick"]
    org.clock.advance(timedelta(minutes=4))
    rows = {r["Name"]: r["SystemModstamp"] for r in org.records("Account")}
    assert rows["Late"] == began < rows["Quick"]


def test_a_late_change_shows_late_and_survives_a_snapshot(org: Org, account: str) -> None:
    org.write_late("Account", {"Industry": "Banking"}, visible_in=timedelta(minutes=5), record_id=account)
    copy = Org.restore(org.snapshot(), clock=Clock(org.clock.now()))
    assert one(copy, "Account", account)["Industry"] is None
    copy.clock.advance(timedelta(minutes=5))
    assert one(copy, "Account", account)["Industry"] == "Banking"


# --- behind the curtain


def admin(client: Client, path: str, **body: Any) -> Any:
    call = make_call("POST", f"/__local__/{path}", {}, json.dumps(body).encode())
    reply = client.app.answer_other(call)
    assert reply.status == 200, reply.body
    return reply.body


def test_people_merge_convert_and_undelete_through_the_admin_endpoints(client: Client) -> None:
    org = client.org
    ids = [org.create_record("Account", {"Name": n}) for n in "ab"]
    admin(client, "merge", sobject="Account", master=ids[0], losers=ids[1:])
    assert one(org, "Account", ids[1])["MasterRecordId"] == ids[0]
    admin(client, "undelete", sobject="Account", id=ids[1])
    assert one(org, "Account", ids[1])["IsDeleted"] is False
    made = admin(client, "convert", lead=a_lead(org), account_id=ids[0])
    assert (made["account_id"], bool(made["opportunity_id"])) == (ids[0], True)
    admin(client, "purge", sobject="Account", id=ids[1])
    assert org.records("Account", {"Id": ids[1]}, include_deleted=True) == []
    stamped: datetime = org.clock.now()
    admin(client, "person", sobject="Account", fields={"Name": "Late"}, visible_in_seconds=60)
    org.clock.advance(timedelta(minutes=1))
    assert org.records("Account", {"Name": "Late"})[0]["SystemModstamp"] == stamped
