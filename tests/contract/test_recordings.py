"""Every recording of a real org is asked of the local org too, or listed with the reason why it is not.

Keys, types, statuses and refusals are compared; every reason must be needed, and no recording may be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from replay import (
    INTERACTIONS,
    NOT_ASKED,
    RECORDINGS,
    Replayer,
    differences,
    interactions,
    new_replayer,
    read_json,
    reason_of,
)

from connector.localorg.org import Clock, Org

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def snapshot() -> bytes:
    """A few records of each object that the recordings are about."""
    if not RECORDINGS.exists():
        pytest.skip(f"no recorded traffic at {RECORDINGS}")
    org = Org.create(clock=Clock(NOW))
    org.define_fields(
        [
            {"sobject": "Account", "name": "Ext__c", "type": "string", "unique": True, "externalId": True},
            {"sobject": "Account", "name": "Old__c", "type": "string", "externalId": True},
        ]
    )
    campaign = org.create_record("Campaign", {"Name": "Sample"})
    product = org.create_record("Product2", {"Name": "Sample", "IsActive": True, "Family": "None"})
    book = org.create_record("Pricebook2", {"Name": "Sample", "IsActive": True})
    price = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 5, "IsActive": True}
    entry = org.create_record("PricebookEntry", price)
    for n in range(12):
        account = {"Name": f"Sample {n}", "AccountNumber": str(n), "Old__c": "7", "AnnualRevenue": 5.5 * n}
        place = org.create_record("Account", account)
        person = {"LastName": "Doe", "FirstName": "Jo", "Email": f"{n}@example.com", "AccountId": place}
        org.create_record("Contact", person)
        deal = {"Name": f"Deal {n}", "StageName": "Prospecting", "CloseDate": "2026-09-01", "Pricebook2Id": book}
        deal_id = org.create_record("Opportunity", {**deal, "AccountId": place, "CampaignId": campaign, "Amount": 5.0})
        line = {"OpportunityId": deal_id, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": 5}
        org.create_record("OpportunityLineItem", line)
    return org.snapshot()


@pytest.fixture
def replayer(snapshot: bytes) -> Replayer:
    made = new_replayer(snapshot, Clock(NOW))
    made.ids["00D0xORGID00000000"] = made.org.state.org_id
    return made


# --- whole conversations


@pytest.mark.parametrize("name", interactions())
def test_conversation(name: str, replayer: Replayer) -> None:
    recorded = read_json(RECORDINGS / INTERACTIONS / f"{name}.json")["interactions"]
    asked = [i for i in recorded if "include" not in i and reason_of(name, i) is None]
    assert [(i["request"]["uri"], found) for i in asked if (found := _ungranted(replayer, i))] == []


def _ungranted(replayer: Replayer, interaction: dict[str, Any]) -> list[str]:
    """What differs, but for fields of Organization, of which this org has those that clients ask for."""
    of_the_org = "/sobjects/Organization/" in interaction["request"]["uri"]
    return [d for d in replayer.compare(interaction) if not (of_the_org and d.endswith(": missing"))]


def test_every_reason_is_needed(snapshot: bytes) -> None:
    """A reason that explains nothing would hide the next difference."""
    used: set[str | None] = set()
    for name in interactions():
        replayer = new_replayer(snapshot, Clock(NOW))
        for interaction in read_json(RECORDINGS / INTERACTIONS / f"{name}.json")["interactions"]:
            why = None if "include" in interaction else reason_of(name, interaction)
            if why is not None and replayer.compare(interaction):
                used.add(why)
    assert set(NOT_ASKED) - used == set()


# --- single answers

Ask = Callable[[Replayer], Any]
BASE = "/services/data/v66.0"
TOKEN = "/services/oauth2/token"


def get(path: str, **query: str) -> Ask:
    return lambda r: r.ask("GET", f"{BASE}/{path}" + (f"?{urlencode(query)}" if query else "")).body


def soql(text: str) -> Ask:
    return get("query", q=text)


def one(sobject: str) -> Callable[[Replayer], str]:
    return lambda r: str(r.org.records(sobject)[0]["Id"])


def token(**form: str) -> Ask:
    def ask(replayer: Replayer) -> Any:
        user = replayer.org.add_user("integration@example.com")
        replayer.org.add_client("key", "secret", user)
        form.setdefault("refresh_token", replayer.org.issue_refresh_token("key", user))
        whole = {"client_id": "key", "client_secret": "secret", **form}
        return replayer.post_form(TOKEN, whole).body

    return ask


def shown(sobject: str, **query: str) -> Ask:
    return lambda r: get(f"sobjects/{sobject}/{one(sobject)(r)}", **query)(r)


def expired(replayer: Replayer) -> Any:
    replayer.token = "00D000000000001!nonsense"
    return get("limits")(replayer)


def paged(replayer: Replayer) -> Any:
    replayer.org.load("Account", [{"Name": f"More {n}"} for n in range(2000)])
    return soql("SELECT Name FROM Account")(replayer)


def last_page(replayer: Replayer) -> Any:
    return replayer.ask("GET", paged(replayer)["nextRecordsUrl"]).body


def written(method: str, path: str, body: Any) -> Ask:
    return lambda r: r.ask(method, f"{BASE}/{path}", body).body


def rolled_back(replayer: Replayer) -> Any:
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-09-01"}
    requests = [
        {"method": "POST", "url": f"{BASE}/sobjects/Opportunity", "referenceId": name, "body": {**deal, **more}}
        for name, more in {"NewPayment1": {}, "NewPayment2": {"Account": {"Ext__c": "0116"}}}.items()
    ]
    answer = replayer.ask("POST", f"{BASE}/composite", {"allOrNone": True, "compositeRequest": requests}).body
    text = answer["compositeResponse"][1]["body"][0]
    text["message"] = text["message"].replace(
        "Ext__c in entity Account", "Invoice_External_Id__c in entity blng__Invoice__c"
    )
    return answer


def window(kind: str) -> Ask:
    def ask(replayer: Replayer) -> Any:
        replayer.org.delete_record("Account", one("Account")(replayer))
        replayer.org.clock.advance(NOW - NOW.replace(minute=0, hour=7))
        return get(f"sobjects/Account/{kind}", start="2026-09-01T07:00:00Z", end="2026-09-01T08:30:00Z")(replayer)

    return ask


SINGLE: dict[str, tuple[Ask, str]] = {
    "camel/composite_response_example_failure.json": (rolled_back, ""),
    "camel/limits.json": (
        get("limits"),
        r"^\.(Daily(Bulk|Durable|Generic|Stream)|Durable|Hourly|Monthly|Mass|Single|Stream|Permis)\w+:",
    ),
    "restforce/auth_error_response.json": (token(grant_type="client_credentials", client_secret="wrong"), ""),
    "restforce/auth_success_response.json": (token(grant_type="client_credentials"), r"^\.(scope|token_type): not"),
    "restforce/refresh_success_response.json": (token(grant_type="refresh_token"), r"^\.(scope|token_type): not"),
    "restforce/reauth_success_response.json": (token(grant_type="client_credentials"), r"^\.(scope|token_type): not"),
    "restforce/refresh_error_response.json": (token(grant_type="refresh_token", refresh_token="wrong"), ""),
    "restforce/expired_session_response.json": (expired, ""),
    "restforce/services_data_success_response.json": (lambda r: r.ask("GET", "/services/data/").body, ""),
    "restforce/sobject/create_success_response.json": (written("POST", "sobjects/Account", {"Name": "A"}), ""),
    "restforce/sobject/delete_error_response.json": (written("DELETE", "sobjects/Account/rid", None), ""),
    "restforce/sobject/sobject_find_error_response.json": (get("sobjects/Account/23foo"), ""),
    "restforce/sobject/sobject_describe_error_response.json": (get("sobjects/Foo"), ""),
    "restforce/sobject/upsert_created_success_response.json": (
        written("PATCH", "sobjects/Account/Ext__c/1", {"Name": "A"}),
        r"^\.created: not recorded",
    ),
    "restforce/sobject/upsert_error_response.json": (written("PATCH", "sobjects/Account/Namez/1", {"Name": "A"}), ""),
    "restforce/sobject/upsert_multiple_error_response.json": (
        written("PATCH", "sobjects/Account/Old__c/7", {"Name": "A"}),
        "",
    ),
    "restforce/sobject/write_error_response.json": (written("POST", "sobjects/Account", {"foo": 1}), r"Bar"),
    "restforce/sobject/get_deleted_success_response.json": (window("deleted"), ""),
    "restforce/sobject/get_updated_success_response.json": (window("updated"), ""),
    "restforce/sobject/org_query_response.json": (soql("SELECT Id FROM Organization"), ""),
    "restforce/sobject/query_empty_response.json": (soql("SELECT Id FROM Account WHERE Name = 'nobody'"), ""),
    "restforce/sobject/query_error_response.json": (soql("SELECT Naem FROM Account"), r"error_message"),
    "restforce/sobject/query_aggregate_success_response.json": (
        soql("SELECT CampaignId, SUM(Amount) FROM Opportunity GROUP BY CampaignId"),
        "",
    ),
    "restforce/sobject/query_paginated_first_page_response.json": (paged, r"(Name: not|Text_Label: missing)"),
    "restforce/sobject/query_paginated_last_page_response.json": (last_page, r"(Name: not|Text_Label: missing)"),
    "restforce/sobject/sobject_select_success_response.json": (
        shown("Account", fields="Ext__c,Id"),
        r"(Ext__c: not|External_Field__c: missing)",
    ),
}
"""What is asked for each recorded answer, and which differences are no matter: names of another org's objects and
fields, texts that the recording's publisher has replaced, keys that newer versions added."""


