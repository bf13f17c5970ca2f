"""Logins: what is sent, and what an administrator is told when they are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from connector.errors import FixFirst, RetryLater
from connector.salesforce import connect
from connector.salesforce.auth import token_request
from connector.settings import HttpSettings, OrgSettings

HOST = "https://acme.my.salesforce.com"
TOKEN = f"{HOST}/services/oauth2/token"
SECRET = OrgSettings(instance_url=HOST, client_id="key", client_secret=SecretStr("hush"))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path_factory.mktemp("keys") / "jwt.pem"
    file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file, private.public_key()


def jwt_settings(file: Path, **changes: Any) -> OrgSettings:
    given = {"instance_url": HOST, "auth": "jwt", "client_id": "key", "username": "bot@acme.com"}
    return OrgSettings(**given, private_key_file=file, **changes)


def test_client_credentials_are_posted_to_my_domain() -> None:
    with responses.RequestsMock() as mock:
        mock.add("POST", TOKEN, json={"access_token": "t"})
        connect(SECRET)
        form = parse_qs(mock.calls[0].request.body)
    assert form == {"grant_type": ["client_credentials"], "client_id": ["key"], "client_secret": ["hush"]}


def test_another_token_address_can_be_given() -> None:
    with responses.RequestsMock() as mock:
        mock.add("POST", "https://login.example.mil/token", json={"access_token": "t"})
        connect(SECRET.model_copy(update={"token_url": "https://login.example.mil/token"}))


@pytest.mark.parametrize(
    ("audience", "expected"),
    [("", HOST), ("https://test.salesforce.com", "https://test.salesforce.com")],
    ids=["my domain by default", "as configured"],
)
def test_an_assertion_names_us_and_lives_three_minutes(key: tuple[Path, Any], audience: str, expected: str) -> None:
    form = token_request(jwt_settings(key[0], audience=audience), now=1_800_000_000)
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        form["assertion"], key[1], algorithms=["RS256"], audience=expected, options={"verify_exp": False}
    )
    assert claims == {"iss": "key", "sub": "bot@acme.com", "aud": expected, "exp": 1_800_000_180}


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("not a key", "PEM")], ids=["absent", "something else"]
)
def test_a_key_file_that_is_none(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "jwt.pem"
    if content:
        file.write_text(content)
    with pytest.raises(FixFirst, match=said) as raised:
        token_request(jwt_settings(file), now=0)
    assert "private_key_file" in str(raised.value)


REFUSALS = {
    "wrong consumer key": ("invalid_client_id", "client identifier invalid", "ten minutes"),
    "wrong secret": ("invalid_client", "invalid client credentials", "CONNECTOR_ORG__CLIENT_SECRET"),
    "not pre-authorized": ("invalid_grant", "user hasn't approved this consumer", "permission set to bot@acme.com"),
    "audience": ("invalid_grant", "audience is invalid", "[org] audience"),
    "no run-as user": ("invalid_grant", "no client credentials user enabled", "Run As user"),
    "login host": ("invalid_grant", "request not supported on this domain", "My Domain"),
    "inactive": ("inactive_user", "", "Activate the integration user"),
    "unknown app": ("app_not_found", "External client app is not found", "client_id"),
    "not installed": ("invalid_grant", "External client app is not installed in this org", "Install"),
    "clock": ("invalid_grant", "expired authorization code", "clock"),
    "anything else": ("something_new", "", "Setup"),
}


@pytest.mark.parametrize(("error", "description", "advice"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_login_says_what_to_do(error: str, description: str, advice: str) -> None:
    body = {"error": error} | ({"error_description": description} if description else {})
    with responses.RequestsMock() as mock:
        mock.add("POST", TOKEN, json=body, status=400)
        with pytest.raises(FixFirst) as raised:
            connect(SECRET.model_copy(update={"username": "bot@acme.com"}))
        assert len(mock.calls) == 1
    assert advice in str(raised.value)
    assert error in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_page_instead_of_a_token_is_no_login() -> None:
    with responses.RequestsMock() as mock:
        mock.add("POST", TOKEN, body="<html/>", status=404)
        with pytest.raises(FixFirst, match="HTTP_404"):
            connect(SECRET)


def test_the_token_endpoint_may_be_down_for_a_moment() -> None:
    pauses: list[float] = []
    with responses.RequestsMock() as mock:
        mock.add("POST", TOKEN, status=503)
        mock.add("POST", TOKEN, json={"access_token": "t"})
        connect(SECRET, sleep=pauses.append)
    assert len(pauses) == 1


def test_the_token_endpoint_may_be_down_for_good() -> None:
    with responses.RequestsMock() as mock:
        mock.add("POST", TOKEN, status=503)
        with pytest.raises(RetryLater):
            connect(SECRET, HttpSettings(attempts=2), sleep=lambda _: None)


def test_an_org_that_is_not_configured_is_said_to_be() -> None:
    with pytest.raises(FixFirst, match=r"config\.example\.toml"):
        connect(OrgSettings())


# --- refresh tokens and tokens given by hand -----------------------------------------------------------------------


def refresh_settings(**changes: Any) -> OrgSettings:
    given = {"instance_url": HOST, "auth": "refresh_token", "client_id": "key", "refresh_token": "first"}
    return OrgSettings(**given | changes)


FORMS = {
    "a public client": ({}, {}),
    "a client with a secret": ({"client_secret": "hush"}, {"client_secret": ["hush"]}),
}


@pytest.mark.parametrize(("given", "sent"), FORMS.values(), ids=FORMS.keys())
def test_a_refresh_token_is_posted_with_a_secret_only_when_there_is_one(
    tmp_path: Path, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    with responses.RequestsMock() as mock:
        mock.add("POST", TOKEN, json={"access_token": "t"})
        connect(refresh_settings(**given), folder=tmp_path)
        form = parse_qs(mock.calls[0].request.body)
    assert form == {"grant_type": ["refresh_token"], "client_id": ["key"], "refresh_token": ["first"], **sent}


def test_an_org_that_gives_the_same_refresh_token_back_has_not_rotated_it(tmp_path: Path) -> None:
    with responses.RequestsMock() as mock:
        mock.add("POST", TOKEN, json={"access_token": "t", "refresh_token": "first"})
        connect(refresh_settings(), folder=tmp_path)
    assert not (tmp_path / "refresh_token.json").exists()


def test_a_login_that_is_sent_on_elsewhere_takes_no_secret_there() -> None:
    with responses.RequestsMock() as mock:
        elsewhere = {"Location": "https://other.example/token", "Content-Type": "text/html"}
        mock.add("POST", TOKEN, status=307, headers=elsewhere)
        with pytest.raises(FixFirst, match=r"other\.example.*token_url"):
            connect(SECRET)
        assert len(mock.calls) == 1


def test_an_expired_refresh_token_is_not_taken_for_a_wrong_clock(tmp_path: Path) -> None:
    with responses.RequestsMock() as mock:
        body = {"error": "invalid_grant", "error_description": "expired access/refresh token"}
        mock.add("POST", TOKEN, json=body, status=400)
        with pytest.raises(FixFirst, match="CONNECTOR_ORG__REFRESH_TOKEN") as raised:
            connect(refresh_settings(), folder=tmp_path)
    assert "clock" not in str(raised.value)
