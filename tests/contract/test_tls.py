"""The local org over https: libraries that insist on it (the official CLI among them) must trust its authority."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
import requests
from simple_salesforce import Salesforce

from connector.errors import FixFirst
from connector.localorg.faults import Fault
from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer
from connector.localorg.tls import CA_FILE, make_tls
from connector.salesforce import connect
from connector.settings import HttpSettings, OrgSettings

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_trust_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have told clients whom to trust."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalOrgServer]:
    """An org that speaks TLS."""
    org = Org.create(clock=Clock(NOW))
    org.add_client("key", "secret")
    with LocalOrgServer(org, tls=make_tls(tmp_path / "made")) as running:
        yield running


@pytest.fixture
def ca_file(server: LocalOrgServer) -> str:
    """The file that clients must trust."""
    assert server.tls is not None
    return str(server.tls.ca_file)


def test_a_client_that_trusts_the_authority_gets_answers_on_one_connection(
    server: LocalOrgServer, ca_file: str
) -> None:
    session = requests.Session()
    session.verify = ca_file
    for _ in range(3):
        assert session.get(f"{server.url}/services/data", timeout=10).status_code == 200
    pools = session.get_adapter(server.url).poolmanager.pools  # type: ignore[attr-defined]
    assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118 - no ordinary mapping


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_printed_variables_do_what_they_say(
    server: LocalOrgServer, ca_file: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, ca_file)
    if variable == "REQUESTS_CA_BUNDLE":
        assert requests.get(f"{server.url}/services/data", timeout=10).ok
    else:
        assert urlopen(f"{server.url}/services/data", timeout=10).status == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_certificate_is_for_every_name_of_loopback(server: LocalOrgServer, ca_file: str, name: str) -> None:
    assert requests.get(f"https://{name}:{server.port}/services/data", verify=ca_file, timeout=10).ok


def test_a_client_that_does_not_trust_it_refuses(server: LocalOrgServer) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        requests.get(f"{server.url}/services/data", timeout=10)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"http://127.0.0.1:{server.port}/services/data", timeout=10)


def test_strict_verification_passes(server: LocalOrgServer, ca_file: str) -> None:
    """Python 3.13 checks certificates by RFC 5280 to the letter unless told otherwise."""
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        secured = context.wrap_socket(plain, server_hostname="localhost")
        assert secured.version() == "TLSv1.3"
        secured.close()


def test_a_client_that_never_speaks_holds_up_nobody(server: LocalOrgServer, ca_file: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port)):
        assert requests.get(f"{server.url}/services/data", verify=ca_file, timeout=5).ok


def test_addresses_in_answers_are_https(server: LocalOrgServer, ca_file: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"}
    answer = requests.post(f"{server.url}/services/oauth2/token", data=form, verify=ca_file, timeout=10).json()
    assert answer["instance_url"] == server.url
    assert answer["id"].startswith("https://")


def test_simple_salesforce_insists_on_https_and_works(server: LocalOrgServer, ca_file: str) -> None:
    session = requests.Session()
    session.verify = ca_file
    client = Salesforce(instance_url=server.url, session_id=server.org.issue_token(), session=session, version="66.0")
    made = client.Account.create({"Name": "Acme"})
    assert client.query("SELECT Name FROM Account")["records"][0]["Name"] == "Acme"
    assert client.Account.delete(made["id"]) == 204


def test_connections_can_be_cut(server: LocalOrgServer, ca_file: str) -> None:
    server.org.faults.add(Fault("reset_before", path="limits"))
    headers = {"Authorization": f"Bearer {server.org.issue_token()}"}
    url = f"{server.url}/services/data/v66.0/limits"
    with pytest.raises(requests.ConnectionError):
        requests.get(url, headers=headers, verify=ca_file, timeout=10)
    assert requests.get(url, headers=headers, verify=ca_file, timeout=10).ok


def test_the_connector_itself_comes_in_over_https(server: LocalOrgServer, ca_file: str) -> None:
    org = OrgSettings(instance_url=server.url, client_id="key", client_secret="secret")
    trusting = connect(org, HttpSettings(attempts=1, ca_bundle=Path(ca_file)), sleep=lambda _: None)
    assert trusting.describe("Account")["name"] == "Account"
    with pytest.raises(FixFirst, match="ca_bundle"):
        connect(org, HttpSettings(attempts=1), sleep=lambda _: None)


def test_only_the_authoritys_certificate_is_left_on_disk(server: LocalOrgServer, tmp_path: Path) -> None:
    files = list((tmp_path / "made").iterdir())
    assert [f.name for f in files] == [CA_FILE]
    assert "PRIVATE KEY" not in files[0].read_text()
