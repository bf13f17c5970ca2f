"""Person accounts (7.1): only where the feature is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_client import NOW

from connector.localorg.org import Clock, Org, OrgError

Refusal = Callable[..., OrgError]


@pytest.fixture
def people() -> Iterator[Org]:
    """An org with person accounts."""
    org = Org.create(clock=Clock(NOW), features=["PersonAccounts"])
    yield org
    org.close()


@pytest.fixture
def person_type(people: Org) -> str:
    """The record type of persons."""
    return people.setup.add_record_type("Account", "Person", person=True)


def make(org: Org, record_type: str, **fields: Any) -> dict[str, Any]:
    made = org.create_record("Account", {"LastName": "Doe", "RecordTypeId": record_type, **fields})
    return org.records("Account", {"Id": made})[0]


def test_a_person_has_a_derived_name_and_a_contact_of_its_own(people: Org, person_type: str) -> None:
    row = make(people, person_type, FirstName="Jane", PersonEmail="jane@x.example")
    assert (row["Name"], row["IsPersonAccount"]) == ("Jane Doe", True)
    contact = people.records("Contact", {"Id": row["PersonContactId"]})[0]
    assert (contact["Name"], contact["Email"], contact["AccountId"]) == ("Jane Doe", "jane@x.example", row["Id"])
    people.update_record("Account", row["Id"], {"LastName": "Roe", "PersonEmail": "roe@x.example"})
    contact = people.records("Contact", {"Id": row["PersonContactId"]})[0]
    assert (contact["Name"], contact["Email"]) == ("Jane Roe", "roe@x.example")
    assert people.query("SELECT PersonContact.Email FROM Account").records[0]["PersonContact"]["Email"]


REFUSED: dict[str, tuple[bool, dict[str, Any], str]] = {
    "a person's name": (True, {"Name": "Jane", "LastName": "Doe"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    "a person without last name": (True, {"FirstName": "Jane"}, "REQUIRED_FIELD_MISSING"),
    "a company with a last name": (False, {"Name": "A", "LastName": "Doe"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    "a company without a name": (False, {}, "REQUIRED_FIELD_MISSING"),
    "a flag set by hand": (True, {"LastName": "D", "IsPersonAccount": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
}


@pytest.mark.parametrize(("person", "fields", "code"), REFUSED.values(), ids=REFUSED)
def test_what_persons_and_companies_may_not_have(
    people: Org, person_type: str, refusal: Refusal, person: bool, fields: dict[str, Any], code: str
) -> None:
    given = {**fields, "RecordTypeId": person_type} if person else fields
    assert refusal(people.create_record, "Account", given).code == code


def test_merging_persons_merges_their_contacts(people: Org, person_type: str, refusal: Refusal) -> None:
    first, second = make(people, person_type), make(people, person_type)
    people.merge("Account", first["Id"], [second["Id"]])
    contact = people.records("Contact", {"Id": second["PersonContactId"]}, include_deleted=True)[0]
    assert (contact["IsDeleted"], contact["MasterRecordId"]) == (True, first["PersonContactId"])
    company = people.create_record("Account", {"Name": "Company"})
    assert refusal(people.merge, "Account", company, [first["Id"]]).code == "FIELD_INTEGRITY_EXCEPTION"


def test_other_orgs_know_nothing_of_persons(org: Org) -> None:
    assert not org.schema.get("Account").has("PersonEmail")
    assert not org.schema.get("Contact").has("IsPersonAccount")
