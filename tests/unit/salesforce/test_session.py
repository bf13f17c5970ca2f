"""One odd reply at a time: what is sent again, what is not, and what the caller is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses
from pydantic import SecretStr
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.errors import FixFirst, QuotaExhausted, RetryLater
from connector.salesforce import LostReply, OrgRefused, connect
from connector.salesforce.errors import NotNow
from connector.settings import OrgSettings

if TYPE_CHECKING:
    from conftest import Wire

HOST = "https://acme.my.salesforce.com"
DATA = f"{HOST}/services/data/v66.0"


def refused(code: str, message: str = "no") -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message}]


EMPTY = {"totalSize": 0, "done": True, "records": []}
CREATED = [{"id": "00T000000000001AAA", "success": True, "errors": []}]
NEVER_CONNECTED = requests.ConnectionError(
    MaxRetryError(None, "/", NewConnectionError(None, "connection refused"))  # type: ignore[arg-type]
)

PASSING = {
    "406 without a body": (406, ""),
    "420 of the edge": (420, "We are setting things up"),
    "429": (429, ""),
    "500 with an error id": (500, refused("UNKNOWN_EXCEPTION")),
    "502 page": (502, "<html>Bad gateway</html>"),
    "503 overload": (503, refused("SERVER_UNAVAILABLE")),
    "504": (504, ""),
    "too many long requests at once": (403, refused("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.")),
    "connection reset": (0, requests.ConnectionError("Connection reset by peer")),
    "no answer in time": (0, requests.ReadTimeout("timed out")),
    "body cut off": (0, requests.exceptions.ChunkedEncodingError("cut")),
    "connection refused": (0, NEVER_CONNECTED),
}


@pytest.mark.parametrize(("status", "body"), PASSING.values(), ids=PASSING.keys())
def test_a_read_survives(wire: Wire, status: int, body: object) -> None:
    wire.answer("GET", "query", body, status)
    wire.answer("GET", "query", EMPTY)
    assert wire.client().query("SELECT Id FROM Account") == []
    assert len(wire.sent("query")) == 2
    assert len(wire.pauses) == 1


def test_a_read_survives_a_maintenance_page_with_status_200(wire: Wire) -> None:
    wire.mock.add("GET", f"{DATA}/query", body="<html>Back soon</html>", content_type="text/html")
    wire.answer("GET", "query", EMPTY)
    assert wire.client().query("SELECT Id FROM Account") == []


def test_attempts_end_and_the_pauses_grow(wire: Wire) -> None:
    wire.answer("GET", "query", "", 503)
    with pytest.raises(RetryLater, match=r"4 attempts.*next run goes on"):
        wire.client(http={"attempts": 4}).query("SELECT Id FROM Account")
    assert len(wire.sent("query")) == 4
    assert len(wire.pauses) == 3
    assert wire.pauses == sorted(wire.pauses)


def test_a_proxy_that_names_a_pause_gets_it(wire: Wire) -> None:
    wire.answer("GET", "query", "", 429, Retry_After="17")
    wire.answer("GET", "query", EMPTY)
    wire.client().query("SELECT Id FROM Account")
    assert wire.pauses == [17]


@pytest.mark.parametrize("code", ["QUERY_TIMEOUT", "QUERY_TOO_COMPLICATED"])
def test_a_query_that_is_too_much_is_not_repeated_as_it_is(wire: Wire, code: str) -> None:
    wire.answer("GET", "query", refused(code), 400)
    with pytest.raises(NotNow) as raised:
        wire.client().query("SELECT Id FROM Account")
    assert raised.value.refusal.kind == "shrink"
    assert len(wire.sent("query")) == 1


WRITES = {
    "a query in a trigger took too long": (400, refused("QUERY_TIMEOUT"), "lost"),
    "reset after it was sent": (0, requests.ConnectionError("Connection aborted"), "lost"),
    "no answer in time": (0, requests.ReadTimeout("timed out"), "lost"),
    "answer cut off": (0, requests.exceptions.ChunkedEncodingError("cut"), "lost"),
    "500": (500, refused("UNKNOWN_EXCEPTION"), "lost"),
    "502 page": (502, "<html/>", "lost"),
    "503 page": (503, "<html/>", "lost"),
    "504": (504, "", "lost"),
    "no connection was made": (0, NEVER_CONNECTED, "again"),
    "connecting took too long": (0, requests.ConnectTimeout("slow"), "again"),
    "turned away by the edge": (420, "", "again"),
    "429": (429, "", "again"),
    "turned away by the server": (503, refused("SERVER_UNAVAILABLE"), "again"),
    "turned away for concurrency": (403, refused("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests exceeded"), "again"),
    "session expired": (401, refused("INVALID_SESSION_ID"), "again"),
}


@pytest.mark.parametrize(("status", "body", "fate"), WRITES.values(), ids=WRITES.keys())
def test_a_write_is_repeated_only_when_nothing_was_written(wire: Wire, status: int, body: object, fate: str) -> None:
    wire.answer("POST", "composite/sobjects", body, status)
    wire.answer("POST", "composite/sobjects", CREATED)
    client = wire.client()
    if fate == "again":
        assert client.create([("Task", {"Subject": "Call"})])[0].success
        assert len(wire.sent()) == 2
    else:
        with pytest.raises(LostReply, match="next pull settles"):
            client.create([("Task", {"Subject": "Call"})])
        assert len(wire.sent()) == 1


def test_a_write_whose_answer_is_no_json_is_lost(wire: Wire) -> None:
    wire.answer("PATCH", "composite/sobjects", '[{"id": "00T', 200)
    with pytest.raises(LostReply):
        wire.client().update([("Task", "00T000000000001AAA", {"Status": "Completed"})])
    assert len(wire.sent()) == 1


def test_a_retrieve_is_a_post_that_only_reads(wire: Wire) -> None:
    wire.answer("POST", "composite/sobjects/Account", requests.ReadTimeout("slow"))
    wire.answer("POST", "composite/sobjects/Account", [None])
    assert wire.client().retrieve("Account", ["001000000000001AAA"], ["Name"]) == [None]


# --- login below everything ------------------------------------------------------------------------------------


def test_an_expired_session_is_renewed_once_and_the_request_replayed_with_its_headers(wire: Wire) -> None:
    wire.answer("PATCH", "composite/sobjects", refused("INVALID_SESSION_ID"), 401)
    wire.answer("PATCH", "composite/sobjects", CREATED)
    wire.client().update([("Task", "00T000000000001AAA", {"Status": "Completed"})])
    first, second = wire.sent()
    assert second.headers["Authorization"] == "Bearer token2"
    assert second.headers["Sforce-Auto-Assign"] == "FALSE"
    assert second.body == first.body


def test_a_second_refusal_of_a_new_token_is_not_answered_by_another_login(wire: Wire) -> None:
    wire.answer("GET", "query", refused("INVALID_SESSION_ID"), 401)
    with pytest.raises(OrgRefused, match="External Client App"):
        wire.client().query("SELECT Id FROM Account")
    assert wire.tokens == 2
    assert len(wire.sent()) == 2


def test_a_session_that_may_not_use_rest_is_not_renewed(wire: Wire) -> None:
    message = "This session is not valid for use with the REST API"
    wire.answer("GET", "query", refused("INVALID_SESSION_ID", message), 401)
    with pytest.raises(OrgRefused):
        wire.client().query("SELECT Id FROM Account")
    assert wire.tokens == 1


def test_a_401_in_html_is_answered_by_a_login_too(wire: Wire) -> None:
    wire.answer("GET", "query", "<html>who are you</html>", 401)
    wire.answer("GET", "query", EMPTY)
    assert wire.client().query("SELECT Id FROM Account") == []


def test_threads_share_one_renewal(wire: Wire) -> None:
    client = wire.client()
    barrier = threading.Barrier(4)

    def expired_for_token1(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if request.headers["Authorization"] == "Bearer token1":
            barrier.wait(timeout=5)
            return 401, {}, '[{"errorCode": "INVALID_SESSION_ID", "message": "expired"}]'
        return 200, {}, '{"totalSize": 0, "done": true, "records": []}'

    wire.mock.add_callback("GET", f"{DATA}/query", expired_for_token1)
    threads = [threading.Thread(target=client.query, args=("SELECT Id FROM Account",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wire.tokens == 2


def test_the_token_goes_to_the_org_only(wire: Wire) -> None:
    client = wire.client()
    wire.mock.add("GET", "https://acme.my.salesforce.com.evil.example/services/data/v66.0/x", json={})
    wire.mock.add("GET", f"{HOST}/services/elsewhere", json={})
    for url in ("https://acme.my.salesforce.com.evil.example/services/data/v66.0/x", f"{HOST}/services/elsewhere"):
        client._session.get(url)
        assert "Authorization" not in wire.mock.calls[-1].request.headers


# --- limits, clock, timeouts -----------------------------------------------------------------------------------


def test_the_daily_limit_stops_the_run(wire: Wire) -> None:
    wire.answer("GET", "query", refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), 403)
    with pytest.raises(QuotaExhausted, match="tomorrow"):
        wire.client().query("SELECT Id FROM Account")
    assert len(wire.sent()) == 1


def test_the_reserve_is_left_to_others(wire: Wire) -> None:
    wire.answer("GET", "query", EMPTY, Sforce_Limit_Info="api-usage=8999/10000")
    wire.answer("GET", "query", EMPTY, Sforce_Limit_Info="api-usage=9000/10000")
    client = wire.client(reserve=10)
    client.query("SELECT Id FROM Account")
    client.query("SELECT Id FROM Account")
    with pytest.raises(QuotaExhausted, match=r"9,000 of the org's 10,000.*10 % to others"):
        client.query("SELECT Id FROM Account")
    assert len(wire.sent()) == 2


def test_every_request_has_timeouts_and_accepts_gzip(wire: Wire) -> None:
    wire.answer("GET", "query", EMPTY)
    wire.client(http={"connect_timeout": 3, "read_timeout": 40}).query("SELECT Id FROM Account")
    for call in wire.mock.calls:
        assert call.request.req_kwargs["timeout"] == (3, 40)  # type: ignore[attr-defined]
        assert "gzip" in call.request.headers["Accept-Encoding"]


def test_the_ca_bundle_of_the_settings_wins(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere.pem")
    wire.client(http={"ca_bundle": "/ours.pem"})
    assert wire.mock.calls[0].request.req_kwargs["verify"] == "/ours.pem"  # type: ignore[attr-defined]


def test_the_proxy_of_the_settings_is_used(wire: Wire) -> None:
    wire.client(http={"proxy": "http://user:pass@proxy:3128"})
    assert wire.mock.calls[0].request.req_kwargs["proxies"]["https"] == "http://user:pass@proxy:3128"  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [
    requests.exceptions.InvalidProxyURL("Failed to parse: http://user:hush@pro xy:99999"),
    requests.exceptions.ProxyError("Cannot connect to http://user:hush@proxy:3128"),
])  # fmt: skip
def test_a_message_never_shows_the_login_of_the_proxy(wire: Wire, error: Exception) -> None:
    for _ in range(5):
        wire.answer("GET", "query", error)
    with pytest.raises((FixFirst, RetryLater)) as raised:
        wire.client().query("SELECT Id FROM Account")
    assert "hush" not in str(raised.value)


def test_an_untrusted_connection_is_for_a_person_to_fix(wire: Wire) -> None:
    wire.answer("GET", "query", requests.exceptions.SSLError("self-signed certificate"))
    with pytest.raises(FixFirst, match="ca_bundle"):
        wire.client().query("SELECT Id FROM Account")


def test_the_clock_is_the_orgs(wire: Wire) -> None:
    wire.answer("GET", "query", EMPTY, Date="Wed, 02 Sep 2026 10:11:12 GMT")
    client = wire.client()
    assert client.org_now == datetime(2026, 9, 1, 8, 0, 0, tzinfo=UTC)
    client.query("SELECT Id FROM Account")
    assert client.org_now == datetime(2026, 9, 2, 10, 11, 12, tzinfo=UTC)


def test_a_proxy_that_hides_the_date_is_named() -> None:
    org = OrgSettings(instance_url=HOST, client_id="key", client_secret=SecretStr("hush"))
    with responses.RequestsMock() as mock:
        mock.add("POST", f"{HOST}/services/oauth2/token", json={"access_token": "t"})
        client = connect(org)
    with pytest.raises(FixFirst, match="Date header"):
        _ = client.org_now


def test_the_limit_of_our_app_is_kept_when_it_is_the_smaller_one(wire: Wire) -> None:
    info = "api-usage=10/10000; per-app-api-usage=249/250(appName=Lifecycle)"
    wire.answer("GET", "query", EMPTY, sforce_limit_info=info)
    wire.answer("GET", "query", EMPTY, SFORCE_LIMIT_INFO=info.replace("249/", "250/"))
    client = wire.client()
    client.query("SELECT Id FROM Account")
    assert client.budget.left == 1
    client.query("SELECT Id FROM Account")
    with pytest.raises(QuotaExhausted, match=r"250 of the 250 calls .* Lifecycle"):
        client.query("SELECT Id FROM Account")
    assert len(wire.sent("query")) == 2


def test_answers_without_the_header_change_nothing(wire: Wire) -> None:
    wire.answer("GET", "query", EMPTY, Sforce_Limit_Info="api-usage=7/10000")
    wire.answer("GET", "query", EMPTY)
    client = wire.client()
    for _ in range(2):
        client.query("SELECT Id FROM Account")
    assert (client.usage.used, client.usage.total) == (7, 2)


SENT_BY = {
    "login": lambda client, session: None,
    "call": lambda client, session: client.query("SELECT Id FROM Account"),
    "download": lambda client, session: session.read_stream(f"{DATA}/jobs/query/750/results", lambda answer: None),
}


@pytest.mark.parametrize("send", SENT_BY.values(), ids=SENT_BY.keys())
def test_patience_proxy_and_bundle_of_the_settings_hold_for_everything_that_is_sent(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, send: Callable[[Any, Any], None]
) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere.pem")
    wire.answer("GET", "query", EMPTY)
    wire.answer("GET", "jobs/query/750/results", "Id\n")
    bundle = tmp_path / "company.pem"
    http = {"connect_timeout": 3, "read_timeout": 70, "proxy": "http://proxy:3128", "ca_bundle": bundle}
    client = wire.client(http=http)
    send(client, client._session)
    said = wire.mock.calls[-1].request.req_kwargs
    assert said["timeout"] == (3, 70)
    assert said["proxies"] == {"http": "http://proxy:3128", "https": "http://proxy:3128"}
    assert said["verify"] == str(bundle)
