"""What the client may rely on, over HTTP against the local org: logins, writes and their refusals, lost replies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.errors import FixFirst, RetryLater
from connector.localorg.faults import Fault
from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer
from connector.salesforce import LostReply, OrgClient, OrgRefused, connect
from connector.settings import HttpSettings, OrgSettings

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
KEY_FIELD = {
    "sobject": "Activity",
    "name": "Key__c",
    "type": "string",
    "length": 255,
    "unique": True,
    "externalId": True,
}


@pytest.fixture
def server() -> Iterator[LocalOrgServer]:
    org = Org.create(clock=Clock(), seed=1)
    org.define_fields([{**KEY_FIELD, "label": "Key"}])
    org.add_client("key", "secret", org.add_user("connector@example.com"))
    with LocalOrgServer(org) as server:
        yield server
    org.close()


def client_of(server: LocalOrgServer, **changes: Any) -> OrgClient:
    given = {"instance_url": server.url, "client_id": "key", "client_secret": "secret", **changes}
    return connect(OrgSettings(**given), HttpSettings(attempts=3), sleep=lambda _: None)


# --- logins ----------------------------------------------------------------------------------------------------


def key_pair(folder: Path) -> tuple[Path, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = folder / "connector.pem"
    file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return file, public.decode()


def test_a_certificate_lets_us_in(server: LocalOrgServer, tmp_path: Path) -> None:
    file, public = key_pair(tmp_path)
    user = server.org.add_user("jwt@example.com")
    server.org.add_client("app", None, user, public_key_pem=public)
    client = client_of(server, auth="jwt", client_id="app", username="jwt@example.com", private_key_file=file)
    assert client.query("SELECT Id FROM Organization")


def test_another_key_does_not(server: LocalOrgServer, tmp_path: Path) -> None:
    file, _ = key_pair(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    user = server.org.add_user("jwt@example.com")
    server.org.add_client("app", None, user, public_key_pem=key_pair(other)[1])
    with pytest.raises(FixFirst, match="refused the login"):
        client_of(server, auth="jwt", client_id="app", username="jwt@example.com", private_key_file=file)


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [({"client_secret": "no"}, "CONNECTOR_ORG__CLIENT_SECRET"), ({"client_id": "no"}, "consumer key")],
    ids=["secret", "consumer key"],
)
def test_a_wrong_credential_is_named(server: LocalOrgServer, wrong: dict[str, str], advice: str) -> None:
    with pytest.raises(FixFirst, match=advice):
        client_of(server, **wrong)


def test_the_clock_is_the_orgs() -> None:
    org = Org.create(clock=Clock(NOW), seed=1)
    org.add_client("key", "secret")
    with LocalOrgServer(org) as server:
        client = client_of(server)
        assert client.org_now == NOW
        org.clock.advance(timedelta(days=3))
        client.query("SELECT Id FROM Organization")
        assert client.org_now == NOW + timedelta(days=3)


def test_the_org_counts_calls_as_we_do(server: LocalOrgServer) -> None:
    client = client_of(server)
    client.query("SELECT Id FROM User")
    client.describe("Account")
    client.create([("Account", {"Name": "Acme"})])
    assert client.usage.total == server.org.ledger.api_calls() == client.usage.used == 3
    assert client.usage.calls == {"query": 1, "describe": 1, "create": 1}
    assert client.usage.allowed == server.org.state.api_limit


# --- writing ---------------------------------------------------------------------------------------------------


def test_values_arrive_as_they_were_meant(server: LocalOrgServer) -> None:
    client = client_of(server)
    values = {
        "Name": 'Opp "quoted" ä',
        "StageName": "Prospecting",
        "CloseDate": date(2026, 12, 31),
        "Amount": Decimal("1234.56"),
        "Description": None,
    }
    (created,) = client.create([("Opportunity", values)])
    assert created.success
    assert created.id is not None
    assert len(created.id) == 18
    (record,) = client.retrieve("Opportunity", [created.id], ["Name", "CloseDate", "Amount", "Description"])
    assert record is not None
    found = {field: record[field] for field in ("Name", "CloseDate", "Amount", "Description")}
    assert found == {
        "Name": values["Name"], "CloseDate": "2026-12-31", "Amount": Decimal("1234.56"), "Description": None,
    }  # fmt: skip


def test_a_good_row_is_written_beside_a_bad_one(server: LocalOrgServer) -> None:
    client = client_of(server)
    good, bad = client.create([("Account", {"Name": "Good"}), ("Account", {"Name": None})])
    assert good.success
    assert (bad.success, bad.code, bad.kind) == (False, "REQUIRED_FIELD_MISSING", "record")
    assert bad.fields == ("Name",)


def test_a_unique_key_makes_the_second_insert_a_duplicate(server: LocalOrgServer) -> None:
    client = client_of(server)
    task = ("Task", {"Subject": "Call", "Status": "Not Started", "Priority": "Normal", "Key__c": "model:cta:1:2026-09"})
    assert client.create([task])[0].success
    (again,) = client.create([task])
    assert (again.code, again.kind) == ("DUPLICATE_VALUE", "identity")


def test_a_deleted_record_is_refused_and_retrieved_as_nothing(server: LocalOrgServer) -> None:
    client = client_of(server)
    account = server.org.create_record("Account", {"Name": "Gone"})
    server.org.delete_record("Account", account)
    (result,) = client.update([("Account", account, {"Name": "Back"})])
    assert (result.code, result.kind) == ("ENTITY_IS_DELETED", "identity")
    assert client.retrieve("Account", [account], ["Name"]) == [None]


def test_a_locked_row_is_for_another_round(server: LocalOrgServer) -> None:
    account = server.org.create_record("Account", {"Name": "Busy"})
    server.org.faults.add(Fault("row_lock", row=account))
    client = client_of(server)
    assert [r.kind for r in client.update([("Account", account, {"Name": "B"})])] == ["retry_row"]
    assert client.update([("Account", account, {"Name": "B"})])[0].success


def test_apex_that_fails_takes_its_chunk_with_it(server: LocalOrgServer) -> None:
    server.org.faults.add(Fault("apex_limit", row="Heavy"))
    results = client_of(server).create([("Account", {"Name": "Heavy"}), ("Account", {"Name": "Light"})])
    assert [r.kind for r in results] == ["bisect", "bisect"]


def test_every_write_turns_assignment_rules_off(server: LocalOrgServer) -> None:
    client_of(server).create([("Account", {"Name": "Acme"})])
    (write,) = server.org.ledger.writes()
    headers = {name.lower(): value.lower() for name, value in write.headers.items()}
    assert headers["sforce-auto-assign"] == "false"
    assert headers["sforce-duplicate-rule-header"] == "allowsave=true"


LOST = {"reset after": ("reset_after", 1), "answer cut off": ("truncated", 1), "reset before": ("reset_before", 0)}


@pytest.mark.parametrize(("kind", "written"), LOST.values(), ids=LOST.keys())
def test_a_write_without_an_answer_is_sent_once(server: LocalOrgServer, kind: Any, written: int) -> None:
    client = client_of(server)
    server.org.faults.add(Fault(kind, path="/composite/sobjects"))
    with pytest.raises(LostReply):
        client.create([("Account", {"Name": "Once"})])
    assert len(server.org.records("Account", {"Name": "Once"})) == written
    assert client.create([("Account", {"Name": "Then"})])[0].success


@pytest.mark.parametrize("kind", ["expired_session", "too_many_requests", "edge_page", "concurrent_limit"])
def test_a_write_that_was_turned_away_is_sent_again(server: LocalOrgServer, kind: Any) -> None:
    client = client_of(server)
    server.org.faults.add(Fault(kind, path="/composite/sobjects"))
    assert client.create([("Account", {"Name": "Once"})])[0].success
    assert len(server.org.records("Account", {"Name": "Once"})) == 1


def test_an_org_that_is_gone_was_not_written_to(server: LocalOrgServer) -> None:
    client = client_of(server)
    server.stop()
    with pytest.raises(RetryLater) as raised:
        client.create([("Account", {"Name": "Nobody"})])
    assert not isinstance(raised.value, LostReply)


def test_soql_that_is_refused_says_why(server: LocalOrgServer) -> None:
    with pytest.raises(OrgRefused, match="INVALID_FIELD") as raised:
        client_of(server).query("SELECT Nope__c FROM Account")
    assert raised.value.refusal.kind == "config"
