"""Group events (7.4): EventRelation, and the copies in the calendars of invited users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.localorg.org import Org, OrgError

Refusal = Callable[..., OrgError]


@pytest.fixture
def account(org: Org) -> str:
    return org.create_record("Account", {"Name": "Acme"})


@pytest.fixture
def contact(org: Org, account: str) -> str:
    return org.create_record("Contact", {"LastName": "Doe", "AccountId": account})


@pytest.fixture
def meeting(org: Org, account: str) -> str:
    fields = {"Subject": "qbr", "WhatId": account, "StartDateTime": "2026-09-02T10:00:00Z", "DurationInMinutes": 60}
    return org.create_record("Event", fields)


def invite(org: Org, meeting: str, person: str, **fields: Any) -> str:
    return org.create_record("EventRelation", {"EventId": meeting, "RelationId": person, **fields})


def row(org: Org, sobject: str, record_id: str) -> dict[str, Any]:
    return org.records(sobject, {"Id": record_id}, include_deleted=True)[0]


def copies(org: Org) -> list[dict[str, Any]]:
    return org.records("Event", {"IsChild": True})


def test_a_contact_who_is_invited_makes_a_group_event_without_a_copy(org: Org, meeting: str, contact: str) -> None:
    assert row(org, "Event", meeting)["GroupEventType"] == "0"
    relation = invite(org, meeting, contact)
    event = row(org, "Event", meeting)
    assert (event["IsGroupEvent"], event["GroupEventType"], event["IsChild"]) == (True, "1", False)
    assert row(org, "EventRelation", relation)["Status"] == "New"
    assert copies(org) == []


def test_a_user_who_is_invited_has_a_copy_that_changes_with_the_event(org: Org, meeting: str, account: str) -> None:
    user = org.add_user("olga@example.com")
    relation = invite(org, meeting, user)
    (copy,) = copies(org)
    assert (copy["OwnerId"], copy["AccountId"], copy["Subject"]) == (user, account, "qbr")
    org.update_record("Event", meeting, {"Subject": "review"})
    assert [c["Subject"] for c in copies(org)] == ["review"]
    org.delete_record("EventRelation", relation)
    assert copies(org) == []
    assert row(org, "Event", meeting)["IsGroupEvent"] is False


def test_the_owner_has_no_copy_of_the_own_event(org: Org, meeting: str) -> None:
    invite(org, meeting, row(org, "Event", meeting)["OwnerId"])
    assert copies(org) == []


def test_invitations_and_copies_go_and_come_with_the_event(org: Org, meeting: str, contact: str) -> None:
    user = org.add_user("olga@example.com")
    relations = {invite(org, meeting, person) for person in (user, contact)}
    org.delete_record("Event", meeting)
    assert org.records("EventRelation") == copies(org) == []
    org.undelete_record("Event", meeting)
    assert {r["Id"] for r in org.records("EventRelation")} == relations
    assert [c["OwnerId"] for c in copies(org)] == [user]
    assert row(org, "Event", meeting)["IsGroupEvent"] is True


def test_nobody_is_invited_to_a_copy(org: Org, meeting: str, contact: str, refusal: Refusal) -> None:
    invite(org, meeting, org.add_user("olga@example.com"))
    (copy,) = copies(org)
    assert refusal(invite, org, copy["Id"], contact).code == "FIELD_INTEGRITY_EXCEPTION"


def test_an_answer_is_one_of_the_known_ones(org: Org, meeting: str, contact: str, refusal: Refusal) -> None:
    relation = invite(org, meeting, contact)
    org.update_record("EventRelation", relation, {"Status": "Declined", "Response": "ill"})
    assert row(org, "EventRelation", relation)["Status"] == "Declined"
    error = refusal(org.update_record, "EventRelation", relation, {"Status": "Perhaps"})
    assert error.code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_who_is_invited_to_what_is_settled_once(org: Org, meeting: str, contact: str, refusal: Refusal) -> None:
    relation = invite(org, meeting, contact)
    error = refusal(org.update_record, "EventRelation", relation, {"RelationId": org.admin_id})
    assert error.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