@pytest.mark.parametrize("path", SINGLE)
def test_single_answer(path: str, replayer: Replayer) -> None:
    ask, granted = SINGLE[path]
    found = differences(ask(replayer), read_json(RECORDINGS / path))
    assert [d for d in found if not granted or not re.search(granted, d)] == []
    assert not granted or found, "this difference is no more: take it out of the table"


PLUGIN = "plugin-data/soqlQuery.json"
OTHER_QUERIES = {"queryWithNestedObject": "the Tooling API comes with a later issue"}


def test_queries_of_the_command_line(replayer: Replayer) -> None:
    for name, recorded in read_json(RECORDINGS / PLUGIN).items():
        told = recorded.get("soqlQueryResult", recorded)
        if name in OTHER_QUERIES:
            assert replayer.ask("GET", f"{BASE}/query?q={quote(told['query'])}").status == 400
            continue
        answer = replayer.ask("GET", f"{BASE}/query?q={quote(told['query'])}")
        assert (answer.status, _page_keys(differences(answer.body, told["result"]))) == (200, []), name


def _page_keys(found: list[str]) -> list[str]:
    """The recordings of pages were made with a page of one record, which no header asks for."""
    return [d for d in found if not re.match(r"^\.nextRecordsUrl", d)]


# --- descriptions

