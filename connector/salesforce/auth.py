"""Access tokens: by client credentials, JWT bearer, refresh token or given by hand; and what a refused login means.

Called by session.py only. Never SOAP login, never a password flow; tokens and secrets appear in no message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from connector.errors import FixFirst
from connector.salesforce.errors import Refusal, read_refusal
from connector.salesforce.kept_token import KeptToken
from connector.settings import OrgSettings

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_LIFETIME = 180
"""Seconds; Salesforce refuses assertions that live much longer."""

Post = Callable[[str, dict[str, str]], requests.Response]


class TokenSource:
    """The token of one org, fetched when first needed and renewed when the org says that it is no longer good.

    Shared between threads: whoever comes first renews, the others take what it brought. Refresh tokens that the org
    rotates are kept in `folder`, without one for as long as this object lives.
    """

    def __init__(
        self, org: OrgSettings, post: Post, clock: Callable[[], float] = time.time, *, folder: Path | None = None
    ) -> None:
        self._org, self._post, self._clock = org, post, clock
        self._kept = KeptToken(
            folder, f"{org.instance_url}\n{org.client_id}", org.refresh_token.get_secret_value()
        )  # fmt: skip
        self._lock = threading.Lock()
        self._token = org.access_token.get_secret_value() if org.auth == "access_token" else ""
        self.identity = ""
        """Address of who we are in the org, as it came with the last token; '' for one given by hand."""

    def current(self) -> str:
        with self._lock:
            return self._token or self._fetch()

    def renew(self, refused: str) -> str:
        """A token other than `refused`, fetched unless another thread already did."""
        with self._lock:
            return self._token if self._token != refused else self._fetch()

    def _fetch(self) -> str:
        if self._org.auth == "access_token":
            raise FixFirst(_REFUSED_AS_GIVEN)
        self._token = self._refresh() if self._org.auth == "refresh_token" else self._ask(self._credentials())
        return self._token

    def _credentials(self) -> dict[str, str]:
        return token_request(self._org, self._clock())

    def _refresh(self) -> str:
        """By the newest refresh token; its successor is on disk before the access token is used."""
        with self._kept.locked():
            used = self._kept.read()
            answer = self._answer(refresh_request(self._org, used))
            if (given := answer.get("refresh_token")) and given != used:
                self._kept.replace(str(given))
            return str(answer["access_token"])

    def _ask(self, form: dict[str, str]) -> str:
        return str(self._answer(form)["access_token"])

    def _answer(self, form: dict[str, str]) -> dict[str, Any]:
        answer = read_token(self._post(self._org.token_endpoint, form), self._org)
        self.identity = str(answer.get("id") or "")
        return answer


_REFUSED_AS_GIVEN = (
    "The org refused the access token in [org] access_token: it has expired, was revoked, or is of another org. Get a "
    "new one (`sf org display --target-org ALIAS`) and put it into CONNECTOR_ORG__ACCESS_TOKEN. Such a token lives for "
    'hours only; for scheduled jobs choose auth = "client_credentials" or "jwt" in config.toml.'
)


def token_request(org: OrgSettings, now: float) -> dict[str, str]:
    """The form that asks `org` for a token at `now` (seconds since the epoch), by what the settings hold."""
    if org.auth == "client_credentials":
        return {
            "grant_type": "client_credentials",
            "client_id": org.client_id,
            "client_secret": org.client_secret.get_secret_value(),
        }
    return {"grant_type": _JWT_GRANT, "assertion": _assertion(org, now)}


def refresh_request(org: OrgSettings, token: str) -> dict[str, str]:
    """The form that asks for an access token by a refresh token; a public client has no secret."""
    if not token:
        raise FixFirst(
            "There is no refresh token. Log in once by the External Client App (web server flow, scope refresh_token) "
            "and put the refresh token into CONNECTOR_ORG__REFRESH_TOKEN."
        )
    form = {"grant_type": "refresh_token", "client_id": org.client_id, "refresh_token": token}
    secret = org.client_secret.get_secret_value()
    return form | ({"client_secret": secret} if secret else {})


def _assertion(org: OrgSettings, now: float) -> str:
    claims = {"iss": org.client_id, "sub": org.username, "aud": org.jwt_audience, "exp": int(now) + _JWT_LIFETIME}
    try:
        return jwt.encode(claims, _private_key(org), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise FixFirst(
            f"{org.private_key_file} is not a private RSA key in PEM form without a password. Point [org] "
            "private_key_file to the key whose certificate was uploaded to the External Client App."
        ) from None


def _private_key(org: OrgSettings) -> bytes:
    if org.private_key_file is None:
        raise FixFirst("JWT login needs [org] private_key_file: name the PEM file of the private key.")
    try:
        return org.private_key_file.read_bytes()
    except OSError as error:
        raise FixFirst(
            f"The private key {org.private_key_file} cannot be read ({error.strerror}). Correct [org] "
            "private_key_file, or give the program's user the right to read it."
        ) from None


def read_token(reply: requests.Response, org: OrgSettings) -> dict[str, Any]:
    """A reply of the token endpoint that holds an access token; FixFirst explains a refusal."""
    if reply.is_redirect:
        host = urlsplit(reply.headers.get("Location", "")).hostname
        raise FixFirst(
            f"{org.token_endpoint} sends logins on to {host}. Secrets are not sent where nobody said they belong: if "
            "that host is right, name it in [org] instance_url or token_url."
        )
    try:
        body: Any = reply.json()
    except ValueError:
        body = None
    if reply.status_code == 200 and isinstance(body, dict) and body.get("access_token"):
        return body
    refusal = read_refusal(reply.status_code, body)
    raise FixFirst(f"{org.token_endpoint} refused the login ({refusal}). {advice(refusal, org)}")


def advice(refusal: Refusal, org: OrgSettings) -> str:
    """What an administrator does about a refused login. Texts as seen in the field; matched loosely."""
    text = refusal.message.lower()
    if org.auth == "refresh_token" and refusal.code == "invalid_grant":
        return _REFUSED_TO_REFRESH
    for part, what in _BY_TEXT.items():
        if part in text:
            return what.format(org=org)
    return _BY_CODE.get(refusal.code, _OTHER).format(org=org)


_REFUSED_TO_REFRESH = (
    "The refresh token has expired, was revoked, or was used by another program while the app rotates them. Log in "
    "once more by the External Client App and put the new refresh token into CONNECTOR_ORG__REFRESH_TOKEN; it goes "
    "before the one that was kept."
)
_BY_TEXT = {
    "approved": "Open the External Client App's policies, set 'Admin approved users are pre-authorized', and assign "
    "its permission set to {org.username}.",
    "audience": "Set [org] audience to https://login.salesforce.com (https://test.salesforce.com for a sandbox), or "
    "leave it out to use {org.instance_url}.",
    "no client credentials user": "Open the External Client App's policies, enable the client credentials flow and "
    "choose a Run As user.",
    "not supported on this domain": "Use the org's own My Domain address in [org] instance_url and token_url.",
    "not installed": "Install the External Client App in this org, or create it there.",
    "expired": "The assertion's time was refused: set this machine's clock right.",
}
_BY_CODE = {
    "invalid_client_id": "Check [org] client_id: it is the consumer key of the External Client App. A new app takes up "
    "to ten minutes to become known.",
    "invalid_client": "Check [org] client_id and client_secret (consumer key and secret of the External Client App); "
    "after a rotation put the new secret into CONNECTOR_ORG__CLIENT_SECRET.",
    "invalid_grant": "Check that the flow is enabled in the External Client App, that [org] username exists in this "
    "org, that its certificate belongs to private_key_file, and that no IP restriction applies.",
    "inactive_user": "Activate the integration user, or choose another Run As user.",
    "inactive_org": "The org is locked, closed or suspended: ask its administrator.",
    "invalid_app_access": "Give the integration user the permission set that the External Client App requires.",
    "app_not_found": "The External Client App is not known here: check [org] client_id, and that audience is the My "
    "Domain address.",
    "unsupported_grant_type": "Enable this OAuth flow in the External Client App, or choose the other [org] auth.",
}
_OTHER = "Check [org] in config.toml and the External Client App's settings (Setup, External Client App Manager)."
