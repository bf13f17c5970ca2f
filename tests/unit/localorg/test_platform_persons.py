"""Person accounts (7.1): only where the feature is on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
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


# --- fields of the person (described as recorded; help, Account Fields: the suffix __pc)

LEVEL = {
    "sobject": "Contact",
    "name": "Level__c",
    "label": "Level",
    "type": "picklist",
    "restrictedPicklist": True,
    "picklistValues": [
        {"value": "Gold", "label": "Gold"},
        {"value": "Plain", "label": "Plain", "defaultValue": True},
    ],
}
CUSTOM = [
    LEVEL,
    {"sobject": "Contact", "name": "Key__c", "type": "string", "length": 20, "unique": True, "externalId": True},
    {"sobject": "Contact", "name": "Vip__c", "type": "boolean"},
    {"sobject": "Contact", "name": "Friend__c", "type": "reference", "referenceTo": ["Contact"],
     "relationshipName": "Friend__r", "childRelationshipName": "Friends__r"},
    {"sobject": "Contact", "name": "Shout__c", "type": "string", "length": 80, "calculated": True,
     "calculatedFormula": "UPPER(LastName)"},
]  # fmt: skip
DESCRIBES = Path(__file__).parents[4] / "shared" / "fixtures" / "cumulusci" / "describe"
RECORDING = DESCRIBES / "GET_sobjects_Account_PersonAccount_describe.json"
PERSON_NAMES = ("Name", "FirstName", "LastName", "Salutation")
NEWER = {"PersonIndividualId", "PersonPronouns", "PersonGenderIdentity", "DandbCompanyId"}


@pytest.fixture
def fielded(people: Org) -> Org:
    """An org with person accounts and custom fields of contacts."""
    people.define_fields(CUSTOM)
    return people


def described(org: Org, name: str, sobject: str = "Account", user: str | None = None) -> dict[str, Any] | None:
    return next((f for f in org.describe(sobject, user=user)["fields"] if f["name"] == name), None)


def test_standard_fields_of_persons_are_described_as_recorded(people: Org) -> None:
    if not RECORDING.exists():
        pytest.skip(f"no recorded traffic at {RECORDING}")
    body = json.loads(RECORDING.read_text())["response"]["body"]
    body = json.loads(body) if isinstance(body, str) else body
    real = {f["name"]: f for f in body["fields"] if not f["custom"]}
    ours = {f["name"]: f for f in people.describe("Account")["fields"]}
    assert set(real) - set(ours) <= NEWER
    keys = ("type", "label", "nillable", "createable", "updateable", "length", "nameField", "permissionable",
            "compoundFieldName", "relationshipName", "soapType")  # fmt: skip
    persons = [n for n in real if n in ours and (n.startswith("Person") or n in PERSON_NAMES)]
    assert len(persons) >= 40
    assert [(n, k, real[n][k], ours[n][k]) for n in persons for k in keys if real[n][k] != ours[n][k]] == []
    assert set(ours["PersonEmail"]) == set(real["PersonEmail"])


def test_custom_fields_of_contacts_are_on_accounts_with_another_suffix(fielded: Org) -> None:
    level, friend, vip = (described(fielded, n) for n in ("Level__pc", "Friend__pc", "Vip__pc"))
    assert level is not None
    assert friend is not None
    assert vip is not None
    assert (level["label"], level["type"], level["custom"], level["createable"]) == ("Level", "picklist", True, True)
    assert [v["value"] for v in level["picklistValues"]] == ["Gold", "Plain"]
    assert (friend["relationshipName"], friend["referenceTo"]) == ("Friend__pr", ["Contact"])
    assert (vip["nillable"], vip["defaultedOnCreate"], vip["permissionable"]) == (False, True, True)


def test_they_are_read_and_written_through(fielded: Org, person_type: str) -> None:
    row = make(fielded, person_type, Level__pc="Gold", Vip__pc=True)
    contact = fielded.records("Contact", {"Id": row["PersonContactId"]})[0]
    assert (contact["Level__c"], contact["Vip__c"]) == ("Gold", True)
    fielded.update_record("Account", row["Id"], {"Level__pc": None, "Friend__pc": contact["Id"]})
    contact = fielded.records("Contact", {"Id": row["PersonContactId"]})[0]
    assert (contact["Level__c"], contact["Friend__c"]) == (None, contact["Id"])
    fielded.update_record("Contact", contact["Id"], {"Level__c": "Plain", "LastName": "Roe", "Email": "r@x.example"})
    account = fielded.records("Account", {"Id": row["Id"]})[0]
    assert (account["Level__pc"], account["Name"], account["PersonEmail"]) == ("Plain", "Roe", "r@x.example")


def test_they_can_be_asked_for(fielded: Org, person_type: str) -> None:
    make(fielded, person_type, Level__pc="Gold", FirstName="Jane")
    fielded.create_record("Account", {"Name": "Company"})
    fields = "Name, Level__pc, Shout__pc, Friend__pr.Name, PersonContact.Level__c"
    [row] = fielded.query(f"SELECT {fields} FROM Account WHERE Level__pc = 'Gold'").records
    assert (row["Level__pc"], row["Shout__pc"], row["PersonContact"]["Level__c"]) == ("Gold", "DOE", "Gold")


def test_persons_get_the_defaults_of_contacts_and_companies_none(fielded: Org, person_type: str) -> None:
    assert make(fielded, person_type)["Level__pc"] == "Plain"
    company = fielded.create_record("Account", {"Name": "Company"})
    assert fielded.records("Account", {"Id": company})[0]["Level__pc"] is None


FIELD_REFUSED: dict[str, tuple[bool, dict[str, Any], str]] = {
    "a company's level": (False, {"Name": "A", "Level__pc": "Gold"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    "a company's email": (False, {"Name": "A", "PersonEmail": "a@x.example"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    "an unknown level": (True, {"LastName": "D", "Level__pc": "Tin"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
    "a key that a contact has": (True, {"LastName": "D", "Key__pc": "K1"}, "DUPLICATE_VALUE"),
    "what is computed": (True, {"LastName": "D", "Shout__pc": "D"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
}


@pytest.mark.parametrize(("person", "fields", "code"), FIELD_REFUSED.values(), ids=FIELD_REFUSED)
def test_what_fields_of_persons_may_not_hold(
    fielded: Org, person_type: str, refusal: Refusal, person: bool, fields: dict[str, Any], code: str
) -> None:
    fielded.create_record("Contact", {"LastName": "C", "Key__c": "K1"})
    given = {**fields, "RecordTypeId": person_type} if person else fields
    assert refusal(fielded.create_record, "Account", given).code == code


def test_a_field_that_contacts_must_have_persons_must_have(people: Org, person_type: str, refusal: Refusal) -> None:
    must = {"sobject": "Contact", "name": "Must__c", "type": "string", "length": 5, "nillable": False}
    people.define_fields([must])
    person = {"LastName": "Doe", "RecordTypeId": person_type}
    assert refusal(people.create_record, "Account", person).fields == ("Must__pc",)
    assert people.create_record("Account", {**person, "Must__pc": "x"})
    assert people.create_record("Account", {"Name": "Company"})


def test_the_security_of_the_contacts_field_counts(fielded: Org) -> None:
    """Field-level security of a person's field is that of the field of Contact (help, Account Fields)."""
    user = fielded.add_user("integration@example.com")
    fielded.hide_field(user, "Contact", "Level__c")
    fielded.make_field_read_only(user, "Contact", "Email")
    assert described(fielded, "Level__pc", user=user) is None
    email = described(fielded, "PersonEmail", user=user)
    assert email is not None
    assert (email["createable"], email["updateable"]) == (False, False)


def test_orgs_without_persons_have_no_such_fields(org: Org) -> None:
    org.define_fields([LEVEL])
    assert described(org, "Level__pc") is None
