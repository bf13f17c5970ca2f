"""Tokens and identity: client credentials, JWT bearer, refresh, userinfo, the identity URL (reference 1.3).

Refusals are an object with error and error_description, not the array of REST errors.
"""

import base64
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

import jwt

from connector.localorg import sessions
from connector.localorg.api.wire import Call, Reply
from connector.localorg.errors import session_invalid
from connector.localorg.state import Client

if TYPE_CHECKING:
    from connector.localorg.org import Org

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


class OAuthError(Exception):
    """A refused token request."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


def answer_token(org: "Org", call: Call, origin: str) -> Reply:
    """POST /services/oauth2/token"""
    if call.method != "POST":
        return Reply(405, {"error": "invalid_request", "error_description": "must use HTTP POST"}, {"Allow": "POST"})
    form = dict(parse_qsl(call.raw.decode("utf-8", "replace"), keep_blank_values=True)) or dict(call.query)
    try:
        match form.get("grant_type"):
            case "client_credentials":
                client, user_id = _check_credentials(org, call, form)
            case grant if grant == JWT_GRANT:
                client, user_id = _check_assertion(org, form.get("assertion", ""), origin)
            case "refresh_token":
                client, user_id = _check_refresh(org, call, form)
            case None:
                raise OAuthError("invalid_request", "grant_type is required")
            case _:
                raise OAuthError("unsupported_grant_type", "grant type not supported")
        _check_user(org, user_id)
    except OAuthError as refused:
        return Reply(refused.status, {"error": refused.error, "error_description": refused.description})
    body = _token_body(org, client, user_id, origin)
    if form["grant_type"] == "refresh_token" and client.rotates_refresh_token:
        body["refresh_token"] = _rotate(org, form["refresh_token"])
    return Reply(200, body)


def _token_body(org: "Org", client: Client, user_id: str, origin: str) -> dict[str, str]:
    now = org.clock.now()
    token = sessions.issue_token(org.state, user_id, client.key, now)
    issued = str(int(now.timestamp() * 1000))
    return {
        "access_token": token,
        "signature": base64.b64encode(f"{user_id}{issued}".encode()).decode(),
        "scope": "api",
        "instance_url": origin,
        "id": f"{origin}/id/{org.state.org_id}/{user_id}",
        "token_type": "Bearer",
        "issued_at": issued,
    }


def _check_credentials(org: "Org", call: Call, form: dict[str, str]) -> tuple[Client, str]:
    key, secret = _basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
    client = org.state.clients.get(key)
    if client is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if client.secret is None or client.secret != secret:
        raise OAuthError("invalid_client", "invalid client credentials")
    return client, client.user_id


def _check_refresh(org: "Org", call: Call, form: dict[str, str]) -> tuple[Client, str]:
    """A refresh token of this client; a secret is checked when one is sent (1.3)."""
    key, secret = _basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
    client = org.state.clients.get(key)
    if client is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if secret and secret != client.secret:
        raise OAuthError("invalid_client", "invalid client credentials")
    grant = org.state.grants.get(form.get("refresh_token", ""))
    if grant is None or grant.client_key != key:
        raise OAuthError("invalid_grant", "expired access/refresh token")
    return client, grant.user_id


def _rotate(org: "Org", used: str) -> str:
    """A used token ends and a new one takes its place: a client that loses the answer is locked out (1.3)."""
    grant = org.state.grants.pop(used)
    return sessions.issue_refresh_token(org.state, grant.user_id, grant.client_key)


def _basic(call: Call) -> tuple[str, str] | None:
    scheme, _, encoded = call.header("authorization").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        raise OAuthError("invalid_client", "invalid client credentials") from None
    return unquote_plus(key), unquote_plus(secret)


def _check_assertion(org: "Org", assertion: str, origin: str) -> tuple[Client, str]:
    """Signature, issuer, subject, audience and expiry; time is the client's, so expiry is judged by the real clock."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    client = org.state.clients.get(str(claims.get("iss")))
    if client is None or client.public_key_pem is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    try:
        jwt.decode(
            assertion,
            client.public_key_pem,
            algorithms=["RS256"],
            audience=[origin, *_AUDIENCES],
            options={"require": ["iss", "sub", "aud", "exp"]},
        )
    except jwt.InvalidAudienceError:
        raise OAuthError("invalid_grant", "audience is invalid") from None
    except jwt.ExpiredSignatureError:
        raise OAuthError("invalid_grant", "expired authorization code") from None
    except jwt.PyJWTError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    if claims["exp"] - time.time() > 3600:
        raise OAuthError("invalid_grant", "invalid assertion")
    return client, _find_subject(org, client, str(claims["sub"]))


def _find_subject(org: "Org", client: Client, username: str) -> str:
    """The user that the assertion names must be the one the client is approved for."""
    with org.transaction() as txn:
        found = txn.select("User", {"Username": username})
    if not found or found[0]["Id"] != client.user_id:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return str(found[0]["Id"])


def _check_user(org: "Org", user_id: str) -> None:
    with org.transaction() as txn:
        user = txn.find("User", user_id)
    if user is None or not user["IsActive"]:
        raise OAuthError("inactive_user", "user is inactive")


def answer_identity(org: "Org", call: Call, origin: str) -> Reply:
    """GET /services/oauth2/userinfo and the identity URL /id/ORG/USER"""
    token = call.header("authorization").removeprefix("Bearer ").strip()
    session = sessions.find_session(org.state, token, org.clock.now())
    if session is None:
        raise session_invalid()
    with org.transaction() as txn:
        user = txn.find("User", session.user_id) or {}
    identity = f"{origin}/id/{org.state.org_id}/{session.user_id}"
    common = {"user_id": session.user_id, "organization_id": org.state.org_id, "email": user.get("Email")}
    if call.path.startswith("/id/"):
        names = {
            "username": user.get("Username"),
            "display_name": user.get("Name"),
            "active": bool(user.get("IsActive")),
        }
        return Reply(200, {"id": identity, **common, **names, "urls": _urls(origin)})
    names = {"preferred_username": user.get("Username"), "name": user.get("Name"), "active": bool(user.get("IsActive"))}
    return Reply(
        200, {"sub": identity, **common, **names, "zoneinfo": user.get("TimeZoneSidKey"), "urls": _urls(origin)}
    )


def _urls(origin: str) -> dict[str, str]:
    rest = f"{origin}/services/data/v{{version}}/"
    return {"rest": rest, "sobjects": f"{rest}sobjects/", "query": f"{rest}query/"}
