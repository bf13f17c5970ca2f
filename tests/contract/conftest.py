"""What the contract tests talk to: the local org always, and a real org when SF_TEST_* names one.

SF_TEST_INSTANCE_URL, SF_TEST_CLIENT_ID and SF_TEST_CLIENT_SECRET: an org for tests and a client-credentials app in
it, whose user may create and delete Accounts, Contacts, Leads and Tasks. Whatever a test creates it deletes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

from connector.localorg.org import Clock, Org
from connector.localorg.server import LocalOrgServer

RECORDINGS = Path(__file__).parents[3] / "shared" / "fixtures"
VERSION = "v66.0"
REAL_ORG = ("SF_TEST_INSTANCE_URL", "SF_TEST_CLIENT_ID", "SF_TEST_CLIENT_SECRET")


@dataclass
class Target:
    """An org at the end of a wire."""

    url: str
    client_id: str
    client_secret: str
    org: Org | None
    http: requests.Session = field(default_factory=requests.Session)
    made: list[str] = field(default_factory=list)

    def log_in(self) -> None:
        """Get a token and use it from now on."""
        reply = self.ask_token(self.client_id, self.client_secret)
        self.http.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def ask_token(self, key: str, secret: str) -> requests.Response:
        """Ask the token endpoint."""
        form = {"grant_type": "client_credentials"}
        return requests.post(f"{self.url}/services/oauth2/token", data=form, auth=(key, secret), timeout=30)

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request below /services/data/vXX.0, or an absolute path."""
        target = path if path.startswith("/") else f"/services/data/{VERSION}/{path}"
        return self.http.request(method, self.url + target, timeout=30, **options)

    def query(self, soql: str, path: str = "query", **options: Any) -> requests.Response:
        """Send a query."""
        return self.send("GET", path, params={"q": soql}, **options)

    def create(self, sobject: str, **fields: Any) -> str:
        """Create a record that is deleted when the test ends."""
        reply = self.send("POST", f"sobjects/{sobject}", json=fields)
        assert reply.status_code == 201, reply.text
        record_id: str = reply.json()["id"]
        self.made.append(f"sobjects/{sobject}/{record_id}")
        return record_id

    def tidy(self) -> None:
        """Delete what was created."""
        for path in reversed(self.made):
            self.send("DELETE", path)


@pytest.fixture
def local() -> Iterator[Target]:
    """The local org, stopped at a moment."""
    org = Org.create(clock=Clock(datetime(2026, 9, 1, 8, tzinfo=UTC)))
    org.add_client("key", "secret", org.add_user("integration@example.com", last_name="Integration"))
    with LocalOrgServer(org) as server:
        target = Target(server.url, "key", "secret", org)
        target.log_in()
        yield target
        target.http.close()
    org.close()


class PlainAdapter(HTTPAdapter):
    """Sends https requests as http; everything else stays as a library that insists on https wants it."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def sf(local: Target) -> Salesforce:
    """simple-salesforce, unmodified, on the local org."""
    host = local.url.removeprefix("http://")
    session = requests.Session()
    session.mount(f"https://{host}", PlainAdapter())
    token = str(local.http.headers["Authorization"]).removeprefix("Bearer ")
    return Salesforce(session_id=token, instance_url=f"https://{host}", version="66.0", session=session)


@pytest.fixture(params=["local org", "real org"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Each org that the contract is checked against."""
    if request.param == "local org":
        yield request.getfixturevalue("local")
        return
    missing = [name for name in REAL_ORG if not os.environ.get(name)]
    if missing:
        pytest.skip(f"no real org: set {', '.join(missing)}")
    url, key, secret = (os.environ[name] for name in REAL_ORG)
    real = Target(url.rstrip("/"), key, secret, None)
    real.log_in()
    yield real
    real.tidy()


def read_recording(path: str) -> Any:
    """A recorded answer, or a skip where the recordings are absent."""
    file = RECORDINGS / path
    if not file.exists():
        pytest.skip(f"no recorded traffic at {file}")
    return json.loads(file.read_text())


@pytest.fixture
def recording() -> Any:
    """Reads a recorded file by its path below the fixtures."""
    return read_recording


@pytest.fixture
def exchange() -> Any:
    """Finds a recorded request and its answer by file and a part of the URL."""

    def find(name: str, part: str) -> Any:
        recorded = read_recording(f"cumulusci/interactions/{name}.json")["interactions"]
        return next(i for i in recorded if part in str(i.get("request", {}).get("uri")))

    return find


def shape_of(value: Any) -> Any:
    """What a JSON value looks like: keys and types, with one element for a list."""
    if isinstance(value, dict):
        return {k: shape_of(v) for k, v in sorted(value.items())}
    if isinstance(value, list):
        return [shape_of(v) for v in value[:1]]
    return {bool: "truth", int: "number", float: "number", str: "text", type(None): "null"}[type(value)]


@pytest.fixture
def shape() -> Any:
    """Compares answers by keys and types."""
    return shape_of
