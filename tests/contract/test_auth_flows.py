"""Every way of logging in, over HTTP against the local org: rotation, expiry, restarts, and what is told of it."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.errors import FixFirst, RetryLater
from connector.localorg import sessions
from connector.localorg.faults import Fault
from connector.localorg.org import Clock, Org
from connector.localorg.server import BoundaryEvent, DropConnectionError, LocalOrgServer
from connector.localorg.tls import make_tls
from connector.salesforce import OrgClient, OrgRefused, connect
from connector.salesforce.kept_token import FILE
from connector.settings import HttpSettings, OrgSettings

SOQL = "SELECT Id FROM Organization"
TOKEN_PATH = "/services/oauth2/token"


@pytest.fixture
def server() -> Iterator[LocalOrgServer]:
    org = Org.create(clock=Clock(), seed=1)
    org.add_client("key", "system-secret", org.add_user("connector@example.com"))
    org.add_client("public", None, rotates_refresh_token=True)
    org.add_client("app", "app-secret", rotates_refresh_token=True)
    org.add_client("steady", "app-secret")
    with LocalOrgServer(org) as server:
        yield server
    org.close()


def log_in(
    server: LocalOrgServer, folder: Path | None = None, http: HttpSettings | None = None, **org: Any
) -> OrgClient:
    settings = OrgSettings(**{"instance_url": server.url, **org})
    return connect(settings, http or HttpSettings(attempts=3), sleep=lambda _: None, folder=folder)


def by_refresh(
    server: LocalOrgServer, folder: Path | None, token: str, app: str = "app", secret: str = "app-secret"
) -> OrgClient:
    return log_in(server, folder, auth="refresh_token", client_id=app, client_secret=secret, refresh_token=token)


def logins(server: LocalOrgServer) -> int:
    return sum(e.path == TOKEN_PATH for e in server.org.ledger.entries)


def expire(server: LocalOrgServer) -> None:
    sessions.end_sessions(server.org.state)


# --- refresh tokens -------------------------------------------------------------------------------------------

APPS = {
    "rotation": ("app", "app-secret", True),
    "rotation, a public client without a secret": ("public", "", True),
    "no rotation": ("steady", "app-secret", False),
}


@pytest.mark.parametrize(("app", "secret", "rotates"), APPS.values(), ids=APPS.keys())
def test_run_after_run_with_the_token_that_was_configured_once(
    server: LocalOrgServer, tmp_path: Path, app: str, secret: str, rotates: bool
) -> None:
    first = server.org.issue_refresh_token(app)
    for _ in range(3):
        assert by_refresh(server, tmp_path, first, app, secret).query(SOQL)
    assert (first in server.org.state.grants) is not rotates
    assert (tmp_path / FILE).exists() is rotates


def test_a_session_that_ends_is_renewed_by_the_newest_token(server: LocalOrgServer, tmp_path: Path) -> None:
    client = by_refresh(server, tmp_path, server.org.issue_refresh_token("app"))
    for _ in range(3):
        expire(server)
        assert client.query(SOQL)
    assert logins(server) == 4


def test_two_schedulers_on_one_store_do_not_lock_each_other_out(server: LocalOrgServer, tmp_path: Path) -> None:
    first = server.org.issue_refresh_token("app")
    clients = [by_refresh(server, tmp_path, first) for _ in range(4)]
    failed: list[BaseException] = []

    def work(client: OrgClient) -> None:
        try:
            for _ in range(5):
                expire(server)
                client.query(SOQL)
        except OrgRefused:
            pass  # another thread ended the session that was just begun: what is looked at is the refresh token
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert by_refresh(server, tmp_path, first).query(SOQL)


def test_the_new_token_is_on_disk_before_the_access_token_is_used(server: LocalOrgServer, tmp_path: Path) -> None:
    """Killed at the first request with the new access token, the next process still gets in."""
    first = server.org.issue_refresh_token("app")

    def kill(event: BoundaryEvent) -> None:
        if event.when == "before_request" and event.path != TOKEN_PATH:
            raise DropConnectionError

    server.on_boundary = kill
    with pytest.raises(RetryLater):
        by_refresh(server, tmp_path, first).query(SOQL)
    server.on_boundary = None
    assert json.loads((tmp_path / FILE).read_text())["refresh_token"] in server.org.state.grants
    assert by_refresh(server, tmp_path, first).query(SOQL)


def test_a_token_that_another_program_used_up_needs_a_new_login_and_that_suffices(
    server: LocalOrgServer, tmp_path: Path
) -> None:
    first = server.org.issue_refresh_token("app")
    by_refresh(server, tmp_path, first)
    server.org.state.grants.clear()
    with pytest.raises(FixFirst, match=r"CONNECTOR_ORG__REFRESH_TOKEN.*goes before"):
        by_refresh(server, tmp_path, first)
    assert by_refresh(server, tmp_path, server.org.issue_refresh_token("app")).query(SOQL)


def test_tokens_may_come_from_another_address_later(server: LocalOrgServer, tmp_path: Path) -> None:
    """The successor is the org's and the app's, whichever host hands it out."""
    first = server.org.issue_refresh_token("app")
    by_refresh(server, tmp_path, first)
    elsewhere = server.url.replace("127.0.0.1", "localhost") + TOKEN_PATH
    settings = {"client_id": "app", "client_secret": "app-secret", "refresh_token": first, "token_url": elsewhere}
    assert log_in(server, tmp_path, auth="refresh_token", **settings).query(SOQL)


def test_a_login_without_any_refresh_token_says_where_to_put_one(server: LocalOrgServer, tmp_path: Path) -> None:
    with pytest.raises(FixFirst, match="CONNECTOR_ORG__REFRESH_TOKEN"):
        by_refresh(server, tmp_path, "")
    assert logins(server) == 0


# --- a token given by hand ------------------------------------------------------------------------------------


def a_token(server: LocalOrgServer) -> str:
    form = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "system-secret"}
    return str(requests.post(server.url + TOKEN_PATH, data=form, timeout=10).json()["access_token"])


def test_a_token_given_by_hand_is_used_and_the_clock_is_known_before_the_first_call(server: LocalOrgServer) -> None:
    client = log_in(server, auth="access_token", access_token=a_token(server))
    assert client.org_now == server.org.clock.now()
    assert client.usage.total == server.org.ledger.api_calls() == 0
    assert client.query(SOQL)
    assert logins(server) == 1, "the test's own"


def test_a_token_given_by_hand_that_has_expired_is_said_to_be_and_not_tried_again(server: LocalOrgServer) -> None:
    client = log_in(server, auth="access_token", access_token=a_token(server))
    expire(server)
    before = len(server.org.ledger.entries)
    for _ in range(2):
        with pytest.raises(FixFirst, match=r"expired.*sf org display.*CONNECTOR_ORG__ACCESS_TOKEN"):
            client.query(SOQL)
    assert len(server.org.ledger.entries) == before + 2
    assert logins(server) == 1


def test_threads_with_an_expired_token_all_end(server: LocalOrgServer) -> None:
    client = log_in(server, auth="access_token", access_token=a_token(server))
    expire(server)
    said: list[str] = []

    def ask() -> None:
        with pytest.raises(FixFirst) as raised:
            client.query(SOQL)
        said.append(str(raised.value))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(said) == 6


# --- proxies, certificates, patience: for logins, calls and downloads alike ------------------------------------


def pump(source: socket.socket, target: socket.socket) -> None:
    """Bytes one way until that way is closed."""
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


class Proxy(BaseHTTPRequestHandler):
    """Passes plain HTTP on, opens tunnels for TLS, and notes what went through."""

    seen: list[str]

    def pass_on(self) -> None:
        type(self).seen.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with requests.Session() as session:
            session.trust_env = False
            reply = session.request(self.command, self.path, data=body, headers=dict(self.headers), timeout=10)
        self.send_response(reply.status_code)
        for name in ("Content-Type", "Sforce-Limit-Info", "Sforce-Locator", "Sforce-NumberOfRecords"):
            if name in reply.headers:
                self.send_header(name, reply.headers[name])
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    do_GET = do_POST = do_DELETE = do_PATCH = pass_on  # noqa: N815 - the names are the library's

    def do_CONNECT(self) -> None:
        type(self).seen.append(self.path)
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=pump, args=(there, self.connection), daemon=True)
            back.start()
            pump(self.connection, there)
            back.join(10)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    handler = type("NotingProxy", (Proxy,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://someone:pass@127.0.0.1:{running.server_address[1]}", handler.seen  # type: ignore[attr-defined]
        running.shutdown()


CREDENTIALS = {"client_id": "key", "client_secret": "system-secret"}


def download(client: OrgClient, folder: Path) -> int:
    """A Bulk query to its first page; how many records that has."""
    job = client.bulk.create(SOQL)
    client.bulk.wait(job.id, patience=10, progress=lambda _: None)
    return client.bulk.page(job.id, "", folder, max_records=1000).records


def test_logins_calls_and_downloads_go_through_the_proxy_of_the_settings(
    server: LocalOrgServer, tmp_path: Path, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever proxies the environment names."""
    address, seen = proxy
    for variable in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = log_in(server, http=HttpSettings(attempts=1, proxy=address), **CREDENTIALS)  # type: ignore[arg-type]
    client.query(SOQL)
    assert download(client, tmp_path) == 1
    assert {TOKEN_PATH, "query", "results"} <= {
        part for url in seen for part in (TOKEN_PATH, "query", "results") if part in url
    }
    assert len(seen) == len(server.org.ledger.entries)