DESCRIBES = "cumulusci/describe/GET_sobjects"
PERSON, ORGANIZATION = f"{DESCRIBES}_Account_PersonAccount_describe.json", f"{DESCRIBES}_Organization.json"
MODELS = "NetCoreForce/models/fields_v41.json"


def test_account_of_an_org_with_persons() -> None:
    org = Org.create(clock=Clock(NOW), features=["PersonAccounts"])
    ours = {f["name"]: f for f in org.describe("Account")["fields"]}
    theirs = {f["name"]: f for f in _recorded(PERSON)["response"]["body"]["fields"]}
    assert {n for n in ours if n not in theirs} == set()
    keys = ("type", "nillable", "custom", "soapType", "relationshipName")
    different = [(n, k, ours[n][k], theirs[n][k]) for n in ours for k in keys if ours[n][k] != theirs[n][k]]
    assert different == []


def test_organization(replayer: Replayer) -> None:
    ours = shown("Organization")(replayer)
    assert [d for d in differences(ours, _recorded(ORGANIZATION)["response"]["body"]) if "missing" not in d] == []


def test_fields_of_objects_without_a_recorded_describe(replayer: Replayer) -> None:
    """Types and rights of Task, CampaignMember and the others as generated from a describe of API 41.0."""
    found = []
    for sobject, fields in _recorded(MODELS)["objects"].items():
        definition = replayer.org.schema.find(sobject)
        ours = {} if definition is None else definition.fields
        for real in fields:
            own = ours.get(real["name"].lower())
            keys = ("type", "nillable", "createable", "updateable")
            found += [(sobject, real["name"], k, own.raw[k], real[k]) for k in keys if own and own.raw[k] != real[k]]
    assert {f[:3] for f in found} == set(MODEL_DIFFERENCES)


MODEL_DIFFERENCES = {("RecordType", "BusinessProcessId", "type"): "BusinessProcess is no object of this org"}


def _recorded(path: str) -> Any:
    if not RECORDINGS.exists():
        pytest.skip(f"no recorded traffic at {RECORDINGS}")
    return read_json(RECORDINGS / path)


# --- all of them

ELSEWHERE = {
    "plugin-data/queryFields.json": "test_columns.py",
    f"{DESCRIBES}_(Account|Contact|Case|Event|Lead|Opportunity|OpportunityContactRole)_describe.json": (
        "tests/unit/localorg/test_schema.py: every key of every field, and picklists"
    ),
    f"{DESCRIBES}_(Custom__c|Global)_describe.json": "tests/unit/localorg/test_org_schema.py: keys",
}
NOT_COMPARED = {
    "restforce/sobject/(describe_sobjects|list_sobjects|sobject_describe|sobject_find)_success_response.json": (
        "of API 20.0 and cut down by hand; describes of today are compared in test_schema.py"
    ),
    "restforce/sobject/query_success_response.json": "keys made up by hand; children are compared with plugin-data",
    "restforce/sobject/(list_view_results|recent|search)_\\w+.json": "no part of the surface",
    "restforce/sobject/upsert_updated_success_response.json": "empty: before 46.0 an update by key had no body",
}


def test_no_recording_is_forgotten() -> None:
    if not RECORDINGS.exists():
        pytest.skip(f"no recorded traffic at {RECORDINGS}")
    files = {p.relative_to(RECORDINGS).as_posix() for p in RECORDINGS.rglob("*.json")}
    known = {*SINGLE, PLUGIN, PERSON, ORGANIZATION, MODELS, *(f"{INTERACTIONS}/{name}.json" for name in interactions())}
    listed = [*ELSEWHERE, *NOT_COMPARED]
    assert {f for f in files - known if not any(re.fullmatch(p, f) for p in listed)} == set()
    assert [p for p in listed if not any(re.fullmatch(p, f) for f in files - known)] == []
    assert known - files == set()
