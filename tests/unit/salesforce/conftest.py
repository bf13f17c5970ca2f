from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connector.salesforce import OrgClient, connect
from connector.settings import ApiSettings, HttpSettings, OrgSettings

HOST = "https://acme.my.salesforce.com"
DATA = f"{HOST}/services/data/v66.0"
TOKEN = f"{HOST}/services/oauth2/token"
DATE = "Tue, 01 Sep 2026 08:00:00 GMT"


def org_settings(**changes: Any) -> OrgSettings:
    return OrgSettings(**{"instance_url": HOST, "client_id": "key", "client_secret": "hush", **changes})


class Wire:
    """An org of which only the wire is there: scripted answers in, requests out, pauses noted instead of slept."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        self.pauses: list[float] = []
        self.tokens = 0
        mock.add_callback("POST", TOKEN, self._token)

    def _token(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.tokens += 1
        return 200, {"Date": DATE}, f'{{"access_token": "token{self.tokens}", "instance_url": "{HOST}"}}'

    def client(self, http: dict[str, Any] | None = None, reserve: float = 20, **org: Any) -> OrgClient:
        settings = HttpSettings(**(http or {}))
        return connect(org_settings(**org), settings, ApiSettings(reserve=reserve), sleep=self.pauses.append)

    def answer(self, method: str, path: str, body: Any, status: int = 200, **headers: str) -> None:
        """The next answer to a request; the last one given for a request is repeated."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        options: dict[str, Any] = {"body": body} if isinstance(body, (str, Exception)) else {"json": body}
        self.mock.add(method, f"{DATA}/{path}", status=status, headers=named, **options)

    def sent(self, path: str = "") -> list[Any]:
        """Requests that reached the org, logins left out."""
        return [c.request for c in self.mock.calls if c.request.url.startswith(f"{DATA}/{path}")]


@pytest.fixture
def wire() -> Iterator[Wire]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Wire(mock)
