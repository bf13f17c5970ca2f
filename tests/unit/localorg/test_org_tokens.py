"""Tokens: client credentials and JWT bearer, with everything that a token endpoint refuses."""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.localorg.api.app import LocalOrgApp
from connector.localorg.api.wire import Reply, make_call
from connector.localorg.org import Org

ORIGIN = "http://127.0.0.1:8080"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(org: Org, form: dict[str, str], headers: dict[str, str] | None = None) -> Reply:
    call = make_call("POST", "/services/oauth2/token", headers or {}, urlencode(form).encode())
    return LocalOrgApp(org).answer(call, 1, ORIGIN).reply


def basic(key: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


@pytest.fixture
def user(org: Org) -> str:
    user_id = org.add_user("integration@example.com")
    org.add_client("key", "secret", user_id)
    return user_id


GRANT = {"grant_type": "client_credentials"}


@pytest.mark.parametrize("in_body", [True, False])
def test_client_credentials(in_body: bool, org: Org, user: str) -> None:
    reply = (
        ask(org, {**GRANT, "client_id": "key", "client_secret": "secret"})
        if in_body
        else ask(org, GRANT, basic("key", "secret"))
    )
    assert reply.status == 200
    assert set(reply.body) == {"access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"}
    assert (reply.body["instance_url"], reply.body["token_type"]) == (ORIGIN, "Bearer")
    assert reply.body["id"] == f"{ORIGIN}/id/{org.state.org_id}/{user}"
    call = make_call("GET", "/services/oauth2/userinfo", {"authorization": f"Bearer {reply.body['access_token']}"})
    info = LocalOrgApp(org).answer(call, 2, ORIGIN).reply.body
    assert (info["user_id"], info["organization_id"], info["preferred_username"]) == (
        user,
        org.state.org_id,
        "integration@example.com",
    )


def test_a_new_token_each_time_and_none_is_an_api_call(org: Org, user: str) -> None:
    tokens = {ask(org, GRANT, basic("key", "secret")).body["access_token"] for _ in range(3)}
    assert len(tokens) == 3
    assert org.ledger.api_calls() == 0


REFUSED: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "a wrong secret": (GRANT, basic("key", "wrong"), "invalid_client"),
    "an unknown client": (GRANT, basic("other", "secret"), "invalid_client_id"),
    "no client": (GRANT, {}, "invalid_client_id"),
    "unreadable basic": (GRANT, {"authorization": "Basic ÿ"}, "invalid_client"),
    "no grant type": ({"client_id": "key", "client_secret": "secret"}, {}, "invalid_request"),
    "a password": ({"grant_type": "password"}, {}, "unsupported_grant_type"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_credentials(case: str, org: Org, user: str) -> None:
    form, headers, error = REFUSED[case]
    reply = ask(org, form, headers)
    assert (reply.status, reply.body["error"]) == (400, error)
    assert reply.body["error_description"]


def test_a_user_who_left(org: Org) -> None:
    org.add_client("key", "secret", org.add_user("gone@example.com", active=False))
    assert ask(org, GRANT, basic("key", "secret")).body["error"] == "inactive_user"


# --- JWT


@pytest.fixture(scope="module")
def keys() -> tuple[rsa.RSAPrivateKey, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, pem.decode()


def assertion(private: rsa.RSAPrivateKey, **changed: Any) -> str:
    claims = {"iss": "app", "sub": "integration@example.com", "aud": ORIGIN, "exp": int(time.time()) + 120, **changed}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, private, algorithm="RS256")


@pytest.mark.parametrize("audience", [ORIGIN, "https://login.salesforce.com"])
def test_jwt_bearer(audience: str, org: Org, user: str, keys: tuple[rsa.RSAPrivateKey, str]) -> None:
    org.add_client("app", user_id=user, public_key_pem=keys[1])
    reply = ask(org, {"grant_type": JWT_GRANT, "assertion": assertion(keys[0], aud=audience)})
    assert reply.status == 200
    assert reply.body["id"].endswith(user)


REFUSED_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown app": ({"iss": "other"}, "client identifier invalid"),
    "a user without approval": ({"sub": "admin@local.org"}, "user hasn't approved this consumer"),
    "a foreign audience": ({"aud": "https://evil.example"}, "audience is invalid"),
    "an expired assertion": ({"exp": int(time.time()) - 60}, "expired authorization code"),
    "no expiry": ({"exp": None}, "invalid assertion"),
    "expiry in a day": ({"exp": int(time.time()) + 86400}, "invalid assertion"),
}


@pytest.mark.parametrize("case", REFUSED_CLAIMS)
def test_refused_assertion(case: str, org: Org, user: str, keys: tuple[rsa.RSAPrivateKey, str]) -> None:
    org.add_client("app", user_id=user, public_key_pem=keys[1])
    changed, description = REFUSED_CLAIMS[case]
    reply = ask(org, {"grant_type": JWT_GRANT, "assertion": assertion(keys[0], **changed)})
    assert (reply.status, reply.body["error_description"]) == (400, description)


def test_a_signature_by_another_key(org: Org, user: str, keys: tuple[rsa.RSAPrivateKey, str]) -> None:
    org.add_client("app", user_id=user, public_key_pem=keys[1])
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    reply = ask(org, {"grant_type": JWT_GRANT, "assertion": assertion(stranger)})
    assert reply.body == {"error": "invalid_grant", "error_description": "invalid assertion"}
    assert ask(org, {"grant_type": JWT_GRANT, "assertion": "nonsense"}).body["error"] == "invalid_grant"