def test_the_environments_proxy_is_obeyed_without_one_in_the_settings(
    server: LocalOrgServer, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, seen = proxy
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("http_proxy", address)
    log_in(server, http=HttpSettings(attempts=1), **CREDENTIALS).query(SOQL)
    assert len(seen) == len(server.org.ledger.entries) == 2


def test_tls_goes_through_a_tunnel_and_is_judged_by_the_bundle(
    tmp_path: Path, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, seen = proxy
    monkeypatch.setenv("NO_PROXY", "*")
    tls = make_tls(tmp_path)
    org = Org.create(clock=Clock(), seed=1)
    org.add_client("key", "system-secret", org.add_user("connector@example.com"))
    with LocalOrgServer(org, tls=tls) as server:
        http = HttpSettings(attempts=1, ca_bundle=tls.ca_file, proxy=address)  # type: ignore[arg-type]
        client = log_in(server, http=http, **CREDENTIALS)
        assert download(client, tmp_path) == 1
        assert set(seen) == {f"127.0.0.1:{server.port}"}
        client._session.close()
    org.close()


def test_a_proxy_that_is_not_there_is_named_without_its_password(server: LocalOrgServer) -> None:
    http = HttpSettings(attempts=1, proxy="http://someone:pass@127.0.0.1:1")  # type: ignore[arg-type]
    with pytest.raises(RetryLater) as raised:
        log_in(server, http=http, **CREDENTIALS)
    assert "Proxy" in str(raised.value)
    assert "pass" not in str(raised.value)


def test_logins_calls_and_downloads_trust_the_bundle_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever bundle the environment names; and nothing without it."""
    tls = make_tls(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    org = Org.create(clock=Clock(), seed=1)
    org.add_client("key", "system-secret", org.add_user("connector@example.com"))
    with LocalOrgServer(org, tls=tls) as server:
        client = log_in(server, http=HttpSettings(attempts=1, ca_bundle=tls.ca_file), **CREDENTIALS)
        assert client.query(SOQL)
        assert download(client, tmp_path) == 1
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(FixFirst, match="ca_bundle"):
            log_in(server, http=HttpSettings(attempts=1), **CREDENTIALS)
    org.close()


SLOW = {"login": TOKEN_PATH, "call": "/query", "download": "/results"}


@pytest.mark.parametrize("path", SLOW.values(), ids=SLOW.keys())
def test_patience_ends_everywhere(server: LocalOrgServer, tmp_path: Path, path: str) -> None:
    server.org.faults.add(Fault("slow", path=path, seconds=5, times=9))

    def work() -> None:
        client = log_in(server, http=HttpSettings(attempts=1, read_timeout=0.2), **CREDENTIALS)
        client.query(SOQL)
        download(client, tmp_path)

    with pytest.raises(RetryLater, match=r"[Tt]imed out"):
        work()


# --- what is never told -------------------------------------------------------------------------------------------

SECRETS = ("refresh-token-of-ours", "token-given-by-hand", "app-secret", "system-secret")


@pytest.mark.parametrize("auth", ["client_credentials", "refresh_token", "access_token"])
def test_secrets_are_in_no_message_no_log_and_no_repr(
    server: LocalOrgServer, tmp_path: Path, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = OrgSettings(
        instance_url=server.url, auth=auth, client_id="steady", client_secret="app-secret",  # type: ignore[arg-type]
        refresh_token="refresh-token-of-ours", access_token="token-given-by-hand",  # type: ignore[arg-type]
    )  # fmt: skip
    server.org.add_client("steady", "another-secret")
    with pytest.raises(FixFirst) as raised:
        connect(settings, HttpSettings(attempts=1), folder=tmp_path).query(SOQL)
    told = [str(raised.value), repr(raised.value), repr(settings), settings.model_dump_json(), caplog.text]
    assert [secret for secret in SECRETS for text in told if secret in text] == []
