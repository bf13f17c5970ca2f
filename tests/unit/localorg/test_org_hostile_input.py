"""Whatever a client sends, the org answers with a refusal of its own or with success: nothing else ever comes out."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_client import CUSTOM, NOW, Client

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.org import Clock, Org, OrgError

QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_TEXT = """SELECT FROM WHERE AND OR NOT IN LIKE GROUP BY HAVING ORDER LIMIT OFFSET NULLS LAST ASC DESC COUNT() COUNT(Id)
Id Name Account Opportunity Task Owner.Name What.Type Amount IsWon CloseDate Tags__c INCLUDES TODAY LAST_N_DAYS:3 null
true 5 -1.5 2026-01-01 2026-01-01T00:00:00Z ( ) , = != < >= 'x' 'a\\'b' '%' FIELDS(ALL) : FOR VIEW USING SCOPE t"""
WORDS = _TEXT.split()


@pytest.fixture(scope="module")
def client() -> Client:
    org = Org.create(clock=Clock(NOW))
    org.define_fields(CUSTOM)
    org.create_record("Account", {"Name": "Acme"})
    return Client(org, LocalOrgApp(org), org.issue_token(), org.admin_id)


@QUIET
@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_any_words_as_soql(client: Client, words: list[str]) -> None:
    reply = client.query("SELECT " + " ".join(words))
    assert reply.status in (200, 400)


@QUIET
@given(st.text(max_size=60))
def test_any_text_as_soql(client: Client, text: str) -> None:
    with pytest.raises(OrgError) as caught:
        client.org.query(text)
    assert caught.value.code == "MALFORMED_QUERY"


@QUIET
@given(st.text(alphabet=string.printable + "äЖ🦄'\\%_", max_size=30))
def test_any_text_survives_a_round_trip(client: Client, text: str) -> None:
    account = client.org.create_record("Account", {"Name": "x", "Site": text})
    stored = client.org.records("Account", {"Id": account})[0]["Site"]
    assert stored == (text.strip() or None)
    if stored:
        quoted = stored.replace("\\", "\\\\").replace("'", "\\'")
        found = client.org.query(f"SELECT Id FROM Account WHERE Site = '{quoted}' AND Id = '{account}'")
        assert found.total == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "Name",
        "ParentId",
        "AnnualRevenue",
        "NumberOfEmployees",
        "Score__c",
        "Stage__c",
        "Tags__c",
        "BillingLatitude",
        "Parent",
        "attributes",
    ]
)


@QUIET
@given(st.dictionaries(FIELDS, JSON, max_size=5))
def test_any_body(client: Client, body: dict[str, Any]) -> None:
    assert client.send("POST", "sobjects/Account", body).status in (201, 400)


@QUIET
@given(JSON)
def test_any_body_of_a_collection_or_composite(client: Client, value: Any) -> None:
    for method, path, key in (
        ("POST", "composite/sobjects", "records"),
        ("PATCH", "composite/sobjects", "records"),
        ("POST", "composite", "compositeRequest"),
        ("POST", "composite/batch", "batchRequests"),
        ("POST", "composite/sobjects/Account", "ids"),
    ):
        for body in (
            value,
            {key: value},
            {key: [value]},
            {key: [{"attributes": value, "id": value, "method": value, "url": "x", "referenceId": "r"}]},
        ):
            assert client.send(method, path, body).status in (200, 400), (path, body)
